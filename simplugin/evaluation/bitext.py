"""Bitext: how often the nearest text in the other language is the translation.

As in the benchmark of Artetxe & Schwenk 2019, "Massively Multilingual Sentence Embeddings for Zero-Shot Cross-Lingual
Transfer", on Tatoeba: each text looks for its translation among all texts of the other side, by cosine.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simplugin.encoders import Encoder
from simplugin.errors import DataError, NotAnEmbedderError
from simplugin.evaluation.bootstrap import Floats, Interval, Ints
from simplugin.evaluation.datasets.bitext import Bitext, as_languages, read_bitext
from simplugin.evaluation.datasets.sources import Source, read_all
from simplugin.evaluation.findings import Finding
from simplugin.evaluation.judged import Embeddings, Judged, Progress, describe, encode_alike, open_judged
from simplugin.evaluation.pooling import clusters_of_texts
from simplugin.evaluation.result import DataRecord, Evaluation, Part, Result, packages
from simplugin.evaluation.sections import Told, inverted, part_names, sections, weighted_mean
from simplugin.measures import FloatArray, unit_rows
from simplugin.reranking import PairReranker
from simplugin.texts import as_read

__all__ = ["METRICS", "evaluate_bitext", "resampled"]

METRICS = ("accuracy", "accuracy_forward", "accuracy_backward", "mrr", "auc")
_BLOCK_NUMBERS = 4_000_000  # float32 numbers of a block of similarities: 16 MB
_TIE = 1e-6  # closer than float32 can tell; sums depend on the place in a block
_MULTILINGUAL = 0.2
"""The least accuracy, chance taken off, of a model that knows both languages: all-MiniLM-L6-v2, which is English, finds
.006 (en-he) to .127 (en-de) of Tatoeba's by names and cognates alone, the starter .644 or more.
"""


def evaluate_bitext(
    model: Judged | str,
    data: Source[Bitext],
    *,
    resamples: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Judge an embedding model by how well it finds translations.

    ``data`` is a file, or several by their languages: ``{"en-tr": "tatoeba.tsv"}``. Each different text is encoded
    once. Metrics, each in [0, 1]: the accuracy from the first language to the second (``accuracy_forward``), back, and
    the mean of both, ``accuracy``; ``mrr``, the mean reciprocal rank; ``auc``, the share of other texts that are
    further away than the translation. What is as close as the translation counts as closer, and half in ``auc``. Every
    translation of an equal text is right.

    Raises ``DataError`` for a broken file, and ``NotAnEmbedderError`` for a pair model.
    """
    started = time.perf_counter()
    opened = _embedder(open_judged(model))
    sets = read_all(data, _read)
    keys = ["-".join(each.languages) for each in sets]
    names = part_names(keys, [each.name for each in sets])
    plan = [_sides(name, each) for name, each in zip(names, sets, strict=True)]
    units = _encode(opened, plan, progress)
    parts = tuple(_part(each, units) for each in plan)
    result = Result(
        task="bitext",
        main="accuracy",
        model=describe(opened),
        data=tuple(DataRecord.of(each.name, key, each.left, each.file) for key, each in zip(keys, sets, strict=True)),
        sections=tuple(sections(parts, keys, resampled, METRICS, _tell, resamples=resamples, seed=seed)),
        settings={"resamples": resamples, "seed": seed},
        packages=packages(),
        seconds=time.perf_counter() - started,
    )
    return Evaluation(result, parts)


def resampled(items: Part, weights: Floats, metrics: Iterable[str]) -> dict[str, Floats]:
    """Return each of these metrics (draws,) where item i is taken ``weights[draw, i]`` times."""
    forward, backward = items.numbers["rank_forward"], items.numbers["rank_backward"]
    columns = {
        "accuracy": ((forward == 1).astype(np.float64) + (backward == 1)) / 2,
        "accuracy_forward": (forward == 1).astype(np.float64),
        "accuracy_backward": (backward == 1).astype(np.float64),
        "mrr": (1 / forward + 1 / backward) / 2,
        "auc": items.numbers["auc"],
    }
    return {metric: weighted_mean(columns[metric], weights) for metric in metrics}


@dataclass(frozen=True, slots=True)
class _Sides:
    """A bitext as the model reads it: both sides row by row, the different texts of each, and which one a row has."""

    name: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    left_texts: Mapping[str, int]
    right_texts: Mapping[str, int]
    left_rows: Ints
    right_rows: Ints


