"""Whether a model reaches what its card claims, measured on the same data.

The data of a claim is named as the card names it, and is found by the names of files: ``stsb-es-test`` is
``stsb-es-test.csv``, or ``es-test.csv`` in a folder ``stsb``. Two words go beyond one file. ``stsb-en-de-test crossed``
is ``stsb-en-test`` and ``stsb-de-test``, the first sentence in one language and the second in the other, both
directions together (the card of T-Systems' models); ``… across`` is the first direction alone.

A claim agrees where it is within a tolerance of what was measured. The same items have no sampling error, so the
interval of the measured figure decides nothing; it tells how much the figure means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from simplugin.catalog import Claim, find
from simplugin.errors import DataError, UnknownModelError
from simplugin.evaluation import bootstrap
from simplugin.evaluation.bitext import evaluate_bitext
from simplugin.evaluation.bootstrap import Interval
from simplugin.evaluation.datasets import Pairs, read_sts
from simplugin.evaluation.judged import Judged, Progress, is_encoder, open_judged
from simplugin.evaluation.redrawing import figure, redraw
from simplugin.evaluation.result import Part, Task
from simplugin.evaluation.similarity import METRICS, evaluate_similarity
from simplugin.reranking import PairReranker

__all__ = ["TOLERANCE", "Verdict", "Verification", "claims_of", "find_files", "names_of", "verify"]

Verdict: TypeAlias = Literal["agrees", "differs", "no data", "not measurable"]

TOLERANCE = 0.002
"""How far a claim may be from what is measured: another machine, another precision, and what was rounded."""

_SUFFIXES = {".csv", ".tsv", ".jsonl"}
_DEPTH = 2  # folders below the one that was named
_CROSSING = re.compile(r"(?:(.+)-)?([a-z]{2,3})-([a-z]{2,3})(?:-(.+))? (crossed|across)")
_SIMILARITY = {*METRICS, "pearson_score", "spearman_score"}
_BITEXT = {"accuracy_forward", "accuracy_backward", "mrr"}
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Verification:
    """A claim beside what was measured.

    ``verdict`` is ``no data`` where no file was given for it, and ``not measurable`` where its metric is none that can
    be measured of this model.
    """

    model: str
    data: str
    metric: str
    claimed: float
    measured: float | None
    ci95: Interval | None
    verdict: Verdict
    source: str

    @property
    def difference(self) -> float | None:
        """How far the measured figure is above the claimed one."""
        return None if self.measured is None else self.measured - self.claimed

    def to_json(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        row = asdict(self) | {"difference": self.difference, "ci95": None if self.ci95 is None else list(self.ci95)}
        order = ("model", "data", "metric", "claimed", "measured", "difference", "ci95", "verdict", "source")
        return {key: row[key] for key in order}


def verify(
    model: Judged | str,
    data: Mapping[str, str | Path],
    *,
    claims: Sequence[Claim] | None = None,
    scale: tuple[float, float] | None = None,
    tolerance: float = TOLERANCE,
    resamples: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Verification, ...]:
    """Measure a model against what is claimed of it.

    ``data`` is a file for each name of data; see ``find_files``. ``claims`` are those of the model's card unless
    they are given, as for a folder that the catalog does not know. ``scale`` is that of the labels, found where it is
    None.

    Raises ``DataError`` where nothing is claimed and for a broken file, before anything is encoded.
    """
    stated = claims_of(model) if claims is None else tuple(claims)
    files = {claim: _files(claim, data) for claim in stated}
    names = {name for claim in stated if _task(claim) == "similarity" for name in files[claim]}
    sets = {name: read_sts(data[name], scale=scale) for name in names}
    given = [claim for claim in stated if files[claim] and _task(claim)]
    opened = open_judged(model) if given else model
    items: dict[tuple[Task, str], Part] = {}
    if sets:
        wanted = {claim.data: files[claim] for claim in given if _task(claim) == "similarity"}
        items |= {("similarity", name): part for name, part in _similarities(opened, wanted, sets, progress)}
    for claim in given:
        if _task(claim) == "bitext" and ("bitext", claim.data) not in items:
            items["bitext", claim.data] = _bitext(opened, data[claim.data], progress)
    return tuple(
        _verified(_name(opened), claim, items, bool(files[claim]), tolerance, resamples, seed) for claim in stated
    )


def claims_of(model: Judged | str) -> tuple[Claim, ...]:
    """Return what the card of a model claims; raises ``DataError`` where there is nothing."""
    try:
        claims = find(model).claims if isinstance(model, str) else _claims(model)
    except UnknownModelError:
        if not (Path(str(model)).is_dir() or "/" in str(model)):
            raise
        claims = ()  # a folder, a Hub id or a URL may be good without the catalog knowing it
    if not claims:
        raise DataError(f"Nothing is claimed of {_name(model)!r}: no card in the catalog tells figures of it.")
    return claims


def find_files(
    claims: Sequence[Claim], sources: Sequence[str | Path], *, names: Mapping[str, str | Path] | None = None
) -> dict[str, Path]:
    """Return the files of the data of claims, by name: that without the suffix, or with the folder's before it.

    ``sources`` are files, and folders that are searched two levels down for CSV, TSV and JSON lines; ``names`` are
    files with names given to them, which go before all. Raises ``DataError`` for a source that is not there, and where
    two files have the name of the data.
    """
    given = {name: Path(file) for name, file in (names or {}).items()}
    found: dict[str, dict[Path, None]] = {}
    for source in map(Path, sources):
        if not source.exists():
            raise DataError("there is no such file or folder.", path=source)
        for file in map(Path.resolve, [source] if source.is_file() else _below(source, _DEPTH)):
            for name in (file.stem, f"{file.parent.name}-{file.stem}"):
                found.setdefault(name, {})[file] = None
    for name in names_of(claims):
        match sorted(found.get(name, ())):
            case [file]:
                given.setdefault(name, file)
            case [file, other, *_] if name not in given:
                raise DataError(f"{other} has the name of {name!r} too; say which it is: {name}=FILE.", path=file)
            case _:
                pass
    return given


def names_of(claims: Sequence[Claim]) -> list[str]:
    """Return the names of the data that claims are on; those that were crossed have two."""
    return list(dict.fromkeys(name for claim in claims for name in (claim.data, *_halves(claim.data))))


def _below(folder: Path, depth: int) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.is_file() and entry.suffix.lower() in _SUFFIXES:
            yield entry
        elif depth and entry.is_dir():
            yield from _below(entry, depth - 1)


def _claims(model: Judged) -> tuple[Claim, ...]:
    return model.card.claims if is_encoder(model) or isinstance(model, PairReranker) else ()


def _name(model: Judged | str) -> str:
    if isinstance(model, str):
        return model
    return model.card.name if is_encoder(model) or isinstance(model, PairReranker) else type(model).__name__


def _task(claim: Claim) -> Task | None:
    """Return the task that has a metric of this name; None for one that cannot be measured."""
    return "similarity" if claim.metric in _SIMILARITY else "bitext" if claim.metric in _BITEXT else None


def _files(claim: Claim, data: Mapping[str, str | Path]) -> tuple[str, ...]:
    """Return the names of the files that a claim's data is in; none where one is lacking."""
    names = (claim.data,) if claim.data in data else _halves(claim.data)
    return names if all(name in data for name in names) else ()


