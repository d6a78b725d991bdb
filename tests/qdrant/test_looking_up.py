"""Texts by their ids, searches by a vector, and notes beside documents, on every store."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from simplugin.errors import PointError
from simplugin.records import Document
from simplugin_qdrant import Collection, Store, register
from simplugin_qdrant.stamping import Stamp
from tests.hashing import HashEncoder


@pytest.fixture
def docs(store: Store, fresh: Callable[[str], str]) -> Collection:
    return register(store, fresh("docs"), HashEncoder())


def test_texts_come_in_the_order_of_their_ids_and_chunks_in_that_of_their_document(docs: Collection) -> None:
    docs.add(["red car", "blue sea"], ids=["1", "two"], metadata=[{"n": 1}, {}])
    docs.ingest([Document("long", "word " * 700)])

    found = docs.get(["two", "missing", "long", "1", "two"])

    assert [(each.document_id, each.number) for each in found] == [
        ("two", None),
        *(("long", number) for number in range(len(found) - 3)),
        ("1", None),
        ("two", None),
    ]
    assert len(found) > 4
    assert found[-2].metadata == {"n": 1}
    assert docs.get([found[1].id]) == [found[1]]


def test_the_vector_comes_along_where_it_is_asked_for(docs: Collection) -> None:
    docs.add(["red car"], ids=["1"])

    (bare,), (full,) = docs.get(["1"]), docs.get(["1"], vector=docs.vector_of(HashEncoder()))

    assert bare.vector is None
    assert full.vector is not None
    np.testing.assert_allclose(full.vector, HashEncoder().encode_document(["red car"])[0], atol=1e-6)
    assert docs.vector_of(HashEncoder(seed=1)) is None


def test_a_vector_finds_what_its_text_finds_and_one_of_another_width_is_refused(docs: Collection) -> None:
    docs.add(["red car", "blue sea"], ids=["1", "2"])

    assert docs.search_vector(HashEncoder().encode_query(["red car"])[0]) == docs.search("red car", mode="dense")
    with pytest.raises(PointError, match="shape"):
        docs.search_vector([1.0, 2.0])


def test_what_is_there_unchanged_is_not_embedded_again(store: Store, fresh: Callable[[str], str]) -> None:
    model = HashEncoder()
    docs = register(store, fresh("docs"), model)
    docs.add(["red car", "red car", "blue sea"], ids=["1", "2", "3"])
    before = model.texts_encoded

    docs.add(["red car", "green car", "blue sea"], ids=["1", "2", "3"], metadata=[{"n": 1}, {}, {}])

    assert model.texts_encoded == before + 1
    assert docs.get(["1"])[0].metadata == {"n": 1}
    assert docs.search("green car", mode="dense", limit=1)[0].document_id == "2"


def test_a_stamp_goes_with_its_document(docs: Collection) -> None:
    docs.add(["red car", "blue sea"], ids=["1", "2"])
    docs.stamp({"1": Stamp(10.0, "a"), "2": Stamp(20.0), "missing": Stamp(30.0)})

    assert set(docs.stamped()) == {"1", "2"}
    assert list(docs.stamped(before=20.0)) == ["1"]
    assert list(docs.stamped(after=10.0, ids=["1", "2"])) == ["2"]
    assert list(docs.stamped(groups=["a"])) == ["1"]
    docs.stamp({"2": None})
    docs.delete(["1"])
    assert list(docs.stamped()) == []


def test_emptied_a_collection_stays_and_takes_documents_again(docs: Collection) -> None:
    docs.add(["red car", "blue sea"], ids=["1", "2"])

    assert docs.clear() == 2
    assert docs.count() == 0
    assert docs.add(["red car"], ids=["1"]) == ["1"]


def test_threads_that_make_one_collection_make_it_once(store: Store, fresh: Callable[[str], str]) -> None:
    name = fresh("docs")
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: register(store, name, HashEncoder()), range(4)))

    assert [docs.count() for docs in made] == [0] * 4
