from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from simplugin.encoders.microbatching import MicroBatcher
from simplugin.measures import FloatArray


class Recorder:
    """Encodes a text as its length, remembers the batches, fails on "bad", and takes its time on "slow"."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.started = threading.Event()
        self.released = threading.Event()

    def __call__(self, texts: list[str]) -> FloatArray:
        self.batches.append(texts)
        if "slow" in texts:
            self.started.set()
            assert self.released.wait(10)
        if "bad" in texts:
            raise ValueError("bad text")
        return np.array([[len(text)] for text in texts], dtype=np.float32)


async def test_concurrent_questions_are_one_batch_and_each_gets_its_own_rows() -> None:
    recorder = Recorder()
    batcher = MicroBatcher(recorder, wait=0.2)  # a busy machine may need more than the usual to start 64 callers

    answers = await asyncio.gather(*(batcher.encode(["x" * n, "y" * (n + 1)]) for n in range(64)))

    assert len(recorder.batches) == 1
    assert [answer.tolist() for answer in answers] == [[[n], [n + 1]] for n in range(64)]


async def test_no_batch_is_larger_than_a_window() -> None:
    recorder = Recorder()
    batcher = MicroBatcher(recorder)

    await asyncio.gather(*(batcher.encode(["x"] * 600) for _ in range(3)))

    assert [len(batch) for batch in recorder.batches] == [600, 600, 600]


async def test_an_error_goes_to_the_caller_whose_text_caused_it() -> None:
    batcher = MicroBatcher(Recorder())

    good, bad, wrong, other = await asyncio.gather(
        batcher.encode(["good"]),
        batcher.encode(["bad"]),
        batcher.encode([7]),  # type: ignore[list-item]  # what untyped callers do
        batcher.encode(["other"]),
        return_exceptions=True,
    )

    assert isinstance(good, np.ndarray)
    assert good.tolist() == [[4]]
    assert isinstance(bad, ValueError)
    assert isinstance(wrong, TypeError)
    assert isinstance(other, np.ndarray)
    assert (await batcher.encode(["again"])).tolist() == [[5]]


async def test_a_cancelled_question_is_left_out_and_the_others_are_answered() -> None:
    recorder = Recorder()
    batcher = MicroBatcher(recorder)
    slow = asyncio.create_task(batcher.encode(["slow"]))
    await asyncio.to_thread(recorder.started.wait)
    waiting = [asyncio.create_task(batcher.encode([text])) for text in ("cancelled", "kept")]
    await asyncio.sleep(0)

    waiting[0].cancel()
    slow.cancel()  # its batch has begun: the answer is dropped
    await asyncio.sleep(0)
    recorder.released.set()

    assert (await waiting[1]).tolist() == [[4]]
    assert slow.cancelled()
    assert recorder.batches == [["slow"], ["kept"]]


def test_several_event_loops_and_threads_share_one_worker() -> None:
    recorder = Recorder()
    batcher = MicroBatcher(recorder, wait=0.05)

    def ask(length: int) -> list[list[float]]:
        async def both() -> list[list[float]]:
            rows = await asyncio.gather(batcher.encode(["x" * length]), batcher.encode(["x"]))
            return [row[0].tolist() for row in rows]

        return asyncio.run(both())

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(1, 9)))

    assert answers == [[[length], [1]] for length in range(1, 9)]
    assert len(recorder.batches) < 16


async def test_a_lone_question_waits_a_few_milliseconds_only() -> None:
    batcher = MicroBatcher(Recorder())
    await batcher.encode(["warm"])

    started = time.perf_counter()
    for _ in range(10):
        await batcher.encode(["one"])

    assert (time.perf_counter() - started) / 10 < 0.05


@pytest.mark.parametrize("texts", [[], ["a"]])
async def test_no_texts_and_one_text_are_fine(texts: list[str]) -> None:
    answer = await MicroBatcher(lambda given: np.ones((len(given), 3), dtype=np.float32)).encode(texts)

    assert answer.shape == (len(texts), 3)
