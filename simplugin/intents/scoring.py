"""From the closeness of utterances to the scores of intents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from simplugin.measures import FloatArray

__all__ = ["SIMILARITIES", "Scoring", "Spread", "best_two", "scores_of", "shares_of", "spread_of"]

Scoring: TypeAlias = Literal["mean", "best_two", "max", "blend", "head"]
"""How an intent is scored: over all its utterances, the closest two, the closest one, half and half the mean and the
closest two, or by a linear head."""

SIMILARITIES: tuple[Scoring, ...] = ("mean", "best_two", "max", "blend")
"""The scorings in the units of the model's similarity."""

_NONE = np.float32(-3e38)  # the closeness of no utterance

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Spread:
    """How close the utterances of each intent are to each query, (n, intents): on average, the closest, and two."""

    mean: FloatArray
    best: FloatArray
    two: FloatArray

    def closest(self, intents: Ints) -> FloatArray:
        """Return how close the closest utterance of an intent (n,) is to each query: (n,)."""
        return self.best[np.arange(len(intents)), intents]


def spread_of(closeness: FloatArray, starts: Ints) -> Spread:
    """Summarize the closeness (n, utterances) by intent; those of an intent stand together, from ``starts`` on.

    Each intent has an utterance. One that has a single utterance has it as its closest two.
    """
    sizes = np.diff(np.append(starts, closeness.shape[1]))
    mean = np.asarray(np.add.reduceat(closeness, starts, axis=1) / sizes.astype(np.float32), dtype=np.float32)
    best = np.asarray(np.maximum.reduceat(closeness, starts, axis=1), dtype=np.float32)
    if (sizes == 1).all():
        return Spread(mean, best, best)
    top = closeness == np.repeat(best, sizes, axis=1)
    ties = np.add.reduceat(top, starts, axis=1, dtype=np.int32)
    second = np.maximum.reduceat(np.where(top, _NONE, closeness), starts, axis=1)
    second = np.where((ties > 1) | (sizes == 1), best, second)
    return Spread(mean, best, np.asarray((best + second) / 2, dtype=np.float32))


def scores_of(scoring: Scoring, spread: Spread | None, logits: FloatArray | None) -> FloatArray:
    """Return the scores (n, intents) that decide which intent is the best; of a head its logits (n, intents).

    A head asks for no spread, all others for no logits.
    """
    if scoring == "head":
        assert logits is not None
        return logits
    assert spread is not None
    if scoring == "blend":
        return np.asarray((spread.mean + spread.two) / 2, dtype=np.float32)
    return {"mean": spread.mean, "best_two": spread.two, "max": spread.best}[scoring]


def shares_of(logits: FloatArray) -> FloatArray:
    """Return the shares (n, intents) in [0, 1] that a head gives the intents; they sum to 1."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)


def best_two(scores: FloatArray) -> tuple[Ints, Ints]:
    """Return the best and the second intent (n,) of scores (n, intents); of one intent it is both."""
    best = scores.argmax(axis=1)
    if scores.shape[1] == 1:
        return best, best
    rest = scores.copy()
    rest[np.arange(len(rest)), best] = -np.inf
    return best, rest.argmax(axis=1)
