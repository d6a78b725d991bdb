"""Files of rows: CSV and TSV with or without a heading, and JSON lines, each row with its line."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast

from simplugin.errors import DataError
from simplugin.parsing import parse_json

__all__ = ["FileRecord", "Row", "Table", "column", "columns", "read_lines", "read_table", "read_text"]

_DELIMITERS = ",;\t|"
_FIRST = 50  # rows that show what parts the cells
_SUFFIXES = {".tsv", ".tab"}


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Which file it was: its name, how many bytes, and their SHA-256."""

    name: str
    size: int
    sha256: str


class Row(NamedTuple):
    """The cells of a row, under the names of their columns or in order, and the line on which it begins."""

    line: int
    cells: Sequence[Any]


Cells: TypeAlias = Mapping[str, int]
"""At which place of a row each column is, by its name in lower case."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file as rows. ``named`` rows are JSON objects, each with names of its own; a first row may be a heading."""

    path: Path
    rows: tuple[Row, ...]
    names: tuple[tuple[str, ...], ...] | None
    file: FileRecord

    def columns(self, number: int) -> Cells:
        """Return where the columns of a JSON row are, by name; ``number`` counts from 0."""
        assert self.names is not None
        return columns(self.names[number])


def columns(names: Sequence[str]) -> Cells:
    """Return the places of names, in lower case; of equal names the first counts."""
    return {name.strip().lower(): place for place, name in reversed(list(enumerate(names)))}


def column(places: Cells, names: Iterable[str]) -> int | None:
    """Return the place of the first of these names that is there."""
    return next((places[name] for name in names if name in places), None)


def read_table(path: str | Path, *, cells: int = 2) -> Table:
    """Read a file of rows; blank ones are left out. ``cells`` is the least number of them that a row has.

    Raises ``DataError`` with file and line for what is no UTF-8, no JSON object, and for a row of another width than
    the first; with the file where it cannot be read, or has no rows.
    """
    file = Path(path)
    lines, record = read_lines(file)
    start = next((line for line in lines if line.strip()), "")
    if not start:
        raise DataError("the file holds no rows.", path=path)
    if file.suffix.lower() == ".json" and start.lstrip().startswith("["):
        raise DataError("a JSON array is not read; write a JSON object a line.", path=path)
    if start.lstrip().startswith("{"):
        objects = list(_objects(lines, file))
        rows = tuple(Row(line, list(values.values())) for line, values in objects)
        return Table(file, rows, tuple(tuple(values) for _, values in objects), record)
    rows = tuple(_rows(lines, file, cells))
    if not rows:
        raise DataError("the file holds no rows.", path=path)
    width = len(rows[0].cells)
    for row in rows:
        if len(row.cells) != width:
            message = f"there are {len(row.cells)} cells where the first row has {width}."
            raise DataError(message, path=path, line=row.line)
    return Table(file, rows, None, record)


def read_lines(path: Path) -> tuple[list[str], FileRecord]:
    """Return the lines of a file, with their ends, and which file it was. Raises ``DataError``; see ``read_text``."""
    text, record = read_text(path)
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text), record  # str.splitlines ends lines at U+2028 too


def read_text(path: Path) -> tuple[str, FileRecord]:
    """Return the text of a file, and which file it was.

    Raises ``DataError`` where it cannot be read, and with the line where it is no UTF-8.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror}).", path=path) from error
    record = FileRecord(path.name, len(raw), hashlib.sha256(raw).hexdigest())
    try:
        return raw.decode("utf-8-sig"), record
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError("the text is not UTF-8.", path=path, line=line) from error


def _objects(lines: Sequence[str], path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = parse_json(line)
        except ValueError as error:
            raise DataError(f"the line is no JSON ({error}).", path=path, line=number) from error
        if not isinstance(row, dict):
            raise DataError("the line is no JSON object.", path=path, line=number)
        yield number, cast("dict[str, Any]", row)


def _rows(lines: Sequence[str], path: Path, least: int) -> list[Row]:
    """Return the rows that are not blank, each with the line on which it begins."""
    delimiter = "\t" if path.suffix.lower() in _SUFFIXES else _delimiter(lines, least)
    try:
        rows = list(_parsed(lines, delimiter, csv.QUOTE_MINIMAL))
    except csv.Error as error:
        if delimiter != "\t":
            raise DataError(f"{error}.", path=path) from error
        rows = None
    if delimiter == "\t" and (rows is None or len({len(row.cells) for row in rows}) > 1):
        rows = list(_parsed(lines, delimiter, csv.QUOTE_NONE))  # tabs part cells that hold quotes as they are
    return rows or []


def _parsed(lines: Iterable[str], delimiter: str, quoting: Any) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
    line = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield Row(line, cells)
        line = reader.line_num + 1


def _delimiter(lines: Sequence[str], least: int) -> str:
    """Return what parts most rows into one same number of cells."""

    def fit(delimiter: str) -> int:
        try:
            widths = Counter(len(row.cells) for row in islice(_parsed(lines, delimiter, csv.QUOTE_MINIMAL), _FIRST))
        except csv.Error:
            return 0
        return max((count for width, count in widths.items() if width >= least), default=0)

    return max(_DELIMITERS, key=fit)
