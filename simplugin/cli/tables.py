"""Rows laid out in the columns of a terminal: as a table where they fit, on their side where they do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from simplugin.cli.display import isolated, plain, width_of, wrapped

__all__ = ["fields", "table"]

_GAP = 2
_NARROW = 24  # columns that a text may be folded to before the table is laid on its side


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, room: int) -> tuple[list[str], list[str]]:
    """Return the lines of the headings and of the rows, none wider than ``room``; ``columns`` maps key to heading.

    Numbers stand at the right. Where the columns do not fit, texts are folded; where they do not fit even so, the
    headings stand below each other, and the rows side by side.
    """
    cells = [[_cell(row.get(key)) for key in columns] for row in rows]
    heads = list(columns.values())
    numeric = [all(isinstance(row.get(key), int | float | None) for row in rows) for key in columns]
    widths = _widths(heads, cells, numeric, room - _GAP * (len(heads) - 1))
    if widths is None:
        return [], list(_on_its_side(heads, cells, room))
    above = _lines(heads, widths, numeric)
    return list(above), [line for row in cells for line in _lines(row, widths, numeric)]


def fields(values: Mapping[str, Any], *, room: int) -> list[str]:
    """Return the lines of one record, its names at the left, none wider than ``room``."""
    return list(_on_its_side(list(values), [[_cell(value) for value in values.values()]], room))


def _cell(value: object) -> str:
    match value:
        case None:
            return "–"
        case float():
            return f"{value:.3f}"
        case list() | tuple():
            return " ".join(plain(str(each)) for each in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case _:
            return "\n".join(map(plain, str(value).split("\n")))


def _widths(
    heads: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool], room: int
) -> list[int] | None:
    """Return how wide each column is; None where they do not fit, however narrow."""
    natural: list[int] = []
    narrow: list[int] = []
    for place, head in enumerate(heads):
        column = [line for row in cells for line in row[place].split("\n")]
        widest = max(map(width_of, column), default=0)
        word = max((width_of(word) for text in [head, *column] for word in text.split()), default=0)
        natural.append(max(widest, width_of(head)))
        narrow.append(max(widest, word) if numeric[place] else min(word, _NARROW))
    if sum(narrow) > room:
        return None
    widths = narrow
    left = room - sum(widths)
    while left and (growing := [at for at, width in enumerate(widths) if width < natural[at]]):
        for at in growing[:left]:
            widths[at] += 1
        left -= len(growing[:left])
    return widths


def _lines(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> Iterator[str]:
    """Go through the lines of one row, as many as its longest cell has."""
    folded = [_folded(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for parts in zip_longest(*folded, fillvalue=""):
        padded = map(_padded, parts, widths, numeric)
        yield (" " * _GAP).join(padded).rstrip()


def _folded(cell: str, width: int) -> list[str]:
    return [line for text in cell.split("\n") for line in wrapped(text, width)]


def _padded(text: str, width: int, at_the_right: bool) -> str:
    space = " " * (width - width_of(text))
    return space + isolated(text) if at_the_right else isolated(text) + space


def _on_its_side(heads: Sequence[str], cells: Sequence[Sequence[str]], room: int) -> Iterator[str]:
    first = max(map(width_of, heads), default=0)
    left = max(room - first - _GAP, 1)
    for number, group in enumerate(_groups(cells, left)):
        if number:
            yield ""
        widths = [first, *(min(width, left) for _, width in group)]
        for place, head in enumerate(heads):
            yield from _lines([head, *(row[place] for row, _ in group)], widths, [False] * len(widths))


def _groups(cells: Sequence[Sequence[str]], room: int) -> Iterator[list[tuple[Sequence[str], int]]]:
    """Go through groups of rows, with the width of each, that fit side by side; a row that never fits is alone."""
    group: list[tuple[Sequence[str], int]] = []
    for row in cells:
        width = max((width_of(line) for cell in row for line in cell.split("\n")), default=0)
        if group and sum(taken + _GAP for _, taken in group) + width > room:
            yield group
            group = []
        group.append((row, width))
    if group:
        yield group
