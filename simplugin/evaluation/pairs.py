"""Pairs: whether a model tells what follows from a text, by data of natural language inference.

The main figure is the area under the ROC curve of entailment against the rest. A rank correlation with three classes
stands beside the best that any score could reach, and is no main figure: contradictions share a topic and most words,
so their similarity is not expected to be the lowest.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from simplugin.errors import DataError
from simplugin.evaluation.bootstrap import Floats, Interval
from simplugin.evaluation.datasets.nli import CLASSES, ClassNames, Inferences, as_class, read_nli
from simplugin.evaluation.datasets.sources import Source, read_all
from simplugin.evaluation.judged import Judged, Progress, describe, encode_alike, open_judged
from simplugin.evaluation.metrics.auc import resampled_auc
from simplugin.evaluation.metrics.classes import confusion, resampled_macro_f1
from simplugin.evaluation.metrics.correlation import resampled_spearman
from simplugin.evaluation.pooling import clusters_of_texts
from simplugin.evaluation.result import DataRecord, Evaluation, Part, Result, packages
from simplugin.evaluation.sections import Told, inverted, part_names, sections, weighted_mean
from simplugin.measures import unit_rows
from simplugin.reranking import PairReranker
from simplugin.reranking.heads import Head
from simplugin.texts import as_read

__all__ = ["METRICS", "WORTH", "evaluate_pairs", "resampled", "spearman_ceiling"]

METRICS = ("accuracy", "macro_f1", "auc_entailment", "spearman_score")
WORTH: Mapping[str, float] = {"entailment": 1.0, "neutral": 0.5, "contradiction": 0.0, "not_entailment": 0.0}
"""How alike the texts of a class are, where classes are taken for a scale."""

_BLOCK = 4096  # pairs between two reports of progress
_NEUTRAL, _CONTRADICTION, _NOT = CLASSES.index("neutral"), CLASSES.index("contradiction"), len(CLASSES) - 1


def evaluate_pairs(
    model: Judged | str,
    data: Source[Inferences],
    *,
    labels: ClassNames | None = None,
    columns: tuple[str, str] | None = None,
    worth: Mapping[str, float] = WORTH,
    resamples: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Judge a model by pairs of texts, of which the second follows from the first, contradicts it, or neither.

    ``data`` is a file, or several by language; ``labels`` and ``columns`` are those of ``read_nli``. Metrics:
    ``auc_entailment``, by P(entailment) of a pair model that tells classes, else by the score; ``spearman_score``, of
    the score with ``worth``; ``accuracy`` and ``macro_f1``, None for a model that tells no classes. Classes fold into
    entailment and the rest where either the data or the model has only these two.

    Raises ``DataError`` for a broken file, for pairs of one class alone, and for a worth that does not vary or that a
    class lacks.
    """
    started = time.perf_counter()
    opened = open_judged(model)
    sets = read_all(data, lambda path, language: read_nli(path, labels=labels, columns=columns, language=language))
    for each in sets:
        _check(each, worth)
    keys = [each.language or each.name for each in sets]
    names = part_names(keys, [each.name for each in sets])
    scores = _score(opened, sets, progress)
    folded = _is_folded(opened, sets)
    parts = tuple(
        _part(name, each, scores, worth, folded=folded, told=_classes(opened))
        for name, each in zip(names, sets, strict=True)
    )
    skipped = {name: each.skipped for name, each in zip(names, sets, strict=True)}

    def tell(
        items: Part, members: Sequence[str], figures: Mapping[str, float | None], intervals: Mapping[str, Interval]
    ) -> Told:
        counts = {"pairs": len(items), "skipped": sum(skipped[member] for member in members)}
        what = "what follows from a text scores lower than what does not"
        found = inverted(items.name, "auc_entailment", figures["auc_entailment"], intervals.get("auc_entailment"), what)
        return Told(counts, _details(items, worth), tuple(found))

    result = Result(
        task="pairs",
        main="auc_entailment",
        model=describe(opened),
        data=tuple(DataRecord.of(each.name, each.language, each.pairs, each.file) for each in sets),
        sections=tuple(sections(parts, keys, resampled, METRICS, tell, resamples=resamples, seed=seed)),
        settings={"resamples": resamples, "seed": seed, "columns": columns and list(columns), "labels": _plain(labels)},
        packages=packages(),
        seconds=time.perf_counter() - started,
    )
    return Evaluation(result, parts)


def resampled(items: Part, weights: Floats, metrics: Iterable[str]) -> dict[str, Floats]:
    """Return each of these metrics (draws,) where item i is taken ``weights[draw, i]`` times; nan for one not defined.

    Raises ``KeyError`` for another metric.
    """
    return {metric: _RESAMPLED[metric](items.numbers, weights) for metric in metrics}


def spearman_ceiling(worth: Sequence[float] | Floats) -> float:
    """Return the highest Spearman correlation in [0, 1] that a score without ties can reach with tied labels.

    With classes of t of n items it is √(1 − Σ(t³ − t) / (n³ − n)): the labels' share in the spread of untied ranks
    (Kendall 1945, "The treatment of ties in ranking problems"). Three even classes allow .943, two .866.
    """
    counts = np.unique(np.asarray(worth), return_counts=True)[1].astype(np.float64)
    total = counts.sum()
    return float(np.sqrt(1 - (counts**3 - counts).sum() / (total**3 - total))) if total > 1 else 0.0


def _accuracy(columns: Mapping[str, Floats], weights: Floats) -> Floats:
    if "predicted" not in columns:
        return np.full(len(weights), np.nan)
    return weighted_mean((columns["predicted"] == columns["truth"]).astype(np.float64), weights)


