"""How far probabilities are from what happens."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simplugin.errors import DataError

__all__ = ["expected_calibration_error"]


def expected_calibration_error(
    probabilities: npt.ArrayLike, outcomes: npt.ArrayLike, *, weights: npt.ArrayLike | None = None, bins: int = 10
) -> float:
    """Return the mean distance, in [0, 1], of the probabilities from the share of outcomes that came true.

    ``probabilities`` (n,) in [0, 1] are put into ``bins`` of equal width; in each, their mean is compared with the
    share of ``outcomes`` (n,), 0 or 1, and each counts by how many it holds (Naeini et al. 2015, "Obtaining Well
    Calibrated Probabilities Using Bayesian Binning", section 4). ``weights`` (n,) say how much each counts (None: all
    alike), as where a kind is rarer in these than where the probabilities are used.

    Raises ``DataError`` for none, for another number of outcomes or weights, for probabilities outside [0, 1], and for
    weights below 0, or all 0.
    """
    given, came = np.asarray(probabilities, dtype=np.float64), np.asarray(outcomes, dtype=np.float64)
    if given.ndim != 1 or given.shape != came.shape or given.size == 0:
        message = f"Expected as many outcomes as probabilities, and at least one, got {came.shape} and {given.shape}."
        raise DataError(message)
    if not ((given >= 0) & (given <= 1)).all():
        raise DataError("Probabilities lie in [0, 1], and some of these do not.")
    counts = np.ones(given.size) if weights is None else np.asarray(weights, dtype=np.float64)
    if counts.shape != given.shape or not (counts >= 0).all() or not counts.any():
        message = f"Expected {given.size} weights of 0 or more, not all 0, got {counts.shape}."
        raise DataError(message)
    place = np.minimum((given * bins).astype(np.int64), bins - 1)  # 1 belongs to the last bin
    gaps = np.bincount(place, weights=counts * (given - came), minlength=bins)
    return float(np.abs(gaps).sum() / counts.sum())
