"""BEIR folders: ``corpus.jsonl``, ``queries.jsonl``, and judgements in ``qrels/*.tsv``.

The layout is that of https://github.com/beir-cellar/beir: ``_id``, ``title`` and ``text`` a document, ``_id`` and
``text`` a query, and columns ``query-id``, ``corpus-id`` and ``score`` a judgement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from simplugin.errors import DataError
from simplugin.evaluation.datasets.retrieval import RetrievalSet
from simplugin.rows import FileRecord, Table, column, columns, read_table
from simplugin.texts import as_read

__all__ = ["read_beir"]

_QUERY = ("query-id", "query_id", "qid")
_DOCUMENT = ("corpus-id", "corpus_id", "doc-id", "document-id")
_LABEL = ("score", "relevance", "label")


def read_beir(path: str | Path, *, language: str | None = None, qrels: str | None = None) -> RetrievalSet:
    """Read a folder; its queries are those that were judged. See ``read_retrieval``."""
    folder = Path(path)
    judgements = _judgements(folder, qrels)
    documents, corpus = _texts(folder / "corpus.jsonl", titled=True)
    queries, asked = _texts(folder / "queries.jsonl", titled=False)
    labels: dict[str, dict[str, float]] = {}
    table = read_table(judgements, cells=3)
    for line, query, document, label in _rows(table):
        for id_, known, file in ((query, queries, "queries.jsonl"), (document, documents, "corpus.jsonl")):
            if id_ not in known:
                raise DataError(f"{id_!r} is not in {file}.", path=judgements, line=line)
        if not as_read(queries[query]).strip():
            raise DataError(f"the query {query!r} is judged and blank.", path=judgements, line=line)
        if document in labels.setdefault(query, {}):
            raise DataError(f"{query!r} with {document!r} is judged twice.", path=judgements, line=line)
        labels[query][document] = label
    if not labels:
        raise DataError("the file holds a heading and no judgements.", path=judgements)
    return RetrievalSet(
        name=folder.resolve().name,
        language=language,
        documents=documents,
        queries={query: queries[query] for query in labels},
        judgements=labels,
        named=True,
        files=(corpus, asked, table.file),
    )


def _judgements(folder: Path, name: str | None) -> Path:
    """Return the file of judgements; of several that which is named, or ``test``."""
    there = {file.stem: file for file in sorted((folder / "qrels").glob("*.tsv"))}
    if not there:
        raise DataError("the folder is no BEIR set: it has no qrels/*.tsv.", path=folder)
    wanted = name or ("test" if "test" in there or len(there) > 1 else next(iter(there)))
    if wanted not in there:
        raise DataError(f"there are no judgements {wanted!r}; there are {', '.join(there)}.", path=folder / "qrels")
    return there[wanted]


def _texts(path: Path, *, titled: bool) -> tuple[dict[str, str], FileRecord]:
    """Read texts by their ids; a title stands before the text."""
    table = read_table(path, cells=1)
    if table.names is None:
        raise DataError("the line is no JSON object.", path=path, line=table.rows[0].line)
    texts: dict[str, str] = {}
    for row, names in zip(table.rows, table.names, strict=True):
        values: Mapping[str, Any] = dict(zip(names, row.cells, strict=True))
        id_, text, title = values.get("_id"), values.get("text"), values.get("title") or ""
        if isinstance(id_, bool) or not isinstance(id_, str | int) or not str(id_):
            raise DataError("the object has no '_id'.", path=path, line=row.line)
        if not isinstance(text, str) or not isinstance(title, str):
            raise DataError(f"{str(id_)!r} has no 'text', or one that is none.", path=path, line=row.line)
        if str(id_) in texts:
            raise DataError(f"the id {str(id_)!r} is there twice.", path=path, line=row.line)
        texts[str(id_)] = f"{title} {text}".strip() if titled else text
    return texts, table.file


def _rows(table: Table) -> Iterator[tuple[int, str, str, float]]:
    """Give line, query, document and label of each judgement."""
    if table.names is not None:
        raise DataError("the file is JSON, and not a table.", path=table.path)
    known = columns(table.rows[0].cells)
    places = [column(known, names) for names in (_QUERY, _DOCUMENT, _LABEL)]
    if None in places:
        there = ", ".join(repr(str(cell)[:40]) for cell in table.rows[0].cells[:20])
        raise DataError(
            f"no columns are named query-id, corpus-id and score; there are {there}.",
            path=table.path,
            line=table.rows[0].line,
        )
    query, document, label = (place for place in places if place is not None)
    for line, cells in table.rows[1:]:
        try:
            yield line, cells[query].strip(), cells[document].strip(), float(int(cells[label]))
        except (ValueError, OverflowError):
            message = f"the score {cells[label][:40]!r} is no whole number."
            raise DataError(message, path=table.path, line=line) from None
