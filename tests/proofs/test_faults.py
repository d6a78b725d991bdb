"""A server that fails at every tenth call loses nothing, and doubles nothing.

2,000 documents in ``make test``, 20,000 in ``make prove``.
"""

from __future__ import annotations

import os
import threading

import pytest

from simplugin_qdrant import register
from tests.hashing import HashEncoder
from tests.qdrant.loopback import FAULTS, LoopbackServer
from tests.qdrant.test_server_faults import connect

DOCUMENTS = 20_000 if os.environ.get("SIMPLUGIN_PROVE") else 2_000
THREADS = 4


@pytest.mark.slow
def test_every_document_is_there_once_although_a_tenth_of_the_calls_fails() -> None:
    with LoopbackServer(timeout=1.3) as server, connect(server) as store:
        docs = register(store, "faulty", HashEncoder(16), mode="hybrid")
        server.faults = 0.1

        def write(number: int) -> None:
            for start in range(number, DOCUMENTS, THREADS * 50):
                ids = [str(each) for each in range(start, min(start + THREADS * 50, DOCUMENTS), THREADS)]
                docs.add([f"document {id_}" for id_ in ids], ids=ids)

        threads = [threading.Thread(target=write, args=[number]) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = [(record.payload["document_id"], record.payload["text"]) for record in store.scroll("faulty")]
        server.faults = 0

        assert sorted(found) == sorted((str(n), f"document {n}") for n in range(DOCUMENTS))
        assert set(server.failed) == set(FAULTS)
        print(f"{DOCUMENTS} documents by {THREADS} threads; failed calls: {dict(server.failed)}")  # noqa: T201
