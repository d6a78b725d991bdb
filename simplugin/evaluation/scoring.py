"""What a model says of pairs of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from simplugin.encoders import Encoder
from simplugin.errors import DataError
from simplugin.measures import FloatArray, unit_rows

__all__ = ["cosine_of_pairs", "scores_of_pairs"]


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
