"""JSON lines: a document for each object, streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, cast

from simplugin.errors import DataError
from simplugin.ingestion.readers.columns import Columns
from simplugin.ingestion.readers.lines import read_lines
from simplugin.ingestion.report import Failure
from simplugin.ingestion.sources.content import Content
from simplugin.parsing import parse_json
from simplugin.records import Document

__all__ = ["read_json_lines"]

_SURROGATE = "\\ud"  # how an escape of half a letter begins


def read_json_lines(
    content: Content, opened: BinaryIO, columns: Columns, languages: Sequence[str]
) -> Iterator[Document | Failure]:
    """Go through the objects of JSON lines; a line that holds none becomes a ``Failure``, blank ones are left out."""
    lines, encoding = read_lines(opened, languages, columns.longest)
    number = 0
    for number, line in enumerate(lines, 1):  # the last number is told below
        if not line.strip():
            continue
        try:
            yield columns.to_document(_row(line), content, number, encoding)
        except DataError as error:
            yield Failure(content.source, f"line {number}: {error.reason}")
    if not number:
        raise DataError("the file is empty.")


def _row(line: str) -> dict[str, Any]:
    """Return the object in a line, with what its ``metadata`` hold beside the other keys."""
    try:
        value = parse_json(line, finite=True)
    except ValueError as error:
        raise DataError(f"this is no JSON ({error}).") from error
    if not isinstance(value, dict):
        raise DataError(f"a JSON object was expected, not {_kind(value)}.")
    row = cast("dict[str, Any]", value)
    if _SURROGATE in line.lower():
        _check_letters(row)
    nested = row.get("metadata")
    if not isinstance(nested, dict):
        return row
    rest = {key: value for key, value in row.items() if key != "metadata"}
    return {**cast("dict[str, Any]", nested), **rest}


def _kind(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "null, true or false"
    return "an array" if isinstance(value, list) else "text" if isinstance(value, str) else "a number"


def _check_letters(row: dict[str, Any]) -> None:
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise DataError("it holds half a surrogate pair, which is no letter.") from error
