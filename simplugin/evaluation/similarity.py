"""STS: how well a model's similarity follows people's labels, in each language and across them.

The ten metrics are those of the source models' cards, as sentence-transformers computes them
(https://sbert.net/docs/package_reference/sentence_transformer/evaluation.html#embeddingsimilarityevaluator): Pearson's
and Spearman's correlation of the labels with cosine, dot product, and the negated Manhattan and Euclidean distance, and
the best of each. That best is chosen on the very data it is told of, so models are not ranked by it. Crossings follow
the card of T-Systems' models: the first sentence in one language, the second in another, both directions together.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from simplugin.evaluation import bootstrap
from simplugin.evaluation.bootstrap import Floats, Ints
from simplugin.evaluation.datasets.pair_sources import Labelled, PairSource, read_pair_sources
from simplugin.evaluation.detectors import inverted_scores
from simplugin.evaluation.findings import Finding
from simplugin.evaluation.inspection import Space, inspect_labels, inspect_scores, inspect_space
from simplugin.evaluation.judged import Judged, Progress, describe, encode_alike, is_encoder, open_judged
from simplugin.evaluation.metrics.correlation import pearson, resampled_pearson, resampled_spearman, spearman
from simplugin.evaluation.plans import Plan, Planned, plan
from simplugin.evaluation.pooling import pool
from simplugin.evaluation.result import DataRecord, Evaluation, Part, Result, Section, packages
from simplugin.evaluation.sections import means
from simplugin.measures import FloatArray, SimilarityFunction, unit_rows
from simplugin.reranking import PairReranker

__all__ = [
    "FUNCTIONS",
    "METRICS",
    "METRICS_OF_PAIR_MODELS",
    "SCORE",
    "Labelled",
    "PairSource",
    "evaluate_similarity",
    "read_pair_sources",
    "resampled",
]

FUNCTIONS: tuple[SimilarityFunction, ...] = ("cosine", "manhattan", "euclidean", "dot")
METRICS = tuple(f"{kind}_{function}" for function in (*FUNCTIONS, "max") for kind in ("pearson", "spearman"))
SCORE = "score"
"""The column of what a pair model says."""

METRICS_OF_PAIR_MODELS = tuple(f"{kind}_{SCORE}" for kind in ("pearson", "spearman"))

_BLOCK = 4096  # pairs whose vectors are compared at a time
_THREADS = min(8, os.cpu_count() or 1)  # sections that are drawn again at once, 100 MB each

Figures = Mapping[str, float | None]


def evaluate_similarity(
    model: Judged | str | Path,
    data: PairSource,
    *,
    cross: bool = False,
    scale: tuple[float, float] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    on_finding: Callable[[Finding], None] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Judge a model by pairs of texts that people labelled.

    ``model`` is an encoder, embeddings of LangChain or a pair model, or the name of one. ``data`` is a file, or several
    by language: ``{"en": "en.csv", "de": "de.csv"}``; ``scale`` that of their labels, found where it is None. ``cross``
    scores every two languages across as well; their files must hold the same pairs, row by row. Each different text is
    encoded once, and compared as the model gives it, before it is brought to length 1. Sections: each language, each
    crossing, ``cross`` and ``all``, pooled and as a mean of the parts. What is wrong with labels or model is told in
    the ``warnings`` of a section, what is wrong with the model in those of ``all``, or of the first; ``on_finding`` is
    told of the labels before anything is encoded.

    Raises ``DataError`` for a broken file, for labels that do not vary, and for files that do not match across.
    """
    started = time.perf_counter()
    sets = read_pair_sources(data, scale=scale, strict=False)
    labelled = [inspect_labels(each) for each in sets]
    for finding in (finding for each in labelled for finding in each):
        if on_finding is not None:
            on_finding(finding)
    planned = plan(sets, cross=cross)
    opened = open_judged(model)
    parts, found = _score(opened, planned, progress)
    functions = (SCORE,) if isinstance(opened, PairReranker) else FUNCTIONS
    main = f"spearman_{SCORE if isinstance(opened, PairReranker) else _own(opened)}"
    figures = {part.name: _figures(part, functions) for part in parts}
    by_name = {part.name: part for part in parts}

    def section(outlined: tuple[str, list[str]]) -> Section:
        name, names = outlined
        items = pool(name, [by_name[each] for each in names])
        return _section(items, names, figures, functions, main, resamples, seed)

    with ThreadPoolExecutor(_THREADS) as threads:  # numpy lets go of the interpreter while it counts
        sections = list(threads.map(section, planned.sections.items()))
    warnings = _warnings(labelled, planned, sections, main)
    rhos = {name: figures[name][main] for name in figures}
    about = "all" if "all" in planned.sections else next(iter(planned.sections))
    warnings[about] = (*warnings[about], *_about_model(opened, planned, parts, found, rhos))
    result = Result(
        task="similarity",
        main=main,
        model=describe(opened),
        data=tuple(DataRecord.of(each.name, each.language, each.pairs, each.file, scale=each.scale) for each in sets),
        sections=tuple(each.model_copy(update={"warnings": warnings[each.section]}) for each in sections),
        settings={"resamples": resamples, "seed": seed, "cross": cross},
        packages=packages(),
        seconds=time.perf_counter() - started,
    )
    return Evaluation(result, parts)


