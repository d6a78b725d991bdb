"""Sets to judge a search by: documents, queries, and the label that people gave a query with a document.

BEIR folders, JSON files in the form of SQuAD, and STS files turned into such a set: the first sentence asks, the second
ones are searched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from simplugin.errors import DataError
from simplugin.evaluation.datasets.hub import local_file
from simplugin.evaluation.datasets.sts import read_sts
from simplugin.parsing import parse_json
from simplugin.rows import FileRecord
from simplugin.texts import as_read

__all__ = ["RetrievalSet", "check_aligned", "merge", "read_retrieval", "translate", "widen"]

_STS = 3.0  # of 0 to 5: "roughly equivalent, but some important information differs"
_EXTREME = 1e-9


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """Documents and queries by their ids, and the labels of queries with documents.

    ``graded`` labels are those of STS, from 0 to 5, and what has none is not known; otherwise what has none is not
    relevant. ``left_out`` are the documents that are a query itself: they are not to be found for it. ``named`` says
    that the documents' ids are those of the file, and not made while it was read.
    """

    name: str
    language: str | None
    documents: Mapping[str, str]
    queries: Mapping[str, str]
    judgements: Mapping[str, Mapping[str, float]]
    graded: bool = False
    left_out: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    named: bool = False
    scale: tuple[float, float] | None = None
    files: tuple[FileRecord, ...] = ()

    @property
    def relevant(self) -> float:
        """The label from which a document answers a query."""
        return _STS if self.graded else 1.0

    @property
    def sha256(self) -> str | None:
        """The SHA-256 of the file's content, of several that of theirs; None where there is no file."""
        hashes = [file.sha256 for file in self.files]
        if len(hashes) < 2:
            return hashes[0] if hashes else None
        return hashlib.sha256(" ".join(hashes).encode()).hexdigest()


def read_retrieval(
    path: str | Path,
    *,
    language: str | None = None,
    qrels: str | None = None,
    scale: tuple[float, float] | None = None,
) -> RetrievalSet:
    """Read a BEIR folder, a file in the form of SQuAD, or an STS file; these two from the Hub too (``read_pairs``).

    ``qrels`` names the judgements of a folder that has several, such as ``dev``; None takes ``test``, or the only ones
    there are. ``scale`` is that of an STS file's labels, found where it is None.

    Raises ``DataError`` with file and line, of JSON with the place in it, for what is no such set; with the folder
    where a file of it is missing.
    """
    if Path(path).is_dir():
        from simplugin.evaluation.datasets.beir import read_beir

        return read_beir(path, language=language, qrels=qrels)
    path = local_file(path)
    if _is_one_object(path):
        from simplugin.evaluation.datasets.squad import read_squad

        return read_squad(path, language=language)
    return _read_sts(path, language, scale)


def merge(given: RetrievalSet) -> RetrievalSet:
    """Return the set with each different text once, under the first of its ids, as a model reads it.

    A pair that was judged several times has the mean of its labels. Of an STS file a document that reads as a query
    does is left out for it, and so is a query of which nothing else was judged.
    """
    documents, document_of = _different(given.documents)
    queries, query_of = _different(given.queries)
    left_out: dict[str, set[str]] = {}
    for query, same in given.left_out.items():
        left_out.setdefault(query_of[query], set()).update(document_of[each] for each in same)
    if given.graded:
        by_text = {text: id_ for id_, text in documents.items()}
        for query, text in queries.items():
            if text in by_text:
                left_out.setdefault(query, set()).add(by_text[text])
    labels: dict[str, dict[str, list[float]]] = {query: {} for query in queries}
    for query, judged in given.judgements.items():
        merged = query_of[query]
        for document, label in judged.items():
            if (place := document_of[document]) not in left_out.get(merged, ()):
                labels[merged].setdefault(place, []).append(label)
    kept = [query for query in queries if labels[query] or not given.graded]
    return replace(
        given,
        documents=documents,
        queries={query: queries[query] for query in kept},
        judgements={query: {place: sum(all_) / len(all_) for place, all_ in labels[query].items()} for query in kept},
        left_out={query: frozenset(left_out[query]) for query in kept if query in left_out},
    )


def widen(given: RetrievalSet, more: Sequence[RetrievalSet]) -> RetrievalSet:
    """Return the set with the documents of others beside its own, and with the labels they have for its queries."""
    documents, judgements = dict(given.documents), {query: dict(each) for query, each in given.judgements.items()}
    by_text = {as_read(text): query for query, text in given.queries.items()}
    for number, other in enumerate(more, 1):
        documents |= {f"+{number}:{id_}": text for id_, text in other.documents.items()}
        for asked, labels in other.judgements.items() if other.graded == given.graded else ():
            if (query := by_text.get(as_read(other.queries[asked]))) is not None:
                judgements[query] |= {f"+{number}:{id_}": label for id_, label in labels.items()}
    left_out = _themselves(given.queries, documents) if given.graded else given.left_out
    return replace(given, documents=documents, judgements=judgements, left_out=left_out)


