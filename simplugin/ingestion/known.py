"""What a collection records of documents: asked for by the window, or read whole where that costs less."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simplugin.collection import RecordingCollection, StoredHead
from simplugin.ingestion.options import digest

__all__ = ["Known", "short"]

_DEAR = 2
"""What looking a document up costs, in documents of a record that is read whole (measured on Edge: 20 µs to 10)."""

_MORE = 64
"""A stream of unknown length that has brought so many documents is taken to bring 64 times as many."""

_SMALL = 10_000  # chunks: below, looking up costs nothing worth saving

_PENDING = 0  # stands for documents that are not all there


class Known:
    """The heads of the documents that are stored.

    Of a record that is read whole, 20 bytes a document are kept: 64 bits of the hashes of its id and of its content.
    """

    def __init__(self, collection: RecordingCollection, expected: int | None) -> None:
        """Prepare for ``expected`` documents, None where nobody knows how many will come."""
        self._collection = collection
        self._asked = 0
        self._size = collection.size()
        self._table: _Table | None = _empty() if self._size == 0 else None
        self.was_empty = self._size == 0
        if expected is not None and self._size >= _SMALL and expected * _DEAR >= self._size:
            self.read()

    def read(self) -> None:
        """Read the record whole, and look up nothing from here on."""
        self._table = _read(self._collection)

    def look_up(self, ids: Sequence[str]) -> list[tuple[int, int] | None]:
        """Return, for each id, the document's content as ``short`` gives it and its number of chunks, or None.

        The content is 0 for a document that is not all there.
        """
        self._asked += len(ids)
        if self._table is None and self._size >= _SMALL and self._asked * _MORE >= self._size:
            self.read()
        if self._table is not None:
            return self._table.look_up(ids)
        heads = self._collection.heads(ids)
        return [_one(heads[id_]) if id_ in heads else None for id_ in ids]


def short(content: str) -> int:
    """Return 64 bits of a content hash; 0 for the empty one of a document that is not all there."""
    return int(content[:16], 16) if content else _PENDING


def _one(heads: Collection[StoredHead]) -> tuple[int, int]:
    found = list(heads)
    return (short(found[0].content), found[0].total) if len(found) == 1 else (_PENDING, 0)


@dataclass(frozen=True, slots=True)
class _Table:
    """Columns in the order of ``ids``, (n,) each: hashes of ids and of contents, and numbers of chunks."""

    ids: npt.NDArray[np.uint64]
    contents: npt.NDArray[np.uint64]
    totals: npt.NDArray[np.uint32]

    def look_up(self, ids: Sequence[str]) -> list[tuple[int, int] | None]:
        wanted = np.array([digest(id_) for id_ in ids], np.uint64)
        places = np.searchsorted(self.ids, wanted).tolist()
        return [
            (int(self.contents[place]), int(self.totals[place]))
            if place < len(self.ids) and self.ids[place] == want
            else None
            for place, want in zip(places, wanted, strict=True)
        ]


def _empty() -> _Table:
    return _Table(np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.uint32))


def _read(collection: RecordingCollection) -> _Table:
    ids, contents, totals = array("Q"), array("Q"), array("I")  # a list of numbers would take ten times as much
    for document in collection.recorded():
        ids.append(digest(document.id))
        contents.append(short(document.head.content))
        totals.append(document.head.total)
    if not ids:
        return _empty()
    order = np.argsort(np.frombuffer(ids, np.uint64), kind="stable")
    table = _Table(
        np.frombuffer(ids, np.uint64)[order],
        np.frombuffer(contents, np.uint64)[order],
        np.frombuffer(totals, np.uint32)[order],
    )
    twice = np.flatnonzero(table.ids[1:] == table.ids[:-1])  # an edit of the beginning was cut short
    table.contents[twice] = table.contents[twice + 1] = _PENDING
    return table
