"""STS files: pairs of texts with the label that people gave them.

CSV and TSV with or without a heading, and JSON lines, under the names that such files usually have. Without a heading
the label is the column of numbers, the language that of tags such as ``pt-BR``, and the texts are the other two.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from simplugin.errors import DataError
from simplugin.evaluation.datasets.hub import local_file
from simplugin.rows import FileRecord, Row, Table, column, columns, read_table

__all__ = ["SCALE", "SCALES", "LabelledPair", "Pairs", "as_scale", "check_scale", "read_pairs", "read_sts", "rescaled"]

_TEXTS = (
    ("sentence1", "sentence2"),
    ("sentence_0", "sentence_1"),  # before the next: both have a sentence_1
    ("sentence_1", "sentence_2"),
    ("sentence_a", "sentence_b"),
    ("text1", "text2"),
    ("text_1", "text_2"),
    ("text_a", "text_b"),
    ("sent1", "sent2"),
    ("s1", "s2"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
    ("query", "document"),
    ("first", "second"),
)
_LABELS = ("score", "label", "similarity", "similarity_score", "relatedness_score", "gold_score", "gold")
_LANGUAGES = ("lang", "language", "locale")
SCALES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 5.0))
"""Those that labels of similarity are usually on, narrow ones first."""

_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_FIRST = 50  # rows that show how a file is made
_TOP = 5.0  # the best label of what is returned
SCALE = (0.0, _TOP)
"""The one that labels are brought to."""
_FEW = 3  # different whole numbers that may be names of classes as well as labels


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """Two texts and how alike people found them, from 0 (unrelated) to 5 (the same meaning)."""

    first: str
    second: str
    label: float
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs of a file, its name without the suffix, and the scale of the labels in it.

    ``language`` is that given for the whole file; a pair may have another one of its own. ``scale_given`` says that
    the scale was told, and not found from the labels. ``lines`` are those on which the pairs begin.
    """

    name: str
    language: str | None
    pairs: tuple[LabelledPair, ...]
    scale: tuple[float, float] = SCALE
    file: FileRecord | None = None
    scale_given: bool = False
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """A pair as it is in the file: its line, and its label on a scale that is not known yet."""

    line: int
    pair: LabelledPair


@dataclass(frozen=True, slots=True)
class _Places:
    """At which places of a row the texts, the label and the language are."""

    first: int
    second: int
    label: int
    language: int | None


def read_pairs(
    path: str | Path, *, scale: tuple[float, float] | None = None, language: str | None = None
) -> tuple[LabelledPair, ...]:
    """Read the pairs of a file, their labels brought to 0 to 5.

    ``path`` is a file, or where there is none of that name a data set of the Hub: ``"owner/name"``,
    ``"owner/name/es:validation"``; see ``simplugin.evaluation.datasets.hub``. ``scale`` is that of the labels in the
    file, lowest and highest; None finds it: up to 1, or up to 5. ``language`` is that of pairs for which the file names
    none.

    Raises ``DataError`` with file and line for what is no pair, and for labels outside the scale; with the file where
    it has no pairs, where it is not known which column holds what, and where its scale cannot be found.
    """
    return read_sts(path, scale=scale, language=language).pairs


def read_sts(
    path: str | Path,
    *,
    scale: tuple[float, float] | None = None,
    language: str | None = None,
    strict: bool = True,
) -> Pairs:
    """Read the pairs of a file as ``read_pairs`` does, and say which file it was and on which scale its labels were.

    Not ``strict``, labels whose scale cannot be found are read all the same, on the narrowest that holds them: enough
    for correlations, which need no scale.
    """
    check_scale(scale)
    given, path = path, local_file(path)
    table = read_table(path, cells=3)
    found = _json_pairs(table) if table.names is not None else _table_pairs(table)
    if not found:
        raise DataError("the file holds a heading and no pairs.", path=path)
    labels = [each.pair.label for each in found]
    low, high = scale or (_scale_of(labels, path) if strict else _observed_scale(labels))
    pairs = tuple(_rescaled(each, low, high, language, path) for each in found)
    lines = tuple(each.line for each in found)
    name = (Path(given) if Path(given).is_file() else path).stem
    return Pairs(name, language, pairs, (low, high), table.file, scale is not None, lines)


def rescaled(pair: LabelledPair, low: float, high: float) -> LabelledPair:
    """Return a pair with its label brought from ``low`` to ``high`` to 0 to 5."""
    return replace(pair, label=_TOP * (pair.label - low) / (high - low))  # in this order 3.6 of 5 stays 3.6


def check_scale(scale: tuple[float, float] | None) -> None:
    """Raise ``ValueError`` for a scale that is no two numbers, the lowest label and the highest; None is none."""
    match cast("object", scale):  # callers may be untyped
        case None:
            return
        case (int() | float() as low, int() | float() as high) if low < high:
            return
        case _:
            message = f"scale is {scale!r}; give its lowest label and its highest, such as (0, 5)."
            raise ValueError(message)


def as_scale(text: str) -> tuple[float, float]:
    """Read a scale such as ``0-5`` or ``-1-1``. Raises ``ValueError`` for what is none."""
    number = r"-?\d+(?:\.\d+)?"
    matched = re.fullmatch(rf"({number})-({number})", text.strip())
    if matched is None or float(matched[1]) >= float(matched[2]):
        message = f"{text!r} is no scale; write its lowest and highest label, such as 0-5."
        raise ValueError(message)
    return float(matched[1]), float(matched[2])


