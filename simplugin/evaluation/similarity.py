"""STS: how well a model's similarity follows people's labels, in each language and across them.

The ten metrics are those of the source models' cards, as sentence-transformers computes them
(https://sbert.net/docs/package_reference/sentence_transformer/evaluation.html#embeddingsimilarityevaluator): Pearson's
and Spearman's correlation of the labels with cosine, dot product, and the negated Manhattan and Euclidean distance, and
the best of each. That best is chosen on the very data it is told of, so models are not ranked by it. Crossings follow
the card of T-Systems' models: the first sentence in one language, the second in another, both directions together.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np

from simplugin.errors import DataError
from simplugin.evaluation import bootstrap
from simplugin.evaluation.bootstrap import Floats, Ints
from simplugin.evaluation.datasets import LabelledPair, Pairs, read_sts
from simplugin.evaluation.judged import Judged, Progress, describe, encode_alike, is_encoder, open_judged
from simplugin.evaluation.metrics.correlation import pearson, resampled_pearson, resampled_spearman, spearman
from simplugin.evaluation.pooling import clusters_of_texts, pool
from simplugin.evaluation.result import DataRecord, Evaluation, Part, Result, Section, packages
from simplugin.measures import FloatArray, unit_rows
from simplugin.reranking import PairReranker
from simplugin.texts import as_read

__all__ = ["FUNCTIONS", "METRICS", "Labelled", "PairSource", "evaluate_similarity", "read_pair_sources", "resampled"]

FUNCTIONS = ("cosine", "manhattan", "euclidean", "dot")
METRICS = tuple(f"{kind}_{function}" for function in (*FUNCTIONS, "max") for kind in ("pearson", "spearman"))
SCORE = "score"
"""The column of what a pair model says."""

Labelled: TypeAlias = str | Path | Iterable[LabelledPair | tuple[str, str, float]]
PairSource: TypeAlias = Labelled | Mapping[str, Labelled] | Sequence[Pairs]
"""A file of labelled pairs, or the pairs; several by language; or files that were read before."""

_BLOCK = 4096  # pairs whose vectors are compared at a time
_EXTREME = 1e-9


def read_pair_sources(data: PairSource, *, scale: tuple[float, float] | None = None) -> tuple[Pairs, ...]:
    """Read labelled pairs; of a file whose pairs name languages of their own, those of each become a set.

    Raises ``DataError`` for a broken file, and where there are no pairs.
    """
    sets = [each for language, source in _by_name(data) for each in _sets(source, language, scale)]
    if not sets or not all(each.pairs for each in sets):
        raise DataError("There are no pairs to judge by.")
    return tuple(part for each in sets for part in _by_language(each))


def evaluate_similarity(
    model: Judged | str,
    data: PairSource,
    *,
    cross: bool = False,
    scale: tuple[float, float] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Judge a model by pairs of texts that people labelled.

    ``model`` is an encoder, embeddings of LangChain or a pair model, or the name of one. ``data`` is a file, or several
    by language: ``{"en": "en.csv", "de": "de.csv"}``; ``scale`` that of their labels, found where it is None. ``cross``
    scores every two languages across as well; their files must hold the same pairs, row by row. Each different text is
    encoded once. Sections: each language, each crossing, ``cross`` and ``all``, pooled and as a mean of the parts.

    Raises ``DataError`` for a broken file, for labels that do not vary, and for files that do not match across.
    """
    started = time.perf_counter()
    opened = open_judged(model)
    sets = read_pair_sources(data, scale=scale)
    keys = [_key(each) for each in sets]
    if cross and len(set(keys)) < 2:
        raise DataError("A crossing needs pairs in at least two languages: name them, such as en=en.csv de=de.csv.")
    straight = _straight(sets)
    plan = [*straight, *(_crossed(straight, keys) if cross else ())]
    parts = tuple(_score(opened, plan, progress))
    functions = (SCORE,) if isinstance(opened, PairReranker) else FUNCTIONS
    main = f"spearman_{SCORE if isinstance(opened, PairReranker) else _own(opened)}"
    figures = {part.name: _figures(part, functions) for part in parts}
    by_name = {part.name: part for part in parts}
    sections = tuple(
        _section(pool(name, [by_name[each] for each in names]), names, figures, functions, main, resamples, seed)
        for name, names in _outline(sets, keys, parts).items()
    )
    result = Result(
        task="similarity",
        main=main,
        model=describe(opened),
        data=tuple(_record(each) for each in sets),
        sections=sections,
        settings={"resamples": resamples, "seed": seed, "cross": cross},
        packages=packages(),
        seconds=time.perf_counter() - started,
    )
    return Evaluation(result, parts)


@dataclass(frozen=True, slots=True)
class _Planned:
    """Pairs that are to be scored; ``shown`` says whether their texts go into the items."""

    name: str
    first: Sequence[str]
    second: Sequence[str]
    labels: Floats
    clusters: Ints
    shown: bool


def _by_name(data: PairSource) -> Iterator[tuple[str | None, Labelled | Sequence[Pairs]]]:
    if isinstance(data, Mapping):
        yield from cast("Mapping[str, Labelled]", data).items()
    else:
        yield None, data


