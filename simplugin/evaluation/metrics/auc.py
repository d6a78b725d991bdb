"""How well scores part what is from what is not: the area under the ROC curve."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simplugin.errors import DataError

__all__ = ["auc", "resampled_auc"]

Floats = npt.NDArray[np.float64]


def auc(scores: npt.ArrayLike, outcomes: npt.ArrayLike) -> float:
    """Return the share in [0, 1] of pairs of a true and a false item in which the true one scores higher.

    Equal scores count half (Hanley & McNeil 1982, "The meaning and use of the area under a ROC curve"). ``outcomes``
    are true and false, as many as there are scores.

    Raises ``DataError`` where the sides differ in number, and where all outcomes are one: nothing is told apart there.
    """
    values, true = np.asarray(scores, dtype=np.float64), np.asarray(outcomes, dtype=bool)
    if values.shape != true.shape:
        raise DataError(f"An area under the curve needs an outcome for each score, got {true.size} and {values.size}.")
    if true.all() or not true.any():
        raise DataError("An area under the curve needs outcomes of both kinds, and all are one.")
    return float(resampled_auc(values, true, np.ones((1, len(values))))[0])


def resampled_auc(scores: npt.ArrayLike, outcomes: npt.ArrayLike, weights: Floats) -> Floats:
    """Return the area under the curve (draws,), item i taken ``weights[draw, i]`` times.

    ``scores`` and ``outcomes`` are (n,), ``weights`` (draws, n). A draw without outcomes of both kinds gives nan.
    """
    true = np.asarray(outcomes, dtype=bool)
    _, place = np.unique(np.asarray(scores, dtype=np.float64), return_inverse=True)
    order = np.argsort(place, kind="stable")
    first = np.flatnonzero(np.diff(place[order], prepend=-1))
    taken = weights[:, order]  # equal scores stand side by side, and are summed up
    positive = np.add.reduceat(np.where(true[order], taken, 0), first, axis=1)
    negative = np.add.reduceat(np.where(true[order], 0, taken), first, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs > 0, np.einsum("dg,dg->d", positive, below) / pairs, np.nan)
