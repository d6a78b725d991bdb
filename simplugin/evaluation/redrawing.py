"""Figures of kept items once more: as they are, and over the draws of the bootstrap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Protocol

import numpy as np

from simplugin.errors import DataError
from simplugin.evaluation import bootstrap
from simplugin.evaluation.bootstrap import Floats
from simplugin.evaluation.result import Part, Task

__all__ = ["figure", "redraw"]

_MODULES: Mapping[Task, str] = {
    "similarity": "simplugin.evaluation.similarity",
    "retrieval": "simplugin.evaluation.retrieval",
    "bitext": "simplugin.evaluation.bitext",
    "pairs": "simplugin.evaluation.pairs",
    "intents": "simplugin.evaluation.intents",
}


class _Resampled(Protocol):
    """Return each metric (draws,) of items where item i is taken ``weights[draw, i]`` times."""

    def __call__(self, items: Part, weights: Floats, metrics: Sequence[str], /) -> Mapping[str, Floats]: ...


def figure(items: Part, metric: str, *, task: Task) -> float:
    """Return a metric of items as they are; nan where it is not defined.

    Raises ``DataError`` for a metric that cannot be computed from them.
    """
    return float(_measure(task)(items, metric, np.ones((1, len(items))))[0])


def redraw(items: Part, metric: str, *, task: Task, resamples: int, seed: int) -> Floats:
    """Return a metric (resamples,) over the draws of the cluster bootstrap; the same seed gives the same draws.

    Raises ``DataError`` for a metric that cannot be computed from the items.
    """
    if not resamples:
        return np.empty(0)
    measure = _measure(task)
    drawn = bootstrap.resample(
        lambda taken: {metric: measure(items, metric, taken)}, items.clusters, draws=resamples, seed=seed
    )
    return drawn[metric]


class _Measure(Protocol):
    def __call__(self, items: Part, metric: str, weights: Floats, /) -> Floats: ...


def _measure(task: Task) -> _Measure:
    # By name, since each task brings readers and engines of its own.
    resampled: _Resampled = import_module(_MODULES[task]).resampled

    def measure(items: Part, metric: str, weights: Floats) -> Floats:
        try:
            return resampled(items, weights, [metric])[metric]
        except KeyError as error:
            message = f"{metric!r} cannot be computed again from the items of section {items.name!r}."
            raise DataError(message) from error

    return measure
