"""Work beside the caller's own thread.

Python's pools wait for what is under way when the program ends, which after Ctrl-C may be a minute of encoding; these
threads do not hold it up.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from itertools import count, islice
from typing import Generic, TypeVar

__all__ = ["Background", "read_ahead"]

T = TypeVar("T")

_FIRST, _IN_TURN = range(2)
_AHEAD = 4  # batches that wait to be taken
_BATCH = 64  # entries handed over at once: one at a time would cost more than reading a small file


class Background(Generic[T]):
    """One thread that does jobs in the order they are given, those that go first before the others."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.PriorityQueue[tuple[int, int, tuple[Future[T], Callable[[], T]] | None]]
        self._jobs = queue.PriorityQueue()
        self._numbers = count()
        self._stopped = False
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, job: Callable[[], T], *, first: bool = False) -> Future[T]:
        """Have a job done; its result, or what it raised, is in the future."""
        future: Future[T] = Future()
        self._jobs.put((_FIRST if first else _IN_TURN, next(self._numbers), (future, job)))
        return future

    def close(self) -> None:
        """Begin no further job."""
        self._stopped = True
        self._jobs.put((_FIRST, next(self._numbers), None))

    def _run(self) -> None:
        while (entry := self._jobs.get()[2]) is not None and not self._stopped:
            future, job = entry
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001  # it is raised where the result is asked for
                future.set_exception(error)


def read_ahead(entries: Iterable[T]) -> Generator[T, None, None]:
    """Go through the entries while another thread fetches the next ones, a bounded number of them."""
    ready: queue.Queue[list[T] | BaseException] = queue.Queue(_AHEAD)
    stop = threading.Event()

    def put(batch: list[T] | BaseException) -> None:
        while not stop.is_set():
            try:
                ready.put(batch, timeout=0.1)
            except queue.Full:
                continue
            return

    def fetch() -> None:
        iterator: Iterator[T] = iter(entries)
        try:
            while (batch := list(islice(iterator, _BATCH))) and not stop.is_set():
                put(batch)
            put([])
        except BaseException as error:  # noqa: BLE001  # it is raised in the thread that reads
            put(error)

    threading.Thread(target=fetch, name="simplugin-reading", daemon=True).start()
    try:
        while batch := ready.get():
            if isinstance(batch, BaseException):
                raise batch
            yield from batch
    finally:
        stop.set()
