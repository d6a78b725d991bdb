"""A collection from one store to another, from every store and into every store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import QdrantClient

from simplugin.encoders import Encoder
from simplugin.errors import StoreError
from simplugin.records import Document
from simplugin_qdrant import Collection, Store, copy_collection, open_store, register
from simplugin_qdrant.copying import Copying
from simplugin_qdrant.stores import Point, VectorSpace


@pytest.fixture
def docs(store: Store, fresh: Callable[[str], str], starter: Encoder) -> Collection:
    made = register(store, fresh("original"), starter, indexes={"lang": "keyword"}, first_stage=64)
    made.add(
        [f"Text number {number} über Bücher" for number in range(600)],
        ids=[f"id {number}" for number in range(600)],
        metadata=[{"lang": "de", "n": number, "nested": {"x": [1, None]}} for number in range(600)],
    )
    made.ingest([Document("page", "# Title\n\nA page of its own.")])
    return made


@pytest.mark.parametrize("kind", ["edge", "memory"])
def test_a_copy_answers_like_the_original(docs: Collection, starter: Encoder, kind: str, tmp_path: Path) -> None:
    told: list[Copying] = []
    with open_store(tmp_path / "copy" if kind == "edge" else ":memory:") as target:
        copied = copy_collection(docs.store, docs.name, target, "copy", progress=told.append)
        copy = register(target, "copy")

        assert (copied.points, copied.written, len(copied.checksum)) == (601, 601, 64)
        assert [(each.done, each.comparing) for each in told if each.done == 601] == [(601, False), (601, True)]
        for mode in ("dense", "words", "hybrid"):
            ours, theirs = (each.search("Bücher 17", limit=5, mode=mode) for each in (docs, copy))
            assert (ours[0].document_id, ours[0].metadata) == (theirs[0].document_id, theirs[0].metadata)
            assert [hit.score for hit in ours] == pytest.approx([hit.score for hit in theirs], abs=1e-4)
        again = copy_collection(docs.store, docs.name, target, "copy")
        assert (again.written, again.checksum) == (0, copied.checksum)


def test_a_second_copy_brings_over_what_changed(docs: Collection, tmp_path: Path) -> None:
    with open_store(tmp_path / "copy") as target:
        copy_collection(docs.store, docs.name, target)
        docs.delete(["id 3"])
        docs.add(["changed"], ids=["id 4"])
        register(target, docs.name).add(["a stray"], ids=["stray"])

        copied = copy_collection(docs.store, docs.name, target, prune=True)

        assert (copied.points, copied.written, copied.deleted, copied.kept) == (600, 1, 2, 0)
        copy = register(target, docs.name)
        assert copy.count({"document_id": ["id 3", "stray"]}) == 0
        assert copy.search("changed", limit=1, mode="words")[0].document_id == "id 4"


def test_documents_that_the_copy_alone_has_stay_and_stale_chunks_of_the_others_go(
    docs: Collection, tmp_path: Path
) -> None:
    with open_store(tmp_path / "copy") as target:
        first = copy_collection(docs.store, docs.name, target)
        copy = register(target, docs.name)
        copy.add(["a text of its own"], ids=["own"])
        copy.ingest([Document("own page", "Another page.")])
        docs.ingest([Document("page", "# Title\n\nA page that was edited.")])

        copied = copy_collection(docs.store, docs.name, target)

        assert (copied.points, copied.written, copied.deleted, copied.kept) == (603, 1, 1, 2)
        assert [each.text for each in copy.get(["own", "own page"])] == ["a text of its own", "Another page."]
        assert [each.text for each in copy.get(["page"])] == ["# Title\n\nA page that was edited."]
        assert copied.checksum != first.checksum


def test_another_collection_of_that_name_is_left_alone(docs: Collection) -> None:
    with open_store(":memory:") as target:
        register(target, "copy", "starter", mode="dense").add(["mine"], ids=["m"])

        with pytest.raises(StoreError, match="another collection 'copy'"):
            copy_collection(docs.store, docs.name, target, "copy")
        assert register(target, "copy").count() == 1


def test_an_unnamed_vector_and_numbers_as_ids_come_over_too(tmp_path: Path) -> None:
    client = QdrantClient(":memory:")
    source = open_store(client)
    source.create("foreign", {"": VectorSpace(3, "dot")}, {"theirs": 1}, {})
    rows = [np.array([number, 1, 2], dtype=np.float32) for number in range(3)]
    source.upsert("foreign", [Point(str(number), {"": row}, {"t": number}) for number, row in enumerate(rows)])

    with open_store(tmp_path / "copy") as edge_store, open_store(":memory:") as memory:
        assert copy_collection(source, "foreign", edge_store).points == 3
        assert copy_collection(edge_store, "foreign", memory).points == 3
        assert {record.id: record.payload["t"] for record in memory.scroll("foreign")} == {"0": 0, "1": 1, "2": 2}
    client.close()
