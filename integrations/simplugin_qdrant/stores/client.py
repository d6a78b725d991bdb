"""Any ``QdrantClient``: in memory, in a folder, a server or a cluster."""

from __future__ import annotations

import asyncio
import threading
import time
import warnings
import weakref
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, Self, TypeVar

from qdrant_client import AsyncQdrantClient, QdrantClient, models

from simplugin.errors import StoreError, UnknownCollectionError
from simplugin.measures import FloatArray
from simplugin.retrying import Retry
from simplugin_qdrant.filters import Condition, LacksVector
from simplugin_qdrant.stores.client_errors import (
    CLIENT_ERRORS,
    is_unknown_call,
    is_unreachable,
    to_store_error,
    wait_before_next,
)
from simplugin_qdrant.stores.client_filter import filter_for, to_client_filter, to_id
from simplugin_qdrant.stores.client_points import (
    from_answers,
    from_record,
    to_index,
    to_payload_selector,
    to_point,
    to_request,
    to_space,
    to_vector,
    to_vector_name,
    to_vector_params,
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
    Store,
    VectorSpace,
    Wanted,
)

__all__ = ["ClientStore"]

T = TypeVar("T")

_PAGE = 1000
# In the metadata while much is written: from how many kilobytes on the server indexes at other times.
_DEFERRED = "simplugin-deferred-index"
_THRESHOLD = 10_000  # the server's own default (https://qdrant.tech/documentation/concepts/optimizer/)
_DEFAULT_RETRY = Retry()


