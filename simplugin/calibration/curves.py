"""Rising curves from any score into [0, 1], kept as a few numbers: predicting needs numpy alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from simplugin.measures import logistic

__all__ = ["Curve", "Knots", "Sigmoid", "curve_from_json"]

_Doubles: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """``1 / (1 + exp(-(slope · score + offset)))``."""

    slope: float
    offset: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.slope) and math.isfinite(self.offset) and self.slope >= 0):
            message = f"{self!r} does not rise"
            raise ValueError(message)

    def __call__(self, scores: _Doubles) -> _Doubles:
        """Return the values (n,) at scores (n,)."""
        return logistic(self.slope * scores + self.offset)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"slope": self.slope, "offset": self.offset}


@dataclass(frozen=True, slots=True)
class Knots:
    """Straight lines between ``(scores[i], values[i])``, level before the first and after the last."""

    scores: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        x, y = np.asarray(self.scores, dtype=np.float64), np.asarray(self.values, dtype=np.float64)
        if x.size == 0 or x.shape != y.shape or not (np.isfinite(x).all() and np.isfinite(y).all()):
            message = f"a curve has {x.size} scores and {y.size} values, or numbers that are not finite"
            raise ValueError(message)
        if (np.diff(x) <= 0).any() or (np.diff(y) < 0).any() or y[0] < 0 or y[-1] > 1:
            raise ValueError("a curve does not rise, or leaves [0, 1]")

    def __call__(self, scores: _Doubles) -> _Doubles:
        """Return the values (n,) at scores (n,)."""
        return np.interp(scores, self.scores, self.values)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"scores": list(self.scores), "values": list(self.values)}


Curve: TypeAlias = Sigmoid | Knots


def curve_from_json(values: Mapping[str, Any]) -> Curve:
    """Read a curve. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for what is none, or does not rise."""
    if "slope" in values:
        return Sigmoid(float(values["slope"]), float(values["offset"]))
    return Knots(_floats(values["scores"]), _floats(values["values"]))


def _floats(numbers: Sequence[Any]) -> tuple[float, ...]:
    return tuple(float(number) for number in numbers)
