"""An ingest is killed while it reads, embeds and writes: run again, it ends as one that was never disturbed.

Each is killed twice where its end does not come first: two kills in ``make test``, eighty in ``make prove``.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simplugin.words import WordVector
from simplugin_qdrant import open_store, register
from tests.conftest import ROOT

KILLS = 80 if os.environ.get("SIMPLUGIN_PROVE") else 2

CHILD = """
import sys
from simplugin_qdrant import open_store, register
with open_store(sys.argv[1]) as store:
    docs = register(store, "book", "starter")
    print("ready", flush=True)
    docs.ingest([sys.argv[2]])
    print("done", flush=True)
"""


@pytest.mark.slow
def test_an_ingest_killed_at_random_moments_ends_as_a_clean_one(data: Path, tmp_path: Path) -> None:
    book = data / "docs" / "d2l"
    clean, seconds = _ingest(tmp_path / "clean", book)
    chance = random.Random(11)
    ingests = struck = 0
    while struck < KILLS:
        ingests += 1
        folder = tmp_path / f"killed-{ingests}"
        for _ in range(2):  # the second kill meets what the first left behind
            after = chance.uniform(0.0, seconds)
            if not _run_and_kill(folder, book, after=after):
                seconds = after  # the machine is faster now than it was for the clean one
                break
            struck += 1
        _assert_same(_ingest(folder, book)[0], clean)
    print(f"{ingests} ingests, killed {struck} times before their end, ended as a clean one")  # noqa: T201


def _run_and_kill(folder: Path, book: Path, *, after: float) -> bool:
    """Let a process ingest for some seconds and kill it; say whether that was before its end."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(["integrations", "."])}
    command = [sys.executable, "-c", CHILD, str(folder), str(book)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(after)
        child.send_signal(signal.SIGKILL)
        return child.stdout.read() == ""


def _ingest(folder: Path, book: Path) -> tuple[dict[str, Any], float]:
    with open_store(folder) as store:
        docs = register(store, "book", "starter")
        report = docs.ingest([book])
        assert not report.failures
        return {record.id: record for record in store.scroll("book", with_vectors=True)}, report.seconds


def _assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for id_, record in found.items():
        other = expected[id_]
        assert _without_time(record.payload) == _without_time(other.payload)
        for name, row in record.vectors.items():
            if isinstance(row, WordVector):
                assert row.indices.tolist() == other.vectors[name].indices.tolist()
            else:
                assert np.allclose(row, other.vectors[name], atol=1e-6)


def _without_time(payload: dict[str, Any]) -> dict[str, Any]:
    return payload | {"simplugin": {key: value for key, value in payload["simplugin"].items() if key != "at"}}
