"""STS files: pairs of texts with the label that people gave them.

CSV and TSV with or without a heading, and JSON lines, under the names that such files usually have. Without a heading
the label is the column of numbers, the language that of tags such as ``pt-BR``, and the texts are the other two.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, cast

from simplugin.errors import DataError

__all__ = ["LabelledPair", "as_scale", "read_pairs"]

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
_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_DELIMITERS = ",;\t|"
_FIRST = 50  # rows that show how a file is made
_SUFFIXES = {".tsv", ".tab"}
_TOP = 5.0  # the best label of what is returned
_FEW = 3  # different whole numbers that may be names of classes as well as labels

_Row: TypeAlias = tuple[int, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """Two texts and how alike people found them, from 0 (unrelated) to 5 (the same meaning)."""

    first: str
    second: str
    label: float
    language: str | None = None


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

    ``scale`` is that of the labels in the file, lowest and highest; None finds it: up to 1, or up to 5. ``language`` is
    that of pairs for which the file names none.

    Raises ``DataError`` with file and line for what is no pair, and for labels outside the scale; with the file where
    it has no pairs, where it is not known which column holds what, and where its scale cannot be found.
    """
    lines = _read(Path(path))
    start = next((line for line in lines if line.strip()), "")
    if not start:
        raise DataError("the file holds no pairs.", path=path)
    found = tuple(_json_pairs(lines, path) if start.lstrip().startswith("{") else _table_pairs(lines, Path(path)))
    if not found:
        raise DataError("the file holds a heading and no pairs.", path=path)
    low, high = scale or _scale_of([each.pair.label for each in found], path)
    return tuple(_rescaled(each, low, high, language, path) for each in found)


def as_scale(text: str) -> tuple[float, float]:
    """Read a scale such as ``0-5`` or ``-1-1``. Raises ``ValueError`` for what is none."""
    number = r"-?\d+(?:\.\d+)?"
    matched = re.fullmatch(rf"({number})-({number})", text.strip())
    if matched is None or float(matched[1]) >= float(matched[2]):
        message = f"{text!r} is no scale; write its lowest and highest label, such as 0-5."
        raise ValueError(message)
    return float(matched[1]), float(matched[2])