def _sets(source: Labelled | Sequence[Pairs], language: str | None, scale: tuple[float, float] | None) -> list[Pairs]:
    if isinstance(source, str | Path):
        return [read_sts(source, scale=scale, language=language)]
    listed = list(source)
    files = [each for each in listed if isinstance(each, Pairs)]
    loose = [each for each in listed if not isinstance(each, Pairs)]
    pairs = tuple(each if isinstance(each, LabelledPair) else LabelledPair(*each) for each in loose)
    return [*files, Pairs(language or "pairs", language, pairs)] if pairs else files


def _by_language(given: Pairs) -> list[Pairs]:
    languages = dict.fromkeys(pair.language for pair in given.pairs)
    if len(languages) < 2:
        return [Pairs(given.name, next(iter(languages)) or given.language, given.pairs, given.scale, given.file)]
    return [
        Pairs(
            f"{given.name}-{language}" if language else given.name,
            language,
            tuple(pair for pair in given.pairs if pair.language == language),
            given.scale,
            given.file,
        )
        for language in languages
    ]


def _key(pairs: Pairs) -> str:
    return pairs.language or pairs.name


def _record(pairs: Pairs) -> DataRecord:
    sha256 = None if pairs.file is None else pairs.file.sha256
    return DataRecord(name=pairs.name, language=pairs.language, rows=len(pairs.pairs), sha256=sha256, scale=pairs.scale)


def _straight(sets: Sequence[Pairs]) -> list[_Planned]:
    return [
        _planned(
            name,
            [as_read(pair.first) for pair in each.pairs],
            [as_read(pair.second) for pair in each.pairs],
            np.array([pair.label for pair in each.pairs]),
            shown=True,
        )
        for name, each in zip(_part_names(sets), sets, strict=True)
    ]


def _planned(name: str, first: Sequence[str], second: Sequence[str], labels: Floats, *, shown: bool) -> _Planned:
    return _Planned(name, first, second, labels, clusters_of_texts(first, second), shown)


def _part_names(sets: Sequence[Pairs]) -> list[str]:
    """Name a part by its language, or by its file where several are in one language."""
    keys = [_key(each) for each in sets]
    names = [key if keys.count(key) == 1 else each.name for key, each in zip(keys, sets, strict=True)]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"Two files are named {twice!r} in one language; rename one.")
    return names


def _crossed(straight: Sequence[_Planned], keys: Sequence[str]) -> Iterator[_Planned]:
    by_key = {key: [place for place, each in enumerate(keys) if each == key] for key in dict.fromkeys(keys)}
    for one, other in combinations(by_key, 2):
        if len(by_key[one]) != len(by_key[other]):
            raise DataError(f"A crossing needs as many files in {one!r} as in {other!r}.")
        for a, b in ((one, other), (other, one)):
            both = [(straight[i], straight[j]) for i, j in zip(by_key[a], by_key[b], strict=True)]
            for left, right in both:
                _check_aligned(left, right)
            yield _planned(
                f"{a}-{b}",
                [text for left, _ in both for text in left.first],
                [text for _, right in both for text in right.second],
                np.concatenate([left.labels for left, _ in both]),
                shown=False,
            )


def _check_aligned(left: _Planned, right: _Planned) -> None:
    if len(left.labels) != len(right.labels):
        raise DataError(
            f"A crossing needs the same pairs in both languages, row by row: {left.name!r} has {len(left.labels)} and "
            f"{right.name!r} {len(right.labels)}."
        )
    different = np.flatnonzero(np.abs(left.labels - right.labels) > _EXTREME)
    if len(different):
        row = int(different[0])
        raise DataError(
            f"A crossing needs the same pairs in both languages, row by row: pair {row + 1} has the label "
            f"{left.labels[row]:g} in {left.name!r} and {right.labels[row]:g} in {right.name!r}."
        )


def _score(model: Judged, plan: Sequence[_Planned], progress: Progress | None) -> Iterator[Part]:
    """Score every planned pair; each different text, or pair of them, once."""
    if isinstance(model, PairReranker):
        different = list(dict.fromkeys(pair for each in plan for pair in zip(each.first, each.second, strict=True)))
        scores = dict(zip(different, _pair_scores(model, different, progress), strict=True))
        for each in plan:
            rows = [scores[pair] for pair in zip(each.first, each.second, strict=True)]
            yield _part(each, {SCORE: np.array(rows, dtype=np.float64)})
        return
    places: dict[str, int] = {}
    for each in plan:
        for text in (*each.first, *each.second):
            places.setdefault(text, len(places))
    texts = list(places)
    vectors = encode_alike(model, texts, progress and (lambda done: progress(done, len(texts))))
    units = unit_rows(vectors)
    for each in plan:
        left, right = (np.array([places[text] for text in side], dtype=np.int64) for side in (each.first, each.second))
        yield _part(each, _closeness(vectors, units, left, right))