def translate(
    queries: RetrievalSet,
    documents: RetrievalSet,
    name: str,
    *,
    more: tuple[Sequence[RetrievalSet], Sequence[RetrievalSet]] = ((), ()),
) -> RetrievalSet:
    """Return the set that asks in one language and searches in another; both are translations of each other.

    ``more`` are sets of both languages by which it is widened, those of the queries' language left out or translations
    too. A document that translates the query itself is left out for it, unless it was judged. Raises ``DataError``
    where the sets do not hold the same queries, documents and labels.
    """
    check_aligned(queries, documents)
    if more[0]:
        if len(more[0]) != len(more[1]):
            raise DataError(
                f"A crossing needs as many corpus sets in {queries.language!r} as in {documents.language!r}."
            )
        for one, other in zip(*more, strict=True):
            check_aligned(one, other)
    asked = widen(queries, more[0])
    left_out = {query: same - asked.judgements[query].keys() for query, same in asked.left_out.items()}
    return replace(
        widen(documents, more[1]),
        name=name,
        queries=asked.queries,
        judgements=asked.judgements,
        left_out={query: same for query, same in left_out.items() if same},
        files=tuple(dict.fromkeys((*queries.files, *documents.files))),
    )


def check_aligned(one: RetrievalSet, other: RetrievalSet) -> None:
    """Raise ``DataError`` where two sets do not hold the same queries, documents and labels, by their ids."""
    for word, mine, theirs in (
        ("queries", one.queries, other.queries),
        ("documents", one.documents, other.documents),
    ):
        if mine.keys() != theirs.keys():
            raise DataError(
                f"A crossing needs the same {word} in both languages: {one.name!r} has {len(mine)} and "
                f"{other.name!r} {len(theirs)}, under {len(mine.keys() & theirs.keys())} ids that are the same."
            )
    for query, labels in one.judgements.items():
        others = other.judgements[query]
        if labels.keys() != others.keys() or any(abs(labels[each] - others[each]) > _EXTREME for each in labels):
            raise DataError(
                f"A crossing needs the same judgements in both languages: those of query {query!r} differ in "
                f"{one.name!r} and {other.name!r}."
            )


def _is_one_object(path: str | Path) -> bool:
    """Say whether a file is one JSON value, and not rows, each of which may be one."""
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            first = next((line for line in file if line.strip()), "")
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror}).", path=path) from error
    except UnicodeDecodeError:
        return False  # the reader of rows says on which line
    if not first.lstrip().startswith(("{", "[")):
        return False
    try:
        row = parse_json(first)
    except ValueError:
        return Path(path).suffix.lower() == ".json" or first.strip() in {"{", "["}
    return not isinstance(row, dict) or "data" in row


def _read_sts(path: str | Path, language: str | None, scale: tuple[float, float] | None) -> RetrievalSet:
    read = read_sts(path, scale=scale, language=language)
    languages = list(dict.fromkeys(pair.language for pair in read.pairs))
    if len(languages) > 1:
        there = ", ".join(map(repr, languages))
        raise DataError(f"the file holds pairs in several languages ({there}); give each a file.", path=path)
    for number, pair in enumerate(read.pairs, 1):
        if not as_read(pair.first).strip():
            raise DataError(f"the first sentence of pair {number} holds nothing that is read.", path=path)
    ids = list(map(str, range(1, len(read.pairs) + 1)))
    queries = {id_: pair.first for id_, pair in zip(ids, read.pairs, strict=True)}
    documents = {id_: pair.second for id_, pair in zip(ids, read.pairs, strict=True)}
    return RetrievalSet(
        name=read.name,
        language=languages[0],
        documents=documents,
        queries=queries,
        judgements={id_: {id_: pair.label} for id_, pair in zip(ids, read.pairs, strict=True)},
        graded=True,
        left_out=_themselves(queries, documents),
        scale=read.scale,
        files=() if read.file is None else (read.file,),
    )


def _themselves(queries: Mapping[str, str], documents: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return of each query the documents with the same text."""
    by_text: dict[str, list[str]] = {}
    for id_, text in documents.items():
        by_text.setdefault(as_read(text), []).append(id_)
    found = {query: by_text.get(as_read(text), ()) for query, text in queries.items()}
    return {query: frozenset(same) for query, same in found.items() if same}


def _different(texts: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the different texts by the first id of each, and under which id each id went."""
    first: dict[str, str] = {}
    went = {id_: first.setdefault(as_read(text), id_) for id_, text in texts.items()}
    return {id_: text for text, id_ in first.items()}, went
