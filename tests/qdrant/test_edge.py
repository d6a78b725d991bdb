"""What only the embedded store promises: one process a folder, and nothing half done."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qdrant_edge as edge

from simplugin.errors import PointError, StoreError, StoreLockedError
from simplugin.records import Document
from simplugin_qdrant import open_store, register
from simplugin_qdrant.stores.edge import EdgeStore
from tests.conftest import ROOT
from tests.hashing import HashEncoder


def in_another_process(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'integrations'}"}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environment, check=False
    )


def test_collections_are_there_after_closing_and_opening(tmp_path: Path) -> None:
    with open_store(tmp_path / "db") as store:
        register(store, "docs", HashEncoder()).add(
            ["one fish", "two fish"], ids=["1", "2"], metadata=[{"n": 1}, {"n": 2}]
        )

    with open_store(tmp_path / "db") as store:
        docs = register(store, "docs", HashEncoder())
        assert docs.count() == 2
        (best, _) = docs.search("two fish", limit=2)
        assert (best.document_id, best.metadata) == ("2", {"n": 2})


def test_what_an_ingest_writes_to_filter_by_is_indexed_and_a_kind_that_is_named_wins(tmp_path: Path) -> None:
    with EdgeStore(tmp_path / "db") as store:
        register(store, "docs", HashEncoder(), indexes={"lang": "integer"})
        with store._engine("docs") as shard:  # the engine tells what it has, and nobody else
            kinds = {key: str(entry.data_type) for key, entry in shard.info().payload_schema.items()}

    assert kinds["source"].endswith("Keyword")
    assert kinds["metadata.source"].endswith("Keyword")  # a filter by source looks there too
    assert kinds["metadata.lang"].endswith("Integer")


def test_a_collection_of_an_earlier_version_gets_the_index_by_source_with_its_next_ingest(tmp_path: Path) -> None:
    with EdgeStore(tmp_path / "db") as store:
        docs = register(store, "docs", HashEncoder())
        store._update("docs", edge.UpdateOperation.delete_field_index("metadata.source"))

        docs.ingest([Document(id="one", text="one fish", source="one.md")])
        with store._engine("docs") as shard:
            assert "metadata.source" in shard.info().payload_schema


def test_an_index_by_source_of_another_kind_stays_what_it_is(tmp_path: Path) -> None:
    with EdgeStore(tmp_path / "db") as store:
        register(store, "docs", HashEncoder(), indexes={"source": "integer"}).ingest(
            [Document(id="1", text="one fish")]
        )

        with store._engine("docs") as shard:
            assert str(shard.info().payload_schema["metadata.source"].data_type).endswith("Integer")


def test_a_folder_belongs_to_its_process_in_whatever_thread(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as other:
        store = open_store(tmp_path / "db")
        register(store, "one", HashEncoder())
        other.submit(register, store, "two", HashEncoder()).result()
        assert store.names() == ["one", "two"]
        other.submit(store.close).result()

    with open_store(tmp_path / "db") as again:
        assert again.names() == ["one", "two"]


def test_a_store_stays_where_it_was_opened_when_the_program_goes_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "there")
    with open_store("db") as other:
        register(other, "theirs", HashEncoder()).add(["not yours"])
    monkeypatch.chdir(tmp_path / "here")
    with open_store("db") as store:
        docs = register(store, "ours", HashEncoder())
        docs.add(["first"], ids=["1"])
        monkeypatch.chdir(tmp_path / "there")
        docs.add(["second"], ids=["2"])
        register(store, "more", HashEncoder()).add(["third"])
        assert store.names() == ["more", "ours"]
        assert store.location == "db"
        with pytest.raises(StoreLockedError):
            open_store(tmp_path / "here" / "db")
    with open_store(tmp_path / "here" / "db") as store:
        assert register(store, "ours", HashEncoder()).count() == 2
    with open_store(tmp_path / "there" / "db") as other:
        assert other.names() == ["theirs"]


def test_a_second_store_on_the_folder_is_refused_in_this_process_and_in_another(tmp_path: Path) -> None:
    with open_store(tmp_path / "db") as store:
        register(store, "docs", HashEncoder())
        with pytest.raises(StoreLockedError, match="in use"):
            open_store(tmp_path / "db")
        other = in_another_process(
            "import sys; from simplugin_qdrant import open_store; open_store(sys.argv[1])", str(tmp_path / "db")
        )

    assert "StoreLockedError" in other.stderr
    with open_store(tmp_path / "db") as store:
        assert store.names() == ["docs"]


def test_opening_a_folder_that_is_not_there_does_not_make_it(tmp_path: Path) -> None:
    with open_store(tmp_path / "db") as store:
        assert store.names() == []

    assert not (tmp_path / "db").exists()


def test_a_file_and_a_folder_of_the_local_client_are_refused(tmp_path: Path) -> None:
    from qdrant_client import QdrantClient

    (tmp_path / "file").write_text("x")
    client = QdrantClient(path=str(tmp_path / "local"))
    register(open_store(client), "docs", HashEncoder())
    client.close()

    with pytest.raises(StoreError, match="is a file"):
        open_store(tmp_path / "file")
    with pytest.raises(StoreError, match="QdrantClient"):
        open_store(tmp_path / "local")


@pytest.mark.parametrize("name", ["", ".hidden", "..", "x" * 300])
def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    with open_store(tmp_path / "db") as store, pytest.raises(StoreError, match="cannot name a collection"):
        register(store, name, HashEncoder())


def test_a_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    with open_store(tmp_path / "db") as store:
        register(store, "a/../../outside", HashEncoder())
        assert store.names() == ["a/../../outside"]

    assert {path.name for path in tmp_path.iterdir()} == {"db"}


def test_a_forked_child_is_told_to_open_the_store_itself(tmp_path: Path) -> None:
    def child(answers: multiprocessing.Queue[str]) -> None:
        try:
            store.names()
        except StoreError as error:
            answers.put(str(error))

    with open_store(tmp_path / "db") as store:
        register(store, "docs", HashEncoder())
        fork = multiprocessing.get_context("fork")
        answers = fork.Queue()
        process = fork.Process(target=child, args=(answers,))
        process.start()
        assert "before a fork" in answers.get(timeout=20)
        process.join(20)
        assert register(store, "docs", HashEncoder()).count() == 0


def test_a_tilde_is_the_home_and_no_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    with open_store("~/db") as store:
        register(store, "docs", HashEncoder()).add(["a cat"])
    with open_store(tmp_path / "home" / "db") as store:
        assert store.names() == ["docs"]
    with open_store("~nobody-of-this-name/db") as store:
        register(store, "docs", HashEncoder())

    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "~nobody-of-this-name"]


@pytest.mark.parametrize("location", ["db", ":memory:"])
def test_a_closed_store_says_so_and_closing_twice_is_no_error(
    location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store(location)
    docs = register(store, "docs", HashEncoder())
    store.close()
    store.close()

    with pytest.raises(StoreError, match="was closed"):
        docs.count()
    with pytest.raises(StoreError, match="was closed"):
        asyncio.run(docs.asearch("a cat"))


def test_refused_points_do_not_come_back_after_a_crash(tmp_path: Path) -> None:
    code = """
