"""How sure a match is: the probability that the best intent is the right one, and that any is meant.

Platt's logistic curve (1999, "Probabilistic Outputs for Support Vector Machines"), over several measures of a match
instead of its score alone: one that is far from all other intents, and close to an utterance, is surer than another of
the same score. How much each measure says is drawn towards nothing, the more the fewer matches were judged;
how steep the curve over their sum is, is not: what draws that in makes every match look less sure than it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from simplugin.intents.scoring import Ints, Scoring
from simplugin.measures import FloatArray, logistic

__all__ = ["LEAST", "Confidence", "fit_confidence", "log_odds", "measures_in", "measures_of"]

Floats = npt.NDArray[np.float64]

_PENALTY = 40.0  # on squared weights of standardized measures, where a judged match counts 1: some say the same
_FREE = 1e-6  # penalty on the slope over their sum: none but what keeps the steps finite
_NEWTON = 50
LEAST = 1e-6
"""How far a probability stays from 0 and 1, so that its odds are finite."""


@dataclass(frozen=True, slots=True)
class Confidence:
    """``1 / (1 + exp(-(measures · weights + offset)))``."""

    weights: tuple[float, ...]
    offset: float

    def __call__(self, measures: Floats) -> Floats:
        """Return the probabilities (n,) for measures (n, as many as weights)."""
        odds = measures @ np.asarray(self.weights) + self.offset
        return logistic(np.asarray(odds, dtype=np.float64))

    @classmethod
    def around(cls, threshold: float, width: float) -> Self:
        """Return a curve of the score alone: 0.5 at ``threshold``, 0.73 at one ``width`` above it."""
        return cls((1 / width,), -threshold / width)


def log_odds(probabilities: npt.ArrayLike) -> Floats:
    """Return the logarithms of the odds, in the shape of the probabilities, finite also for 0 and 1."""
    kept = np.clip(np.asarray(probabilities, dtype=np.float64), LEAST, 1 - LEAST)
    return np.asarray(np.log(kept / (1 - kept)), dtype=np.float64)


def measures_of(scoring: Scoring, scores: FloatArray, best: Ints, second: Ints, closest: FloatArray) -> Floats:
    """Return what a confidence is judged by (n, 3 or 4): the score, its lead, the closest utterance, a head's share.

    ``best`` and ``second`` (n,) are the first two intents of ``scores`` (n, intents), ``closest`` (n,) is how close
    the closest utterance of the best one is.
    """
    rows = np.arange(len(scores))
    score = scores[rows, best].astype(np.float64)
    measures = [score, score - scores[rows, second], closest.astype(np.float64)]
    if scoring == "head":
        measures.append(_share(scores, best))
    return np.column_stack(measures)


def measures_in(scoring: Scoring) -> int:
    """Return how many measures these are."""
    return 4 if scoring == "head" else 3


def _share(logits: FloatArray, best: Ints) -> Floats:
    """Return the logarithm (n,) of the share that a head gives its best intent: a lead over all others together."""
    top = logits[np.arange(len(logits)), best].astype(np.float64)
    return np.asarray(-np.log(np.exp(logits - top[:, None]).sum(axis=1)), dtype=np.float64)


def fit_confidence(measures: Floats, right: npt.NDArray[np.bool_], weights: Floats, *, rounds: int = 1) -> Confidence:
    """Fit a curve to measures (n, m), whether each match was right (n,), and how much each counts (n,).

    The matches are those of ``rounds`` in which the same was asked, so that n / rounds are independent.
    """
    direction = np.asarray(_fit(measures, right, weights, rounds * _PENALTY / len(right)).weights)
    along: Floats = measures @ direction
    curve = _fit(along[:, None], right, weights, _FREE)
    return Confidence(tuple(map(float, curve.weights[0] * direction)), curve.offset)


def _fit(measures: Floats, right: npt.NDArray[np.bool_], weights: Floats, penalty: float) -> Confidence:
    """Fit with this penalty on the squared weight of each standardized measure."""
    share: Floats = np.asarray(weights / weights.sum(), dtype=np.float64)
    centre: Floats = share @ measures
    width: Floats = np.sqrt(share @ (measures - centre) ** 2) + 1e-9
    design: Floats = np.column_stack([(measures - centre) / width, np.ones(len(measures))])
    # Drawn in a little from 0 and 1, as Platt does: no finite sample makes anything certain. All rounds count here:
    # drawn in by as much as one round's matches say, those of few utterances looked less sure than they are.
    yes = float(right.sum())
    high, low = (yes + 1) / (yes + 2), 1 / (len(right) - yes + 2)
    target = np.where(right, high, low)
    held = np.append(np.full(measures.shape[1], penalty), 1e-9)
    found: Floats = np.zeros(len(held), dtype=np.float64)
    for _ in range(_NEWTON):
        given = logistic(design @ found)
        gradient = design.T @ (share * (given - target)) + held * found
        curvature = (design * (share * given * (1 - given))[:, None]).T @ design + np.diag(held)
        step: Floats = np.asarray(np.linalg.solve(curvature, gradient), dtype=np.float64)
        # A whole step may overshoot where most are certain already.
        step = step * min(1.0, 5 / max(float(np.abs(step).max()), 1e-12))
        found = np.asarray(found - step, dtype=np.float64)
        if float(np.abs(step).max()) < 1e-8:
            break
    slopes: Floats = found[:-1] / width
    return Confidence(tuple(map(float, slopes)), float(found[-1] - slopes @ centre))
