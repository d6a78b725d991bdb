"""Which blocks make a chunk.

Borders follow from the text around them, not from how full the chunks before are: so a paragraph put in at the top
moves only the borders near it, and the rest of a document keeps its chunks and their vectors. Of the places where a
chunk could end, the one whose next block has the smallest hash is taken: two runs over texts that differ only before
some point soon choose the same place (content-defined chunking by a local minimum, Bjørner et al. 2010,
https://doi.org/10.1016/j.jcss.2009.06.004).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Unit", "group"]

_FULL = 0.5  # part of the limit from which on a chunk may end


class Unit(NamedTuple):
    """A block, or a piece of one that was too long: characters ``start`` to ``end``, and how many ``tokens``.

    ``level`` is that of a heading, 0 for anything else. ``mark`` is a hash of the text. ``leads`` says that it
    announces what follows. ``path`` holds the headings above it, its own included.
    """

    start: int
    end: int
    tokens: int
    level: int
    mark: int
    leads: bool
    path: tuple[str, ...]


def group(units: Sequence[Unit], limit: int) -> Iterator[Sequence[Unit]]:
    """Put consecutive units together, up to ``limit`` tokens: whole sections where they fit, parts of one otherwise."""
    if sum(unit.tokens for unit in units) <= limit:
        if units:
            yield units
        return
    parts = _sections(units)
    if len(parts) == 1:
        yield from _runs([[unit] for unit in units], limit)
        return
    small: list[Sequence[Unit]] = []
    for part in parts:
        if _size(part) <= limit:
            small.append(part)
            continue
        yield from _runs(small, limit)
        small = []
        yield from group(part, limit)
    yield from _runs(small, limit)


def _sections(units: Sequence[Unit]) -> list[Sequence[Unit]]:
    """Cut at the highest headings behind those that the units begin with."""
    lead = next((place for place, unit in enumerate(units) if not unit.level), len(units))
    inner = [place for place in range(lead, len(units)) if units[place].level]
    if not inner:
        return [units]
    highest = min(units[place].level for place in inner)
    borders = [0, *(place for place in inner if units[place].level == highest), len(units)]
    parts: list[Sequence[Unit]] = []
    waiting: list[Unit] = []  # headings with nothing below: they stand before what follows
    for start, end in pairwise(borders):
        section = units[start:end]
        waiting += section
        if end == len(units) or not all(unit.level for unit in section):
            parts.append(waiting)
            waiting = []
    return parts


def _runs(parts: Sequence[Sequence[Unit]], limit: int) -> Iterator[Sequence[Unit]]:
    """Put consecutive parts together, none of which is beyond the limit."""
    start = 0
    while start < len(parts):
        size, end, best = 0, start, None
        while end < len(parts) and size + (added := _size(parts[end])) <= limit:
            size, end = size + added, end + 1
            if end < len(parts) and size >= _FULL * limit:
                rank = (parts[end - 1][-1].leads, parts[end][0].mark, end)
                best = rank if best is None else min(best, rank)
        stop = end if end == len(parts) or best is None else best[2]
        stop = max(stop, start + 1)
        yield [unit for part in parts[start:stop] for unit in part]
        start = stop


def _size(units: Sequence[Unit]) -> int:
    return sum(unit.tokens for unit in units)