def _halves(name: str) -> tuple[str, ...]:
    """Return the names of the two languages' data in that of a crossing; none in any other name."""
    crossing = _CROSSING.fullmatch(name)
    if crossing is None:
        return ()
    before, one, other, after, _ = crossing.groups()
    return tuple("-".join(filter(None, (before, language, after))) for language in (one, other))


def _similarities(
    model: Judged | str, wanted: Mapping[str, tuple[str, ...]], sets: Mapping[str, Pairs], progress: Progress | None
) -> Iterator[tuple[str, Part]]:
    """Give the items of each claim's data; what is in several claims is encoded once where it can be."""
    done: dict[str, Part] = {}
    for name, files in sorted(wanted.items(), key=lambda each: -len(each[1])):  # crossings have single files in them
        if name not in done:
            # Without languages of their own, the pairs of a file are one part, under the file's name.
            triples = {file: [(pair.first, pair.second, pair.label) for pair in sets[file].pairs] for file in files}
            judged = evaluate_similarity(model, triples, cross=len(files) > 1, resamples=0, progress=progress)
            done |= {part.name: part for part in judged.parts}
            if len(files) > 1:
                both, one_way = judged.pooled(judged.result.section("cross")), done["-".join(files)]
                stem = name.rsplit(" ", 1)[0]
                done |= {f"{stem} crossed": both, f"{stem} across": one_way}
        yield name, done[name]


def _bitext(model: Judged | str, file: str | Path, progress: Progress | None) -> Part:
    return evaluate_bitext(model, file, resamples=0, progress=progress).parts[0]


def _verified(
    model: str,
    claim: Claim,
    items: Mapping[tuple[Task, str], Part],
    given: bool,
    tolerance: float,
    resamples: int,
    seed: int,
) -> Verification:
    task = _task(claim)
    part = None if task is None else items.get((task, claim.data))
    measured = None if task is None or part is None else _measured(part, claim.metric, task)
    verdict: Verdict = "not measurable" if given or task is None else "no data"
    found: Interval | None = None
    if task is not None and part is not None and measured is not None:
        verdict = "agrees" if abs(measured - claim.value) <= tolerance + _ROUNDING else "differs"
        found = bootstrap.interval(redraw(part, claim.metric, task=task, resamples=resamples, seed=seed))
    return Verification(model, claim.data, claim.metric, claim.value, measured, found, verdict, claim.source)


def _measured(items: Part, metric: str, task: Task) -> float | None:
    """Return the metric; None where a model of this kind has none, or it is not defined."""
    try:
        value = figure(items, metric, task=task)
    except DataError:
        return None
    return value if np.isfinite(value) else None