def _read(path: Path) -> list[str]:
    """Return the lines of a file, with their ends."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror}).", path=path) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError("the text is not UTF-8.", path=path, line=line) from error
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)  # str.splitlines ends lines at U+2028 too


def _json_pairs(lines: Sequence[str], path: str | Path) -> Iterator[_Found]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row: object = json.loads(line)
        except ValueError as error:
            raise DataError(f"the line is no JSON ({error}).", path=path, line=number) from error
        if not isinstance(row, dict):
            raise DataError("the line is no JSON object.", path=path, line=number)
        given = cast("dict[str, Any]", row)
        yield _found((number, list(given.values())), _named(list(given), path, number), path)


def _table_pairs(lines: Sequence[str], path: Path) -> Iterator[_Found]:
    rows = _rows(lines, path)
    line, first = rows[0]
    if any(_is_number(cell) for cell in first):
        places = _guessed([cells for _, cells in rows[:_FIRST]], path)
    else:
        places, rows = _named(first, path, line), rows[1:]
    width = len(first)
    for row in rows:
        if len(row[1]) != width:
            message = f"there are {len(row[1])} cells where the first row has {width}."
            raise DataError(message, path=path, line=row[0])
        yield _found(row, places, path)


def _rows(lines: Sequence[str], path: Path) -> list[_Row]:
    """Return the rows that are not blank, each with the line on which it begins."""
    delimiter = "\t" if path.suffix.lower() in _SUFFIXES else _delimiter(lines)
    try:
        rows = list(_parsed(lines, delimiter, csv.QUOTE_MINIMAL))
    except csv.Error as error:
        if delimiter != "\t":
            raise DataError(f"{error}.", path=path) from error
        rows = None
    if delimiter == "\t" and (rows is None or len({len(cells) for _, cells in rows}) > 1):
        rows = list(_parsed(lines, delimiter, csv.QUOTE_NONE))  # tabs part cells that hold quotes as they are
    return rows or []


def _parsed(lines: Iterable[str], delimiter: str, quoting: Any) -> Iterator[_Row]:
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
    line = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1


def _delimiter(lines: Sequence[str]) -> str:
    """Return what parts most rows into one same number of cells, at least three."""

    def fit(delimiter: str) -> int:
        try:
            widths = Counter(len(cells) for _, cells in islice(_parsed(lines, delimiter, csv.QUOTE_MINIMAL), _FIRST))
        except csv.Error:
            return 0
        return max((count for width, count in widths.items() if width >= 3), default=0)

    return max(_DELIMITERS, key=fit)


def _named(names: Sequence[str], path: str | Path, line: int) -> _Places:
    """Find the columns by their names."""
    known = {name.strip().lower(): place for place, name in reversed(list(enumerate(names)))}
    texts = next((pair for pair in _TEXTS if pair[0] in known and pair[1] in known), None)
    label = next((name for name in _LABELS if name in known), None)
    if texts is None or label is None:
        wanted = "the two texts, such as sentence1 and sentence2" if texts is None else "the label, such as score"
        there = ", ".join(repr(name[:40]) for name in names[:20])
        raise DataError(f"no columns are named for {wanted}; there are {there}.", path=path, line=line)
    language = next((name for name in _LANGUAGES if name in known), None)
    return _Places(known[texts[0]], known[texts[1]], known[label], None if language is None else known[language])


def _guessed(rows: Sequence[Sequence[str]], path: Path) -> _Places:
    """Find the columns by what is in them."""
    columns = dict(enumerate(zip(*(row for row in rows if len(row) == len(rows[0])), strict=True)))
    numbers = [place for place, cells in columns.items() if all(map(_is_number, cells))]
    # Where one row breaks a column of numbers, that row is to be named, and not the column doubted.
    labels = numbers or [place for place, cells in columns.items() if _is_number(cells[0])]
    tags = [place for place, cells in columns.items() if all(map(_TAG.fullmatch, cells))]
    if len(columns) == 3:
        tags = []  # texts of two letters are texts there
    texts = [place for place in columns if place not in {*labels, *tags}]
    match labels, texts, tags:
        case [label], [first, second], [] | [_]:
            return _Places(first, second, label, tags[0] if tags else None)
        case _:
            message = (
                f"it is not clear which of the {len(columns)} columns hold the two texts and the label; "
                "give the file a heading, such as sentence1,sentence2,score."
            )
            raise DataError(message, path=path, line=1)


def _found(row: _Row, places: _Places, path: str | Path) -> _Found:
    line, cells = row
    first, second = cells[places.first], cells[places.second]
    if not all(isinstance(text, str) and text.strip() for text in (first, second)):
        raise DataError("one of the two texts is blank, or no text.", path=path, line=line)
    label = cells[places.label]
    if isinstance(label, bool) or not _is_number(label):
        raise DataError(f"the label {label!r} is no number.", path=path, line=line)
    tag = None if places.language is None else cells[places.language]
    return _Found(line, LabelledPair(first, second, float(label), str(tag).strip() or None if tag else None))


def _is_number(cell: object) -> bool:
    try:
        return math.isfinite(float(cast("str", cell)))
    except (TypeError, ValueError):
        return False


def _scale_of(labels: Sequence[float], path: str | Path) -> tuple[float, float]:
    """Find the scale of labels. Raises ``DataError`` where they fit none, or may be names of classes."""
    low, high, different = min(labels), max(labels), set(labels)
    if different == {0.0, 1.0, 2.0} or (len(different) <= _FEW and min(different) < 0):
        classes = ", ".join(f"{label:g}" for label in sorted(different))
        message = f"the labels {classes} look like classes, not like a scale; give the scale if they are one (0-2)."
        raise DataError(message, path=path)
    if low < 0 or high > _TOP:
        message = f"the labels go from {low:g} to {high:g}, and it is not known on which scale; give it, such as 0-10."
        raise DataError(message, path=path)
    return (0.0, 1.0) if high <= 1 else (0.0, _TOP)


def _rescaled(found: _Found, low: float, high: float, language: str | None, path: str | Path) -> LabelledPair:
    pair = found.pair
    if not low <= pair.label <= high:
        raise DataError(f"the label {pair.label:g} is outside {low:g} to {high:g}.", path=path, line=found.line)
    share = (pair.label - low) / (high - low)
    return LabelledPair(pair.first, pair.second, _TOP * share, pair.language or language)
