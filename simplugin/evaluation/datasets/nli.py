"""Natural language inference: pairs of texts, and whether the second follows from the first.

CSV and TSV with a heading, and JSON lines, under the names that such files usually have. Classes are told by name. A
number means another class in another file, so its meaning must be given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from simplugin.errors import DataError
from simplugin.evaluation.datasets.hub import local_file
from simplugin.rows import FileRecord, Row, Table, column, columns, read_table

__all__ = ["CLASSES", "ClassNames", "Inference", "Inferences", "as_class", "as_class_names", "read_nli"]

CLASSES = ("entailment", "neutral", "contradiction", "not_entailment")
"""What may be between two texts; data of two classes fold the second and third into the last."""

ClassNames: TypeAlias = Sequence[str] | Mapping[str, str]
"""The names of classes that a file numbers, in order from 0; or by what the file calls them."""

_TEXTS = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("sentence_0", "sentence_1"),
    ("sentence_1", "sentence_2"),
    ("text1", "text2"),
    ("translation1", "translation2"),
)
_LABELS = ("label", "gold_label", "original_label")
_UNDECIDED = ("", "-", "-1")  # annotators who did not agree: SNLI's files write a dash, their numbered copies -1
_HOW = "labels=('entailment', 'neutral', 'contradiction'), or --labels entailment,neutral,contradiction"


@dataclass(frozen=True, slots=True)
class Inference:
    """Two texts, and the class of what is between them: one of ``CLASSES``."""

    premise: str
    hypothesis: str
    label: str


@dataclass(frozen=True, slots=True)
class Inferences:
    """The pairs of a file, its name without the suffix, and how many rows were skipped since they have no class."""

    name: str
    language: str | None
    pairs: tuple[Inference, ...]
    skipped: int = 0
    file: FileRecord | None = None


def read_nli(
    path: str | Path,
    *,
    labels: ClassNames | None = None,
    columns: tuple[str, str] | None = None,
    language: str | None = None,
) -> Inferences:
    """Read the pairs of a file. Rows on whose class the annotators did not agree (``-``) are skipped and counted.

    ``labels`` says what numbers, or other words, mean. ``columns`` names those of the two texts, which a file with
    several pairs of them needs.

    Raises ``DataError`` with file and line for what is no pair and for classes whose meaning is not known; with the
    file where it has no pairs. Raises ``ValueError`` for ``labels`` that are no classes.
    """
    path = local_file(path)
    table = read_table(path, cells=3)
    meanings = None if labels is None else _meanings(labels)
    found = [_inference(row, places, meanings, table.path) for row, places in _located(table, columns)]
    pairs = tuple(each for each in found if each is not None)
    if not pairs:
        raise DataError("the file holds no pair with a class.", path=path)
    return Inferences(Path(path).stem, language, pairs, len(found) - len(pairs), table.file)


def as_class(name: str) -> str | None:
    """Return which of ``CLASSES`` a name means, however it is written; None for another one."""
    plain = "".join(letter for letter in name.casefold() if letter.isalpha())
    return next((known for known in CLASSES if known.replace("_", "") == plain), None)


def as_class_names(text: str) -> ClassNames:
    """Read ``entailment,neutral,contradiction``, from 0, or ``0=entailment,2=contradiction``.

    Raises ``ValueError`` for names that are no classes.
    """
    parts = [part.strip() for part in text.split(",")]
    names: ClassNames = parts
    if all("=" in part for part in parts):
        names = {key.strip(): name for key, _, name in (part.partition("=") for part in parts)}
    _meanings(names)
    return names


@dataclass(frozen=True, slots=True)
class _Places:
    premise: int
    hypothesis: int
    label: int


def _meanings(labels: ClassNames) -> dict[str, str]:
    named = labels if isinstance(labels, Mapping) else {str(number): name for number, name in enumerate(labels)}
    classes = {key: as_class(name) for key, name in named.items()}
    if isinstance(labels, str) or None in classes.values() or len(set(classes.values())) < len(classes):
        message = f"{labels!r} does not name classes, each once; they are {', '.join(CLASSES)}."
        raise ValueError(message)
    return {key: name for key, name in classes.items() if name is not None}


def _located(table: Table, chosen: tuple[str, str] | None) -> list[tuple[Row, _Places]]:
    if table.names is not None:
        return [(row, _places(table.names[number], chosen, table.path, row)) for number, row in enumerate(table.rows)]
    heading, *rows = table.rows
    places = _places([str(cell) for cell in heading.cells], chosen, table.path, heading)
    return [(row, places) for row in rows]


def _places(names: Sequence[str], chosen: tuple[str, str] | None, path: Path, row: Row) -> _Places:
    known = columns(names)
    there = ", ".join(repr(name[:40]) for name in names[:20])
    usual = [(chosen[0].lower(), chosen[1].lower())] if chosen else _TEXTS
    pairs = [pair for pair in usual if pair[0] in known and pair[1] in known]
    label = column(known, _LABELS)
    if not pairs or label is None:
        wanted = "the class, such as label" if pairs else "the two texts, " + _wanted(chosen)
        raise DataError(f"no columns are named for {wanted}; there are {there}.", path=path, line=row.line)
    if len(pairs) > 1:
        several = " and ".join(",".join(pair) for pair in pairs)
        message = (
            f"there are several pairs of texts, {several}; "
            f"choose one: columns={pairs[0]!r}, or --columns {','.join(pairs[0])}."
        )
        raise DataError(message, path=path, line=row.line)
    return _Places(known[pairs[0][0]], known[pairs[0][1]], label)


def _wanted(chosen: tuple[str, str] | None) -> str:
    return "such as premise and hypothesis" if chosen is None else f"{chosen[0]!r} and {chosen[1]!r}"


def _inference(row: Row, places: _Places, meanings: Mapping[str, str] | None, path: Path) -> Inference | None:
    label = row.cells[places.label]
    said = "" if label is None else str(label).strip()
    if said in _UNDECIDED and said not in (meanings or {}):
        return None
    texts = row.cells[places.premise], row.cells[places.hypothesis]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise DataError("one of the two texts is blank, or no text.", path=path, line=row.line)
    return Inference(*texts, _class(label, said, meanings, path, row.line))


def _class(label: object, said: str, meanings: Mapping[str, str] | None, path: Path, line: int) -> str:
    number = _number(label)
    key = said if number is None else str(number)
    if meanings is not None and key in meanings:
        return meanings[key]
    if number is not None and meanings is None:
        message = f"the class is a number, {said}, and files differ in what it means; say it: {_HOW}."
        raise DataError(message, path=path, line=line)
    known = None if number is not None else as_class(said)
    if known is None:
        names = ", ".join(CLASSES if meanings is None else meanings)
        raise DataError(f"the class {said[:40]!r} is none of {names}.", path=path, line=line)
    return known


def _number(label: object) -> int | None:
    """Return a whole number, also one that was written as 2.0."""
    try:
        value = float(str(label))
        return int(value) if value == int(value) else None
    except (ValueError, OverflowError):
        return None
