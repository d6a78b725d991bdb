"""STS pairs: how well a model's similarity follows people's labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from simplugin.encoders import Encoder
from simplugin.errors import DataError
from simplugin.measures import FloatArray, unit_rows

__all__ = ["cosine_of_pairs", "pearson", "scores_of_pairs", "spearman"]


def cosine_of_pairs(encoder: Encoder, left: Sequence[str], right: Sequence[str]) -> FloatArray:
    """Return the cosine of each text on the left with the one beside it, float32 (n,) in [-1, 1].

    Raises ``DataError`` where the sides differ in number.
    """
    return _cosines(*_encode(encoder, left, right))


def scores_of_pairs(encoder: Encoder, left: Sequence[str], right: Sequence[str]) -> FloatArray:
    """Return the score, float32 (n,), that a search with each text on the left gives the one beside it.

    It is by the model's own measure, where higher is closer: see ``simplugin.measures``. Raises ``DataError`` where the
    sides differ in number.
    """
    queries, documents = _encode(encoder, left, right)
    match encoder.card.similarity:
        case "cosine":
            return _cosines(queries, documents)
        case "dot":
            return cast(FloatArray, (queries * documents).sum(axis=1, dtype=np.float32))
        case measure:
            order = 2 if measure == "euclidean" else 1
            return cast(FloatArray, -np.linalg.norm(queries - documents, ord=order, axis=1))


def _encode(encoder: Encoder, left: Sequence[str], right: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    if len(left) != len(right):
        raise DataError(f"Pairs need two sides of equal length, got {len(left)} and {len(right)} texts.")
    return encoder.encode_query(left), encoder.encode_document(right)


def _cosines(left: FloatArray, right: FloatArray) -> FloatArray:
    products = unit_rows(left) * unit_rows(right)
    return cast(FloatArray, np.clip(products.sum(axis=1, dtype=np.float32), -1, 1))


def pearson(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """Return the linear correlation in [-1, 1] of two sequences of equal length.

    Raises ``DataError`` for fewer than two values, and where one side does not vary: no correlation is defined there.
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.shape != b.shape or a.size < 2:
        raise DataError(
            f"A correlation needs two equally long sequences of at least 2 values, got {a.size} and {b.size}."
        )
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a * a).sum() * (b * b).sum()))
    if spread == 0:
        raise DataError("A correlation needs values that vary, and one side is constant.")
    return float(np.clip((a * b).sum() / spread, -1, 1))


def spearman(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """Return the rank correlation in [-1, 1]: Pearson's over ranks, equal values sharing their mean rank."""
    return pearson(_ranks(x), _ranks(y))


def _ranks(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    _, inverse, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - counts + 1 + last) / 2)[inverse]