def _pair_scores(model: PairReranker, pairs: Sequence[tuple[str, str]], progress: Progress | None) -> list[float]:
    scores: list[float] = []
    for start in range(0, len(pairs), _BLOCK):
        scores.extend(model.score(pairs[start : start + _BLOCK]).tolist())
        if progress is not None:
            progress(len(scores), len(pairs))
    return scores


def _closeness(vectors: FloatArray, units: FloatArray, left: Ints, right: Ints) -> dict[str, Floats]:
    """Return each measure (n,) of the vectors at ``left`` and those at ``right``; distances are negated."""
    found = {function: np.empty(len(left)) for function in FUNCTIONS}
    for start in range(0, len(left), _BLOCK):
        rows = slice(start, start + _BLOCK)
        a, b = vectors[left[rows]], vectors[right[rows]]
        found["dot"][rows] = np.einsum("nd,nd->n", a, b, dtype=np.float64)
        found["cosine"][rows] = np.einsum("nd,nd->n", units[left[rows]], units[right[rows]], dtype=np.float64)
        np.subtract(a, b, out=a)
        found["euclidean"][rows] = -np.sqrt(np.einsum("nd,nd->n", a, a, dtype=np.float64))
        found["manhattan"][rows] = -np.abs(a, out=a).sum(axis=1, dtype=np.float64)
    return found


def _part(planned: _Planned, scores: Mapping[str, Floats]) -> Part:
    texts = {"first": tuple(planned.first), "second": tuple(planned.second)} if planned.shown else {}
    return Part(planned.name, planned.clusters, {"label": planned.labels, **scores}, texts)


def _outline(sets: Sequence[Pairs], keys: Sequence[str], parts: Sequence[Part]) -> dict[str, list[str]]:
    """Return the parts that each section pools."""
    names = _part_names(sets)
    outline = {
        key: [name for name, each in zip(names, keys, strict=True) if each == key] for key in dict.fromkeys(keys)
    }
    outline |= {name: [name] for name in names}
    crossings = [part.name for part in parts if part.name not in names]
    if len(crossings) > 2:
        for one, other in combinations(dict.fromkeys(keys), 2):
            outline[f"{one}-{other}"] = [f"{one}-{other}", f"{other}-{one}"]
    if crossings:
        outline["cross"] = crossings
    if len(set(keys)) > 1:
        outline["all"] = [part.name for part in parts]
    return outline


def _section(
    items: Part,
    parts: Sequence[str],
    figures: Mapping[str, Mapping[str, float | None]],
    functions: Sequence[str],
    main: str,
    resamples: int,
    seed: int,
) -> Section:
    alone = len(parts) == 1
    metrics = figures[parts[0]] if alone else _figures(items, functions)
    values = bootstrap.resample(
        lambda taken: resampled(items, taken, [main]), items.clusters, draws=resamples, seed=seed
    )
    found = bootstrap.interval(values[main]) if resamples else None
    return Section(
        section=items.name,
        counts={"pairs": len(items)},
        metrics=dict(metrics),
        ci95={} if found is None else {main: found},
        # Pooled, the parts lose what their levels differ by: two languages need not have their cosines on one.
        macro={} if alone else _means([figures[part] for part in parts]),
        parts=tuple(parts),
    )


def _figures(items: Part, functions: Sequence[str]) -> dict[str, float | None]:
    """Return the ten metrics, those of a pair model beside them; None for what is not defined."""
    labels = items.numbers["label"]
    if np.ptp(labels) == 0:
        raise DataError(f"All labels of {items.name!r} are equal; nothing can be judged by them.")
    metrics: dict[str, float | None] = dict.fromkeys(METRICS)
    for kind, correlate in (("pearson", pearson), ("spearman", spearman)):
        for function in functions:
            scores = items.numbers[function]
            metrics[f"{kind}_{function}"] = None if np.ptp(scores) == 0 else correlate(scores, labels)
        defined = [value for function in functions if (value := metrics[f"{kind}_{function}"]) is not None]
        if functions is FUNCTIONS:
            metrics[f"{kind}_max"] = max(defined, default=None)
    return metrics


def _means(figures: Sequence[Mapping[str, float | None]]) -> dict[str, float]:
    columns = {metric: [each[metric] for each in figures] for metric in figures[0]}
    return {
        metric: float(np.mean(cast("list[float]", values))) for metric, values in columns.items() if None not in values
    }


def resampled(items: Part, weights: Floats, metrics: Iterable[str]) -> dict[str, Floats]:
    """Return each of these metrics (draws,) where item i is taken ``weights[draw, i]`` times."""
    found: dict[str, Floats] = {}
    for metric in metrics:
        kind, _, function = metric.partition("_")
        correlate = resampled_spearman if kind == "spearman" else resampled_pearson
        functions = FUNCTIONS if function == "max" else (function,)
        values = [correlate(items.numbers[each], items.numbers["label"], weights) for each in functions]
        found[metric] = np.max(values, axis=0)
    return found


def _own(model: Judged) -> str:
    """Return the measure that a model was made for."""
    return model.card.similarity if is_encoder(model) else "cosine"
