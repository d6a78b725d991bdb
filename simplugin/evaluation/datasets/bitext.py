"""Bitexts: files in which each row says the same in two languages.

JSON lines with one key a language, CSV and TSV with a heading of two languages, or two columns without a heading whose
languages the caller gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from simplugin.errors import DataError
from simplugin.rows import FileRecord, Row, Table, columns, read_table

__all__ = ["Bitext", "as_languages", "read_bitext"]

_CODE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_STRICT = re.compile(r"[a-z]{2,3}(?:[-_](?:[A-Z][a-z]{3}|[A-Z]{2}|\d{3}))*")  # parts two codes that a hyphen joins


@dataclass(frozen=True, slots=True)
class Bitext:
    """Texts in the first language and, at the same places, their translations in the second."""

    name: str
    languages: tuple[str, str]
    left: tuple[str, ...]
    right: tuple[str, ...]
    file: FileRecord | None = None


def read_bitext(path: str | Path, *, languages: tuple[str, str] | None = None) -> Bitext:
    """Read the translations of a file.

    ``languages`` names the two columns, or says what two columns without a heading hold; None takes the two whose names
    look like codes of languages.

    Raises ``DataError`` with file and line for a row without both texts, and where it is not clear which columns are
    meant; with the file where it holds no translations.
    """
    table = read_table(path)
    pair = languages or _named(table)
    texts = list(_json_texts(table, pair) if table.names is not None else _table_texts(table, pair))
    if not texts:
        raise DataError("the file holds a heading and no translations.", path=path)
    left, right = zip(*texts, strict=True)
    return Bitext(Path(path).stem, pair, left, right, table.file)


def as_languages(text: str) -> tuple[str, str]:
    """Read two languages such as ``en-tr`` or ``pt-BR-tr``. Raises ``ValueError`` for what is not two."""
    halves = [(text[: hyphen.start()], text[hyphen.end() :]) for hyphen in re.finditer("-", text)]
    pairs = [pair for pair in halves if all(map(_STRICT.fullmatch, pair))]
    if len(pairs) != 1 or pairs[0][0] == pairs[0][1]:
        message = f"{text!r} does not name two languages; write their codes, such as en-tr."
        raise ValueError(message)
    return pairs[0]


def _named(table: Table) -> tuple[str, str]:
    """Find the two columns of the first row whose names look like codes of languages."""
    row = table.rows[0]
    names = [str(name).strip() for name in (row.cells if table.names is None else table.names[0])]
    match [name for name in names if _CODE.fullmatch(name)]:
        case [left, right]:
            return left, right
        case _:
            there = ", ".join(repr(name[:40]) for name in names[:20])
            message = (
                f"it is not clear which two columns are languages; there are {there}. "
                "Name them: en-tr=FILE, or languages=('en', 'tr')."
            )
            raise DataError(message, path=table.path, line=row.line)


def _json_texts(table: Table, pair: tuple[str, str]) -> Iterator[tuple[str, str]]:
    for number, row in enumerate(table.rows):
        yield _texts(row, _places(table.columns(number), pair, table.path, row), table.path)


def _table_texts(table: Table, pair: tuple[str, str]) -> Iterator[tuple[str, str]]:
    first, *others = table.rows
    names = columns([str(cell) for cell in first.cells])
    if len(first.cells) == 2 and not {language.lower() for language in pair} <= set(names):
        places, rows = (0, 1), table.rows
    else:
        places, rows = _places(names, pair, table.path, first), tuple(others)
    for row in rows:
        yield _texts(row, places, table.path)


def _places(names: Mapping[str, int], pair: tuple[str, str], path: Path, row: Row) -> tuple[int, int]:
    for language in pair:
        if language.lower() not in names:
            there = ", ".join(repr(name[:40]) for name in list(names)[:20])
            raise DataError(f"there is no text in {language!r}; there are {there}.", path=path, line=row.line)
    return names[pair[0].lower()], names[pair[1].lower()]


def _texts(row: Row, places: tuple[int, int], path: Path) -> tuple[str, str]:
    left, right = (row.cells[place] for place in places)
    for text in (left, right):
        if not isinstance(text, str) or not text.strip():
            raise DataError("one of the two texts is blank, or no text.", path=path, line=row.line)
    return left, right
