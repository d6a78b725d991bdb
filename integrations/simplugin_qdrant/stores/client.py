"""Any ``QdrantClient``: in memory, in a folder, a server or a cluster."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Self, cast

import numpy as np
from grpc import Call, RpcError
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException

from simplugin.errors import StoreError, UnknownCollectionError
from simplugin.measures import FloatArray, SimilarityFunction
from simplugin.words import WordVector
from simplugin_qdrant.filters import Condition
from simplugin_qdrant.stores.client_filter import filter_for, to_client_filter
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

__all__ = ["ClientStore"]

_PAGE = 1000
_DISTANCES: dict[SimilarityFunction, models.Distance] = {
    "cosine": models.Distance.COSINE,
    "dot": models.Distance.DOT,
    "euclidean": models.Distance.EUCLID,
    "manhattan": models.Distance.MANHATTAN,
}
_SIMILARITIES: dict[models.Distance, SimilarityFunction] = {
    distance: function for function, distance in _DISTANCES.items()
}


class ClientStore:
    """The collections that a client reaches."""

    def __init__(self, client: QdrantClient, location: str | None = None, *, owned: bool = False) -> None:
        """Wrap a client; ``owned`` says that closing the store closes the client."""
        self._client = client
        self._owned = owned
        options = client.init_options
        path = options.get("path") or (":memory:" if options.get("location") == ":memory:" else None)
        # The emulator behind path= and :memory: corrupts its arrays when two threads write at once, and reads them
        # while they change: one thread at a time.
        self._turn = nullcontext() if path is None else threading.RLock()
        self._is_local = path is not None
        self._location = location or str(path or options.get("url") or options.get("host") or "server")

    @property
    def location(self) -> str:
        """Where the data is, in the words the client was made with."""
        return self._location

    def names(self) -> list[str]:
        """Return the names of the collections, sorted."""
        with _client_errors(self._location), self._turn:
            return sorted(entry.name for entry in self._client.get_collections().collections)

    def create(
        self,
        name: str,
        vectors: Mapping[str, VectorSpace],
        metadata: Mapping[str, Any],
        indexes: Mapping[str, IndexKind],
        words: Sequence[str] = (),
    ) -> None:
        """Make an empty collection; its metadata is read back, since an old server drops it without a word."""
        params = {
            vector: models.VectorParams(size=space.dimension, distance=_DISTANCES[space.similarity])
            for vector, space in vectors.items()
        }
        with _client_errors(name), self._turn:
            self._client.create_collection(
                name,
                vectors_config=params,
                sparse_vectors_config={
                    vector: models.SparseVectorParams(modifier=models.Modifier.IDF) for vector in words
                },
                metadata=dict(metadata),
            )
            if not self._is_local:  # the emulator has no indexes, and warns about each
                for key, kind in indexes.items():
                    self._client.create_payload_index(name, key, models.PayloadSchemaType(kind), wait=True)
        if dict(self.describe(name).metadata) != dict(metadata):
            self.drop(name)
            raise StoreError(_forgetful(self._location, "Nothing was created."))

    def describe(self, name: str) -> Description:
        """Describe a collection. Raises ``UnknownCollectionError``."""
        self._require(name)
        with _client_errors(name), self._turn:
            info = self._client.get_collection(name)
            points = self._client.count(name, exact=True).count
        params = info.config.params.vectors or {}
        named = params if isinstance(params, dict) else {"": params}
        return Description(
            vectors={vector: VectorSpace(space.size, _SIMILARITIES[space.distance]) for vector, space in named.items()},
            words=frozenset(info.config.params.sparse_vectors or {}),
            metadata=info.config.metadata or {},
            points=points,
        )

    def annotate(self, name: str, metadata: Mapping[str, Any]) -> None:
        """Add to the collection's metadata, or replace what is there under these keys; it is read back."""
        self._require(name)
        with _client_errors(name), self._turn:
            self._client.update_collection(name, metadata=dict(metadata))
        kept = self.describe(name).metadata
        if any(kept.get(key) != value for key, value in metadata.items()):
            raise StoreError(_forgetful(self._location, "Nothing was recorded."))

    def drop(self, name: str) -> None:
        """Delete a collection with all that is in it. Raises ``UnknownCollectionError``."""
        self._require(name)
        with _client_errors(name), self._turn:
            self._client.delete_collection(name)

    def upsert(self, name: str, points: Sequence[Point]) -> None:
        """Store points; those whose ids are there are replaced."""
        batch = [
            models.PointStruct(
                id=point.id,
                vector=_to_client(point.vectors[""])
                if "" in point.vectors
                else {vector: _to_client(row) for vector, row in point.vectors.items()},
                payload=point.payload,
            )
            for point in points
        ]
        if batch:
            with _client_errors(name), self._turn, _quiet():
                self._client.upsert(name, batch, wait=True)

    def restate(self, name: str, payloads: Mapping[str, Payload]) -> None:
        """Replace the payloads of points, by id, in one request."""
        operations: list[models.UpdateOperation] = [
            models.OverwritePayloadOperation(overwrite_payload=models.SetPayload(payload=payload, points=[id_]))
            for id_, payload in payloads.items()
        ]
        if operations:
            with _client_errors(name), self._turn:
                self._client.batch_update_points(name, operations, wait=True)

    def delete(self, name: str, ids: Sequence[str]) -> None:
        """Delete points by id."""
        if ids:
            with _client_errors(name), self._turn:
                self._client.delete(name, models.PointIdsList(points=list(ids)), wait=True)

    def delete_where(self, name: str, condition: Condition) -> None:
        """Delete the points for which the condition holds."""
        with _client_errors(name), self._turn:
            self._client.delete(name, models.FilterSelector(filter=filter_for(condition)), wait=True)

    def search(self, name: str, searches: Sequence[Search]) -> list[list[Scored]]:
        """Answer several searches in one request, each with the closest points, closest first."""
        requests = [
            models.QueryRequest(
                query=_to_client(search.query),
                using=search.vector or None,
                limit=search.limit,
                filter=to_client_filter(search.condition),
                with_payload=True,
            )
            for search in searches
        ]
        with _client_errors(name), self._turn:
            answers = self._client.query_batch_points(name, requests)
        return [
            [Scored(str(point.id), point.score, point.payload or {}) for point in found.points] for found in answers
        ]

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
            with _client_errors(name), self._turn:
                page, offset = self._client.scroll(
                    name,
                    scroll_filter=to_client_filter(condition),
                    limit=_PAGE,
                    offset=offset,
                    with_payload=True if keys is None else list(keys),
                    with_vectors=with_vectors,
                )
            for point in page:
                given: Any = (point.vector or {}) if with_vectors else {}
                named = isinstance(given, dict)
                vectors = cast("dict[str, Any]", given) if named else {"": given}  # the unnamed vector
                rows = {vector: _from_client(row) for vector, row in vectors.items()}
                yield Record(str(point.id), point.payload or {}, rows)
            if offset is None:
                return

    def size(self, name: str) -> int:
        """Say about how many points there are, as the engine estimates it."""
        with _client_errors(name), self._turn:
            return self._client.count(name, exact=False).count

    def count(self, name: str, condition: Condition | None = None) -> int:
        """Count the points for which the condition holds."""
        with _client_errors(name), self._turn:
            return self._client.count(name, count_filter=to_client_filter(condition), exact=True).count

    def optimize(self, name: str) -> None:
        """Do nothing: a server builds its indexes by itself, and the emulator has none."""

    def flush(self, name: str) -> None:
        """Do nothing: every write waited for the server, or for SQLite, to have it."""

    def close(self) -> None:
        """Close the client, unless it was handed in."""
        if self._owned:
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _require(self, name: str) -> None:
        with _client_errors(name), self._turn:
            there = self._client.collection_exists(name)
        if not there:
            raise UnknownCollectionError(name, self.names(), self._location)


