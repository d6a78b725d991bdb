"""From labelled scores to a calibration.

Both curves of a language are fitted alike, to numbers between 0 and 1: whether a label reaches the threshold, and the
label as a share of 5. Below 500 pairs that is a logistic curve (Platt 1999, "Probabilistic Outputs for Support Vector
Machines", with the targets he proposes; for shares, Papke and Wooldridge 1996). From there on it is isotonic regression
(Zadrozny and Elkan 2002), whose steps are then joined by a monotone cubic (PCHIP, Fritsch and Carlson 1980): steps
alone would give many scores one probability, and lose their order. ``python -m tests.benchmarks calibration`` prints
what both come to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from simplugin.calibration.curves import Curve, Knots, Sigmoid
from simplugin.calibration.record import ALL, TOP, Calibration, Scale
from simplugin.errors import DataError

__all__ = ["ISOTONIC_FROM", "LEAST", "LEAST_OF_LANGUAGE", "fit_calibration"]

ISOTONIC_FROM = 500
"""Pairs from which isotonic regression is no worse than a logistic curve, whose shape may be the wrong one."""

LEAST = 20
"""Pairs below which nothing is fitted; 200 are enough for probabilities that are right within .05 on average."""

LEAST_OF_LANGUAGE = 100
"""Pairs from which a language has a curve of its own; with fewer the error of its own is that of another's."""

_KNOTS = 33  # points that stand for a curve: 1,000 were no better, as errors on unseen pairs go
_DIGITS = 6  # of a stored number
_SURE = 2.0  # standard errors by which a correlation exceeds 0 when it is no chance

_Doubles: TypeAlias = npt.NDArray[np.float64]


def fit_calibration(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    languages: Sequence[str | None] | None = None,
    threshold: float = 3.0,
) -> Calibration:
    """Fit what scores (n,) stand for, by the labels (n,) in [0, 5] that people gave the same pairs.

    A label of at least ``threshold`` counts as relevant; 3 is "roughly equivalent, some important information differs
    or is missing" in the guidelines of the STS benchmark. ``languages`` names each pair's: those with at least 100
    pairs get a scale of their own beside the one of all.

    Raises ``DataError`` for fewer than 20 pairs, numbers that are not finite, labels outside the scale or all on one
    side of ``threshold``, and scores that do not rise with the labels.
    """
    x, y = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or (languages is not None and len(languages) != x.size):
        others = "" if languages is None else f" and {len(languages)} languages"
        raise DataError(f"Each score needs its label, got {x.size} scores, {y.size} labels{others}.")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise DataError("Some scores or labels are not finite numbers.")
    if x.size and not (y.min() >= 0 and y.max() <= TOP):
        raise DataError(f"Labels lie between 0 and {TOP:g}; these go from {y.min():g} to {y.max():g}.")
    scales = {ALL: _fit(ALL, x, y, threshold)}
    named = np.array(["" if tag is None else tag.lower().replace("_", "-") for tag in languages or ()])
    for language in sorted(set(named.tolist()) - {"", ALL}):
        own = named == language
        if own.sum() >= LEAST_OF_LANGUAGE:
            scales[language] = _fit(language, x[own], y[own], threshold)
    return Calibration(float(threshold), scales)


def _fit(language: str, scores: _Doubles, labels: _Doubles, threshold: float) -> Scale:
    """Fit one language. Raises ``DataError`` where its pairs say nothing."""
    relevant = labels >= threshold
    whose = f"{scores.size} pairs" if language == ALL else f"{scores.size} pairs of {language!r}"
    if scores.size < LEAST:
        raise DataError(f"There are {whose}, and a calibration needs at least {LEAST}; 200 are enough for a good one.")
    if relevant.all() or not relevant.any():
        side = "at least" if relevant.all() else "below"
        message = (
            f"The labels of all {whose} are {side} {threshold:g}; a calibration needs labels on both sides. They go "
            "from 0 to 5; of labels on another scale say which (scale=…, --scale)."
        )
        raise DataError(message)
    correlation = 0.0 if np.ptp(scores) == 0 else float(np.corrcoef(scores, labels)[0, 1])
    if correlation <= _SURE / np.sqrt(scores.size):
        message = (
            f"The scores of the {whose} do not rise with their labels by more than chance (correlation "
            f"{correlation:.2f}): either labels are lower for closer pairs, or the model does not know these texts, or "
            "more pairs are needed."
        )
        raise DataError(message)
    return Scale(scores.size, _curve(scores, relevant.astype(np.float64)), _curve(scores, labels / TOP))


def _curve(scores: _Doubles, shares: _Doubles) -> Curve:
    return (_platt if scores.size < ISOTONIC_FROM else _isotonic)(scores, _targets(shares))


def _targets(shares: _Doubles) -> _Doubles:
    """Draw shares in a little from 0 and 1, as Platt does: no finite sample makes anything certain."""
    yes = float(shares.sum())
    low, high = 1 / (shares.size - yes + 2), (yes + 1) / (yes + 2)
    return low + shares * (high - low)


def _platt(scores: _Doubles, targets: _Doubles) -> Curve:
    from sklearn.linear_model import LogisticRegression  # a second to import, and for fitting alone

    centre, width = float(scores.mean()), float(scores.std())
    rows = np.tile((scores - centre) / width, 2)[:, None]
    outcomes = np.repeat([1, 0], scores.size)
    weights = np.concatenate([targets, 1 - targets])  # a share is that many ones and that many noughts
    model = cast("Any", LogisticRegression(C=np.inf))  # its types are known in part only
    fitted = model.fit(rows, outcomes, sample_weight=weights)
    slope = max(float(fitted.coef_[0, 0]), 0.0) / width
    return Sigmoid(slope, float(fitted.intercept_[0]) - slope * centre)


def _isotonic(scores: _Doubles, targets: _Doubles) -> Curve:
    from scipy.interpolate import PchipInterpolator
    from sklearn.isotonic import IsotonicRegression

    fitted: _Doubles = cast("Any", IsotonicRegression()).fit_transform(scores, targets)
    values, steps, counts = np.unique(fitted, return_inverse=True, return_counts=True)
    if values.size == 1:
        return _platt(scores, targets)
    centres = np.bincount(steps, weights=scores) / counts
    places = np.linspace(float(centres[0]), float(centres[-1]), _KNOTS)
    smooth: _Doubles = cast("Any", PchipInterpolator(centres, values))(places)
    rising = np.maximum.accumulate(np.clip(smooth, 0, 1))  # rounding may turn a level stretch by a hair
    return Knots(_rounded(places), _rounded(rising))


def _rounded(numbers: _Doubles) -> tuple[float, ...]:
    return tuple(round(float(number), _DIGITS) for number in numbers)
