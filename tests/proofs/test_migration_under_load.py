"""A migration over the wire, killed three times, while another client searches in a loop."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from simplugin_qdrant import open_store, register
from simplugin_qdrant.filters import LacksVector
from tests.conftest import ROOT
from tests.hashing import HashEncoder
from tests.qdrant.loopback import LoopbackServer

POINTS = 20_000 if os.environ.get("SIMPLUGIN_PROVE") else 3_000
OLD, NEW = HashEncoder(), HashEncoder(48, seed=1)

CHILD = """
import sys
from simplugin_qdrant import open_store, register
from tests.proofs.test_migration_under_load import NEW, OLD

with open_store(sys.argv[1]) as store:
    job = register(store, "loaded", OLD, others=[NEW]).migrate(NEW)
    print("begun", flush=True)
    job.run(lambda at: print(at.done, flush=True))
    job.cutover()
    print("cut over", flush=True)
"""


@pytest.mark.slow
def test_searches_go_on_and_three_kills_change_nothing_of_the_end() -> None:
    """3,000 points in ``make test``, 20,000 in ``make prove``."""
    texts = [f"text {number} word{number % 97} word{number % 89}" for number in range(POINTS)]
    with LoopbackServer() as server, open_store(server.url) as store:
        docs = register(store, "loaded", OLD, others=[NEW])
        docs.add(texts, ids=map(str, range(POINTS)))
        stop, failures, answers, late = threading.Event(), list[BaseException](), [0], [0]

        def look() -> None:
            try:
                while not stop.is_set():
                    wanted = answers[0] % POINTS
                    hits = docs.search(texts[wanted], limit=5)
                    assert (hits[0].text, len(hits)) == (texts[wanted], 5)
                    answers[0] += 1
            except BaseException as error:  # noqa: BLE001  # raised again below, in the test's own thread
                failures.append(error)

        def write() -> None:
            try:
                while not stop.is_set():
                    docs.add([f"late {late[0]}"], ids=[f"late {late[0]}"])
                    late[0] += 1
                    time.sleep(0.01)
            except BaseException as error:  # noqa: BLE001
                failures.append(error)

        threads = [threading.Thread(target=look), threading.Thread(target=write)]
        for thread in threads:
            thread.start()
        chance = random.Random(7)
        said = [_migrate(server.url, kill_after=chance.uniform(0.0, 0.6)) for _ in range(3)]
        said.append(_migrate(server.url, kill_after=None))
        stop.set()
        for thread in threads:
            thread.join()

        assert failures == []
        assert all("cut over" not in lines for lines in said[:3])
        assert "cut over" in said[3]
        assert answers[0] > 10
        assert late[0] > 0
        new = register(store, "loaded", NEW)
        assert new.count() == POINTS + late[0]
        assert store.count("loaded", LacksVector("hash-48-1")) == store.count("loaded", LacksVector("default")) == 0
        for record in store.scroll("loaded", with_vectors=True):
            expected = NEW.encode_document([record.payload["text"]])[0]
            assert np.allclose(np.asarray(record.vectors["hash-48-1"]), expected, atol=1e-6)
        print(f"{POINTS} points, 3 kills, {answers[0]} searches and {late[0]} writes meanwhile, no error")  # noqa: T201


def _migrate(url: str, *, kill_after: float | None) -> list[str]:
    """Run the migration in a process of its own, killed some time after it began; return what it said."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, url],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(["integrations", "."])},
        text=True,
    )
    assert child.stdout is not None
    lines = [child.stdout.readline()]
    if kill_after is not None:
        time.sleep(kill_after)
        child.send_signal(signal.SIGKILL)
    lines += child.stdout.readlines()
    child.stdout.close()
    child.wait()
    return [line.strip() for line in lines]
