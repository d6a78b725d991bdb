"""A table, whatever it is written as: Markdown or HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from simplugin.evaluation.bootstrap import Interval

__all__ = ["Cell", "Code", "Quote", "Table", "shown"]


@dataclass(frozen=True, slots=True)
class Quote:
    """The words of an item, and their language where it is known."""

    text: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """A word that is not read but compared, such as a hash."""

    text: str


Cell: TypeAlias = str | int | float | Interval | Quote | Code | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings. The first cell of a row names it."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def numeric(self, column: int) -> bool:
        """Say whether a column holds numbers or intervals and nothing else."""
        cells = [row[column] for row in self.rows if row[column] is not None]
        return bool(cells) and all(
            isinstance(cell, int | float | tuple) and not isinstance(cell, bool) for cell in cells
        )


def shown(cell: Cell) -> str:
    """Return what a cell says."""
    match cell:
        case None:
            return "–"
        case Quote() | Code():
            return cell.text
        case bool():
            return "yes" if cell else "no"
        case int():
            return f"{cell:,}"
        case float():
            return f"{cell:.4f}"
        case (low, high):
            return f"{low:.3f} to {high:.3f}"
        case str():
            return cell
