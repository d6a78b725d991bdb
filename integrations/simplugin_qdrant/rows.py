"""What a user hands in, checked while it streams: texts with ids and metadata, documents, paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import cast

from simplugin.encoders.protocol import check_listed
from simplugin.errors import PointError
from simplugin.ingestion import Failure
from simplugin.ingestion.sources.loaders import as_documents, is_loader
from simplugin.records import Document, Metadata

__all__ = ["as_ids", "pair_rows", "paths_or_documents"]


_MISSING = object()


def pair_rows(
    texts: Iterable[str],
    ids: Iterable[str | None] | None,
    metadata: Iterable[Metadata] | None,
    *,
    keep_blank: bool = False,
) -> Iterator[tuple[str, str | None, Metadata]]:
    """Pair the texts with their ids and metadata, lazily; an id may be None.

    Where all three are sized the check comes before the first write; a generator shows its length only at its end.
    """
    check_listed(texts)
    if isinstance(ids, str):
        message = f"Expected a list of ids, got the single text {ids[:40]!r}: write [id]."
        raise TypeError(message)
    expected = _length(texts)
    for given, word in ((ids, "ids"), (metadata, "metadata")):
        number = _length(given)
        if expected is not None and number is not None and number != expected:
            message = f"There are {expected} texts and {number} {word}; nothing was written."
            raise PointError(message)
    all_ids = None if ids is None else iter(ids)
    all_metadata = None if metadata is None else iter(metadata)
    number = -1
    for number, text in enumerate(texts):
        id_ = None if all_ids is None else next(all_ids, _MISSING)
        data: object = {} if all_metadata is None else next(all_metadata, _MISSING)
        if id_ is _MISSING or data is _MISSING:
            message = f"Text {number} has no {'id' if id_ is _MISSING else 'metadata'}: fewer were given than texts."
            raise PointError(message)
        if not isinstance(text, str) or not (keep_blank or text.strip()):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
            fault = "blank" if isinstance(text, str) else f"a {type(text).__name__}, and no text"  # pyright: ignore[reportUnnecessaryIsInstance]
            message = f"Text {number} ({id_ or 'without id'}) is {fault}; it was not written, nor were those beside it."
            raise PointError(message)
        if id_ is not None and (not isinstance(id_, str) or not id_):  # pyright: ignore[reportUnnecessaryIsInstance]
            message = f"The id of text {number} is {id_!r}; an id is a text of at least one character."
            raise PointError(message)
        if not isinstance(data, Mapping):
            message = f"The metadata of text {number} is {data!r}; it is a dictionary, one for each text: [{{…}}, …]."
            raise PointError(message)
        yield text, id_, cast("Metadata", data)
    for given, word in ((all_ids, "ids"), (all_metadata, "metadata")):
        if given is not None and next(given, _MISSING) is not _MISSING:
            message = f"There are {number + 1} texts and more {word}; the texts were written with the first of them."
            raise PointError(message)


def _length(given: object) -> int | None:
    return len(given) if isinstance(given, Sized) else None


def as_ids(ids: str | Iterable[str]) -> list[str]:
    """Return ids, or the single one that was given, as a list. Raises ``TypeError`` for what is none."""
    given = cast("object", ids)  # callers may be untyped
    if not isinstance(given, Iterable):
        message = f"Expected ids, got {given!r}."
        raise TypeError(message)
    listed = [ids] if isinstance(ids, str) else list(ids)
    for number, id_ in enumerate(cast("list[object]", listed)):
        if not isinstance(id_, str):
            message = f"Id {number} is {type(id_).__name__}, not a string."
            raise TypeError(message)
    return listed


def paths_or_documents(sources: object) -> tuple[list[str | Path], Iterable[Document | Failure] | None]:
    """Return what was handed in to be ingested: paths, or documents, lazily, and of a list still with its length.

    Raises ``TypeError`` for what is neither, and where both are mixed.
    """
    if isinstance(sources, str | Path):
        return [sources], None
    if is_loader(sources):
        return [], as_documents(sources)
    if not isinstance(sources, Iterable):
        message = f"Expected paths or documents to ingest, got a {type(sources).__name__}."
        raise TypeError(message)
    entries = iter(cast("Iterable[object]", sources))
    first = next(entries, None)
    if first is None:
        return [], None
    if isinstance(first, str | Path):
        return [first, *map(_as_path, entries)], None
    documents = as_documents(chain([first], entries))
    return [], _Counted(documents, len(sources)) if isinstance(sources, Sized) and not is_loader(first) else documents


@dataclass(frozen=True, slots=True)
class _Counted:
    """Documents of which is known how many there are."""

    documents: Iterable[Document | Failure]
    number: int

    def __iter__(self) -> Iterator[Document | Failure]:
        return iter(self.documents)

    def __len__(self) -> int:
        return self.number


def _as_path(entry: object) -> str | Path:
    if not isinstance(entry, str | Path):
        message = f"Expected paths to ingest, got a {type(entry).__name__} among them."
        raise TypeError(message)
    return entry
