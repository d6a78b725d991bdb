"""Eight threads write and read one store: nothing is lost, nothing is torn.

Two seconds a store in ``make test``, thirty in ``make prove``.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import numpy as np

from simplugin_qdrant import Collection, Store, register
from tests.hashing import HashEncoder

SECONDS = 30 if os.environ.get("SIMPLUGIN_PROVE") else 2
WRITERS, READERS = 5, 3
BATCH = 20


def test_no_point_is_lost_or_torn_under_eight_threads(store: Store, fresh: Callable[[str], str]) -> None:
    docs = register(store, fresh("busy"), HashEncoder(), mode="hybrid")
    docs.add(["anchor of every search"], ids=["anchor"])
    until = time.monotonic() + SECONDS
    written: list[dict[str, str]] = [{} for _ in range(WRITERS)]
    failures: list[BaseException] = []

    def write(number: int) -> None:
        turn = 0
        while time.monotonic() < until:
            batch = {f"{number}-{turn}-{i}": f"word{number} word{turn} word{i}" for i in range(BATCH)}
            docs.add(batch.values(), ids=batch)
            written[number] |= batch
            if turn % 3 == 2:  # and some go again
                gone = list(batch)[:5]
                docs.delete(gone)
                for id_ in gone:
                    del written[number][id_]
            turn += 1

    def read() -> None:
        while time.monotonic() < until:
            (hit,) = docs.search("anchor of every search", limit=1)
            assert hit.document_id == "anchor"
            assert docs.count() >= 1

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # raised again below, in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=[lambda n=n: write(n)]) for n in range(WRITERS)]
    threads += [threading.Thread(target=guarded, args=[read]) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    _check(docs, {id_: text for part in written for id_, text in part.items()} | {"anchor": "anchor of every search"})


def _check(docs: Collection, expected: dict[str, str]) -> None:
    """Compare everything stored with what was written: ids, texts and vectors."""
    stored = {record.payload["document_id"]: record for record in docs.store.scroll(docs.name, with_vectors=True)}
    assert {id_: record.payload["text"] for id_, record in stored.items()} == expected
    ids = sorted(expected)
    wanted = docs.encoder.encode_document([expected[id_] for id_ in ids])
    rows = [stored[id_].vectors["default"] for id_ in ids]
    assert np.abs(np.stack([row for row in rows if isinstance(row, np.ndarray)]) - wanted).max() < 1e-5