def _json_pairs(table: Table) -> list[_Found]:
    return [
        _found(row, _named(table.columns(number), list(names), table.path, row.line), table.path)
        for number, (row, names) in enumerate(zip(table.rows, table.names or (), strict=True))
    ]


def _table_pairs(table: Table) -> list[_Found]:
    rows = table.rows
    if any(_is_number(cell) for cell in rows[0].cells):
        places = _guessed([row.cells for row in rows[:_FIRST]], table.path)
    else:
        names = rows[0].cells
        places, rows = _named(columns(names), names, table.path, rows[0].line), rows[1:]
    return [_found(row, places, table.path) for row in rows]


def _named(known: Mapping[str, int], names: Sequence[str], path: Path, line: int) -> _Places:
    """Find the columns by their names."""
    texts = next((pair for pair in _TEXTS if pair[0] in known and pair[1] in known), None)
    label = column(known, _LABELS)
    if texts is None or label is None:
        wanted = "the two texts, such as sentence1 and sentence2" if texts is None else "the label, such as score"
        there = ", ".join(repr(name[:40]) for name in names[:20])
        raise DataError(f"no columns are named for {wanted}; there are {there}.", path=path, line=line)
    return _Places(known[texts[0]], known[texts[1]], label, column(known, _LANGUAGES))


def _guessed(rows: Sequence[Sequence[str]], path: Path) -> _Places:
    """Find the columns by what is in them."""
    columns = dict(enumerate(zip(*(row for row in rows if len(row) == len(rows[0])), strict=True)))
    numbers = [place for place, cells in columns.items() if all(map(_is_number, cells))]
    # Where one row breaks a column of numbers, that row is to be named, and not the column doubted.
    labels = numbers or [place for place, cells in columns.items() if _is_number(cells[0])]
    tags = [place for place, cells in columns.items() if all(map(_TAG.fullmatch, cells))]
    if len(columns) == 3:
        tags = []  # texts of two letters are texts there
    known = {*labels, *tags}
    texts = [place for place in columns if place not in known]
    match labels, texts, tags:
        case [label], [first, second], [] | [_]:
            return _Places(first, second, label, tags[0] if tags else None)
        case _:
            message = (
                f"it is not clear which of the {len(columns)} columns hold the two texts and the label; "
                "give the file a heading, such as sentence1,sentence2,score."
            )
            raise DataError(message, path=path, line=1)


def _found(row: Row, places: _Places, path: Path) -> _Found:
    line, cells = row
    first, second = cells[places.first], cells[places.second]
    if not all(isinstance(text, str) and text.strip() for text in (first, second)):
        raise DataError("one of the two texts is blank, or no text.", path=path, line=line)
    label = cells[places.label]
    number = None if isinstance(label, bool) else _as_number(label)
    if number is None:
        raise DataError(f"the label {label!r} is no number.", path=path, line=line)
    tag = None if places.language is None else cells[places.language]
    return _Found(line, LabelledPair(first, second, number, str(tag).strip() or None if tag else None))


def _is_number(cell: object) -> bool:
    return _as_number(cell) is not None


def _as_number(cell: object) -> float | None:
    """Return a finite number; spreadsheets of half of Europe write 2,5."""
    written = cell.replace(",", ".") if isinstance(cell, str) and _DECIMAL_COMMA.fullmatch(cell.strip()) else cell
    try:
        number = float(cast("str", written))
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _scale_of(labels: Sequence[float], path: str | Path) -> tuple[float, float]:
    """Find the scale of labels. Raises ``DataError`` where they fit none, or may be names of classes."""
    low, high, different = min(labels), max(labels), set(labels)
    if different == {0.0, 1.0, 2.0} or (len(different) <= _FEW and min(different) < 0):
        classes = ", ".join(f"{label:g}" for label in sorted(different))
        message = (
            f"the labels {classes} look like classes, not like a scale; if they are one, give it, such as "
            f"{_written(low, high)}."
        )
        raise DataError(message, path=path)
    if low < 0 or high > _TOP:
        message = (
            f"the labels go from {low:g} to {high:g}, and it is not known on which scale; give it, such as "
            f"{_written(0, 10)}."
        )
        raise DataError(message, path=path)
    return (0.0, 1.0) if high <= 1 else (0.0, _TOP)


def _written(low: float, high: float) -> str:
    """Return a scale as Python and the command line take it."""
    return f"scale=({low:g}, {high:g}) (--scale {low:g}-{high:g})"


def _observed_scale(labels: Sequence[float]) -> tuple[float, float]:
    """Return the first of ``SCALES`` that holds all labels; where none does, the last, as much wider as it must be."""
    low, high = min(labels), max(labels)
    bottom, top = next((scale for scale in SCALES if scale[0] <= low and high <= scale[1]), SCALES[-1])
    return min(low, bottom), max(high, top)


def _rescaled(found: _Found, low: float, high: float, language: str | None, path: str | Path) -> LabelledPair:
    pair = found.pair
    if not low <= pair.label <= high:
        message = (
            f"the label {pair.label:g} is outside {low:g} to {high:g}; correct it, or give the scale that holds all "
            f"labels, such as {_written(min(low, pair.label), max(high, pair.label))}."
        )
        raise DataError(message, path=path, line=found.line)
    return replace(rescaled(pair, low, high), language=pair.language or language)
