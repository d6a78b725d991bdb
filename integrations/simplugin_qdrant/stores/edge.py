"""Qdrant Edge: the engine in this process, its data in a folder.

What the engine leaves to its user is done here and in ``edge_folder``: one process a folder, no use after a fork, and
nothing handed to ``update()`` that it would refuse, since it logs an update before it checks it and replays the log
after a crash.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, cast

import qdrant_edge as edge

from simplugin.errors import StoreError
from simplugin.measures import FloatArray
from simplugin_qdrant.filters import Condition, LacksVector
from simplugin_qdrant.stores.edge_filter import filter_for, to_edge_filter, to_id
from simplugin_qdrant.stores.edge_folder import EdgeFolder
from simplugin_qdrant.stores.edge_mending import forget_strays, stray_vectors
from simplugin_qdrant.stores.edge_points import (
    DISTANCES,
    INDEXES,
    from_record,
    from_scored,
    to_config,
    to_payload_selector,
    to_point,
    to_request,
    to_vector,
    to_vector_selector,
)
from simplugin_qdrant.stores.protocol import (
    Cluster,
    Description,
    IndexKind,
    Payload,
    Point,
    Record,
    Scored,
    Search,
    VectorSpace,
    Wanted,
)

__all__ = ["EdgeStore"]

_PAGE = 1000
_SEGMENTS = 2
_EMPTY = 64 * 2**20  # bytes that a collection of one vector takes before anything is in it
_CACHED = 256 * 2**20  # bytes of payloads, up to which they are read into the page cache when a collection is opened


class EdgeStore:
    """The collections in a folder. Threads may share it; processes may not, and it does not survive a fork."""

    def __init__(self, folder: str | Path) -> None:
        """Open the folder; a new one appears with the first collection.

        Raises ``StoreLockedError`` where another process, or another store, has it open.
        """
        self._process = os.getpid()
        self._shards: dict[str, edge.EdgeShard] = {}
        self._opening = threading.Lock()
        self._removing = threading.Lock()
        self._closed = False
        self._held = EdgeFolder(folder)

    @property
    def location(self) -> str:
        """The folder, as given."""
        return str(self._held)

    @property
    def closed(self) -> bool:
        """Whether it let go of the folder."""
        return self._closed

    def names(self) -> list[str]:
        """Return the names of the collections, sorted."""
        return self._folder.names()

    def create(
        self,
        name: str,
        vectors: Mapping[str, VectorSpace],
        metadata: Mapping[str, Any],
        indexes: Mapping[str, IndexKind],
        words: Sequence[str] = (),
        cluster: Cluster | None = None,
    ) -> None:
        """Make an empty collection. It appears whole or, if the process dies meanwhile, not at all."""
        if cluster is not None:
            message = f"{self.location!r} is a folder, which is not spread over a cluster; use a Qdrant server."
            raise StoreError(message)

        def fill(folder: Path) -> None:
            with _engine_errors(name):
                shard = edge.EdgeShard.create(str(folder), to_config(vectors, words))
                for key, kind in indexes.items():
                    shard.update(edge.UpdateOperation.create_field_index(key, INDEXES[kind]))
                shard.flush()
                shard.close()

        self._folder.require_room(_EMPTY)
        spaces = {vector: _to_sidecar(space) for vector, space in vectors.items()}
        linked = [key for key, kind in indexes.items() if kind not in {"id", "ordinal"}]
        sidecar = {
            "version": 1,
            "vectors": spaces,
            "words": list(words),
            "linked": linked,
            "metadata": dict(metadata),
        }
        self._folder.create(name, sidecar, fill)

    def describe(self, name: str) -> Description:
        """Describe a collection. Raises ``UnknownCollectionError``."""
        sidecar = self._folder.sidecar(name)
        try:
            vectors = _from_sidecar(sidecar)
            words = frozenset(sidecar.get("words", ()))
        except (TypeError, ValueError) as error:
            message = f"Collection {name!r} in {self.location!r} is damaged: its vectors are not what they should be."
            raise StoreError(message) from error
        with self._engine(name) as shard:
            points = shard.count(edge.CountRequest(exact=True))
        return Description(vectors=vectors, words=words, metadata=sidecar["metadata"], points=points)

    def metadata(self, name: str) -> Mapping[str, Any]:
        """Return the collection's metadata. Raises ``UnknownCollectionError``."""
        return cast("Mapping[str, Any]", self._folder.sidecar(name)["metadata"])

    def annotate(self, name: str, metadata: Mapping[str, Any]) -> None:
        """Add to the collection's metadata, or replace what is there under these keys; None takes a key away."""
        changed = {**self.metadata(name), **metadata}
        kept = {key: value for key, value in changed.items() if value is not None}
        self._folder.amend(name, {"metadata": kept})

    def index(self, name: str, key: str, kind: IndexKind) -> None:
        """Make an index over a payload key."""
        self._update(name, edge.UpdateOperation.create_field_index(key, INDEXES[kind]))

    def add_vector(self, name: str, vector: str, space: VectorSpace) -> None:
        """Make room for one more vector at every point."""
        known = self._folder.sidecar(name)["vectors"]
        if vector in known:
            if VectorSpace(*known[vector]) != space:
                message = f"Collection {name!r} has another vector {vector!r} already."
                raise StoreError(message)
            return
        # The engine may have it, of a call that failed in between and wanted another width.
        self._update(name, edge.UpdateOperation.delete_vector_name(vector))
        distance = DISTANCES[space.similarity]
        self._update(name, edge.UpdateOperation.create_dense_vector(vector, space.dimension, distance))
        self.flush(name)
        self._folder.amend(name, {"vectors": {**known, vector: _to_sidecar(space)}})

    def remove_vector(self, name: str, vector: str) -> None:
        """Take a vector from every point, and its name from the collection."""
        known = self._folder.sidecar(name)["vectors"]
        self._folder.amend(name, {"vectors": {each: space for each, space in known.items() if each != vector}})
        self.flush(name)  # what the log still holds may name the vector, and would not be replayed without it
        self._update(name, edge.UpdateOperation.delete_vector_name(vector))
        self.flush(name)

    def drop(self, name: str) -> None:
        """Delete a collection with all that is in it, and its aliases.

        Raises ``UnknownCollectionError``, and ``StoreError`` for an alias.
        """
        self._folder.sidecar(name)
        if (real := self._folder.resolve(name)) != name:
            message = f"{name!r} is an alias of {real!r}; delete that, and the alias goes with it."
            raise StoreError(message)
        if (shard := self._shards.pop(name, None)) is not None:
            shard.close()
        self._folder.drop(name)

    def aliases(self) -> Mapping[str, str]:
        """Return the aliases, each with its collection."""
        return dict(self._folder.aliases)

    def alias(self, alias: str, name: str | None) -> None:
        """Let an alias stand for a collection from now on, in one step; None takes the alias away."""
        if name is not None:
            self._folder.sidecar(name)
        self._folder.alias(alias, name)

    def upsert(self, name: str, points: Sequence[Point]) -> None:
        """Store points; those whose ids are there are replaced."""
        if points:
            self._update(name, edge.UpdateOperation.upsert_points([to_point(point) for point in points]))

    def fill(self, name: str, vectors: Mapping[str, Mapping[str, FloatArray]], lacking: str) -> None:
        """Give points further vectors where they lack one."""
        with self._removing:  # a point that goes meanwhile would make the engine refuse the batch
            there = {record.id for record in self.retrieve(name, list(vectors), keys=[])}
            batch = [
                edge.PointVectors(to_id(id_), {vector: to_vector(row) for vector, row in rows.items()})
                for id_, rows in vectors.items()
                if id_ in there
            ]
            if batch:
                condition = filter_for(LacksVector(lacking))
                self._update(name, edge.UpdateOperation.update_vectors(batch, condition=condition))

    def restate(self, name: str, payloads: Mapping[str, Payload]) -> None:
        """Replace the payloads of points, by id."""
        self._folder.require_room(0)
        with self._engine(name) as shard:
            for id_, payload in payloads.items():
                shard.update(edge.UpdateOperation.overwrite_payload([to_id(id_)], payload))

    def delete(self, name: str, ids: Sequence[str]) -> None:
        """Delete points by id."""
        if ids:
            with self._removing:
                self._update(name, edge.UpdateOperation.delete_points([to_id(id_) for id_ in ids]))

    def delete_where(self, name: str, condition: Condition) -> None:
        """Delete the points for which the condition holds."""
        with self._removing:
            self._update(name, edge.UpdateOperation.delete_points_by_filter(filter_for(condition)))

    def search(self, name: str, searches: Sequence[Search]) -> list[list[Scored]]:
        """Answer several searches, each with the closest points, closest first."""
        linked = frozenset(self._folder.sidecar(name).get("linked", ()))
        requests = [to_request(search, linked) for search in searches]
        with self._engine(name) as shard:
            answers = [shard.query(request) for request in requests]
        return [[from_scored(point) for point in found] for found in answers]

    async def asearch(self, name: str, searches: Sequence[Search]) -> list[list[Scored]]:
        """Answer in a thread: the engine takes a fraction of a millisecond, and lets no other thread run meanwhile."""
        return await asyncio.to_thread(self.search, name, searches)

    def retrieve(
        self, name: str, ids: Sequence[str], *, keys: Sequence[str] | None = None, with_vectors: Wanted = False
    ) -> list[Record]:
        """Return these points, those that are not there left out."""
        if not ids:
            return []
        with self._engine(name) as shard:
            found = shard.retrieve(
                [to_id(id_) for id_ in ids], to_payload_selector(keys), to_vector_selector(with_vectors)
            )
        return [from_record(point, with_vectors) for point in found]

    async def aretrieve(self, name: str, ids: Sequence[str]) -> list[Record]:
        """Return in a thread, like ``asearch``."""
        return await asyncio.to_thread(self.retrieve, name, ids)

    def scroll(
        self,
        name: str,
        *,
        condition: Condition | None = None,
        keys: Sequence[str] | None = None,
        with_vectors: Wanted = False,
    ) -> Iterator[Record]:
        """Go through the points, a page at a time."""
        offset: Any = None
        while True:
            request = edge.ScrollRequest(
                offset=offset,
                limit=_PAGE,
                filter=to_edge_filter(condition),
                with_payload=to_payload_selector(keys),
                with_vector=to_vector_selector(with_vectors),
            )
            with self._engine(name) as shard:
                page, offset = shard.scroll(request)
            yield from (from_record(point, with_vectors) for point in page)
            if offset is None:
                return

    def size(self, name: str) -> int:
        """Say how many points there are."""
        with self._engine(name) as shard:
            return shard.info().points_count

    def count(self, name: str, condition: Condition | None = None) -> int:
        """Count the points for which the condition holds."""
        with self._engine(name) as shard:
            return shard.count(edge.CountRequest(exact=True, filter=to_edge_filter(condition)))

    def optimize(self, name: str) -> None:
        """Build the index; seconds for 100,000 points, during which the engine lets no other Python thread run.

        A collection of less than 14 MB of vectors has none and is searched exactly.
        """
        # Segments are written anew before the old ones go.
        self._folder.require_room(_bytes_in(self._folder.shard(name), "segments/**/*"))
        with self._engine(name) as shard:
            shard.optimize()

    def defer_index(self, name: str) -> None:
        """Do nothing: the index is built when ``optimize`` is called."""

    def resume_index(self, name: str) -> None:
        """Do nothing: the index is built when ``optimize`` is called."""

    def flush(self, name: str) -> None:
        """Return when what was written will survive a loss of power."""
        with self._engine(name) as shard:
            shard.flush()

    def close(self) -> None:
        """Write everything out and let go of the folder."""
        if self._closed or os.getpid() != self._process:
            return  # a forked child owns neither the engine's threads nor the lock
        for name, shard in self._shards.items():
            with _engine_errors(name):
                shard.close()
        self._shards.clear()
        self._held.release()
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def _folder(self) -> EdgeFolder:
        """The folder, as long as it may be used."""
        if self._closed:
            message = f"The store in {self.location!r} was closed."
            raise StoreError(message)
        if os.getpid() != self._process:
            message = f"The store in {self.location!r} was opened before a fork; open it again in this process."
            raise StoreError(message)
        return self._held

    def _update(self, name: str, operation: edge.UpdateOperation) -> None:
        self._folder.require_room(0)
        with self._engine(name) as shard:
            shard.update(operation)

    @contextmanager
    def _engine(self, name: str) -> Generator[edge.EdgeShard, None, None]:
        """Hand out the collection's shard, opened on first use, with the engine's errors translated."""
        real = self._folder.resolve(name)
        with _engine_errors(name):
            yield self._shards.get(real) or self._open(real)

    def _open(self, name: str) -> edge.EdgeShard:
        path = self._folder.shard(name)
        with self._opening:  # the second of two threads would find the files locked by the first
            if name not in self._shards:
                sidecar = self._folder.sidecar(name)
                vectors = _from_sidecar(sidecar)
                forget_strays(path, vectors)
                # A vector added to a live collection gets its small copies by opening with this configuration.
                words = sidecar.get("words", ())
                cached = _bytes_in(path, "segments/*/payload_storage/**/*") <= _CACHED
                config = to_config(vectors, words, threads=_threads(path), cached=cached)
                shard = edge.EdgeShard.load(str(path), config)
                for stray in stray_vectors(path, vectors):
                    shard.update(edge.UpdateOperation.delete_vector_name(stray))
                self._shards[name] = shard
            return self._shards[name]


def _threads(path: Path) -> int:
    """Return how many threads look through the segments: to wake a second for an empty one costs a fifth of a search.

    A collection that was optimized has one segment with an index, and one for what is written next.
    """
    segments = sum(each.is_dir() for each in (path / "segments").glob("*"))
    return 1 if segments <= _SEGMENTS else os.cpu_count() or 1


def _bytes_in(path: Path, pattern: str) -> int:
    """Return how much of the disk these files take: they are longer than what is in them."""
    return 512 * sum(each.stat().st_blocks for each in path.glob(pattern))


def _to_sidecar(space: VectorSpace) -> list[Any]:
    return [space.dimension, space.similarity, *([space.quantization] if space.quantization else [])]


def _from_sidecar(sidecar: Mapping[str, Any]) -> dict[str, VectorSpace]:
    return {vector: VectorSpace(*space) for vector, space in sidecar["vectors"].items()}


@contextmanager
def _engine_errors(name: str) -> Generator[None, None, None]:
    try:
        yield
    except Exception as error:
        # The engine raises bare Exception for everything, so that type alone is told by; the rest passes.
        if type(error) is not Exception:
            raise
        message = f"The engine refused an operation on collection {name!r}: {error}."
        raise StoreError(message) from error
