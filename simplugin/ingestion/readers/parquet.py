"""Parquet: a document for each row, some rows at a time."""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from importlib import import_module
from typing import Any, BinaryIO, cast

from simplugin.errors import DataError, MissingExtraError
from simplugin.ingestion.readers.columns import Columns
from simplugin.ingestion.report import Failure
from simplugin.ingestion.sources.content import Content
from simplugin.records import Document

__all__ = ["open_parquet", "parquet_rows", "read_parquet"]

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ROWS = 16  # read at once: a file of a few bytes may hold the longest text there is in every one of its rows
_BYTES = 16 * 1024 * 1024  # of such rows; of more each is taken by itself


def read_parquet(content: Content, opened: BinaryIO, columns: Columns) -> Iterator[Document | Failure]:
    """Go through the rows of a Parquet file that can be searched; a row without a text becomes a ``Failure``.

    Raises ``DataError`` for a damaged file, and where it is not known which column holds the text.
    """
    with open_parquet(opened) as table:
        columns.check(table.schema_arrow.names)
        for number, row in enumerate(parquet_rows(table), 1):
            yield _entry(row, content, columns, number)


@contextmanager
def open_parquet(opened: BinaryIO) -> Generator[Any, None, None]:
    """Open a Parquet file that can be searched, for as long as its rows are read.

    Raises ``DataError`` for a damaged file, meanwhile too, and ``MissingExtraError`` without pyarrow.
    """
    try:
        library: Any = import_module("pyarrow")  # it has no types
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingExtraError("parquet", "Reading Parquet") from error
    try:
        yield parquet.ParquetFile(opened)
    except (library.ArrowException, OSError, ValueError) as error:  # its own errors derive from all of these
        first = (str(error).splitlines() or [""])[0]
        raise DataError(f"the Parquet file is damaged ({first}).") from error


def parquet_rows(table: Any) -> Iterator[dict[str, Any]]:
    """Go through the rows of an open Parquet file, a few at a time, their values as JSON knows them."""
    for batch in table.iter_batches(batch_size=_ROWS):
        parts = [batch] if batch.nbytes <= _BYTES else (batch.slice(place, 1) for place in range(batch.num_rows))
        for part in parts:
            for row in part.to_pylist():
                yield {name: _plain(value) for name, value in row.items()}


def _entry(row: Mapping[str, Any], content: Content, columns: Columns, number: int) -> Document | Failure:
    try:
        return columns.to_document(row, content, number, None)
    except DataError as error:
        return Failure(content.source, f"row {number}: {error.reason}")


def _text_of(value: bytes) -> str:
    """Return the text that bytes are, as some programs write it; hexadecimal digits of what is none."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return value.hex()
    return value.hex() if _CONTROLS.search(text) else text


def _plain(value: Any) -> Any:
    """Return a value as JSON knows it."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return _text_of(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in cast("Sequence[Any]", value)]
    return str(value)
