"""Concurrent questions, gathered into one batch.

A server answers many users at once, each with one question. One at a time, a transformer runs far below what the
machine can do; a few milliseconds of waiting make them one batch.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from simplugin.encoders.protocol import as_texts
from simplugin.measures import FloatArray

__all__ = ["MicroBatcher"]

_WAIT = 0.002  # seconds: less than one question takes a transformer
_MOST = 1024  # texts a batch


@dataclass(frozen=True, slots=True)
class _Call:
    """What one caller asked, and where the answer goes."""

    texts: list[str]
    answer: Future[FloatArray] = field(default_factory=lambda: Future[FloatArray]())


class MicroBatcher:
    """Puts the texts of concurrent callers through one function, in one worker thread.

    Callers may be in any number of event loops and threads. While a batch is computed the next one gathers, so that
    nobody waits longer than that batch and ``wait`` seconds.
    """

    def __init__(self, encode: Callable[[list[str]], FloatArray], *, wait: float = _WAIT) -> None:
        self._encode = encode
        self._wait = wait
        self._lock = threading.Lock()
        self._gathering: list[_Call] | None = None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="simplugin-queries")

    async def encode(self, texts: Iterable[str]) -> FloatArray:
        """Encode texts together with those of other callers. Returns float32 (n, dimension), in order.

        Whatever the function raises is raised to the callers whose texts caused it. A caller that is cancelled
        before its batch begins is left out of it.
        """
        call = _Call(as_texts(texts))
        with self._lock:
            gathering = self._gathering
            if gathering is None or sum(len(other.texts) for other in gathering) + len(call.texts) > _MOST:
                self._gathering = gathering = [call]
                self._submit(gathering, self._wait)
            else:
                gathering.append(call)
        return await asyncio.wrap_future(call.answer)

    def _submit(self, calls: list[_Call], wait: float) -> None:
        # The pool keeps what the function raises; the callback runs in the worker and hands it on.
        self._worker.submit(self._run, calls, wait).add_done_callback(lambda done: self._answer(done, calls))

    def _run(self, calls: list[_Call], wait: float) -> FloatArray:
        time.sleep(wait)
        with self._lock:
            if self._gathering is calls:
                self._gathering = None  # closed: who comes now is in the next one
        calls[:] = [call for call in calls if call.answer.running() or call.answer.set_running_or_notify_cancel()]
        texts = [text for call in calls for text in call.texts]
        return self._encode(texts) if calls else np.zeros((0, 0), dtype=np.float32)

    def _answer(self, done: Future[FloatArray], calls: list[_Call]) -> None:
        error = done.exception()
        if error is None:
            vectors, start = done.result(), 0
            for call in calls:
                call.answer.set_result(vectors[start : start + len(call.texts)])
                start += len(call.texts)
        elif len(calls) == 1:
            calls[0].answer.set_exception(error)
        else:
            # One of them is to blame: each alone, and the others get their vectors.
            for call in calls:
                self._submit([call], 0.0)