import os, sys
from dataclasses import replace
import numpy as np
from simplugin_qdrant import open_store, register
from simplugin.errors import PointError
from tests.hashing import HashEncoder

class Broken(HashEncoder):
    def encode_document(self, texts):
        vectors = super().encode_document(texts)
        vectors[-1, 0] = np.nan
        return vectors

docs = register(open_store(sys.argv[1]), "docs", HashEncoder())
docs.add(["good one", "good two"], ids=["1", "2"])
for wrong in ({"when": {1, 2}}, {"n": float("inf")}):
    try:
        docs.add(["bad", "worse"], ids=["3", "4"], metadata=[{}, wrong])
    except PointError:
        print("refused", flush=True)
docs.become(replace(docs._model.space, encoder=Broken()), docs._model.registration)
try:
    docs.add(["bad", "worse"], ids=["5", "6"])
except PointError:
    print("refused", flush=True)
os.kill(os.getpid(), 9)
"""
    crashed = in_another_process(code, str(tmp_path / "db"))

    assert crashed.returncode == -signal.SIGKILL
    assert crashed.stdout.split() == ["refused"] * 3
    with open_store(tmp_path / "db") as store:
        docs = register(store, "docs", HashEncoder())
        assert sorted(hit.document_id for hit in docs.search("good", limit=9)) == ["1", "2"]


@pytest.mark.slow
def test_no_acknowledged_document_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    code = """
import sys
from simplugin_qdrant import open_store, register
from tests.hashing import HashEncoder
docs = register(open_store(sys.argv[1]), "docs", HashEncoder())
for number in range(100000):
    docs.add([f"document {number}", f"another {number}"], ids=[f"{number}a", f"{number}b"])
    print(number, flush=True)
