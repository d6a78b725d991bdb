"""A linear head over frozen vectors: multinomial logistic regression, which predicts with numpy alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from simplugin.measures import FloatArray

__all__ = ["Head", "fit_head"]

Ints = npt.NDArray[np.int64]

_STEPS = 40  # of L-BFGS: after 100 the third digit of an accuracy is the same


@dataclass(frozen=True, slots=True)
class Head:
    """``vectors @ weights + offsets``: weights (dimension, intents), offsets (intents,)."""

    weights: FloatArray
    offsets: FloatArray

    def __call__(self, vectors: FloatArray) -> FloatArray:
        """Return the logits (n, intents) of vectors (n, dimension)."""
        return np.asarray(vectors @ self.weights + self.offsets, dtype=np.float32)


def fit_head(vectors: FloatArray, owners: Ints, *, strength: float, rows: int | None = None) -> Head:
    """Fit a head to vectors (n, dimension) and their intents (n,), numbered from 0.

    An intent counts by the square root of its utterances: half of what their number says of how often it is meant is
    believed, since some intents are only easier to think of utterances for.

    ``strength`` is the inverse of the penalty on squared weights, C of scikit-learn's ``LogisticRegression``, for
    ``rows`` vectors (None: as many as are given): in a fold the penalty of a vector is then that of the whole.
    """
    from scipy import optimize  # for fitting alone

    count, intents = len(owners), int(owners.max()) + 1
    design = np.column_stack([vectors, np.ones(count, dtype=np.float32)]).astype(np.float32, copy=False)
    width = design.shape[1]
    share = np.bincount(owners, minlength=intents)[owners].astype(np.float32) ** -0.5
    share /= share.sum()
    penalty = np.full((width, 1), 1 / (strength * (rows or count)), dtype=np.float32)
    penalty[-1] = 0  # an offset is free
    places = np.arange(count)

    def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        weights = flat.reshape(width, intents).astype(np.float32)
        logits = design @ weights
        logits -= logits.max(axis=1, keepdims=True)
        own = logits[places, owners]
        np.exp(logits, out=logits)
        total = logits.sum(axis=1)
        value = float(share @ (np.log(total) - own)) + 0.5 * float((penalty * weights * weights).sum())
        logits *= (share / total)[:, None]
        logits[places, owners] -= share
        gradient = design.T @ logits + penalty * weights
        return value, gradient.ravel().astype(np.float64)

    options = {"maxiter": _STEPS, "gtol": 1e-6}
    found = cast("Any", optimize).minimize(
        loss, np.zeros(width * intents), jac=True, method="L-BFGS-B", options=options
    )
    weights = np.asarray(found.x, dtype=np.float32).reshape(width, intents)
    return Head(np.ascontiguousarray(weights[:-1]), np.ascontiguousarray(weights[-1]))
