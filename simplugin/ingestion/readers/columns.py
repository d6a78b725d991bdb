"""Which column, or key, holds the text and which the id."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simplugin.errors import DataError
from simplugin.ingestion.sources.content import Content
from simplugin.records import Document, Encoding

__all__ = ["Columns"]

_TEXT = ("text", "content", "body", "page_content", "passage")
_ID = ("id", "_id", "document_id")
_WIDEST = max(map(len, (*_TEXT, *_ID)))
_LISTED = 20  # columns that a message names
_SHOWN = 40  # letters of each


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns with the text and the id; None for the usual ones.

    An id of ``""`` is that of the file with the row's number. Cells of ``numbers`` are numbers, also where a table
    holds them as text. A text may have at most ``longest`` bytes.
    """

    text: str | None = None
    id: str | None = None
    longest: int = 64 * 1024 * 1024
    numbers: tuple[str, ...] = ()

    def are_named(self, names: Iterable[str]) -> bool:
        """Say whether one of these is the name of a column that is wanted, or usual."""
        wanted = {*_TEXT, *_ID, self.text, self.id}
        return any(name in wanted or name.lower() in wanted for name in names)

    def text_of(self, names: Iterable[str]) -> str:
        """Return the column that holds the text. Raises ``DataError`` listing what there is."""
        listed = list(names)
        found = self.text if self.text in listed else _usual(listed, _TEXT) if self.text is None else None
        if found is None and self.text is None and len(listed) == 1 and listed[0] != (self.id or _usual(listed, _ID)):
            found = listed[0]
        if found is not None:
            return found
        if self.text is not None:
            raise DataError(f"there is no column {self.text!r}; there are {_join(listed)}.")
        raise DataError(
            f"which column holds the text? There are {_join(listed) or 'none'}; name it (text_column, --text-column)."
        )

    def check(self, heading: Sequence[str]) -> None:
        """Raise ``DataError`` where a table with this heading has not the columns of the text and the id, once each."""
        if self.id and self.id not in heading:
            raise DataError(f"there is no column {self.id!r}; there are {_join(heading)}.")
        for name in {self.text_of(heading), _usual(heading, _ID) if self.id is None else self.id}:
            if name and heading.count(name) > 1:
                raise DataError(f"there are {heading.count(name)} columns {name!r}; rename all but one.")

    def to_document(self, row: Mapping[str, Any], content: Content, number: int, encoding: Encoding | None) -> Document:
        """Return the document in a row, numbered from 1.

        Raises ``DataError`` where it has no text, not its id, or something else for a number.
        """
        column, named = self.text_of(row), _usual(row, _ID) if self.id is None else self.id
        text = row[column]
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{column!r} is {'blank' if text is None or isinstance(text, str) else 'no text'}.")
        if len(text) > self.longest or (4 * len(text) > self.longest and len(text.encode()) > self.longest):
            raise DataError(f"{column!r} is longer than {self.longest:,} bytes.")
        value = row.get(named) if named else None
        if self.id and (value is None or value == ""):
            blank = "is blank" if self.id in row else f"is missing; there are {_join(row)}"
            raise DataError(f"{self.id!r} {blank}.")
        if isinstance(value, bool | list | dict):
            raise DataError(f"{named!r} is neither a text nor a number.")
        own = value is not None and bool(str(value).strip())
        return Document(
            id=str(value) if own else f"{content.id}#{number}",
            text=text,
            # The id says where other documents are, from whichever folder a later run is started.
            source=content.id if own else content.source,
            metadata={key: self._read(key, value) for key, value in row.items() if key not in (column, named)},
            modified=content.modified,
            encoding=encoding,
        )

    def _read(self, key: str, value: object) -> object:
        if key not in self.numbers or not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            number = float(value)
            if not math.isfinite(number):
                raise ValueError
        except ValueError as error:
            raise DataError(f"{key!r} is {value[:_SHOWN]!r}, which is no number.") from error
        return int(value) if value.strip().lstrip("+-").isdecimal() else number


def _usual(names: Iterable[str], usual: tuple[str, ...]) -> str | None:
    # Asked of each row: a damaged heading may have a hundred thousand letters.
    found = [name for name in names if len(name) <= _WIDEST and name.lower() in usual]
    return min(found, key=lambda name: usual.index(name.lower()), default=None)


def _join(names: Iterable[str]) -> str:
    listed = list(names)
    shown = [repr(name if len(name) <= _SHOWN else name[:_SHOWN] + "…") for name in listed[:_LISTED]]
    return ", ".join(shown) + (f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else "")
