"""Parquet: a document for each row, some rows at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from importlib import import_module
from typing import Any, BinaryIO, cast

from simplugin.errors import DataError, MissingExtraError
from simplugin.ingestion.readers.columns import Columns
from simplugin.ingestion.report import Failure
from simplugin.ingestion.sources.content import Content
from simplugin.records import Document

__all__ = ["read_parquet"]

_ROWS = 16  # read at once: a file of a few bytes may hold the longest text there is in every one of its rows
_BYTES = 16 * 1024 * 1024  # of such rows; of more each is taken by itself


def read_parquet(content: Content, opened: BinaryIO, columns: Columns) -> Iterator[Document | Failure]:
    """Go through the rows of a Parquet file that can be searched; a row without a text becomes a ``Failure``.

    Raises ``DataError`` for a damaged file, and where it is not known which column holds the text.
    """
    try:
        library: Any = import_module("pyarrow")  # it has no types
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingExtraError("parquet", "Reading Parquet") from error
    try:
        table: Any = parquet.ParquetFile(opened)
        columns.text_of(table.schema_arrow.names)
        number = 0
        for batch in table.iter_batches(batch_size=_ROWS):
            for row in _rows(batch):
                number += 1
                yield _entry(row, content, columns, number)
    except (library.ArrowException, OSError, ValueError) as error:  # its own errors derive from all of these
        first = (str(error).splitlines() or [""])[0]
        raise DataError(f"the Parquet file is damaged ({first}).") from error


def _rows(batch: Any) -> Iterator[Mapping[str, Any]]:
    parts = [batch] if batch.nbytes <= _BYTES else (batch.slice(place, 1) for place in range(batch.num_rows))
    for part in parts:
        yield from part.to_pylist()


def _entry(row: Mapping[str, Any], content: Content, columns: Columns, number: int) -> Document | Failure:
    try:
        return columns.to_document({name: _plain(value) for name, value in row.items()}, content, number, None)
    except DataError as error:
        return Failure(content.source, f"row {number}: {error.reason}")


def _plain(value: Any) -> Any:
    """Return a value as JSON knows it."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in cast("Sequence[Any]", value)]
    return str(value)
