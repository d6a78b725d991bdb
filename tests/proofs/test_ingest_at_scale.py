"""Many documents: memory stays flat while they stream in, and the run of the next night passes over what is known.

A twentieth of the 300,000 documents of ``make prove`` in ``make test``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from simplugin_qdrant import open_store, register
from tests.conftest import ROOT
from tests.hashing import HashEncoder
from tests.qdrant.loopback import LoopbackServer

WHOLE = bool(os.environ.get("SIMPLUGIN_PROVE"))
NUMBER = 300_000 if WHOLE else 15_000
NIGHTLY = 300_000 if WHOLE else 2_000
GROWTH = 100  # MB after the first tenth, beside what the engine takes for as many points
RATE = 10_000  # unchanged documents a second

linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read where Linux shows it")

STREAM = """
import sys
from simplugin.records import Document
from simplugin_qdrant import open_store, register
from tests.proofs.memory import Marks, print_json

number, folder = int(sys.argv[1]), sys.argv[2]
words = [f"word{i}" for i in range(5000)]

def documents():
    for i in range(number):
        text = " ".join(words[(i * 7 + j * j) % 5000] for j in range(60))
        yield Document(f"document {i}", f"Document {i}. {text}")

with open_store(folder) as store:
    docs = register(store, "many", "starter", mode="dense")
    report = docs.ingest(documents(), progress=Marks(number).tell)
    print_json("done", report.documents.added, report.chunks.written / report.seconds)
"""

ENGINE = """
import hashlib, sys
import numpy as np
from simplugin.records import Chunk, ChunkKey
from simplugin_qdrant import open_store, points, register
from simplugin_qdrant.stores import Point
from tests.proofs.memory import Marks, print_json

number, folder = int(sys.argv[1]), sys.argv[2]
marks, random, words = Marks(number), np.random.default_rng(0), "word " * 60

def point(i):
    digest = hashlib.sha256(str(i).encode()).hexdigest()
    key = ChunkKey(digest, 0)
    chunk = Chunk(f"document {i}", key, 0, 1, digest, f"Document {i}. {words}", None, {}, 60)
    row = random.standard_normal(256).astype(np.float32)
    payload = points.chunk_payload(chunk, text_key="text", tenant=None, now="2026-01-01T00:00:00+00:00")
    return Point(points.chunk_id(None, chunk.document_id, key), {"default": row}, payload)

with open_store(folder) as store:
    register(store, "many", "starter", mode="dense")
    for start in range(0, number, 256):
        stop = min(start + 256, number)
        store.upsert("many", [point(i) for i in range(start, stop)])
        marks.reach(stop)
    print_json("done")
"""

NIGHT = """
import sys
from simplugin_qdrant import open_store, register
from tests.hashing import HashEncoder
from tests.proofs.memory import Marks, print_json

number, url, file = int(sys.argv[1]), sys.argv[2], sys.argv[3]
with open_store(url) as store:
    docs = register(store, "nightly", HashEncoder(32))
    report = docs.ingest([file], id_column="id", prune=True, progress=Marks(number).tell)
    counts = report.documents
    print_json("done", counts.unchanged, counts.updated, counts.deleted, report.seconds)
"""


@pytest.mark.slow
@linux
def test_memory_stays_flat_while_documents_stream_in(tmp_path: Path) -> None:
    grown, (_, added, rate) = run_alone(STREAM, NUMBER, str(tmp_path / "store"))
    engine, _ = run_alone(ENGINE, NUMBER, str(tmp_path / "engine"))  # the same points, ready made
    say(f"{added:,} documents, {rate:,.0f} chunks/s; {grown - engine:+,.0f} MB beside what the engine takes")
    assert added == NUMBER
    assert grown - engine <= GROWTH


@pytest.mark.slow
@linux
def test_the_next_night_passes_over_what_is_known_and_two_runs_at_once_come_to_the_same(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    with LoopbackServer(delay=0.002) as server, open_store(server.url) as store:
        docs = register(store, "nightly", HashEncoder(32))
        write_rows(file, NIGHTLY)
        docs.ingest([file], id_column="id")
        if WHOLE:
            assert server.thresholds[0] == 0  # nothing is indexed while much is written …
            assert server.thresholds[-1] > 0  # … and all of it afterwards
        assert docs.count() == NIGHTLY

        write_rows(file, NIGHTLY, version=1)
        before = sum(server.requests.values())
        grown, (_, unchanged, updated, deleted, seconds) = run_alone(NIGHT, NIGHTLY, server.url, str(file))
        calls = sum(server.requests.values()) - before
        say(
            f"{unchanged:,} unchanged and {updated:,} updated documents in {seconds:.1f} s: "
            f"{unchanged / seconds:,.0f} unchanged documents/s, {calls:,} calls with 2 ms added to each"
        )
        assert grown <= GROWTH
        assert (updated, deleted) == (NIGHTLY // 100, 0)
        assert docs.count() == NIGHTLY
        if WHOLE:
            assert unchanged / seconds >= RATE

        left = NIGHTLY - NIGHTLY // 1000
        write_rows(file, left, version=2)
        run_twice_at_once(server.url, file)
        found = {each.payload["text"] for each in store.scroll("nightly", keys=["text"])}
        assert found == {text(n, version=2) for n in range(left)}
        assert docs.count() == left


def run_alone(script: str, number: int, *arguments: str) -> tuple[float, list[float]]:
    """Run a script in a process of its own and show its memory; return by how many MB it grew, and the last line."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(["integrations", "."])}
    command = [sys.executable, "-c", script, str(number), *arguments]
    run = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment, text=True, check=False)
    assert run.returncode == 0, run.stderr
    *marks, last = [json.loads(line) for line in run.stdout.splitlines()]
    for name, megabytes, mapped in marks:
        say(f"{name:>5}: {megabytes:,.0f} MB of its own, {mapped:,.0f} MB mapped from files")
    own = {name: megabytes for name, megabytes, _ in marks}
    return own["100 %"] - own["10 %"], list(last)


def say(line: str) -> None:
    print(line)  # noqa: T201


def text(number: int, version: int) -> str:
    """Return a text of which in a later version one in a hundred is changed."""
    return f"Text of document {number}, version {version if number % 100 == 0 else 0}."


def write_rows(file: Path, number: int, version: int = 0) -> None:
    lines = (json.dumps({"id": f"row {n}", "text": text(n, version)}) + "\n" for n in range(number))
    file.write_text("".join(lines), "utf-8")


def run_twice_at_once(url: str, file: Path) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        try:
            with open_store(url) as store:
                register(store, "nightly", HashEncoder(32)).ingest([file], id_column="id", prune=True)
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
