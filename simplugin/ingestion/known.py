"""What a collection records of documents: asked for by the window, or read whole where that costs less."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simplugin.collection import RecordingCollection, StoredHead
from simplugin.ingestion.options import digest
from simplugin.records import ChunkKey

__all__ = ["Known", "Record", "short"]

_DEAR = 2
"""What looking a document up costs, in documents of a record that is read whole (measured on Edge: 20 µs to 10)."""

_MORE = 64
"""A stream of unknown length that has brought so many documents is taken to bring 64 times as many."""

_SMALL = 10_000  # chunks: below, looking up costs nothing worth saving

_HEAD = np.dtype("V16")  # the hash of a chunk, 32 hexadecimal digits

_PENDING = 0  # the content of documents that are not all there


class Known(NamedTuple):
    """What is known of a stored document.

    ``content`` is its content as ``short`` gives it, 0 for one that is not all there; ``total`` the number of its
    chunks; ``hash`` that of its first one.
    """

    content: int
    total: int
    hash: str

    @property
    def keys(self) -> frozenset[ChunkKey] | None:
        """The keys of all its chunks, where that follows: of a document of one. None where they must be looked up."""
        return frozenset({ChunkKey(self.hash, 0)}) if self.content and self.total == 1 else None


class Record:
    """The heads of the documents that are stored.

    Of a record that is read whole, 36 bytes a document are kept: 64 bits of the hashes of its id and of its content,
    all 128 of its first chunk's, and a number.
    """

    def __init__(self, collection: RecordingCollection, expected: int | None) -> None:
        """Prepare for ``expected`` documents, None where nobody knows how many will come."""
        self._collection = collection
        self._asked = 0
        self._size = collection.size()
        self._table: _Table | None = _table(b"", b"", b"", b"") if self._size == 0 else None
        self.was_empty = self._size == 0
        if expected is not None and self._size >= _SMALL and expected * _DEAR >= self._size:
            self.read()

    def read(self) -> None:
        """Read the record whole, and look up nothing from here on."""
        self._table = _read(self._collection)

    def look_up(self, ids: Sequence[str]) -> list[Known | None]:
        """Return, for each id, what is known of the document, or None."""
        self._asked += len(ids)
        if self._table is None and self._size >= _SMALL and self._asked * _MORE >= self._size:
            self.read()
        if self._table is not None:
            return self._table.look_up(ids)
        heads = self._collection.heads(ids)
        return [_one(heads[id_]) if id_ in heads else None for id_ in ids]

    def may_exceed(self, seen: Collection[int]) -> bool:
        """Say whether a document may be recorded that is not among these, by the hashes of their ids.

        True also where the record was not read whole, and nobody knows.
        """
        return self._table is None or not all(id_ in seen for id_ in self._table.ids.tolist())


def short(content: str) -> int:
    """Return 64 bits of a content hash; 0 for the empty one of a document that is not all there."""
    return int(content[:16], 16) if content else _PENDING


def _one(heads: Collection[StoredHead]) -> Known:
    first, *others = heads  # another one, where an edit of the beginning was cut short
    return Known(_PENDING if others else short(first.content), first.total, first.hash)


@dataclass(frozen=True, slots=True)
class _Table:
    """Columns in the order of ``ids``, (n,) each: hashes of ids, contents and heads, and numbers of chunks."""

    ids: npt.NDArray[np.uint64]
    contents: npt.NDArray[np.uint64]
    totals: npt.NDArray[np.uint32]
    heads: npt.NDArray[np.void]

    def look_up(self, ids: Sequence[str]) -> list[Known | None]:
        wanted = np.array([digest(id_) for id_ in ids], np.uint64)
        places = np.searchsorted(self.ids, wanted).tolist()
        return [
            Known(int(self.contents[place]), int(self.totals[place]), self.heads[place].tobytes().hex())
            if place < len(self.ids) and self.ids[place] == want
            else None
            for place, want in zip(places, wanted, strict=True)
        ]


def _table(ids: bytes | array[int], contents: bytes | array[int], totals: bytes | array[int], heads: bytes) -> _Table:
    read = np.frombuffer(ids, np.uint64)
    order = np.argsort(read, kind="stable")
    table = _Table(
        read[order],
        np.frombuffer(contents, np.uint64)[order],
        np.frombuffer(totals, np.uint32)[order],
        np.frombuffer(heads, _HEAD)[order],
    )
    twice = np.flatnonzero(table.ids[1:] == table.ids[:-1])  # an edit of the beginning was cut short
    table.contents[twice] = table.contents[twice + 1] = _PENDING
    return table


def _read(collection: RecordingCollection) -> _Table:
    ids, contents, totals = array("Q"), array("Q"), array("I")  # a list of numbers would take ten times as much
    heads = bytearray()
    for document in collection.recorded():
        ids.append(digest(document.id))
        contents.append(short(document.head.content))
        totals.append(document.head.total)
        heads += bytes.fromhex(document.head.hash)
    return _table(ids, contents, totals, bytes(heads))
