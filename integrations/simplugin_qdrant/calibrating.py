"""Scores to probabilities and labels, by what a collection records of its model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from simplugin.calibration import Calibration, fit_calibration
from simplugin.encoders import Encoder
from simplugin.errors import StoreError
from simplugin.evaluation import LabelledPair, read_pairs, scores_of_pairs
from simplugin.evaluation.datasets.pair_sources import Labelled, as_pair
from simplugin.evaluation.datasets.sts import SCALE, check_scale
from simplugin.records import Hit
from simplugin.texts import as_read

__all__ = ["check_probability", "fit", "gather", "graded"]


def gather(
    data: Labelled | Mapping[str, Labelled], language: str | None, scale: tuple[float, float] | None = None
) -> list[LabelledPair]:
    """Return the pairs of a file, of an iterable, or of several by language, their labels brought to 0 to 5.

    Raises ``DataError`` for a broken file and for labels outside the scale, ``TypeError`` for what is no pairs,
    ``ValueError`` for what is no scale.
    """
    check_scale(scale)
    if isinstance(data, Mapping):
        parts = cast("Mapping[str, Labelled]", data)
        return [pair for tag, part in parts.items() for pair in gather(part, tag, scale)]
    if isinstance(data, str | Path):
        return list(read_pairs(data, language=language, scale=scale))
    if not isinstance(cast("object", data), Iterable):  # callers may be untyped
        message = f"Expected a file of labelled pairs, or pairs of two texts and a number; got {data!r}."
        raise TypeError(message)
    pairs = (as_pair(pair, scale or SCALE) for pair in data)
    return [pair if pair.language or language is None else replace(pair, language=language) for pair in pairs]


def fit(encoder: Encoder, pairs: Sequence[LabelledPair], threshold: float) -> Calibration:
    """Fit what this model's scores stand for. Raises ``DataError``; see ``fit_calibration``.

    Every other pair is turned round: people judged both directions at once, and a model may read a query otherwise than
    a document.
    """
    sides = [
        (pair.second, pair.first) if number % 2 else (pair.first, pair.second) for number, pair in enumerate(pairs)
    ]
    queries, documents = ([as_read(side[place]) for side in sides] for place in (0, 1))
    return fit_calibration(
        scores_of_pairs(encoder, queries, documents),
        [pair.label for pair in pairs],
        languages=[pair.language for pair in pairs],
        threshold=threshold,
    )


def graded(
    hits: Sequence[Hit], similarities: Sequence[float | None], calibration: Calibration, language: str | None
) -> list[Hit]:
    """Return hits with their probability and grade; ``similarities`` are those of the vectors, None where not known."""
    known = [similarity for similarity in similarities if similarity is not None]
    rows = zip(calibration.probability(known, language), calibration.grade(known, language), strict=True)
    return [
        hit if similarity is None else _grade(hit, *next(rows))
        for hit, similarity in zip(hits, similarities, strict=True)
    ]


def _grade(hit: Hit, probability: float, grade: float) -> Hit:
    return replace(hit, probability=float(probability), grade=float(grade))


def check_probability(name: str, least: float, calibration: Calibration | None, *, by_words: bool) -> None:
    """Raise ``StoreError`` where hits will have no probability to compare with, ``ValueError`` for one that is none."""
    if not 0 <= least <= 1:
        message = f"min_probability is {least}; it lies between 0 and 1."
        raise ValueError(message)
    if by_words:
        message = f"A search of {name!r} by words alone has no probability; search in mode 'dense' or 'hybrid'."
        raise StoreError(message)
    if calibration is None:
        message = (
            f"Collection {name!r} has no calibration, so its hits have no probability; make one from labelled pairs "
            f"(simplugin collections calibrate {name} --data FILE, or Collection.calibrate), or use min_score."
        )
        raise StoreError(message)
