"""What a model's scores stand for, by language, as a record that travels as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from simplugin.calibration.curves import Curve, Knots, curve_from_json
from simplugin.measures import FloatArray

__all__ = ["ALL", "VERSION", "Calibration", "Scale"]

ALL = "all"
"""The name under which the scale of all languages together is kept."""

VERSION = 1
"""The version of the record; a newer one is refused."""

TOP = 5.0  # the best label of the STS scale


@dataclass(frozen=True, slots=True)
class Scale:
    """The two curves of one language, and how many labelled pairs they were fitted on.

    ``relevance`` leads to the probability that a label reaches the threshold, and ``label`` to the expected label, as
    a share of 5.
    """

    pairs: int
    relevance: Curve
    label: Curve

    @property
    def method(self) -> str:
        """How it was fitted: ``"isotonic"``, or ``"platt"`` where there were few pairs."""
        return "isotonic" if isinstance(self.relevance, Knots) else "platt"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"pairs": self.pairs, "relevance": self.relevance.to_json(), "label": self.label.to_json()}


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the scores of one model stand for. Made by ``fit_calibration``; it holds for that model alone.

    ``threshold`` is the STS label, of 0 to 5, from which a text counts as relevant. ``scales`` has one entry for each
    language with enough pairs, and ``"all"``.
    """

    threshold: float
    scales: Mapping[str, Scale]

    def __post_init__(self) -> None:
        if ALL not in self.scales:
            message = f"a calibration has a scale {ALL!r}; this one has {', '.join(self.scales) or 'none'}"
            raise ValueError(message)

    @property
    def languages(self) -> tuple[str, ...]:
        """The names of its scales, ``"all"`` first."""
        return (ALL, *sorted(set(self.scales) - {ALL}))

    def scale(self, language: str | None = None) -> Scale:
        """Return a language's own scale; for ``"pt-BR"`` also that of ``"pt"``; else that of all together."""
        tag = (language or ALL).lower().replace("_", "-")
        return self.scales.get(tag) or self.scales.get(tag.partition("-")[0]) or self.scales[ALL]

    def probability(self, scores: npt.ArrayLike, language: str | None = None) -> FloatArray:
        """Return the probabilities (n,) in [0, 1] that people would give a label of at least ``threshold``.

        Higher scores (n,) never get lower ones. ``language`` is that of the texts, where it is known.
        """
        return _at(self.scale(language).relevance, scores)

    def grade(self, scores: npt.ArrayLike, language: str | None = None) -> FloatArray:
        """Return the labels (n,) in [0, 5] to be expected: what people would give on average."""
        return _at(self.scale(language).label, scores, TOP)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "version": VERSION,
            "threshold": self.threshold,
            "scales": {language: scale.to_json() for language, scale in self.scales.items()},
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read a record. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for what is none, and a newer one."""
        if values["version"] > VERSION:
            raise ValueError("its calibration was written by a newer simplugin")
        return cls(float(values["threshold"]), {language: _scale(read) for language, read in values["scales"].items()})


def _scale(read: Mapping[str, Any]) -> Scale:
    return Scale(int(read["pairs"]), curve_from_json(read["relevance"]), curve_from_json(read["label"]))


def _at(curve: Curve, scores: npt.ArrayLike, top: float = 1.0) -> FloatArray:
    values = top * curve(np.asarray(scores, dtype=np.float64))
    return np.clip(values, 0, top).astype(np.float32)