def _sides(name: str, bitext: Bitext) -> _Sides:
    left, right = (tuple(map(as_read, side)) for side in (bitext.left, bitext.right))
    left_texts, right_texts = _different(left), _different(right)
    if min(len(left_texts), len(right_texts)) < 2:
        raise DataError(f"{bitext.name!r} has one text on a side; a translation must be found among several.")
    left_rows = np.array([left_texts[text] for text in left], dtype=np.int64)
    right_rows = np.array([right_texts[text] for text in right], dtype=np.int64)
    return _Sides(name, left, right, left_texts, right_texts, left_rows, right_rows)


def _different(texts: Sequence[str]) -> dict[str, int]:
    return {text: place for place, text in enumerate(dict.fromkeys(texts))}


def _embedder(model: Judged) -> Encoder | Embeddings:
    if isinstance(model, PairReranker):
        raise NotAnEmbedderError(model.card.name)
    return model


def _read(path: str | Path, languages: str | None) -> Bitext:
    try:
        return read_bitext(path, languages=None if languages is None else as_languages(languages))
    except ValueError as error:
        raise DataError(str(error), path=path) from error


def _encode(model: Encoder | Embeddings, plan: Sequence[_Sides], progress: Progress | None) -> Mapping[str, FloatArray]:
    texts = list(dict.fromkeys(text for each in plan for side in (each.left, each.right) for text in side))
    units = unit_rows(encode_alike(model, texts, progress))
    return dict(zip(texts, units, strict=True))


def _part(sides: _Sides, units: Mapping[str, FloatArray]) -> Part:
    left, right = (np.stack([units[text] for text in side]) for side in (sides.left_texts, sides.right_texts))
    there, back = sides.left_rows, sides.right_rows
    rank_forward, auc_forward = _find(left, right, there, back)
    rank_backward, auc_backward = _find(right, left, back, there)
    numbers = {
        "cosine": np.einsum("nd,nd->n", left[there], right[back], dtype=np.float64),
        "rank_forward": rank_forward[there],
        "rank_backward": rank_backward[back],
        "auc": (auc_forward[there] + auc_backward[back]) / 2,
    }
    texts = {"first": sides.left, "second": sides.right}
    return Part(sides.name, clusters_of_texts(sides.left, sides.right), numbers, texts)


def _find(queries: FloatArray, answers: FloatArray, asked: Ints, right: Ints) -> tuple[Floats, Floats]:
    """Return the rank (queries,) of the closest right answer, from 1, and the share of wrong ones that are further.

    ``asked`` and ``right`` are, row by row, which query it is and which answer is right.
    """
    rank, share = np.empty(len(queries)), np.empty(len(queries))
    rows = max(1, _BLOCK_NUMBERS // len(answers))
    for start in range(0, len(queries), rows):
        closeness = queries[start : start + rows] @ answers.T
        here = (asked >= start) & (asked < start + rows)
        wrong = np.ones(closeness.shape, dtype=bool)
        wrong[asked[here] - start, right[here]] = False
        own = np.where(wrong, -np.inf, closeness).max(axis=1, keepdims=True)
        closer = (wrong & (closeness > own + _TIE)).sum(axis=1)
        as_close = (wrong & (np.abs(closeness - own) <= _TIE)).sum(axis=1)
        rank[start : start + rows] = 1 + closer + as_close
        with np.errstate(invalid="ignore", divide="ignore"):
            share[start : start + rows] = 1 - (closer + as_close / 2) / wrong.sum(axis=1)
    return rank, share


def _tell(
    items: Part, parts: Sequence[str], figures: Mapping[str, float | None], intervals: Mapping[str, Interval]
) -> Told:
    turned = inverted(
        items.name, "auc", figures["auc"], intervals.get("auc"), "translations are further apart than other texts"
    )
    # Whether chance is near is a matter of one pool of texts.
    foreign = _foreign(items, figures["accuracy"]) if len(parts) == 1 and not turned else []
    return Told({"pairs": len(items)}, {}, (*turned, *foreign))


def _foreign(items: Part, accuracy: float | None) -> list[Finding]:
    chance = float(np.mean([1 / len(set(side)) for side in (items.texts["first"], items.texts["second"])]))
    if accuracy is None or (accuracy - chance) / (1 - chance) >= _MULTILINGUAL:
        return []
    message = (
        f"{items.name}: {accuracy:.1%} of the translations are found (by chance {chance:.1%}); "
        "the model does not seem to know both languages."
    )
    evidence = {"accuracy": accuracy, "chance": chance, "least": _MULTILINGUAL}
    return [Finding(code="not_multilingual", severity="warning", message=message, evidence=evidence)]
