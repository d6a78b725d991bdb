"""How far one column follows another: Pearson's and Spearman's correlation, also of weighted items."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simplugin.errors import DataError

__all__ = ["pearson", "ranks", "resampled_pearson", "resampled_spearman", "spearman"]

Floats = npt.NDArray[np.float64]


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
    return pearson(ranks(x), ranks(y))


def ranks(values: npt.ArrayLike) -> Floats:
    """Return the rank (n,) of each value, from 1; equal values share their mean rank."""
    _, inverse, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - counts + 1 + last) / 2)[inverse]


def resampled_pearson(x: npt.ArrayLike, y: npt.ArrayLike, weights: Floats) -> Floats:
    """Return Pearson's correlation (draws,) of ``x`` (n,) with ``y`` (n,), item i taken ``weights[draw, i]`` times.

    ``weights`` is (draws, n). A draw in which one side does not vary gives nan.
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    # Centred first, so that the sums below do not cancel.
    a, b = a - a.mean(), b - b.mean()
    total = weights.sum(axis=1)
    sum_a, sum_b = weights @ a, weights @ b
    covariance = weights @ (a * b) - sum_a * sum_b / total
    spread = (weights @ (a * a) - sum_a**2 / total) * (weights @ (b * b) - sum_b**2 / total)
    return _divided(covariance, spread)


def resampled_spearman(x: npt.ArrayLike, y: npt.ArrayLike, weights: Floats) -> Floats:
    """Return Spearman's correlation (draws,) of ``x`` (n,) with ``y`` (n,), item i taken ``weights[draw, i]`` times.

    ``weights`` is (draws, n), of whole numbers. An item taken w times takes w neighbouring ranks, and shares their
    mean, so no draw needs sorting again. A draw in which one side does not vary gives nan.
    """
    ranks_x, ranks_y = _resampled_ranks(x, weights), _resampled_ranks(y, weights)
    total = weights.sum(axis=1)
    middle = (total[:, None] + 1) / 2  # the mean of all ranks, whatever is tied
    ranks_x -= middle
    ranks_y -= middle
    weighted = weights * ranks_x
    covariance = np.einsum("dn,dn->d", weighted, ranks_y)
    spread_x = np.einsum("dn,dn->d", weighted, ranks_x)
    np.multiply(weights, ranks_y, out=weighted)
    return _divided(covariance, spread_x * np.einsum("dn,dn->d", weighted, ranks_y))


def _resampled_ranks(values: npt.ArrayLike, weights: Floats) -> Floats:
    """Return the mean rank (draws, n) of each item among the items of its draw."""
    _, inverse = np.unique(np.asarray(values), return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    first = np.flatnonzero(np.diff(inverse[order], prepend=-1))
    taken = np.add.reduceat(weights[:, order], first, axis=1)  # how often each different value was taken
    last = np.cumsum(taken, axis=1)
    return (last - (taken - 1) / 2)[:, inverse]


def _divided(covariance: Floats, spread: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(np.where(spread > 0, covariance / np.sqrt(spread), np.nan), -1, 1)
