"""CSV and TSV: a document for each row, streamed."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import BinaryIO

from simplugin.errors import DataError
from simplugin.ingestion.readers.columns import Columns
from simplugin.ingestion.readers.lines import read_lines
from simplugin.ingestion.report import Failure
from simplugin.ingestion.sources.content import Content
from simplugin.records import Document

__all__ = ["read_table"]

_DELIMITERS = ",;\t|"
_NONE = "\x1f"  # in no text: makes a list of what has no columns
_FIRST = 20  # lines that show how a table is made
_MOST = 0.8  # part of its rows that have the same number of cells
_FIELD = 2**31 - 1  # bytes of a cell that the csv module can be told


def read_table(
    content: Content, opened: BinaryIO, columns: Columns, languages: Sequence[str], *, tabs: bool
) -> Iterator[Document | Failure]:
    """Go through the rows of a CSV or TSV file, with or without a heading.

    Without one each line is a document, where there is but one column. A row that cannot be read becomes a ``Failure``.
    Raises ``DataError`` for an empty file, and where it is not known which column holds the text.
    """
    lines, encoding = read_lines(opened, languages, columns.longest)
    first = list(islice(lines, _FIRST))
    if csv.field_size_limit() < columns.longest:
        csv.field_size_limit(min(columns.longest, _FIELD))
    rows = _rows(chain(first, lines), "\t" if tabs else _delimiter(first, columns))
    names, start = _heading(rows, columns)
    columns.check(names)
    for number, (line, row) in enumerate(chain(start, rows), 1):
        try:
            if isinstance(row, csv.Error):
                raise DataError(f"{row}.")
            if len(row) != len(names):
                raise DataError(f"there are {len(row)} cells under {len(names)} headings.")
            yield columns.to_document(_cells(names, row), content, number, encoding)
        except DataError as error:
            yield Failure(content.source, f"line {line}: {error.reason}")


def _cells(names: Sequence[str], row: Sequence[str]) -> dict[str, str | list[str]]:
    """Return the cells by their names; of columns with one name, as trackers export them, those that say something."""
    cells: dict[str, str | list[str]] = dict(zip(names, row, strict=True))
    if len(cells) < len(names):
        for name in (name for name, times in Counter(names).items() if times > 1):
            cells[name] = [cell for each, cell in zip(names, row, strict=True) if each == name and cell.strip()]
    return cells


def _rows(lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """Yield each row that is not blank, or what is wrong with it, and the line on which it begins."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except csv.Error as error:
            yield line, error
        except StopIteration:
            return
        else:
            if any(cell.strip() for cell in row):
                yield line, row


def _delimiter(lines: Sequence[str], columns: Columns) -> str:
    """Return what parts the cells: the one that parts the names of a heading, else the one that fits most rows."""
    best, cells = _NONE, 1
    for delimiter in _DELIMITERS:
        rows = [row for _, row in _rows(lines, delimiter) if not isinstance(row, csv.Error)]
        if rows and len(rows[0]) > 1 and columns.are_named(map(str.strip, rows[0])):
            return delimiter
        common = Counter(map(len, rows)).most_common(1)
        if common and common[0][0] > cells and common[0][1] >= _MOST * len(rows):
            best, cells = delimiter, common[0][0]
    return best


def _heading(
    rows: Iterator[tuple[int, list[str] | csv.Error]], columns: Columns
) -> tuple[list[str], list[tuple[int, list[str] | csv.Error]]]:
    """Return the names of the columns, and the rows that were read and are no heading."""
    line, row = next(rows, (0, None))
    if row is None:
        raise DataError("the file is empty.")
    if isinstance(row, csv.Error):
        raise DataError(f"{row}.", line=line)
    names = [cell.strip() or f"column {number}" for number, cell in enumerate(row, 1)]
    if len(names) > 1 or columns.are_named(names):
        return names, []
    return [columns.text or "text"], [(line, row)]
