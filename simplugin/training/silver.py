"""Pairs that a teacher scored, to learn similarity from beside those that people did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SilverPairs", "choose_pairs"]

Rows = NDArray[np.int64]

_RANKS = (1, 2, 5, 12, 40)
"""How far down the nearest each further partner of a sentence may stand."""

_BLOCK = 2000


@dataclass(frozen=True, slots=True)
class SilverPairs:
    """Pairs of sentences by their numbers, ``first`` and ``second`` (p,), and their ``scores`` (p,) in [0, 1]."""

    first: Rows
    second: Rows
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.scores)

    def renumbered(self, numbers: Rows) -> SilverPairs:
        """Return the same pairs where sentence n has the number ``numbers[n]``."""
        return SilverPairs(numbers[self.first], numbers[self.second], self.scores)


def choose_pairs(vectors: NDArray[np.float32], *, seed: int) -> SilverPairs:
    """Pair each of n sentences with neighbours of several ranks and with any other, and score them by their cosine.

    ``vectors`` (n, w) have rows of length 1. Most pairs that people scored are neighbours too; random ones alone would
    hardly teach more than what is unrelated (as in Thakur et al. 2021, https://arxiv.org/abs/2010.08240).
    """
    count, chance = len(vectors), np.random.default_rng([seed, 4])
    farthest = min(max(_RANKS), count - 1)
    if farthest < 1:
        return SilverPairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    nearest = np.concatenate(
        [_nearest(vectors, start, farthest) for start in range(0, count, _BLOCK)],
    )
    each = np.arange(count, dtype=np.int64)
    drawn = [nearest[each, chance.integers(0, min(rank, farthest), count)] for rank in _RANKS]
    first = np.tile(each, len(_RANKS) + 1)
    second = np.concatenate([*drawn, chance.integers(0, count, count)])
    scores = np.einsum("pw,pw->p", vectors[first], vectors[second])
    return SilverPairs(first, second, np.clip(scores, 0.0, 1.0).astype(np.float32))


def _nearest(vectors: NDArray[np.float32], start: int, count: int) -> Rows:
    """Return the ``count`` nearest of each row of a block, the nearest first, itself left out."""
    cosines = vectors[start : start + _BLOCK] @ vectors.T
    rows = np.arange(len(cosines))
    cosines[rows, start + rows] = -2.0
    found = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(cosines, found, axis=1), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(found, order, axis=1), dtype=np.int64)