def _score(model: Judged, planned: Plan, progress: Progress | None) -> tuple[tuple[Part, ...], Space | None]:
    """Score every planned pair, each different text, or pair of them, once; return the vectors too."""
    if isinstance(model, PairReranker):
        return tuple(_scored_together(model, planned.parts, progress)), None
    places: dict[str, int] = {}
    for each in planned.parts:
        for text in (*each.first, *each.second):
            places.setdefault(text, len(places))
    vectors = encode_alike(model, list(places), progress)
    units = unit_rows(vectors)
    space = Space(places, units)
    parts = tuple(
        _part(each, _closeness(vectors, units, space.at(each.first), space.at(each.second))) for each in planned.parts
    )
    return parts, space


def _scored_together(model: PairReranker, planned: Sequence[Planned], progress: Progress | None) -> Iterator[Part]:
    different = list(dict.fromkeys(pair for each in planned for pair in zip(each.first, each.second, strict=True)))
    scores: dict[tuple[str, str], float] = {}
    for start in range(0, len(different), _BLOCK):
        block = different[start : start + _BLOCK]
        scores.update(zip(block, model.score(block).tolist(), strict=True))
        if progress is not None:
            progress(len(scores), len(different))
    for each in planned:
        rows = [scores[pair] for pair in zip(each.first, each.second, strict=True)]
        yield _part(each, {SCORE: np.array(rows, dtype=np.float64)})


def _closeness(vectors: FloatArray, units: FloatArray, left: Ints, right: Ints) -> dict[str, Floats]:
    """Return each measure (n,) of the vectors at ``left`` and those at ``right``; distances are negated."""
    found: dict[str, Floats] = {function: np.empty(len(left)) for function in FUNCTIONS}
    for start in range(0, len(left), _BLOCK):
        rows = slice(start, start + _BLOCK)
        a, b = vectors[left[rows]], vectors[right[rows]]
        found["dot"][rows] = np.einsum("nd,nd->n", a, b, dtype=np.float64)
        found["cosine"][rows] = np.einsum("nd,nd->n", units[left[rows]], units[right[rows]], dtype=np.float64)
        np.subtract(a, b, out=a)
        found["euclidean"][rows] = -np.sqrt(np.einsum("nd,nd->n", a, a, dtype=np.float64))
        found["manhattan"][rows] = -np.abs(a, out=a).sum(axis=1, dtype=np.float64)
    return found


def _part(planned: Planned, scores: Mapping[str, Floats]) -> Part:
    """Return the scored items; the texts of a crossing are those of its languages, and stand there."""
    texts = {} if planned.crossed else {"first": tuple(planned.first), "second": tuple(planned.second)}
    return Part(planned.name, planned.clusters, {"label": planned.labels, **scores}, texts)


def _section(
    items: Part,
    parts: Sequence[str],
    figures: Mapping[str, Figures],
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
        macro={} if alone else means([figures[part] for part in parts]),
        parts=tuple(parts),
    )


def _figures(items: Part, functions: Sequence[str]) -> dict[str, float | None]:
    """Return the ten metrics, those of a pair model beside them; None for what is not defined."""
    labels = items.numbers["label"]
    metrics: dict[str, float | None] = dict.fromkeys(METRICS)
    for kind, correlate in (("pearson", pearson), ("spearman", spearman)):
        for function in functions:
            scores = items.numbers[function]
            metrics[f"{kind}_{function}"] = None if np.ptp(scores) == 0 else correlate(scores, labels)
        defined = [value for function in functions if (value := metrics[f"{kind}_{function}"]) is not None]
        if functions is FUNCTIONS:
            metrics[f"{kind}_max"] = max(defined, default=None)
    return metrics


def _warnings(
    found: Sequence[tuple[Finding, ...]], planned: Plan, sections: Sequence[Section], main: str
) -> dict[str, tuple[Finding, ...]]:
    """Return what is wrong with the labels of each section, seen from the texts and from the scores."""
    labelled = {part.name: each for part, each in zip(planned.straight, found, strict=True)}
    upside = {each.section: inverted_scores(each.metrics[main], each.ci95.get(main)) for each in sections}
    # Of languages that a model keeps apart, a crossing is inverted by chance.
    everywhere = all(upside[name] for name in labelled)
    told: dict[str, tuple[Finding, ...]] = {}
    for name in upside:
        turned = upside[name] if name in labelled or everywhere else None
        told[name] = (*labelled.get(name, ()), *((turned,) if turned else ()))
    return told


def _about_model(
    model: Judged, planned: Plan, parts: Sequence[Part], space: Space | None, rhos: Mapping[str, float | None]
) -> tuple[Finding, ...]:
    straight = parts[: len(planned.straight)]
    if isinstance(model, PairReranker) or space is None:
        return inspect_scores([part.numbers[SCORE] for part in straight], rhos)
    cosines = np.concatenate([part.numbers["cosine"] for part in straight])
    return inspect_space(model, planned, space, cosines, rhos)


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