def _macro_f1(columns: Mapping[str, Floats], weights: Floats) -> Floats:
    if "predicted" not in columns:
        return np.full(len(weights), np.nan)
    return resampled_macro_f1(columns["predicted"], columns["truth"], weights)


def _auc(columns: Mapping[str, Floats], weights: Floats) -> Floats:
    return resampled_auc(columns.get("entailment", columns["score"]), columns["class"] == 0, weights)


def _spearman(columns: Mapping[str, Floats], weights: Floats) -> Floats:
    return resampled_spearman(columns["score"], columns["label"], weights)


_RESAMPLED = {"accuracy": _accuracy, "macro_f1": _macro_f1, "auc_entailment": _auc, "spearman_score": _spearman}


def _check(data: Inferences, worth: Mapping[str, float]) -> None:
    there = dict.fromkeys(pair.label for pair in data.pairs)
    if len(there) < 2:
        raise DataError(f"All pairs of {data.name!r} are of one class, {next(iter(there))!r}; nothing can be judged.")
    if missing := [name for name in there if name not in worth]:
        raise DataError(f"It is not said what {missing[0]!r} is worth; name it beside {', '.join(worth)}.")
    if len({worth[name] for name in there}) < 2:
        raise DataError(f"The classes of {data.name!r} are worth the same, {worth[next(iter(there))]:g}.")


def _classes(model: Judged) -> tuple[int, ...]:
    """Return which class each column of a pair model's probabilities is; none for a model without classes."""
    labels = model.labels if isinstance(model, PairReranker) and len(model.labels) > 1 else ()
    return tuple(CLASSES.index(known) for label in labels if (known := as_class(label)) is not None)


def _is_folded(model: Judged, sets: Sequence[Inferences]) -> bool:
    return _NOT in _classes(model) or any(pair.label == CLASSES[_NOT] for each in sets for pair in each.pairs)


def _score(
    model: Judged, sets: Sequence[Inferences], progress: Progress | None
) -> Mapping[tuple[str, str], tuple[float, Floats]]:
    """Return the score of each different pair, and its probabilities (classes,)."""
    pairs = list(dict.fromkeys(_texts(pair.premise, pair.hypothesis) for each in sets for pair in each.pairs))
    if not isinstance(model, PairReranker):
        texts = list(dict.fromkeys(text for pair in pairs for text in pair))
        units = unit_rows(encode_alike(model, texts, progress))
        places = {text: place for place, text in enumerate(texts)}
        none = np.zeros(0)
        return {(a, b): (float(np.dot(units[places[a]], units[places[b]])), none) for a, b in pairs}
    head = Head(model.labels)
    found: dict[tuple[str, str], tuple[float, Floats]] = {}
    for start in range(0, len(pairs), _BLOCK):
        block = pairs[start : start + _BLOCK]
        probabilities = model.probabilities(block)
        scores = head.score(probabilities).tolist()
        found |= dict(zip(block, zip(scores, probabilities.astype(np.float64), strict=True), strict=True))
        if progress is not None:
            progress(len(found), len(pairs))
    return found


def _texts(first: str, second: str) -> tuple[str, str]:
    return as_read(first), as_read(second)


def _part(
    name: str,
    data: Inferences,
    scores: Mapping[tuple[str, str], tuple[float, Floats]],
    worth: Mapping[str, float],
    *,
    folded: bool,
    told: tuple[int, ...],
) -> Part:
    texts = [_texts(pair.premise, pair.hypothesis) for pair in data.pairs]
    true = np.array([CLASSES.index(pair.label) for pair in data.pairs], dtype=np.float64)
    numbers = {
        "label": np.array([worth[pair.label] for pair in data.pairs], dtype=np.float64),
        "class": true,
        "score": np.array([scores[pair][0] for pair in texts], dtype=np.float64),
    }
    if told:
        probabilities = np.stack([scores[pair][1] for pair in texts])
        numbers["entailment"] = probabilities[:, told.index(0)]
        numbers["truth"] = _fold(true) if folded else true
        numbers["predicted"] = _predicted(probabilities, told, folded=folded)
    first, second = (tuple(side) for side in zip(*texts, strict=True))
    return Part(name, clusters_of_texts(first, second), numbers, {"first": first, "second": second})


def _predicted(probabilities: Floats, told: tuple[int, ...], *, folded: bool) -> Floats:
    if not folded:
        best: list[int] = probabilities.argmax(axis=1).tolist()
        return np.array([told[column] for column in best], dtype=np.float64)
    entailment = probabilities[:, told.index(0)]
    # The rest is one class here, however many the model tells apart in it.
    return np.where(entailment > 1 - entailment, 0.0, float(_NOT))


def _fold(classes: Floats) -> Floats:
    return np.where(np.isin(classes, (_NEUTRAL, _CONTRADICTION)), float(_NOT), classes)


def _plain(labels: ClassNames | None) -> dict[str, str] | list[str] | None:
    if labels is None:
        return None
    return dict(labels) if isinstance(labels, Mapping) else list(labels)


def _details(items: Part, worth: Mapping[str, float]) -> dict[str, Any]:
    true, scores = items.numbers["class"], items.numbers["score"]
    there = [(place, name) for place, name in enumerate(CLASSES) if (true == place).any()]
    predicted = items.numbers.get("predicted")
    return {
        "spearman_ceiling": spearman_ceiling(items.numbers["label"]),
        "worth": dict(worth),
        "classes": {name: int((true == place).sum()) for place, name in there},
        "mean_score": {name: float(scores[true == place].mean()) for place, name in there},
        "confusion": None if predicted is None else confusion(predicted, items.numbers["truth"], CLASSES),
    }
