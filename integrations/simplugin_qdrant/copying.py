"""A collection from one store to another: streamed, resumable, and compared point by point at the end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from simplugin.errors import StoreError, UnknownCollectionError
from simplugin.measures import FloatArray
from simplugin.words import WordVector
from simplugin_qdrant.filters import OneOf
from simplugin_qdrant.listing import WHOSE, whose
from simplugin_qdrant.registering import INDEXES
from simplugin_qdrant.registry import read_indexes, read_quantization, without_calibrations
from simplugin_qdrant.stores.protocol import Cluster, Description, IndexKind, Point, Record, Store

__all__ = ["Copied", "Copying", "copy_collection"]

_BATCH = 256  # points a request
_NEAR = 1e-5  # two engines bring vectors to length 1 each in its own way, and so differ by less than this, relatively


@dataclass(frozen=True, slots=True)
class Copying:
    """How far it is: points looked at, of how many, in the first pass and in the second, which compares."""

    done: int
    total: int
    comparing: bool


@dataclass(frozen=True, slots=True)
class Copied:
    """What came of it: the points of the copy, those written and deleted, and those kept that the source has not.

    ``checksum`` is the SHA-256 over ids and payloads of the source, in the order of ids, equal on both sides.
    """

    collection: str
    points: int
    written: int
    checksum: str
    deleted: int = 0
    kept: int = 0


def copy_collection(
    source: Store,
    name: str,
    target: Store,
    new_name: str | None = None,
    *,
    prune: bool = False,
    cluster: Cluster | None = None,
    progress: Callable[[Copying], None] | None = None,
) -> Copied:
    """Bring a collection into another store, with its vectors, words, models and payloads; nothing is embedded again.

    Points that are there already, and equal, are passed over: a copy that was cut short is finished by running it
    again, and one of a collection that changed meanwhile is brought up to date. Chunks that their documents have no
    more in the source are deleted; with ``prune`` also the documents that it has not, which stay otherwise. At the end
    both sides are read again and compared: numbers of points, ids, payloads, and vectors up to rounding. ``cluster``
    spreads a new collection over a server's nodes.

    Raises ``StoreError`` where the target has another collection of that name, and where the sides differ at the end,
    as they do when somebody writes to one of them meanwhile.
    """
    pair = _Pair(source, name, target, new_name or name, source.describe(name), progress)
    pair.prepare(cluster)
    written = pair.bring()
    deleted, kept = pair.delete_strays(prune=prune)
    target.flush(pair.new_name)
    checksum = pair.compare(kept)
    target.optimize(pair.new_name)
    return Copied(pair.new_name, target.count(pair.new_name), written, checksum, deleted, kept)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A collection and its copy."""

    source: Store
    name: str
    target: Store
    new_name: str
    described: Description
    progress: Callable[[Copying], None] | None

    def prepare(self, cluster: Cluster | None) -> None:
        """Make the collection in the target, or see that the one there is this one."""
        described, metadata = self.described, self.described.metadata
        try:
            there = self.target.describe(self.new_name)
        except UnknownCollectionError:
            vectors = {
                vector: replace(space, quantization=read_quantization(metadata, vector))
                for vector, space in described.vectors.items()
            }
            indexes: dict[str, IndexKind] = {**INDEXES, **read_indexes(metadata)}
            self.target.create(self.new_name, vectors, metadata, indexes, sorted(described.words), cluster)
            return
        same = (dict(there.vectors), there.words) == (dict(described.vectors), described.words)
        if not same or without_calibrations(there.metadata) != without_calibrations(metadata):
            message = (
                f"{self.target.location!r} has another collection {self.new_name!r}, with other vectors or another "
                "model; delete it, or give the copy another name."
            )
            raise StoreError(message)
        if dict(there.metadata) != dict(metadata):  # the scores stand for something else by now
            self.target.annotate(self.new_name, metadata)

    def bring(self) -> int:
        """Write what is missing in the copy, or different; return how many points."""
        written = 0
        for batch, copies in self._batches(comparing=False):
            changed = [
                record for record in batch if (copy := copies.get(record.id)) is None or _difference(record, copy)
            ]
            self.target.upsert(self.new_name, [Point(each.id, each.vectors, each.payload) for each in changed])
            written += len(changed)
        return written

    def delete_strays(self, *, prune: bool) -> tuple[int, int]:
        """Delete from the copy what the source has not, without ``prune`` only of documents that are in both.

        Returns how many points went, and how many stay that are not in the source.
        """
        deleted = kept = 0
        if self.target.count(self.new_name) == self.source.count(self.name):
            return deleted, kept
        stored = self.target.scroll(self.new_name, keys=WHOSE)
        while batch := list(islice(stored, _BATCH)):
            known = {record.id for record in self.source.retrieve(self.name, [each.id for each in batch], keys=[])}
            strays = [record for record in batch if record.id not in known]
            gone = strays if prune or not strays else self._stale(strays)
            self.target.delete(self.new_name, [record.id for record in gone])
            deleted, kept = deleted + len(gone), kept + len(strays) - len(gone)
        return deleted, kept

    def _stale(self, strays: Sequence[Record]) -> list[Record]:
        """Return those of the copy's points whose documents the source has, without them."""
        ids = tuple({document_id for document_id, _ in map(whose, strays)})
        condition = OneOf("document_id", ids)
        there = {whose(record) for record in self.source.scroll(self.name, condition=condition, keys=WHOSE)}
        return [record for record in strays if whose(record) in there]

    def compare(self, kept: int) -> str:
        """Read both sides again, and return the checksum of what the source holds; ``kept`` points are not in it."""
        digest, number = hashlib.sha256(), 0
        for batch, copies in self._batches(comparing=True):
            for record in batch:
                copy = copies.get(record.id)
                if difference := "is missing" if copy is None else _difference(record, copy):
                    raise StoreError(self._differs(f"point {record.id} {difference}"))
                digest.update(json.dumps([record.id, record.payload], sort_keys=True, ensure_ascii=False).encode())
            number += len(batch)
        if (stored := self.target.count(self.new_name)) != number + kept:
            raise StoreError(self._differs(f"it has {stored:,} points instead of {number + kept:,}"))
        return digest.hexdigest()

    def _batches(self, *, comparing: bool) -> Iterator[tuple[Sequence[Record], Mapping[str, Record]]]:
        """Go through the points, a request at a time, with the copies that there are of them."""
        done = 0
        records = self.source.scroll(self.name, with_vectors=True)
        while batch := list(islice(records, _BATCH)):
            found = self.target.retrieve(self.new_name, [record.id for record in batch], with_vectors=True)
            yield batch, {record.id: record for record in found}
            done += len(batch)
            if self.progress:
                self.progress(Copying(done, max(done, self.described.points), comparing))

    def _differs(self, how: str) -> str:
        return (
            f"The copy of {self.name!r} in {self.target.location!r} differs: {how}. "
            "Was one of the two written to meanwhile? Run it again."
        )


def _difference(one: Record, other: Record) -> str:
    """Say in which way a copy differs; an empty text if it does not."""
    if one.payload != other.payload:
        return "has another payload"
    if one.vectors.keys() != other.vectors.keys():
        return "has other vectors"
    for vector, row in one.vectors.items():
        if not _are_near(row, other.vectors[vector]):
            return f"has another vector {vector!r}"
    return ""


def _are_near(one: FloatArray | WordVector, other: FloatArray | WordVector) -> bool:
    if isinstance(one, WordVector) and isinstance(other, WordVector):
        a, b = np.argsort(one.indices), np.argsort(other.indices)
        same = np.array_equal(one.indices[a], other.indices[b])
        return same and bool(np.allclose(one.values[a], other.values[b], rtol=_NEAR))
    if isinstance(one, WordVector) or isinstance(other, WordVector) or one.shape != other.shape:
        return False
    return bool(np.abs(one - other).max(initial=0) <= _NEAR * max(float(np.abs(one).max(initial=0)), _NEAR))
