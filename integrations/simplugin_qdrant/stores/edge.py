"""Qdrant Edge: the engine in this process, its data in a folder.

The folder of a store::

    .lock                       held while a process has the store open
    collections/NAME/shard/     the engine's files
    collections/NAME/simplugin.json   the collection's metadata, which the engine has no place for

What the engine leaves to its user is done here: one process a folder, no use after a fork, and nothing handed to
``update()`` that it would refuse, since it logs an update before it checks it and replays the log after a crash.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import quote, unquote

import numpy as np
import qdrant_edge as edge
from filelock import FileLock, Timeout

from simplugin.errors import StoreError, StoreLockedError, UnknownCollectionError
from simplugin.measures import FloatArray, SimilarityFunction
from simplugin.words import WordVector
from simplugin_qdrant.filters import Condition
from simplugin_qdrant.stores.edge_filter import filter_for, to_edge_filter
from simplugin_qdrant.stores.protocol import (
    Description,
    IndexKind,
    Payload,
    Point,
    Record,
    Scored,
    Search,
    VectorSpace,
)

__all__ = ["EdgeStore"]

_PAGE = 1000
_SIDECAR = "simplugin.json"
_DISTANCES: dict[SimilarityFunction, edge.Distance] = {
    "cosine": edge.Distance.Cosine,
    "dot": edge.Distance.Dot,
    "euclidean": edge.Distance.Euclid,
    "manhattan": edge.Distance.Manhattan,
}

_INDEXES: dict[IndexKind, edge.PayloadSchemaType] = {
    "keyword": edge.PayloadSchemaType.Keyword,
    "integer": edge.PayloadSchemaType.Integer,
}


class EdgeStore:
    """The collections in a folder. Threads may share it; processes may not, and it does not survive a fork."""

    def __init__(self, folder: str | Path) -> None:
        """Open the folder; a new one appears with the first collection.

        Raises ``StoreLockedError`` where another process, or another store, has it open.
        """
        self._folder = Path(folder)
        self._process = os.getpid()
        self._shards: dict[str, edge.EdgeShard] = {}
        self._opening = threading.Lock()
        self._lock = FileLock(self._folder / ".lock", timeout=0)
        self._closed = False
        if self._folder.exists():
            self._take_folder()

    @property
    def location(self) -> str:
        """The folder, as given."""
        return str(self._folder)

    def names(self) -> list[str]:
        """Return the names of the collections, sorted."""
        self._check_usable()
        top = self._folder / "collections"
        if not top.is_dir():
            return []
        return sorted(unquote(entry.name) for entry in top.iterdir() if (entry / _SIDECAR).is_file())

    def create(
        self,
        name: str,
        vectors: Mapping[str, VectorSpace],
        metadata: Mapping[str, Any],
        indexes: Mapping[str, IndexKind],
        words: Sequence[str] = (),
    ) -> None:
        """Make an empty collection. It appears whole or, if the process dies meanwhile, not at all."""
        target = self._path(name)
        if target.exists():
            message = f"There is a collection {name!r} in {self.location!r} already."
            raise StoreError(message)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"The store in {self.location!r} cannot be made ({error.strerror})."
            raise StoreError(message) from error
        self._take_folder()
        target.parent.mkdir(exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".new-", dir=self._folder))
        try:
            with _engine_errors(name):
                (draft / "shard").mkdir()
                shard = edge.EdgeShard.create(str(draft / "shard"), _config(vectors, words))
                for key, kind in indexes.items():
                    shard.update(edge.UpdateOperation.create_field_index(key, _INDEXES[kind]))
                shard.flush()
                shard.close()
            spaces = {vector: [space.dimension, space.similarity] for vector, space in vectors.items()}
            _write_json(
                draft / _SIDECAR, {"version": 1, "vectors": spaces, "words": list(words), "metadata": dict(metadata)}
            )
            draft.rename(target)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise

    def describe(self, name: str) -> Description:
        """Describe a collection. Raises ``UnknownCollectionError``."""
        sidecar = self._sidecar(name)
        try:
            vectors = {vector: VectorSpace(*space) for vector, space in sidecar["vectors"].items()}
            words = frozenset(sidecar.get("words", ()))
            metadata = dict(sidecar["metadata"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"Collection {name!r} in {self.location!r} is damaged: {_SIDECAR} is not what it should be."
            raise StoreError(message) from error
        with self._engine(name) as shard:
            points = shard.count(edge.CountRequest(exact=True))
        return Description(vectors=vectors, words=words, metadata=metadata, points=points)

    def annotate(self, name: str, metadata: Mapping[str, Any]) -> None:
        """Add to the collection's metadata, or replace what is there under these keys."""
        sidecar = self._sidecar(name)
        _write_json(self._path(name) / _SIDECAR, sidecar | {"metadata": sidecar["metadata"] | dict(metadata)})

    def drop(self, name: str) -> None:
        """Delete a collection with all that is in it. Raises ``UnknownCollectionError``."""
        self._sidecar(name)
        if (shard := self._shards.pop(name, None)) is not None:
            shard.close()
        # Out of sight in one step, then deleted at leisure.
        doomed = Path(tempfile.mkdtemp(prefix=".old-", dir=self._folder))
        self._path(name).rename(doomed / "collection")
        shutil.rmtree(doomed)

    def upsert(self, name: str, points: Sequence[Point]) -> None:
        """Store points; those whose ids are there are replaced."""
        batch = [
            edge.Point(point.id, {vector: _to_edge(row) for vector, row in point.vectors.items()}, point.payload)
            for point in points
        ]
        if batch:
            self._update(name, edge.UpdateOperation.upsert_points(batch))

    def restate(self, name: str, payloads: Mapping[str, Payload]) -> None:
        """Replace the payloads of points, by id."""
        for id_, payload in payloads.items():
            self._update(name, edge.UpdateOperation.overwrite_payload([id_], payload))

    def delete(self, name: str, ids: Sequence[str]) -> None:
        """Delete points by id."""
        if ids:
            self._update(name, edge.UpdateOperation.delete_points(list(ids)))

    def delete_where(self, name: str, condition: Condition) -> None:
        """Delete the points for which the condition holds."""
        self._update(name, edge.UpdateOperation.delete_points_by_filter(filter_for(condition)))

    def search(self, name: str, searches: Sequence[Search]) -> list[list[Scored]]:
        """Answer several searches, each with the closest points, closest first."""
        requests = [
            edge.QueryRequest(
                limit=search.limit,
                query=edge.Query.Nearest(_to_edge(search.query), using=search.vector),
                filter=to_edge_filter(search.condition),
                with_payload=True,
            )
            for search in searches
        ]
        with self._engine(name) as shard:
            answers = [shard.query(request) for request in requests]
        return [[Scored(str(point.id), point.score, point.payload or {}) for point in found] for found in answers]

    def scroll(
        self,
        name: str,
        *,
        condition: Condition | None = None,
        keys: Sequence[str] | None = None,
        with_vectors: bool = False,
    ) -> Iterator[Record]:
        """Go through the points, a page at a time."""
        offset: Any = None
        while True:
            request = edge.ScrollRequest(
                offset=offset,
                limit=_PAGE,
                filter=to_edge_filter(condition),
                with_payload=True if keys is None else list(keys),
                with_vector=with_vectors,
            )
            with self._engine(name) as shard:
                page, offset = shard.scroll(request)
            for point in page:
                vectors = cast("dict[str, Any]", point.vector or {}) if with_vectors else {}
                rows = {vector: _from_edge(row) for vector, row in vectors.items()}
                yield Record(str(point.id), point.payload or {}, rows)
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

        A collection below the engine's threshold, some 20 MB of vectors, has none and is searched exactly.
        """
        with self._engine(name) as shard:
            shard.optimize()

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
        self._lock.release()
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _take_folder(self) -> None:
        if self._lock.is_locked:
            return
        if not self._folder.is_dir():
            message = f"{self.location!r} is a file; a store is a folder."
            raise StoreError(message)
        if (self._folder / "meta.json").exists() and (self._folder / "collection").is_dir():
            message = (
                f"{self.location!r} was written by QdrantClient(path=…); "
                "open it with open_store(QdrantClient(path=…)), or choose another folder."
            )
            raise StoreError(message)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise StoreLockedError(self.location) from error
        except OSError as error:
            message = f"The store in {self.location!r} cannot be opened ({error.strerror})."
            raise StoreError(message) from error
        for leftover in (*self._folder.glob(".new-*"), *self._folder.glob(".old-*")):
            shutil.rmtree(leftover, ignore_errors=True)  # of a process that died while creating or dropping

    def _check_usable(self) -> None:
        if self._closed:
            message = f"The store in {self.location!r} was closed."
            raise StoreError(message)
        if os.getpid() != self._process:
            message = f"The store in {self.location!r} was opened before a fork; open it again in this process."
            raise StoreError(message)

    def _path(self, name: str) -> Path:
        self._check_usable()
        encoded = quote(name, safe="")
        if not name or name.startswith(".") or len(encoded) > 200:
            message = f"{name!r} cannot name a collection: it needs 1 to 200 characters and no dot at the start."
            raise StoreError(message)
        return self._folder / "collections" / encoded

    def _sidecar(self, name: str) -> dict[str, Any]:
        path = self._path(name) / _SIDECAR
        try:
            return cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            raise UnknownCollectionError(name, self.names(), self.location) from None
        except (OSError, ValueError) as error:
            message = f"Collection {name!r} in {self.location!r} is damaged: {_SIDECAR} cannot be read ({error})."
            raise StoreError(message) from error

    def _update(self, name: str, operation: edge.UpdateOperation) -> None:
        with self._engine(name) as shard:
            shard.update(operation)

    @contextmanager
    def _engine(self, name: str) -> Generator[edge.EdgeShard, None, None]:
        """Hand out the collection's shard, opened on first use, with the engine's errors translated."""
        self._check_usable()
        with _engine_errors(name):
            yield self._shards.get(name) or self._open(name)

    def _open(self, name: str) -> edge.EdgeShard:
        self._sidecar(name)
        with self._opening:  # the second of two threads would find the files locked by the first
            if name not in self._shards:
                self._shards[name] = edge.EdgeShard.load(str(self._path(name) / "shard"))
            return self._shards[name]


def _config(vectors: Mapping[str, VectorSpace], words: Sequence[str]) -> edge.EdgeConfig:
    return edge.EdgeConfig(
        vectors={
            name: edge.EdgeVectorParams(space.dimension, _DISTANCES[space.similarity])
            for name, space in vectors.items()
        },
        sparse_vectors={name: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf) for name in words},
    )


def _to_edge(row: FloatArray | WordVector) -> Any:
    return edge.SparseVector(row.indices.tolist(), row.values.tolist()) if isinstance(row, WordVector) else row.tolist()


def _from_edge(row: Any) -> FloatArray | WordVector:
    if isinstance(row, edge.SparseVector):
        return WordVector(np.array(row.indices, dtype=np.uint32), np.array(row.values, dtype=np.float32))
    return np.array(row, dtype=np.float32)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a file so that a reader sees the old content or the new, also after a loss of power."""
    draft = path.with_suffix(".tmp")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


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