class ClientStore:
    """The collections that a client reaches. A server that is busy, or gone for a moment, is asked again."""

    def __init__(
        self,
        client: QdrantClient,
        location: str | None = None,
        *,
        owned: bool = False,
        retry: Retry = _DEFAULT_RETRY,
        read_consistency: int | str | None = None,
    ) -> None:
        """Wrap a client; ``owned`` says that closing the store closes the client.

        ``read_consistency`` is how many replicas of a cluster must agree on an answer: a number, ``"majority"``,
        ``"quorum"`` or ``"all"``.
        """
        self._client = client
        self._owned = owned
        options = client.init_options
        path = options.get("path") or (":memory:" if options.get("location") == ":memory:" else None)
        # The emulator behind path= and :memory: corrupts its arrays when two threads write at once, and reads them
        # while they change: one thread at a time.
        self._turn = nullcontext() if path is None else threading.RLock()
        self._is_local = path is not None
        self._location = location or str(path or options.get("url") or options.get("host") or "server")
        self._retry = retry
        self._answered = False
        self._closed = False
        # The emulator knows no consistency, and says so at every read.
        self._read: dict[str, Any] = {} if path or read_consistency is None else {"consistency": read_consistency}
        self._async_client: tuple[weakref.ref[asyncio.AbstractEventLoop], AsyncQdrantClient] | None = None

    def opener(self) -> Callable[[], Store] | None:
        """Return what opens this store in another process, key included; None where the data is in this one."""
        return None if self._is_local else partial(_open_again, self._client.init_options, self._location, self._read)

    @property
    def location(self) -> str:
        """Where the data is, in the words the client was made with."""
        return self._location

    def names(self) -> list[str]:
        """Return the names of the collections, sorted."""
        found = self._ask(self._location, lambda client: client.get_collections())
        return sorted(entry.name for entry in found.collections)

    def create(
        self,
        name: str,
        vectors: Mapping[str, VectorSpace],
        metadata: Mapping[str, Any],
        indexes: Mapping[str, IndexKind],
        words: Sequence[str] = (),
        cluster: Cluster | None = None,
    ) -> None:
        """Make an empty collection; its metadata is read back, since an old server drops it without a word."""
        if cluster is not None and self._is_local:
            message = f"{self._location!r} is not spread over a cluster; use a Qdrant server."
            raise StoreError(message)
        spread = cluster or Cluster()
        params = {vector: to_vector_params(space) for vector, space in vectors.items()}
        sparse = {vector: models.SparseVectorParams(modifier=models.Modifier.IDF) for vector in words}
        # Once only: where the answer was lost, a second attempt would find the collection and call it another's.
        self._ask(
            name,
            lambda client: client.create_collection(
                name,
                vectors_config=params.get("", params),  # the unnamed vector stands alone
                sparse_vectors_config=sparse,
                metadata=dict(metadata),
                shard_number=spread.shards,
                replication_factor=spread.replicas,
                write_consistency_factor=spread.write_consistency,
            ),
            again=False,
        )
        for key, kind in indexes.items():
            self.index(name, key, kind)
        if dict(self.metadata(name)) != dict(metadata):
            self.drop(name)
            raise StoreError(_forgetful(self._location, "Nothing was created."))

    def describe(self, name: str) -> Description:
        """Describe a collection. Raises ``UnknownCollectionError``."""
        info = self._info(name)
        points = self.count(name)
        params = info.config.params.vectors or {}
        named = params if isinstance(params, dict) else {"": params}
        return Description(
            vectors={vector: to_space(space) for vector, space in named.items()},
            words=frozenset(info.config.params.sparse_vectors or {}),
            metadata=info.config.metadata or {},
            points=points,
        )

    def metadata(self, name: str) -> Mapping[str, Any]:
        """Return the collection's metadata. Raises ``UnknownCollectionError``."""
        return self._info(name).config.metadata or {}

    def annotate(self, name: str, metadata: Mapping[str, Any]) -> None:
        """Add to the collection's metadata, or replace what is there under these keys; it is read back."""
        self._require(name)
        real = self.aliases().get(name, name)
        self._ask(name, lambda client: client.update_collection(real, metadata=dict(metadata)))
        kept = self.metadata(name)
        if any(kept.get(key) != value for key, value in metadata.items()):
            raise StoreError(_forgetful(self._location, "Nothing was recorded."))

    def index(self, name: str, key: str, kind: IndexKind) -> None:
        """Make an index over a payload key; the emulator has none, and warns about each."""
        if not self._is_local:
            self._ask(name, lambda client: client.create_payload_index(name, key, to_index(kind), wait=True))

    def add_vector(self, name: str, vector: str, space: VectorSpace) -> None:
        """Make room for one more vector at every point."""
        known = self.describe(name).vectors
        if vector in known:
            if known[vector] != space:
                message = f"Collection {name!r} has another vector {vector!r} already."
                raise StoreError(message)
            return
        try:
            self._ask(name, lambda client: client.create_vector_name(name, vector, to_vector_name(space), wait=True))
        except StoreError as error:
            if not is_unknown_call(error.__cause__):
                raise
            message = (
                f"The server at {self._location!r} cannot add a vector to a collection; it needs Qdrant 1.18 or newer. "
                "Give the collection an alias, open it by that, and bring it into another one with migrate(…, into=…)."
            )
            raise StoreError(message) from error
        if space.quantization and not self._is_local:
            wanted = models.VectorParamsDiff(quantization_config=to_vector_params(space).quantization_config)
            self._ask(name, lambda client: client.update_collection(name, vectors_config={vector: wanted}))

    def remove_vector(self, name: str, vector: str) -> None:
        """Take a vector from every point, and its name from the collection."""
        if vector in self.describe(name).vectors:
            self._ask(name, lambda client: client.delete_vector_name(name, vector, wait=True))

    def drop(self, name: str) -> None:
        """Delete a collection with all that is in it, and its aliases.

        Raises ``UnknownCollectionError``, and ``StoreError`` for an alias.
        """
        self._require(name)
        known = self.aliases()
        if name in known:
            message = f"{name!r} is an alias of {known[name]!r}; delete that, and the alias goes with it."
            raise StoreError(message)
        for alias in [alias for alias, target in known.items() if target == name]:
            self.alias(alias, None)
        self._ask(name, lambda client: client.delete_collection(name))

    def aliases(self) -> Mapping[str, str]:
        """Return the aliases, each with its collection."""
        found = self._ask(self._location, lambda client: client.get_aliases())
        return {entry.alias_name: entry.collection_name for entry in found.aliases}

    def alias(self, alias: str, name: str | None) -> None:
        """Let an alias stand for a collection from now on, in one step; None takes the alias away."""
        known = self.aliases()
        steps: list[models.AliasOperations] = []
        if alias in known:
            steps.append(models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)))
        if name is not None:
            self._require(name)
            made = models.CreateAlias(collection_name=known.get(name, name), alias_name=alias)
            steps.append(models.CreateAliasOperation(create_alias=made))
        if steps:
            self._ask(alias, lambda client: client.update_collection_aliases(steps))

    def upsert(self, name: str, points: Sequence[Point]) -> None:
        """Store points; those whose ids are there are replaced."""
        batch = [to_point(point) for point in points]
        if batch:
            with _quiet():
                self._ask(name, lambda client: client.upsert(name, batch, wait=True))

    def fill(self, name: str, vectors: Mapping[str, Mapping[str, FloatArray]], lacking: str) -> None:
        """Give points further vectors where they lack one."""
        condition = filter_for(LacksVector(lacking))

        def send(ids: Sequence[str]) -> None:
            batch = [
                models.PointVectors(id=to_id(id_), vector={each: to_vector(row) for each, row in vectors[id_].items()})
                for id_ in ids
            ]
            self._ask(name, lambda client: client.update_vectors(name, batch, wait=True, update_filter=condition))

        with self._turn:
            while there := [record.id for record in self.retrieve(name, list(vectors), keys=[])]:
                try:
                    send(there)
                except StoreError:
                    # A point that went between the look and the write makes the server refuse the batch.
                    if {record.id for record in self.retrieve(name, there, keys=[])} == set(there):
                        raise
                else:
                    break

    def restate(self, name: str, payloads: Mapping[str, Payload]) -> None:
        """Replace the payloads of points, by id, in one request."""
        operations: list[models.UpdateOperation] = [
            models.OverwritePayloadOperation(overwrite_payload=models.SetPayload(payload=payload, points=[to_id(id_)]))
            for id_, payload in payloads.items()
        ]
        if operations:
            self._ask(name, lambda client: client.batch_update_points(name, operations, wait=True))

    def delete(self, name: str, ids: Sequence[str]) -> None:
        """Delete points by id."""
        chosen = models.PointIdsList(points=[to_id(id_) for id_ in ids])
        if ids:
            self._ask(name, lambda client: client.delete(name, chosen, wait=True))

    def delete_where(self, name: str, condition: Condition) -> None:
        """Delete the points for which the condition holds."""
        chosen = models.FilterSelector(filter=filter_for(condition))
        self._ask(name, lambda client: client.delete(name, chosen, wait=True))

    def search(self, name: str, searches: Sequence[Search]) -> list[list[Scored]]:
        """Answer several searches in one request, each with the closest points, closest first."""
        requests = [to_request(search, emulated=self._is_local) for search in searches]
        return from_answers(self._ask(name, lambda client: client.query_batch_points(name, requests, **self._read)))

    async def asearch(self, name: str, searches: Sequence[Search]) -> list[list[Scored]]:
        """Answer like ``search``: over connections of the event loop, or in a thread where there is no server."""
        if self._is_local:
            return await asyncio.to_thread(self.search, name, searches)
        requests = [to_request(search, emulated=False) for search in searches]
        return from_answers(
            await self._aask(name, lambda client: client.query_batch_points(name, requests, **self._read))
        )

    def retrieve(
        self, name: str, ids: Sequence[str], *, keys: Sequence[str] | None = None, with_vectors: Wanted = False
    ) -> list[Record]:
        """Return these points, those that are not there left out."""
        if not ids:
            return []
        wanted, shown = [to_id(id_) for id_ in ids], to_payload_selector(keys)
        found = self._ask(
            name,
            lambda client: client.retrieve(
                name, wanted, with_payload=shown, with_vectors=to_vector_selector(with_vectors), **self._read
            ),
        )
        return [from_record(point, with_vectors) for point in found]

    async def aretrieve(self, name: str, ids: Sequence[str]) -> list[Record]:
        """Return like ``asearch``: over connections of the event loop, or in a thread."""
        if self._is_local or not ids:
            return await asyncio.to_thread(self.retrieve, name, ids)
        wanted = [to_id(id_) for id_ in ids]
        found = await self._aask(name, lambda client: client.retrieve(name, wanted, **self._read))
        return [from_record(point, with_vectors=False) for point in found]

    def scroll(
        self,
        name: str,
        *,
        condition: Condition | None = None,
        keys: Sequence[str] | None = None,
        with_vectors: Wanted = False,
    ) -> Iterator[Record]:
        """Go through the points, a page at a time."""
        chosen, shown = to_client_filter(condition), to_payload_selector(keys)
        offset: Any = None

        def turn(client: QdrantClient) -> tuple[list[models.Record], Any]:
            page: tuple[list[models.Record], Any] = client.scroll(
                name,
                scroll_filter=chosen,
                limit=_PAGE,
                offset=offset,
                with_payload=shown,
                with_vectors=to_vector_selector(with_vectors),
                **self._read,
            )
            return page

        while True:
            page, offset = self._ask(name, turn)
            yield from (from_record(point, with_vectors) for point in page)
            if offset is None:
                return

    def size(self, name: str) -> int:
        """Say about how many points there are, as the engine estimates it."""
        return self._ask(name, lambda client: client.count(name, exact=False)).count

    def count(self, name: str, condition: Condition | None = None) -> int:
        """Count the points for which the condition holds."""
        chosen = to_client_filter(condition)
        return self._ask(name, lambda client: client.count(name, count_filter=chosen, exact=True)).count

    def optimize(self, name: str) -> None:
        """Do nothing: a server builds its indexes by itself, and the emulator has none."""

    def defer_index(self, name: str) -> None:
        """Put off the index of vectors; what the server had set for it is kept in the collection's metadata."""
        if self._is_local:
            return
        config = self._info(name).config
        if _DEFERRED not in (config.metadata or {}):
            self.annotate(name, {_DEFERRED: config.optimizer_config.indexing_threshold or _THRESHOLD})
            self._set_threshold(name, 0)

    def resume_index(self, name: str) -> None:
        """Let the server build the index that was put off."""
        if not self._is_local and (threshold := self.metadata(name).get(_DEFERRED)):
            self._set_threshold(name, threshold)
            self.annotate(name, {_DEFERRED: None})

    def _set_threshold(self, name: str, kilobytes: int) -> None:
        real = self.aliases().get(name, name)
        wanted = models.OptimizersConfigDiff(indexing_threshold=kilobytes)
        self._ask(name, lambda client: client.update_collection(real, optimizers_config=wanted))

    def flush(self, name: str) -> None:
        """Do nothing: every write waited for the server, or for SQLite, to have it."""

    def close(self) -> None:
        """Close the client, unless it was handed in."""
        if self._owned:
            self._closed = True
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _ask(self, name: str, call: Callable[[QdrantClient], T], *, again: bool = True) -> T:
        """Make a call, and make it again while another attempt may help; what the client raises becomes ours."""
        self._require_open()
        attempt = 0
        while True:
            attempt += 1
            try:
                with self._turn:
                    answer = call(self._client)
            except CLIENT_ERRORS as error:
                if not again:
                    raise self._to_error(name, error) from error
                time.sleep(self._wait_or_raise(name, error, attempt))
            else:
                self._answered = True
                return answer

    async def _aask(self, name: str, call: Callable[[AsyncQdrantClient], Awaitable[T]]) -> T:
        """Make a call over the event loop's own client, again while that may help."""
        self._require_open()
        client, attempt = self._client_of_this_loop(), 0
        while True:
            attempt += 1
            try:
                answer = await call(client)
            except CLIENT_ERRORS as error:
                await asyncio.sleep(self._wait_or_raise(name, error, attempt))
            else:
                self._answered = True
                return answer

    def _require_open(self) -> None:
        if self._closed:
            message = f"The store {self.location!r} was closed."
            raise StoreError(message)

    def _wait_or_raise(self, name: str, error: BaseException, attempt: int) -> float:
        wait = wait_before_next(error, attempt, self._retry, answered=self._answered)
        if wait is None:
            raise self._to_error(name, error, attempt) from error
        return wait

    def _to_error(self, name: str, error: BaseException, attempts: int = 1) -> StoreError:
        if self._answered or not is_unreachable(error):
            return to_store_error(name, error, attempts)
        return StoreError(f"No Qdrant server answers at {self._location!r}; start one, or take a folder as the store.")

    def _client_of_this_loop(self) -> AsyncQdrantClient:
        """Return the event loop's own client: one loop's connections are of no use to another."""
        running = asyncio.get_running_loop()
        if self._async_client is None or self._async_client[0]() is not running:
            options: dict[str, Any] = {**self._client.init_options, "check_compatibility": False}
            self._async_client = (weakref.ref(running), AsyncQdrantClient(**options))
        return self._async_client[1]

    def _info(self, name: str) -> models.CollectionInfo:
        self._require(name)
        return self._ask(name, lambda client: client.get_collection(name))

    def _require(self, name: str) -> None:
        if not self._ask(name, lambda client: client.collection_exists(name)):
            raise UnknownCollectionError(name, self.names(), self._location)


def _forgetful(location: str, outcome: str) -> str:
    return (
        f"The server at {location!r} did not keep the collection's metadata, where the model is recorded; "
        f"it needs Qdrant 1.15.4 or newer. {outcome}"
    )


@contextmanager
def _quiet() -> Generator[None, None, None]:
    """Keep the emulator's advice beyond 20,000 points to itself: the README gives it, once."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Local mode is not recommended")
        yield


def _open_again(options: Mapping[str, Any], location: str, read: Mapping[str, Any]) -> ClientStore:
    client = QdrantClient(**options)
    return ClientStore(client, location, owned=True, read_consistency=read.get("consistency"))
