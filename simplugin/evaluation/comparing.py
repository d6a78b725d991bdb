"""Which of several models is better, and whether that is more than chance.

Models are compared on the same items: every draw of the cluster bootstrap takes the same clusters for each model, and
the interval is that of the difference. Two intervals of single models may overlap where their difference is sure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any, Literal, cast

import numpy as np

from simplugin.errors import DataError
from simplugin.evaluation import bootstrap
from simplugin.evaluation.bootstrap import Interval
from simplugin.evaluation.redrawing import redraw
from simplugin.evaluation.result import DataRecord, Evaluation, Part, Section, Task
from simplugin.evaluation.significance import LEVEL, holm, least_p, p_value

__all__ = ["MAIN", "Comparison", "Difference", "Verdict", "at_stage", "compare"]

Verdict = Literal["a", "b", "not separable"]

MAIN = "main"
"""The metric that each model's own result names, where those are different ones."""

_GIVEN = ("label", "expected", "gold", "first", "second", "text", "query", "source", "target")
"""Columns of items that are the data's own, whatever the model makes of them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much model ``a`` is above model ``b`` in one metric of one section.

    ``ci95`` is the interval of the difference and ``p`` its two-sided chance under "no difference"; ``p_holm`` is p
    corrected for all pairs of models in this section and metric.
    """

    section: str
    stage: str | None
    metric: str
    a: str
    b: str
    a_value: float
    b_value: float
    difference: float
    ci95: Interval | None
    p: float | None
    p_holm: float | None

    @property
    def verdict(self) -> Verdict:
        """Which is better; neither unless the interval leaves 0 out and the corrected p is at most .05."""
        if self.ci95 is None or self.p_holm is None or self.p_holm > LEVEL or self.ci95[0] <= 0 <= self.ci95[1]:
            return "not separable"
        return "a" if self.ci95[0] > 0 else "b"

    @property
    def better(self) -> str | None:
        """The name of the better model; None where they are not separable."""
        return {"a": self.a, "b": self.b, "not separable": None}[self.verdict]

    def to_json(self) -> dict[str, Any]:
        """Return it as one JSON object; without a stage where there is none."""
        row = {key: value for key, value in asdict(self).items() if key != "stage" or value is not None}
        interval = None if self.ci95 is None else list(self.ci95)
        return row | {"ci95": interval, "verdict": self.verdict, "better": self.better}


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences, and a sentence for each thing that could not be compared."""

    task: Task
    names: tuple[str, ...]
    differences: tuple[Difference, ...]
    left_out: tuple[str, ...]
    resamples: int
    seed: int


def compare(
    evaluations: Mapping[str, Evaluation] | Sequence[Evaluation],
    *,
    metrics: Sequence[str] = (),
    resamples: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Compare two or more evaluations of the same data, each with every other one.

    ``evaluations`` are named by their models unless they come with names. ``metrics`` are those of the results; without
    any it is the one that each result calls its main one. Sections are compared that all evaluations have.

    Raises ``DataError`` for fewer than two, for two of one name, for other tasks or data, for a metric that there is
    not, and for too few ``resamples`` to show any difference.
    """
    named = _named(evaluations)
    task = _task(named)
    _check_data(named)
    pairs = len(named) * (len(named) - 1) // 2
    if pairs * least_p(resamples) > LEVEL:
        message = (
            f"{resamples} draws cannot show a difference between {len(named)} models; "
            f"ask for at least {int(np.ceil(2 * pairs / LEVEL)) - 1}."
        )
        raise DataError(message)
    asked = tuple(dict.fromkeys(metrics)) or (MAIN,)
    _check_metrics(named, asked)
    left_out: list[str] = []
    differences = [
        difference
        for sections in _shared(named, left_out)
        for metric in asked
        for difference in _differences(named, sections, metric, resamples, seed, left_out)
    ]
    if not differences:
        raise DataError(" ".join(["The evaluations have nothing in common that can be compared.", *left_out]))
    return Comparison(task, tuple(named), tuple(differences), tuple(left_out), resamples, seed)


def at_stage(evaluation: Evaluation, stage: str) -> Evaluation:
    """Return the sections of one stage as if they had none, so that two stages of one result can be compared.

    Raises ``DataError``, with the stages there are, for another one.
    """
    sections = [each for each in evaluation.result.sections if each.stage == stage]
    if not sections:
        there = ", ".join(dict.fromkeys(each.stage for each in evaluation.result.sections if each.stage)) or "none"
        raise DataError(f"The result has no stage {stage!r}; its stages: {there}.")
    plain = tuple(each.model_copy(update={"stage": None}) for each in sections)
    parts = tuple(replace(part, stage=None) for part in evaluation.parts if part.stage == stage)
    return Evaluation(evaluation.result.model_copy(update={"sections": plain}), parts)


def _named(evaluations: Mapping[str, Evaluation] | Sequence[Evaluation]) -> dict[str, Evaluation]:
    if isinstance(evaluations, Mapping):
        named = dict(evaluations)
    else:
        named = {each.result.model.name: each for each in evaluations}
        if len(named) < len(evaluations):
            names = [each.result.model.name for each in evaluations]
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"Two evaluations are of a model named {twice!r}; give each a name of its own.")
    if len(named) < 2:
        raise DataError("A comparison needs two evaluations or more.")
    return named


def _task(named: Mapping[str, Evaluation]) -> Task:
    (first, judged), *others = named.items()
    for name, other in others:
        if other.result.task != judged.result.task:
            raise DataError(
                f"{first!r} was judged by {judged.result.task} and {name!r} by {other.result.task}; "
                "only results of one task can be compared."
            )
    return judged.result.task


