"""Many documents: memory stays flat while they stream in, and the run of the next night passes over what is known.

A twentieth of the 300,000 documents of ``make prove`` in ``make test``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from simplugin.records import Document
from simplugin_qdrant import open_store, register
from tests.conftest import ROOT
from tests.hashing import HashEncoder
from tests.qdrant.loopback import LoopbackServer

WHOLE = bool(os.environ.get("SIMPLUGIN_PROVE"))
NUMBER = 300_000 if WHOLE else 15_000
NIGHTLY = 300_000 if WHOLE else 2_000
GROWTH = 100  # MB after the first tenth, beside what the engine maps

STREAM = """
import json, sys
from simplugin.records import Document
from simplugin_qdrant import open_store, register

number, folder = int(sys.argv[1]), sys.argv[2]
words = [f"word{i}" for i in range(5000)]

def documents():
    for i in range(number):
        text = " ".join(words[(i * 7 + j * j) % 5000] for j in range(60))
        yield Document(f"document {i}", f"Document {i}. {text}")

def memory():
    found = dict(line.split(":") for line in open("/proc/self/status") if ":" in line)
    own, mapped, shared = (int(found[key].split()[0]) / 1024 for key in ("RssAnon", "RssFile", "RssShmem"))
    return own, mapped + shared

marks = {number // 10: "10 %", number // 2: "50 %", number: "100 %"}

def tell(at):
    for mark in [mark for mark in marks if at.documents >= mark]:
        own, mapped = memory()
        print(json.dumps([marks.pop(mark), own, mapped]), flush=True)

with open_store(folder) as store:
    docs = register(store, "many", "starter", mode="dense")
    report = docs.ingest(documents(), progress=tell)
    print(json.dumps(["done", report.documents.added, report.chunks.written / report.seconds]), flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read where Linux shows it")
def test_memory_stays_flat_while_documents_stream_in(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(["integrations", "."])}
    command = [sys.executable, "-c", STREAM, str(NUMBER), str(tmp_path / "store")]
    run = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment, text=True, check=False)
    assert run.returncode == 0, run.stderr
    lines = [eval(line) for line in run.stdout.splitlines()]
    own = {name: megabytes for name, megabytes, _ in lines[:-1]}
    for name, megabytes, mapped in lines[:-1]:
        print(f"{name:>5}: {megabytes:,.0f} MB of its own, {mapped:,.0f} MB mapped from files")  # noqa: T201
    print(f"{lines[-1][1]:,} documents, {lines[-1][2]:,.0f} chunks/s")  # noqa: T201
    assert lines[-1][1] == NUMBER
    assert own["100 %"] - own["10 %"] <= GROWTH


def documents(number: int, version: int = 0) -> list[Document]:
    """Return documents of which in a later version one in a hundred is changed."""
    return [
        Document(f"docs/{n}", f"Text of document {n}, version {version if n % 100 == 0 else 0}.") for n in range(number)
    ]


@pytest.mark.slow
def test_the_next_night_passes_over_what_is_known_and_two_runs_at_once_come_to_the_same() -> None:
    with LoopbackServer(delay=0.002) as server, open_store(server.url) as store:
        docs = register(store, "nightly", HashEncoder(32))
        docs.ingest(documents(NIGHTLY))
        if WHOLE:
            assert server.thresholds[0] == 0  # nothing is indexed while much is written …
            assert server.thresholds[-1] > 0  # … and all of it afterwards
        assert docs.count() == NIGHTLY

        marks: list[tuple[int, float]] = []
        tonight, started = documents(NIGHTLY, version=1), time.perf_counter()
        before = sum(server.requests.values())
        report = docs.ingest(tonight, progress=lambda at: marks.append((at.documents, time.perf_counter() - started)))
        rate = report.documents.unchanged / report.seconds
        calls = sum(server.requests.values()) - before
        print(  # noqa: T201
            f"{report.documents.unchanged:,} unchanged and {report.documents.updated:,} updated documents in "
            f"{report.seconds:.1f} s: {rate:,.0f} unchanged documents/s, {calls:,} calls with 2 ms added to each"
        )
        assert report.documents.updated == NIGHTLY // 100
        assert docs.count() == NIGHTLY
        if WHOLE:
            assert rate >= 10_000

        _two_at_once(server.url, documents(NIGHTLY // 10, version=2))
        expected = {f"Text of document {n}, version {2 if n % 100 == 0 else 0}." for n in range(NIGHTLY // 10)}
        assert {each.payload["text"] for each in store.scroll("nightly")} >= expected
        assert docs.count() == NIGHTLY


def _two_at_once(url: str, wanted: list[Document]) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        try:
            with open_store(url) as store:
                register(store, "nightly", HashEncoder(32)).ingest(wanted)
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
