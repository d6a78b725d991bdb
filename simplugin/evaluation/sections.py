"""From judged items to sections: each language, each file, and all together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np

from simplugin.errors import DataError
from simplugin.evaluation import bootstrap
from simplugin.evaluation.bootstrap import Floats, Interval
from simplugin.evaluation.findings import Finding
from simplugin.evaluation.pooling import pool
from simplugin.evaluation.result import Part, Section

__all__ = ["Resampled", "Told", "inverted", "means", "part_names", "sections", "weighted_mean"]

Resampled: TypeAlias = Callable[[Part, Floats, Iterable[str]], Mapping[str, Floats]]
"""Gives each metric (draws,) of items, item i taken ``weights[draw, i]`` times; nan for one that is not defined."""

Figures: TypeAlias = Mapping[str, float | None]


class Told(NamedTuple):
    """What a task tells of a section beside its figures."""

    counts: dict[str, int]
    details: dict[str, Any]
    warnings: tuple[Finding, ...] = ()


def part_names(keys: Sequence[str], names: Sequence[str], *, what: str = "files") -> list[str]:
    """Name each part by its key, which is its language, or by its file where several have one key.

    Raises ``DataError`` for two files of one name there; ``what`` they are called in it.
    """
    chosen = [key if keys.count(key) == 1 else name for key, name in zip(keys, names, strict=True)]
    for name in chosen:
        if chosen.count(name) > 1:
            raise DataError(f"Two {what} are named {name!r} in one language; rename one.")
    return chosen


def sections(
    parts: Sequence[Part],
    keys: Sequence[str],
    resampled: Resampled,
    metrics: Sequence[str],
    tell: Callable[[Part, Sequence[str], Figures, Mapping[str, Interval]], Told],
    *,
    resamples: int,
    seed: int,
) -> Iterator[Section]:
    """Give the section of each key, of each part, and of all; ``tell`` is given the pooled items and their parts."""
    figures = {part.name: _figures(part, resampled, metrics) for part in parts}
    for name, members in _outline(parts, keys).items():
        alone = len(members) == 1
        items = pool(name, [part for part in parts if part.name in members])
        found = figures[members[0]] if alone else _figures(items, resampled, metrics)
        intervals = _intervals(items, resampled, [key for key in metrics if found[key] is not None], resamples, seed)
        told = tell(items, members, found, intervals)
        yield Section(
            section=name,
            counts=told.counts,
            metrics=dict(found),
            ci95=intervals,
            macro={} if alone else means([figures[member] for member in members]),
            details=told.details,
            parts=tuple(members),
            warnings=told.warnings,
        )


def means(figures: Sequence[Figures]) -> dict[str, float]:
    """Return the mean of each metric over parts; those are left out that one of them has not."""
    columns = {name: [each[name] for each in figures] for name in figures[0]}
    return {name: float(np.mean(cast("list[float]", values))) for name, values in columns.items() if None not in values}


def weighted_mean(column: Floats, weights: Floats) -> Floats:
    """Return the mean (draws,) of a column (n,), item i taken ``weights[draw, i]`` times; nan items are left out."""
    given = np.isfinite(column)
    taken = weights[:, given]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(taken @ column[given] / taken.sum(axis=1), dtype=np.float64)


def inverted(section: str, metric: str, value: float | None, found: Interval | None, what: str) -> list[Finding]:
    """Name a scorer inverted where the whole interval of an area under the curve is under one half."""
    if value is None or found is None or found[1] >= 0.5:
        return []
    message = f"{section}: {what}: {metric} is {value:.3f} ({found[0]:.3f} to {found[1]:.3f}), and chance is 0.5."
    return [
        Finding(
            code="inverted_polarity", severity="error", message=message, evidence={metric: value, "ci95": list(found)}
        )
    ]


def _outline(parts: Sequence[Part], keys: Sequence[str]) -> dict[str, list[str]]:
    """Return the parts that each section pools."""
    names = [part.name for part in parts]
    outline = {
        key: [name for name, mine in zip(names, keys, strict=True) if mine == key] for key in dict.fromkeys(keys)
    }
    outline |= {name: [name] for name in names}
    if len(set(keys)) > 1:
        outline.setdefault("all", names)
    return outline


def _figures(items: Part, resampled: Resampled, metrics: Sequence[str]) -> dict[str, float | None]:
    """Return the figures of the items as they are: those of a draw that takes each of them once."""
    once = resampled(items, np.ones((1, len(items))), metrics)
    return {name: float(once[name][0]) if np.isfinite(once[name][0]) else None for name in metrics}


def _intervals(
    items: Part, resampled: Resampled, metrics: Sequence[str], resamples: int, seed: int
) -> dict[str, Interval]:
    drawn = bootstrap.resample(
        lambda taken: resampled(items, taken, metrics), items.clusters, draws=resamples, seed=seed
    )
    found = {name: bootstrap.interval(values) for name, values in drawn.items()}
    return {name: each for name, each in found.items() if each is not None}