"""
    random = np.random.default_rng(7)
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'integrations'}"}
    for run in range(4):
        folder = tmp_path / f"db{run}"
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True, env=environment
        )
        with process:
            assert process.stdout is not None
            acknowledged = int(process.stdout.readline())
            until = time.monotonic() + random.uniform(0.05, 0.6)
            for line in process.stdout:
                acknowledged = int(line)
                if time.monotonic() > until:
                    break
            process.kill()
            acknowledged = max([acknowledged, *(int(line) for line in process.stdout if line.endswith("\n"))])

        with open_store(folder) as store:
            docs = register(store, "docs", HashEncoder())
            stored = {record.payload["document_id"] for record in store.scroll("docs")}
            expected = {f"{number}{letter}" for number in range(acknowledged + 1) for letter in "ab"}
            assert expected <= stored
            assert len(stored) <= len(expected) + 2, "a document appeared that was never handed in"
            assert docs.search("document 0")[0].document_id == "0a"


def test_a_disk_that_is_nearly_full_is_told_and_what_is_stored_is_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [Document(f"{number}", f"Rule {number}: be quiet.") for number in range(600)]
    with open_store(tmp_path / "db") as store:
        docs = register(store, "handbook", HashEncoder())
        docs.ingest(documents[:300])
        usage = shutil.disk_usage
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(folder)._replace(free=20_000_000))
        with pytest.raises(StoreError, match=r"has 19 MB left, and 32 MB are needed .* stored before is safe"):
            docs.ingest(documents)
        assert docs.count() == 300
        with pytest.raises(StoreError, match="32 MB are needed"):
            docs.add(["One more."])
        with pytest.raises(StoreError, match="96 MB are needed"):
            register(store, "another", HashEncoder())
        assert store.names() == ["handbook"]
    monkeypatch.undo()
    with open_store(tmp_path / "db") as store:
        docs = register(store, "handbook", HashEncoder())
        docs.ingest(documents)
        assert docs.count() == 600


def test_a_collection_that_was_being_made_when_the_process_died_is_cleared_away(tmp_path: Path) -> None:
    with open_store(tmp_path / "db") as store:
        register(store, "docs", HashEncoder())
    (tmp_path / "db" / ".new-abandoned" / "shard").mkdir(parents=True)

    with open_store(tmp_path / "db") as store:
        assert store.names() == ["docs"]

    assert not (tmp_path / "db" / ".new-abandoned").exists()


def test_a_damaged_record_of_the_collection_is_said_to_be_damaged(tmp_path: Path) -> None:
    with open_store(tmp_path / "db") as store:
        register(store, "docs", HashEncoder())
    (tmp_path / "db" / "collections" / "docs" / "simplugin.json").write_text("{broken")

    with open_store(tmp_path / "db") as store, pytest.raises(StoreError, match="is damaged"):
        register(store, "docs", HashEncoder())


@pytest.mark.parametrize(
    "changes",
    [
        {"vectors": {"default": [64, "closeness"]}},
        {"vectors": {"default": [-1, "cosine"]}},
        {"vectors": {"default": [10**12, "cosine"]}},
        {"vectors": {"default": [64, "cosine", "int8", "more"]}},
        {"vectors": {"default": None}},
        {"vectors": {}, "words": []},
        {"words": [None]},
        {"linked": 3},
        {"metadata": []},
    ],
    ids=repr,
)
def test_a_record_of_another_shape_never_reaches_the_engine(tmp_path: Path, changes: dict[str, object]) -> None:
    with open_store(tmp_path / "db") as store:
        register(store, "docs", HashEncoder())
    path = tmp_path / "db" / "collections" / "docs" / "simplugin.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    with open_store(tmp_path / "db") as store, pytest.raises(StoreError, match="is not what it should be"):
        register(store, "docs", HashEncoder())


@pytest.mark.parametrize(
    "damaged",
    [
        {"simplugin-indexes": True},
        {"simplugin-indexes": {"lang": []}},
        {"simplugin-serves:default": "default"},
        {"simplugin-serves:default": {"vector": ["default"]}},
    ],
    ids=repr,
)
def test_damaged_metadata_of_a_collection_is_told(tmp_path: Path, damaged: dict[str, object]) -> None:
    with open_store(tmp_path / "db") as store:
        register(store, "docs", HashEncoder())
        store.annotate("docs", damaged)

        with pytest.raises(StoreError, match=r"The collection's record 'simplugin-"):
            register(store, "docs", HashEncoder())


def test_nan_never_reaches_the_engine(tmp_path: Path) -> None:
    class Broken(HashEncoder):
        def _encode(self, texts):  # type: ignore[no-untyped-def]
            return super()._encode(texts) * np.float32(np.nan if "bad" in texts[0] else 1)

    with open_store(tmp_path / "db") as store:
        docs = register(store, "docs", Broken())
        with pytest.raises(PointError, match="'x'"):
            docs.add(["bad"], ids=["x"])
        with pytest.raises(PointError, match="'bad'"):
            docs.search("bad")
        assert docs.count() == 0


def test_payloads_are_read_into_the_page_cache_at_once_unless_they_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"fish number {number}" for number in range(1000)]
    for most, placed in ((2**28, "cached"), (0, "cold"), (2**28, "cached")):
        monkeypatch.setattr("simplugin_qdrant.stores.edge._CACHED", most)
        with open_store(tmp_path / "db") as store:
            docs = register(store, "docs", HashEncoder())
            docs.add(texts, ids=texts)
            docs.optimize()

            assert docs.search("fish number 7", limit=1)[0].text == "fish number 7"
            assert docs.count() == len(texts)
        (written,) = (tmp_path / "db").rglob("edge_config.json")
        assert json.loads(written.read_text())["payload_memory"] == placed


def test_a_vector_added_to_a_collection_with_small_copies_has_them_from_the_next_opening(tmp_path: Path) -> None:
    with open_store(tmp_path / "db") as store:
        docs = register(store, "docs", HashEncoder(), quantization="int8")
        docs.add(["one fish", "two fish"])
        job = docs.migrate(HashEncoder(32, seed=1))
        job.run()
        job.cutover()
        job.finish()
        assert docs.search("two fish", limit=1)[0].text == "two fish"

    with open_store(tmp_path / "db") as store:
        docs = register(store, "docs", HashEncoder(32, seed=1), quantization="int8")
        assert docs.search("two fish", limit=1)[0].text == "two fish"
        docs.optimize()
    config = (tmp_path / "db/collections/docs/shard/edge_config.json").read_text()
    kept = json.loads(config)["vectors"]["hash-32-1"]
    assert (kept["size"], kept["quantization_config"]["scalar"]["type"]) == (32, "int8")


@pytest.mark.parametrize("location", [None, 3, object()])
def test_what_is_no_location_at_all_is_refused(location: Any) -> None:
    with pytest.raises(TypeError, match="a folder, ':memory:', a URL or a QdrantClient; got a"):
        open_store(location)
