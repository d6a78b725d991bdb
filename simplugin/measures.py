"""How close two vectors are. Higher is closer, always."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypeVar, cast, get_args

import numpy as np
import numpy.typing as npt

__all__ = ["FloatArray", "SimilarityFunction", "logistic", "similarity", "unit_rows"]

FloatArray: TypeAlias = npt.NDArray[np.float32]
SimilarityFunction: TypeAlias = Literal["cosine", "dot", "euclidean", "manhattan"]

Number = TypeVar("Number", bound=np.floating[Any])

_BLOCK_NUMBERS = 16_000_000  # float32 numbers of one (rows, m, dimension) block of differences: 64 MB


def unit_rows(vectors: npt.ArrayLike) -> FloatArray:
    """Scale each row to length 1; a row of zeros stays as it is. Shapes (n, dimension) → (n, dimension)."""
    rows = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return cast(FloatArray, rows / np.where(lengths > 0, lengths, np.float32(1)))


def logistic(odds: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Return ``1 / (1 + exp(-odds))``, the probabilities of log odds, in any shape; it never overflows, as exp does."""
    return cast("npt.NDArray[Number]", 0.5 + 0.5 * np.tanh(odds / 2))


def similarity(a: npt.ArrayLike, b: npt.ArrayLike, function: SimilarityFunction = "cosine") -> FloatArray:
    """Compare every row of ``a`` with every row of ``b``.

    ``a`` is (n, dimension), ``b`` is (m, dimension), the result is float32 (n, m). ``cosine`` lies in [-1, 1],
    and is 0 where one of the vectors is zero. ``euclidean`` and ``manhattan`` are distances with the sign
    turned, so at most 0.

    Raises ``ValueError`` for another function, for widths that differ, and for arrays that are not 2-D.
    """
    left, right = np.asarray(a, dtype=np.float32), np.asarray(b, dtype=np.float32)
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[1]:
        message = f"Expected arrays (n, dimension) and (m, dimension), got {left.shape} and {right.shape}."
        raise ValueError(message)
    if function == "cosine":
        return cast(FloatArray, np.clip(unit_rows(left) @ unit_rows(right).T, -1, 1))
    if function == "dot":
        return cast(FloatArray, left @ right.T)
    if function in {"euclidean", "manhattan"}:
        return -_distances(left, right, function)
    message = f"There is no similarity {function!r}. Known: {', '.join(get_args(SimilarityFunction))}."
    raise ValueError(message)


def _distances(left: FloatArray, right: FloatArray, function: Literal["euclidean", "manhattan"]) -> FloatArray:
    """Distances by differences, a block of rows at a time: exact, also for vectors that are nearly equal."""
    order = 2 if function == "euclidean" else 1
    result = np.empty((len(left), len(right)), dtype=np.float32)
    rows = max(1, _BLOCK_NUMBERS // max(1, right.size))
    for start in range(0, len(left), rows):
        differences = left[start : start + rows, None, :] - right[None, :, :]
        result[start : start + rows] = np.linalg.norm(differences, ord=order, axis=-1)
    return result
