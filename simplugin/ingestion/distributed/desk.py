"""Where workers and the driver meet: who brings which document, and what is asked of a collection in another process.

The desk is an actor, a process of Ray. Workers claim their documents there, so that an id that comes twice is written
once. And a collection that lives in the driver's process is asked through it: a worker leaves a request and waits, the
driver takes it, asks the collection, and leaves the answer.
"""

from __future__ import annotations

import asyncio
import pickle
import threading
from array import array
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias, cast

from simplugin.collection import RecordedDocument, RecordingCollection, StoredHead
from simplugin.encoders import Encoder
from simplugin.errors import SimpluginError
from simplugin.measures import FloatArray
from simplugin.records import Chunk, ChunkKey

__all__ = ["Ask", "Claims", "Desk", "Recipe", "RemoteCollection", "flattened", "open_desk", "restored", "served"]

Ask: TypeAlias = Callable[..., Any]
"""Asks the driver's collection: the name of one of its methods, and the arguments."""

Claims: TypeAlias = Sequence[tuple[int, int]]
"""Documents by the digest of their ids, each with its place among all that is read."""

_MANY = 1000  # workers that may wait at once


class Recipe(Protocol):
    """How a worker comes to the collection; it is pickled, and unpickled where the worker runs."""

    @property
    def through_driver(self) -> bool:
        """Whether the collection can be reached in the driver's process alone."""
        ...

    def __call__(self, ask: Ask) -> RecordingCollection:
        """Open the collection. Raises what opening it raises."""
        ...


class Desk:
    """The actor. Its methods are coroutines of one event loop, so that nothing of it is shared between threads."""

    def __init__(self) -> None:
        self._claimed: dict[int, int] = {}
        self._requests: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._number = 0

    async def claim(self, claims: Claims) -> list[bool]:
        """Say of each document whether it is this place's to write: the first that claims an id has it.

        A worker that died and began again claims what it had.
        """
        return [self._claimed.setdefault(key, place) == place for key, place in claims]

    async def claimed(self) -> bytes:
        """Return the digests of all ids that were claimed, 64 bits each."""
        return array("Q", self._claimed).tobytes()

    async def ask(self, request: bytes) -> bytes:
        """Leave a request, and return the answer to it."""
        self._number += 1
        number = self._number
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        await self._requests.put((number, request))
        try:
            return await future
        finally:
            self._waiting.pop(number, None)

    async def take(self) -> tuple[int, bytes] | None:
        """Wait for the next request; None once it was stopped."""
        number, request = await self._requests.get()
        return (number, request) if number else None

    async def answer(self, number: int, answer: bytes) -> None:
        """Answer a request; nobody waits any more where a worker died."""
        future = self._waiting.get(number)
        if future is not None and not future.done():
            future.set_result(answer)

    async def stop(self) -> None:
        """Let whoever takes requests end."""
        await self._requests.put((0, b""))


class RemoteCollection:
    """The driver's collection, seen from a worker."""

    def __init__(self, name: str, encoder: Encoder, ask: Ask) -> None:
        self.name, self.encoder = name, encoder
        self._ask = ask

    def heads(self, document_ids: Sequence[str]) -> Mapping[str, Collection[StoredHead]]:
        """Look up the first chunks of these documents."""
        return cast("Mapping[str, Collection[StoredHead]]", self._ask("heads", document_ids))

    def chunk_keys(self, document_ids: Sequence[str]) -> Mapping[str, frozenset[ChunkKey]]:
        """Look up all chunks stored of these documents."""
        return cast("Mapping[str, frozenset[ChunkKey]]", self._ask("chunk_keys", document_ids))

    def recorded(self) -> Iterator[RecordedDocument]:
        """Go through all ingested documents, which come in one answer."""
        return iter(cast("list[RecordedDocument]", self._ask("recorded")))

    def size(self) -> int:
        """Say about how many chunks there are."""
        return cast(int, self._ask("size"))

    def vectors(self, hashes: Sequence[str]) -> Mapping[str, FloatArray]:
        """Look up the vectors of stored chunks by the hash of their text."""
        return cast("Mapping[str, FloatArray]", self._ask("vectors", hashes))

    def write(self, chunks: Sequence[Chunk], vectors: FloatArray) -> None:
        """Store chunks with their vectors."""
        if chunks:
            self._ask("write", chunks, vectors)

    def restate(self, chunks: Sequence[Chunk]) -> None:
        """Rewrite all but the vectors of chunks that are stored already."""
        if chunks:
            self._ask("restate", chunks)

    def discard(self, stale: Iterable[tuple[str, Iterable[ChunkKey]]]) -> None:
        """Delete chunks, by their documents' ids and their keys."""
        listed = [(id_, list(keys)) for id_, keys in stale]
        if listed:
            self._ask("discard", listed)

    def bulk(self) -> None:
        """Let the engine put off its indexes."""
        self._ask("bulk")

    def flush(self) -> None:
        """Return when everything written so far will survive a loss of power."""
        self._ask("flush")


def open_desk(ray: Any) -> Any:
    """Start the desk."""
    return ray.remote(num_cpus=0, max_concurrency=_MANY)(Desk).remote()


@contextmanager
def served(ray: Any, desk: Any, collection: RecordingCollection) -> Generator[None]:
    """Answer what workers ask of the collection, one request after the other, in a thread."""

    def serve() -> None:
        while (taken := ray.get(desk.take.remote())) is not None:
            number, request = taken
            desk.answer.remote(number, _answer(collection, request))

    thread = threading.Thread(target=serve, name="simplugin-desk", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ray.get(desk.stop.remote())
        thread.join()


def asking(ray: Any, desk: Any) -> Ask:
    """Return what asks the driver's collection from a worker; it raises what the collection raised."""

    def ask(method: str, *arguments: object) -> Any:
        answer = pickle.loads(ray.get(desk.ask.remote(pickle.dumps((method, arguments)))))
        if "error" in answer:
            raise restored(answer["error"])
        return answer["result"]

    return ask


def flattened(error: Exception) -> tuple[type[Exception], str, dict[str, Any]]:
    """Return an error as what can be pickled whatever its constructor takes."""
    return type(error), str(error), dict(vars(error))


def restored(flat: tuple[type[Exception], str, dict[str, Any]]) -> Exception:
    """Return the error that was flattened."""
    kind, message, state = flat
    error = kind.__new__(kind, message)
    vars(error).update(state)
    return error


def _answer(collection: RecordingCollection, request: bytes) -> bytes:
    method, arguments = pickle.loads(request)
    try:
        result = getattr(collection, method)(*arguments)
    except (SimpluginError, OSError) as error:
        return pickle.dumps({"error": flattened(error)})
    except Exception as error:  # noqa: BLE001  # whatever it is, a worker waits for it
        return pickle.dumps({"error": flattened(RuntimeError(f"{type(error).__name__}: {error}"))})
    return pickle.dumps({"result": list(result) if method == "recorded" else result})
