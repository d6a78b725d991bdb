"""A process is killed while it writes: what was acknowledged is there, what was refused is not, and the store opens.

Three kills a store in ``make test``, thirty in ``make prove``.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from simplugin.encoders import Encoder
from simplugin.errors import ModelMismatchError
from simplugin_qdrant import Collection, open_store, register
from simplugin_qdrant.filters import LacksVector
from simplugin_qdrant.registry import read_serving, registered_vectors
from tests.conftest import ROOT
from tests.hashing import HashEncoder

KILLS = 30 if os.environ.get("SIMPLUGIN_PROVE") else 3

LONGEST = {"edge": 1.2, "path": 3.0}  # seconds a process lives: the emulator waits for the disk at every point

CHILD = """
import itertools, json, sys
import numpy as np
from simplugin.errors import PointError
from tests.proofs.test_kills import open_collection, other_model

docs = open_collection(sys.argv[1], sys.argv[2])
first = int(sys.argv[3])

def say(what, ids):
    print(json.dumps([what, list(ids)]), flush=True)

for turn in itertools.count():
    batch = {f"{first}-{turn}-{i}": f"text {turn} {i}" for i in range(40)}
    say("adding", batch)
    docs.add(batch.values(), ids=batch)
    say("added", batch)
    try:
        bad = [f"{first}-{turn}-bad-{letter}" for letter in "ab"]
        docs.add(["refused", "refused"], ids=bad, metadata=[{}, {"x": float("nan")}])
    except PointError:
        say("refused", [])
    if turn % 2:
        gone = list(batch)[:15]
        say("deleting", gone)
        docs.delete(gone)
        say("deleted", gone)
    if turn % 5 == 4:
        docs.optimize()
    if turn % 3 == 0:
        job = docs.migrate(other_model(docs))
        job.run()
        job.cutover()
        job.finish()
        say("migrated", [])
"""

MODELS = (HashEncoder(), HashEncoder(48, seed=1))


def open_collection(kind: str, folder: str) -> Collection:
    """Open the collection ``killed`` in a folder of the engine, or of the client's emulator, by the model it has."""
    store = open_store(folder if kind == "edge" else QdrantClient(path=folder))
    try:
        return register(store, "killed", MODELS[0], mode="hybrid", others=MODELS)
    except ModelMismatchError:
        return register(store, "killed", MODELS[1], mode="hybrid", others=MODELS)


def other_model(docs: Collection) -> Encoder:
    """Return the model that the collection does not answer by."""
    return MODELS[docs.encoder.dimension == MODELS[0].dimension]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["edge", "path"])
def test_what_was_acknowledged_survives_a_kill_at_any_moment(kind: str, tmp_path: Path) -> None:
    chance = random.Random(7)
    expected: dict[str, bool] = {}
    acknowledged = migrated = 0
    for number in range(KILLS):
        said = _run_and_kill(kind, tmp_path / "store", number, after=chance.uniform(0.05, LONGEST[kind]))
        migrated += sum(what == "migrated" for what, _ in said)
        acknowledged += sum(what in {"added", "deleted"} for what, _ in said)
        expected, unsure = _account(expected, said)

        stored = _stored(kind, tmp_path / "store")

        assert {id_ for id_, there in expected.items() if there} - unsure <= stored
        assert not {id_ for id_, there in expected.items() if not there} & (stored - unsure)
        assert not [id_ for id_ in stored if "bad" in id_]
        assert stored <= expected.keys() | unsure
        expected |= {id_: id_ in stored for id_ in unsure}
    assert acknowledged >= KILLS  # the kills came while something was going on
    print(f"{kind}: {KILLS} kills, {acknowledged} acknowledged writes, {migrated} migrations")  # noqa: T201


def _run_and_kill(kind: str, folder: Path, number: int, *, after: float) -> list[tuple[str, list[str]]]:
    """Let a process write until some time after its first word, kill it, and return what it said."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, kind, str(folder), str(number)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(["integrations", "."])},
        text=True,
    )
    assert child.stdout is not None
    lines = [child.stdout.readline()]
    time.sleep(after)
    child.send_signal(signal.SIGKILL)
    lines += child.stdout.read().splitlines(keepends=True)
    child.stdout.close()
    child.wait()
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _account(before: dict[str, bool], said: list[tuple[str, list[str]]]) -> tuple[dict[str, bool], set[str]]:
    """Return which documents must be there or gone, and those of which a dying process had not heard back."""
    expected, unsure = dict(before), set[str]()
    for what, ids in said:
        if what in {"adding", "deleting"}:
            unsure |= set(ids)
        elif what in {"added", "deleted"}:
            unsure -= set(ids)
            expected |= dict.fromkeys(ids, what == "added")
    return expected, unsure


def _stored(kind: str, folder: Path) -> set[str]:
    docs = open_collection(kind, str(folder))
    try:
        assert docs.search("text 1", limit=1, mode="dense") or docs.count() == 0
        known = registered_vectors(docs.store.metadata(docs.name))
        serving = read_serving(docs.store.metadata(docs.name), "default").vector
        assert serving in known
        assert docs.store.count(docs.name, LacksVector(serving)) == 0
        return {record.payload["document_id"] for record in docs.store.scroll(docs.name)}
    finally:
        _close(docs)


def _close(docs: Collection) -> None:
    client = getattr(docs.store, "_client", None)
    docs.store.close()
    if isinstance(client, QdrantClient):
        client.close()
