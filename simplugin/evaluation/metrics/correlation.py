"""How far one column follows another: Pearson's and Spearman's correlation, also of weighted items."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simplugin.errors import DataError

__all__ = ["pearson", "ranks", "resampled_pearson", "resampled_spearman", "spearman"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

_ROUNDING = 1e-12  # of a sum of squares, what differences of equal numbers leave


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
    return _divided(covariance, _spread(weights @ (a * a), sum_a, total) * _spread(weights @ (b * b), sum_b, total))


def _spread(squares: Floats, sums: Floats, total: Floats) -> Floats:
    """Return the sum of squares about the mean (draws,); 0 where no more than rounding is left of it."""
    left = squares - sums**2 / total
    return np.where(left > _ROUNDING * squares, left, 0.0)


def resampled_spearman(x: npt.ArrayLike, y: npt.ArrayLike, weights: Floats) -> Floats:
    """Return Spearman's correlation (draws,) of ``x`` (n,) with ``y`` (n,), item i taken ``weights[draw, i]`` times.

    ``weights`` is (draws, n), of whole numbers. An item taken w times takes w neighbouring ranks, and shares their
    mean, so no draw needs sorting again. A draw in which one side does not vary gives nan.
    """
    taken = np.ascontiguousarray(np.asarray(weights, dtype=np.float64).T)  # (n, draws): whole rows are added at once
    total = taken.sum(axis=0)
    ranks_y, spread_y = _tied_ranks(y, taken, total)
    places, groups, first, last = _sorted(x)
    taken = taken[places]
    until = _running_sums(taken)
    before = until - taken
    if len(first) < len(places):  # equal values share the ranks of all of them
        until, before = until[last][groups[places]], before[first][groups[places]]
    width = until - before
    before += until
    before += 1 - (total + 1)  # twice the mean rank, less twice the middle one
    before *= taken
    covariance = np.einsum("nd,nd->d", before, ranks_y[places]) / 2
    # Of the squares of whole ranks, a run of t equal ones lacks (t³ - t) / 12 (Kendall 1945).
    ties = np.einsum("nd,nd->d", taken, np.square(width)) - total
    spread_x = (total**3 - total - ties) / 12
    return _divided(covariance, spread_x * spread_y)


def _tied_ranks(values: npt.ArrayLike, taken: Floats, total: Floats) -> tuple[Floats, Floats]:
    """Return the mean rank (n, draws) of each item, less the middle one, and the sum of their squares (draws,)."""
    _, groups, first, _ = _sorted(values)
    from scipy.sparse import csr_array

    members = csr_array((np.ones(len(groups)), (groups, np.arange(len(groups)))), shape=(len(first), len(groups)))
    counts = np.asarray(members @ taken, dtype=np.float64)
    ranks = np.cumsum(counts, axis=0) - (counts - 1) / 2 - (total + 1) / 2
    return ranks[groups], np.einsum("gd,gd->d", counts, np.square(ranks))


def _sorted(values: npt.ArrayLike) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the items (n,) in the order of their values, the group (n,) of each, and where groups begin and end."""
    _, groups, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.argsort(groups, kind="stable"), groups, ends - counts, ends - 1


def _running_sums(rows: Floats) -> Floats:
    """Return the sums (n, draws) of the rows up to each one: ``np.cumsum``, which takes five times as long."""
    count, width = rows.shape
    step = max(1, round(count**0.5))
    sums = np.zeros((-(-count // step), step, width))
    sums.reshape(-1, width)[:count] = rows
    for place in range(1, step):
        sums[:, place] += sums[:, place - 1]
    for block in range(1, len(sums)):
        sums[block] += sums[block - 1, -1]
    return sums.reshape(-1, width)[:count]


def _divided(covariance: Floats, spread: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(np.where(spread > 0, covariance / np.sqrt(spread), np.nan), -1, 1)
