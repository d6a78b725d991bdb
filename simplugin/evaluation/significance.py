"""Whether a difference is more than chance: p of a bootstrap, and Holm's correction for many of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simplugin.evaluation.bootstrap import Floats

__all__ = ["LEVEL", "holm", "least_p", "p_value"]

LEVEL = 0.05
"""The p up to which a difference counts as one."""

_ROUNDING = 1e-12  # figures closer than this differ by the order of summing only


def p_value(differences: Floats) -> float | None:
    """Return the two-sided p in (0, 1] that a difference is 0, of its bootstrap draws.

    It is twice the share of draws on the rarer side of 0, those at 0 on both sides, one more counted than there are:
    the interval of percentiles turned round (Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section
    15.4), with the count of Davison & Hinkley 1997, "Bootstrap Methods and their Application", equation 4.11. So p is
    at most .05 where the 95 % interval leaves 0 out, up to one draw. None where more than half of the draws gave no
    figure.
    """
    given = differences[np.isfinite(differences)]
    if len(given) < max(2, len(differences) / 2):
        return None
    rarer = min(int((given <= _ROUNDING).sum()), int((given >= -_ROUNDING).sum()))
    return min(1.0, 2 * (rarer + 1) / (len(given) + 1))


def least_p(draws: int) -> float:
    """Return the least p that so many draws can show."""
    return min(1.0, 2 / (draws + 1))


def holm(values: Sequence[float]) -> tuple[float, ...]:
    """Return each p corrected for there being several, in the order given.

    The k-th smallest of m is multiplied by m - k + 1, and is never under one before it (Holm 1979, "A Simple
    Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6).
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    corrected = [0.0] * len(values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[place]))
        corrected[place] = highest
    return tuple(corrected)
