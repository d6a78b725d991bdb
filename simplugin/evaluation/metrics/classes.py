"""How well classes were told: macro-F1, also of weighted items, and who was taken for whom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["confusion", "resampled_macro_f1"]

Floats = npt.NDArray[np.float64]


def resampled_macro_f1(predicted: npt.ArrayLike, true: npt.ArrayLike, weights: Floats) -> Floats:
    """Return the unweighted mean (draws,) of the classes' F1, item i taken ``weights[draw, i]`` times.

    ``predicted`` and ``true`` are (n,), numbers of classes; ``weights`` is (draws, n). The classes of a draw are those
    that are true or predicted in it, as in scikit-learn's ``f1_score(average="macro")``. A draw without items gives
    nan.
    """
    guesses, truths = np.asarray(predicted), np.asarray(true)
    classes = np.union1d(guesses, truths)
    told, are = guesses[:, None] == classes, truths[:, None] == classes
    right = weights @ (told & are).astype(np.float64)
    both = weights @ told.astype(np.float64) + weights @ are.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(both > 0, 2 * right / both, 0).sum(axis=1) / (both > 0).sum(axis=1)
    return np.asarray(means, dtype=np.float64)


def confusion(predicted: npt.ArrayLike, true: npt.ArrayLike, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return how many items of each true class were given each class, ``{true: {predicted: items}}``.

    Classes are numbers of ``names``; those that are neither true nor predicted are left out.
    """
    guesses, truths = np.asarray(predicted, dtype=np.int64), np.asarray(true, dtype=np.int64)
    there: list[int] = np.union1d(guesses, truths).tolist()
    return {
        names[row]: {names[cell]: int(((truths == row) & (guesses == cell)).sum()) for cell in there} for row in there
    }
