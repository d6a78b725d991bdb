"""JSON in the form of SQuAD: articles of paragraphs, each with its questions (https://rajpurkar.github.io/SQuAD-explorer).

A paragraph is a document, and the one that answers its questions. A question that is marked as impossible it does not
answer, and no other is known to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from simplugin.errors import DataError
from simplugin.evaluation.datasets.retrieval import RetrievalSet
from simplugin.parsing import parse_json
from simplugin.rows import read_text
from simplugin.texts import as_read

__all__ = ["read_squad"]


def read_squad(path: str | Path, *, language: str | None = None) -> RetrievalSet:
    """Read a file. A document's id is its place, a query's that of the file. See ``read_retrieval``."""
    file = Path(path)
    text, record = read_text(file)
    documents: dict[str, str] = {}
    queries: dict[str, str] = {}
    judgements: dict[str, dict[str, float]] = {}
    for document, place, paragraph in _paragraphs(_object(text, file), file):
        documents[document] = _text(paragraph, "context", place, file)
        for number, question in enumerate(_list(paragraph, "qas", place, file)):
            where = f"{place}.qas[{number}]"
            query = str(question.get("id") or where)
            if query in queries:
                raise DataError(f"{where}: the id {query!r} is there twice.", path=path)
            queries[query] = _text(question, "question", where, file)
            judgements[query] = {document: 0.0 if question.get("is_impossible") is True else 1.0}
    if not any(label for labels in judgements.values() for label in labels.values()):
        raise DataError("the file holds no question that a paragraph answers.", path=path)
    return RetrievalSet(file.stem, language, documents, queries, judgements, files=(record,))


def _object(text: str, path: Path) -> dict[str, object]:
    try:
        value = parse_json(text)
    except json.JSONDecodeError as error:
        raise DataError(f"the file is no JSON ({error.msg}).", path=path, line=error.lineno) from error
    except ValueError as error:
        raise DataError(f"the file is no JSON ({error}).", path=path) from error
    if not isinstance(value, dict):
        raise DataError("the file is no JSON object with 'data', as SQuAD's are.", path=path)
    return cast("dict[str, object]", value)


def _paragraphs(whole: dict[str, object], path: Path) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Give the id, the place and the object of each paragraph."""
    for article, entry in enumerate(_list(whole, "data", "", path)):
        for number, paragraph in enumerate(_list(entry, "paragraphs", f"data[{article}]", path)):
            yield f"{article}.{number}", f"data[{article}].paragraphs[{number}]", paragraph


def _list(given: dict[str, object], key: str, place: str, path: Path) -> list[dict[str, object]]:
    value = given.get(key)
    where = f"{place}.{key}".lstrip(".")
    if not isinstance(value, list):
        raise DataError(f"{where} is no list.", path=path)
    for number, each in enumerate(cast("list[object]", value)):
        if not isinstance(each, dict):
            raise DataError(f"{where}[{number}] is no JSON object.", path=path)
    return cast("list[dict[str, object]]", value)


def _text(given: dict[str, object], key: str, place: str, path: Path) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not as_read(value).strip():
        raise DataError(f"{place}.{key} is blank, or no text.", path=path)
    return value
