"""Utterances with their intents: JSON lines, CSV and TSV with a heading, and YAML, Rasa's or plain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from simplugin.errors import DataError
from simplugin.rows import FileRecord, Row, column, columns, read_lines, read_table, read_text

__all__ = ["OUT_OF_SCOPE", "Utterance", "Utterances", "in_scope", "read_utterances"]

OUT_OF_SCOPE = frozenset({"oos", "out_of_scope", "none", "nlu_fallback"})
"""Names that data sets give to what means none of the intents: CLINC150, assistants in general, Rasa."""

_TEXTS = ("text", "utterance", "query", "sentence", "example", "question")
_INTENTS = ("intent", "label", "category", "intent_name")
_LANGUAGES = ("language", "lang", "locale")
_YAML = {".yml", ".yaml"}

_Places: TypeAlias = tuple[int, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Utterance:
    """What somebody said, and what was meant by it; None where it was none of the intents.

    ``language`` is that of the text, where it is known.
    """

    text: str
    intent: str | None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Utterances:
    """The utterances of a file, and its name without the suffix."""

    name: str
    language: str | None
    utterances: tuple[Utterance, ...]
    file: FileRecord | None = None


def read_utterances(path: str | Path, *, language: str | None = None, out_of_scope: bool = False) -> Utterances:
    """Read the utterances of a file. Those whose intent has a name of ``OUT_OF_SCOPE`` have none.

    A column ``language``, ``lang`` or ``locale`` says the language of each; else it is ``language``.

    ``out_of_scope`` says that all of them have none; the file needs no intents then, and may be a ``.txt`` with one
    utterance a line.

    Raises ``DataError`` with file and line for what is no utterance with an intent; with the file where there is none.
    """
    file = Path(path)
    if file.suffix.lower() in _YAML:
        text, record = read_text(file)
        from simplugin.intents.written_yaml import utterances_in

        found: list[tuple[str, str, str | None]] = list(utterances_in(text, file))
    elif out_of_scope and file.suffix.lower() == ".txt":
        lines, record = read_lines(file)
        found = [(line.strip(), "", None) for line in lines if line.strip()]
    else:
        found, record = _rows(file, needs_intent=not out_of_scope)
    if not found:
        raise DataError("the file holds no utterance.", path=path)
    utterances = tuple(
        Utterance(text, None if out_of_scope else in_scope(intent), own or language) for text, intent, own in found
    )
    return Utterances(file.stem, language, utterances, record)


def in_scope(intent: str) -> str | None:
    """Return an intent as it is, and None for a name of ``OUT_OF_SCOPE``."""
    return None if intent.casefold() in OUT_OF_SCOPE else intent


def _rows(path: Path, *, needs_intent: bool) -> tuple[list[tuple[str, str, str | None]], FileRecord]:
    table = read_table(path, cells=2 if needs_intent else 1)
    if table.names is not None:
        rows = zip(table.rows, table.names, strict=True)
        placed = [(row, _places(names, path, row, needs_intent=needs_intent)) for row, names in rows]
    else:
        heading, *below = table.rows
        places = _places([str(cell) for cell in heading.cells], path, heading, needs_intent=needs_intent)
        placed = [(row, places) for row in below]
    return [_cells(row, places, path) for row, places in placed], table.file


def _places(names: Sequence[str], path: Path, row: Row, *, needs_intent: bool) -> _Places:
    known = columns(names)
    text, intent = column(known, _TEXTS), column(known, _INTENTS)
    if text is None or (intent is None and needs_intent):
        wanted = "the utterance, such as text" if text is None else "what it means, such as intent"
        there = ", ".join(repr(name[:40]) for name in names[:20])
        raise DataError(f"no column is named for {wanted}; there are {there}.", path=path, line=row.line)
    return text, intent, column(known, _LANGUAGES)


def _cells(row: Row, places: _Places, path: Path) -> tuple[str, str, str | None]:
    text, intent = row.cells[places[0]], "-" if places[1] is None else row.cells[places[1]]
    for cell, what in ((text, "utterance"), (intent, "intent")):
        if not isinstance(cell, str) or not cell.strip():
            hint = "" if what == "utterance" else " An utterance that means none of them has the intent 'none'."
            raise DataError(f"the {what} is blank, or no text.{hint}", path=path, line=row.line)
    language = None if places[2] is None else row.cells[places[2]]
    return text, intent.strip(), language.strip() or None if isinstance(language, str) else None
