"""Utterances in YAML: Rasa's training data (https://rasa.com/docs/rasa/training-data-format), and plain lists.

The tree of nodes is read and no objects are made of it, so that every error has its line and an intent named ``no``
stays one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import yaml

from simplugin.errors import DataError

__all__ = ["utterances_in"]

# [Berlin](city), [Berlin]{"entity": "city", "role": "to"}, [Berlin][{"entity": "city"}, {"entity": "capital"}]
_ENTITY = re.compile(r"\[([^\[\]]+)\](?:\([^()]*\)|\{[^{}]*\}|\[\s*\{[^\[\]]*\}\s*\])")
_NULL = "tag:yaml.org,2002:null"


def utterances_in(text: str, path: Path) -> Iterator[tuple[str, str, str | None]]:
    """Give each utterance with intent and language: of Rasa's ``nlu:`` list, or of a mapping of intents to lists.

    A mapping may name languages below an intent, each with its list; elsewhere the language is None.

    Raises ``DataError`` with file and line for what is neither.
    """
    try:
        root = cast("yaml.Node | None", yaml.compose(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise DataError(f"the file is no YAML ({error.problem}).", path=path, line=line) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise DataError("the file is no YAML that can be read.", path=path) from error
    if root is None:
        return
    entries = _entries(root, "a mapping of intents to utterances, or Rasa's nlu list", path)
    rasa = next((value for key, value in entries if key == "nlu"), None)
    if rasa is not None and all(isinstance(item, yaml.MappingNode) for item in rasa.value):
        yield from _of_rasa(rasa, path)
        return
    for intent, node in entries:
        of_languages = isinstance(node, yaml.MappingNode)
        groups = _entries(node, "languages", path) if of_languages else [(None, node)]
        for language, group in groups:
            for item in _items(group, f"utterances of {intent!r}, '- text' each", path):
                yield _scalar(item, "an utterance", path), intent, language


def _of_rasa(node: yaml.Node, path: Path) -> Iterator[tuple[str, str, str | None]]:
    for item in _items(node, "entries of nlu", path):
        entry = dict(_entries(item, "an entry of nlu", path))
        if "intent" not in entry:
            continue  # synonyms, lookup tables, regular expressions
        intent = _scalar(entry["intent"], "an intent", path)
        if "examples" not in entry:
            raise DataError(f"the intent {intent!r} has no examples.", path=path, line=_line(item))
        for example in _examples(entry["examples"], path):
            yield _ENTITY.sub(r"\1", example), intent, None


def _examples(node: yaml.Node, path: Path) -> Iterator[str]:
    """Give the lines of a block, each behind a hyphen; or the items of a list, in which a mapping has a ``text``."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            if isinstance(item, yaml.MappingNode):
                entry = dict(_entries(item, "an example", path))
                if "text" not in entry:
                    raise DataError("the example has no text.", path=path, line=_line(item))
                item = entry["text"]
            yield _scalar(item, "an example", path)
        return
    for number, line in enumerate(_scalar(node, "a block of examples", path).split("\n")):
        if not line.strip():
            continue
        if not line.lstrip().startswith("-") or not line.lstrip()[1:].strip():
            below = number + 1 if getattr(node, "style", None) == "|" else 0
            message = f"the example {line.strip()[:40]!r} is not written as '- text'."
            raise DataError(message, path=path, line=_line(node) + below)
        yield line.lstrip()[1:].strip()


def _entries(node: yaml.Node, what: str, path: Path) -> list[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise DataError(f"this is not {what}.", path=path, line=_line(node))
    return [(_scalar(key, "a name", path), value) for key, value in node.value]


def _items(node: yaml.Node, what: str, path: Path) -> list[yaml.Node]:
    if not isinstance(node, yaml.SequenceNode):
        raise DataError(f"this is no list of {what}.", path=path, line=_line(node))
    return list(node.value)


def _scalar(node: yaml.Node, what: str, path: Path) -> str:
    if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL or not str(node.value).strip():
        raise DataError(f"{what} is blank, or no text.", path=path, line=_line(node))
    return str(node.value).strip()


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