def _check_data(named: Mapping[str, Evaluation]) -> None:
    (first, judged), *others = named.items()
    ours = _by_key(judged.result.data)
    for name, other in others:
        theirs = _by_key(other.result.data)
        for key in ours.keys() & theirs.keys():
            differs = _differ(ours[key], theirs[key])
            if differs:
                raise DataError(f"{first!r} and {name!r} were not judged by the same data: of {key!r} {differs}.")


def _by_key(data: Sequence[DataRecord]) -> dict[str, list[DataRecord]]:
    """Return the files of each language; one of no language stands under its name, which may be another elsewhere."""
    found: dict[str, list[DataRecord]] = {}
    for record in data:
        found.setdefault(record.language or record.name, []).append(record)
    return found


def _differ(ours: Sequence[DataRecord], theirs: Sequence[DataRecord]) -> str | None:
    if len(ours) != len(theirs):
        return f"one has {len(ours)} files and the other {len(theirs)}"
    return next((differs for pair in zip(ours, theirs, strict=True) if (differs := _differs(*pair))), None)


def _differs(ours: DataRecord, theirs: DataRecord) -> str | None:
    if ours.rows != theirs.rows:
        return f"one has {ours.rows} rows and the other {theirs.rows}"
    if ours.sha256 and theirs.sha256 and ours.sha256 != theirs.sha256:
        return f"the files differ ({ours.name}, SHA-256 {ours.sha256[:12]} and {theirs.sha256[:12]})"
    if ours.scale and theirs.scale and ours.scale != theirs.scale:
        return "the labels were read on scales of {:g} to {:g} and {:g} to {:g}".format(*ours.scale, *theirs.scale)
    return None


def _check_metrics(named: Mapping[str, Evaluation], metrics: Sequence[str]) -> None:
    for metric in metrics:
        for name, each in named.items():
            known = dict.fromkeys(key for section in each.result.sections for key in section.metrics)
            if metric != MAIN and metric not in known:
                raise DataError(f"The result of {name!r} has no metric {metric!r}; it has {', '.join(known)}.")


def _shared(named: Mapping[str, Evaluation], left_out: list[str]) -> list[dict[str, Section]]:
    """Return the sections that all have, by model; tell of the others."""
    by_name = {
        name: {(each.section, each.stage): each for each in judged.result.sections} for name, judged in named.items()
    }
    shared: list[dict[str, Section]] = []
    alone: dict[str, list[str]] = {}
    for place in dict.fromkeys(place for sections in by_name.values() for place in sections):
        where = " of stage ".join(repr(word) for word in place if word)
        lacking = [repr(name) for name, sections in by_name.items() if place not in sections]
        if lacking:
            alone.setdefault(", ".join(lacking), []).append(where)
            continue
        found = {name: sections[place] for name, sections in by_name.items()}
        if len({each.parts for each in found.values()}) > 1:
            left_out.append(f"Left out, since pooled from other parts in one result than in another: {where}.")
        else:
            shared.append(found)
    left_out.extend(f"Left out, since not in {names}: {', '.join(places)}." for names, places in alone.items())
    return shared


def _differences(
    named: Mapping[str, Evaluation],
    sections: Mapping[str, Section],
    metric: str,
    resamples: int,
    seed: int,
    left_out: list[str],
) -> list[Difference]:
    """Compare every two models in one section."""
    own = {name: each.result.main if metric == MAIN else metric for name, each in named.items()}
    shown = metric if len(set(own.values())) > 1 else next(iter(own.values()))
    section = next(iter(sections.values()))
    undefined = [name for name in named if sections[name].metrics.get(own[name]) is None]
    if undefined:
        left_out.append(f"Left out, since {undefined[0]!r} has no figure there: {shown} of {section.section!r}.")
        return []
    items = {name: each.pooled(sections[name]) for name, each in named.items()}
    _check_items(items)
    values = {name: cast("float", sections[name].metrics[own[name]]) for name in named}
    draws = {
        name: redraw(part, own[name], task=named[name].result.task, resamples=resamples, seed=seed)
        for name, part in items.items()
    }
    pairs = list(combinations(named, 2))
    spread = [draws[a] - draws[b] for a, b in pairs]
    chances = [p_value(each) for each in spread]
    corrected = iter(holm([p for p in chances if p is not None]))
    return [
        Difference(
            section=section.section,
            stage=section.stage,
            metric=shown,
            a=a,
            b=b,
            a_value=values[a],
            b_value=values[b],
            difference=values[a] - values[b],
            ci95=bootstrap.interval(spread[place]),
            p=chances[place],
            p_holm=None if chances[place] is None else next(corrected),
        )
        for place, (a, b) in enumerate(pairs)
    ]


def _check_items(items: Mapping[str, Part]) -> None:
    """Refuse items that are not the same ones in the same order."""
    (first, ours), *others = items.items()
    for name, theirs in others:
        where = f"{first!r} and {name!r} were not judged by the same data: in section {ours.name!r}"
        if len(ours) != len(theirs):
            raise DataError(f"{where} one has {len(ours)} items and the other {len(theirs)}.")
        for column in _GIVEN:
            item = _first_difference(ours, theirs, column)
            if item is not None:
                raise DataError(f"{where} item {item + 1} has another {column} in one than in the other.")
        if not np.array_equal(ours.clusters, theirs.clusters):
            raise DataError(f"{where} other items share their texts.")


def _first_difference(ours: Part, theirs: Part, column: str) -> int | None:
    if column in ours.numbers and column in theirs.numbers:
        same = np.isclose(ours.numbers[column], theirs.numbers[column], equal_nan=True)
    elif column in ours.texts and column in theirs.texts:
        same = np.array(
            [mine == other for mine, other in zip(ours.texts[column], theirs.texts[column], strict=True)], dtype=bool
        )
    else:
        return None
    return None if same.all() else int(np.argmin(same))