def _to_client(row: FloatArray | WordVector) -> Any:
    if isinstance(row, WordVector):
        return models.SparseVector(indices=row.indices.tolist(), values=row.values.tolist())
    return row.tolist()


def _from_client(row: Any) -> FloatArray | WordVector:
    if isinstance(row, models.SparseVector):
        return WordVector(np.array(row.indices, dtype=np.uint32), np.array(row.values, dtype=np.float32))
    return np.array(row, dtype=np.float32)


@contextmanager
def _client_errors(name: str) -> Generator[None, None, None]:
    """Translate what the client raises: ValueError from the emulator, and what REST and gRPC say of a server."""
    try:
        yield
    except RpcError as error:
        reason = str(error.details()) if isinstance(error, Call) else str(error)
        raise StoreError(_refused(name, reason)) from error
    except (ValueError, ApiException) as error:
        raise StoreError(_refused(name, str(error) or type(error).__name__)) from error


def _forgetful(location: str, outcome: str) -> str:
    return (
        f"The server at {location!r} did not keep the collection's metadata, where the model is recorded; "
        f"it needs Qdrant 1.15.4 or newer. {outcome}"
    )


def _refused(name: str, reason: str) -> str:
    first = reason.strip().splitlines()[0].rstrip(".")
    return f"Qdrant could not do what was asked for {name!r}: {first}."


@contextmanager
def _quiet() -> Generator[None, None, None]:
    """Keep the emulator's advice beyond 20,000 points to itself: the README gives it, once."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Local mode is not recommended")
        yield
