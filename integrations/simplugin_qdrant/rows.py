"""What a user hands in, checked while it streams: texts with ids and metadata, documents, paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from simplugin.errors import PointError
from simplugin.ingestion import Failure
from simplugin.records import Document, Metadata

__all__ = ["only_documents", "only_paths", "pair_rows"]


def pair_rows(
    texts: Iterable[str], ids: Iterable[str] | None, metadata: Iterable[Metadata] | None
) -> Iterator[tuple[str, str | None, Metadata]]:
    """Pair the texts with their ids and metadata, lazily.

    Where all three are sized the check comes before the first write; a generator shows its length only at its end.
    """
    if isinstance(texts, str):
        message = f"Expected a list of texts, got the single text {texts[:40]!r}: write [text]."
        raise TypeError(message)
    for given, word in ((ids, "ids"), (metadata, "metadata")):
        if isinstance(texts, Sequence) and isinstance(given, Sequence) and len(given) != len(texts):
            message = f"There are {len(texts)} texts and {len(given)} {word}; nothing was written."
            raise PointError(message)
    all_ids = None if ids is None else iter(ids)
    all_metadata = None if metadata is None else iter(metadata)
    number = -1
    for number, text in enumerate(texts):
        id_ = None if all_ids is None else next(all_ids, None)
        data: Metadata | None = {} if all_metadata is None else next(all_metadata, None)
        if (all_ids is not None and id_ is None) or data is None:
            message = f"Text {number} has no {'id' if data is not None else 'metadata'}: fewer were given than texts."
            raise PointError(message)
        if not isinstance(text, str) or not text.strip():  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
            message = f"Text {number} ({id_ or 'without id'}) is blank or no text; its window was not written."
            raise PointError(message)
        if id_ is not None and (not isinstance(id_, str) or not id_):  # pyright: ignore[reportUnnecessaryIsInstance]
            message = f"The id of text {number} is {id_!r}; an id is a text of at least one character."
            raise PointError(message)
        yield text, id_, data
    for given, word in ((all_ids, "ids"), (all_metadata, "metadata")):
        if given is not None and next(given, None) is not None:
            message = f"There are {number + 1} texts and more {word}; the texts were written with the first of them."
            raise PointError(message)


def only_documents(first: Document, rest: Iterator[object]) -> Iterator[Document | Failure]:
    """Go through documents; raises ``TypeError`` at anything else."""
    yield first
    for entry in rest:
        if not isinstance(entry, Document):
            message = f"Among documents to ingest there is a {type(entry).__name__}; give documents, or paths."
            raise TypeError(message)
        yield entry


def only_paths(first: object, rest: Iterator[object]) -> list[str | Path]:
    """Return paths; raises ``TypeError`` for anything else among them."""
    paths: list[str | Path] = []
    for entry in (first, *rest):
        if not isinstance(entry, str | Path):
            message = f"Expected paths or documents to ingest, got a {type(entry).__name__}."
            raise TypeError(message)
        paths.append(entry)
    return paths
