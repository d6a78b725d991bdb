"""What every store promises, on every store."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import numpy as np
import pytest

from simplugin.errors import StoreError, UnknownCollectionError
from simplugin.measures import FloatArray
from simplugin.words import WordVector
from simplugin_qdrant import Store
from simplugin_qdrant.filters import Equals
from simplugin_qdrant.stores import Point, Scored, Search, VectorSpace

SPACE = {"v": VectorSpace(3, "cosine")}
METADATA = {"simplugin:v": {"nested": {"list": [1, 2.5, None, "ş"], "empty": {}}}}


def uid(number: int) -> str:
    return str(uuid.UUID(int=number))


def point(number: int, vector: list[float], **payload: object) -> Point:
    return Point(uid(number), {"v": np.array(vector, dtype=np.float32)}, dict(payload))


def query(*numbers: float) -> FloatArray:
    return np.array(numbers, dtype=np.float32)


def word_vector(weights: dict[int, float]) -> WordVector:
    return WordVector(np.array(list(weights), dtype=np.uint32), np.array(list(weights.values()), dtype=np.float32))


def closest(store: Store, name: str, wanted: FloatArray, limit: int) -> list[Scored]:
    (found,) = store.search(name, [Search("v", wanted, limit)])
    return found


@pytest.fixture
def name(store: Store, fresh: Callable[[str], str]) -> str:
    made = fresh("contract")
    store.create(made, SPACE, METADATA, {"document_id": "keyword", "k": "integer"})
    return made


def test_a_new_collection_is_empty_and_keeps_its_metadata(store: Store, name: str) -> None:
    described = store.describe(name)

    assert name in store.names()
    assert described.points == 0
    assert described.metadata == METADATA
    assert dict(described.vectors) == SPACE
    assert closest(store, name, query(1, 0, 0), limit=3) == []


def test_metadata_is_added_key_by_key(store: Store, name: str) -> None:
    store.annotate(name, {"simplugin:w": {"a": 1}})
    store.annotate(name, {"simplugin:w": {"b": 2}})

    assert store.describe(name).metadata == {**METADATA, "simplugin:w": {"b": 2}}
    with pytest.raises(UnknownCollectionError):
        store.annotate("nowhere", {})


def test_the_closest_comes_first_with_its_cosine(store: Store, name: str) -> None:
    store.upsert(name, [point(1, [1, 0, 0], k="x"), point(2, [1, 1, 0], k="y"), point(3, [-1, 0, 0])])

    found = closest(store, name, query(2, 0, 0), limit=3)

    assert [scored.id for scored in found] == [uid(1), uid(2), uid(3)]
    assert [scored.score for scored in found] == pytest.approx([1, 0.5**0.5, -1], abs=1e-6)
    assert found[0].payload == {"k": "x"}


def test_words_are_weighed_by_their_rarity_alike_on_every_store(store: Store, fresh: Callable[[str], str]) -> None:
    name = fresh("words")
    store.create(name, SPACE, METADATA, {}, ["w"])
    often, rare = word_vector({5: 1.0}), word_vector({5: 1.5, 4_000_000_000: 2.0})
    row = query(1, 0, 0)
    store.upsert(
        name,
        [
            Point(uid(1), {"v": row, "w": rare}, {}),
            Point(uid(2), {"v": row, "w": often}, {}),
            Point(uid(3), {"v": row}, {}),
        ],
    )

    (found,) = store.search(name, [Search("w", word_vector({5: 1, 7: 1, 4_000_000_000: 1}), limit=9)])

    # ln(1 + (n - df + 0.5) / (df + 0.5)) over the two points that have words at all
    both, one = np.log(1 + 0.5 / 2.5), np.log(1 + 1.5 / 1.5)
    assert [scored.id for scored in found] == [uid(1), uid(2)]
    assert [scored.score for scored in found] == pytest.approx([1.5 * both + 2 * one, both], abs=1e-5)
    assert store.describe(name).words == {"w"}
    assert store.size(name) == 3
    (record,) = [record for record in store.scroll(name, with_vectors=True) if record.id == uid(1)]
    kept = record.vectors["w"]
    assert isinstance(kept, WordVector)
    assert dict(zip(kept.indices.tolist(), kept.values.tolist(), strict=True)) == {5: 1.5, 4_000_000_000: 2.0}


def test_several_searches_are_answered_in_one_request_in_order(store: Store, name: str) -> None:
    store.upsert(name, [point(1, [1, 0, 0], k=1), point(2, [0, 1, 0], k=2)])

    first, second, third = store.search(
        name,
        [
            Search("v", query(1, 0, 0), 1),
            Search("v", query(0, 1, 0), 1),
            Search("v", query(1, 0, 0), 1, Equals("k", 2)),
        ],
    )

    assert [found[0].id for found in (first, second, third)] == [uid(1), uid(2), uid(2)]


def test_the_same_id_again_replaces(store: Store, name: str) -> None:
    store.upsert(name, [point(1, [1, 0, 0], k="old", gone=True)])
    store.upsert(name, [point(1, [0, 1, 0], k="new")])

    (found,) = closest(store, name, query(0, 1, 0), limit=9)

    assert found.payload == {"k": "new"}
    assert found.score == pytest.approx(1)


def test_restating_replaces_the_payload_and_leaves_the_vector(store: Store, name: str) -> None:
    store.upsert(name, [point(1, [1, 0, 0], k="old", gone=True), point(2, [0, 1, 0])])

    store.restate(name, {uid(1): {"k": "new"}})

    (record,) = [record for record in store.scroll(name, with_vectors=True) if record.id == uid(1)]
    assert record.payload == {"k": "new"}
    row = record.vectors["v"]
    assert isinstance(row, np.ndarray)
    assert row.tolist() == pytest.approx([1, 0, 0])


def test_deleting_is_by_id_or_by_condition_and_missing_ids_are_passed_over(store: Store, name: str) -> None:
    store.upsert(name, [point(n, [1, 0, 0], k="odd" if n % 2 else "even") for n in range(1, 7)])

    store.delete(name, [uid(1), uid(99)])
    store.delete_where(name, Equals("k", "even"))
    store.delete(name, [])

    assert sorted(record.id for record in store.scroll(name)) == [uid(3), uid(5)]
    assert store.count(name) == 2
    assert store.count(name, Equals("k", "even")) == 0


def test_scrolling_sees_every_point_once_over_many_pages(store: Store, name: str) -> None:
    store.upsert(name, [point(n, [1, n, 0], k=n, other="z") for n in range(1, 2501)])

    records = list(store.scroll(name, keys=["k"]))

    assert sorted(record.id for record in records) == [uid(n) for n in range(1, 2501)]
    assert all(record.payload == {"k": int(record.id.replace("-", ""), 16)} for record in records)
    assert len(list(store.scroll(name, condition=Equals("k", 7)))) == 1


def test_nothing_to_write_is_no_error(store: Store, name: str) -> None:
    store.upsert(name, [])
    store.restate(name, {})
    store.flush(name)

    assert store.count(name) == 0


def test_a_zero_vector_is_stored_and_scores_zero(store: Store, name: str) -> None:
    store.upsert(name, [point(1, [0, 0, 0]), point(2, [0, 0, 1])])

    scores = {scored.id: scored.score for scored in closest(store, name, query(0, 0, 1), limit=5)}

    assert scores[uid(1)] == pytest.approx(0)


def test_a_dropped_collection_is_gone_and_can_be_made_again(store: Store, name: str) -> None:
    store.upsert(name, [point(1, [1, 0, 0])])

    store.drop(name)

    assert name not in store.names()
    store.create(name, SPACE, METADATA, {})
    assert store.count(name) == 0


def test_an_unknown_collection_is_an_error_that_lists_the_known_ones(store: Store, name: str) -> None:
    for act in (store.describe, store.drop):
        with pytest.raises(UnknownCollectionError) as raised:
            act("nowhere")
        assert repr(name) in str(raised.value)


def test_making_a_collection_twice_is_refused(store: Store, name: str) -> None:
    with pytest.raises(StoreError):
        store.create(name, SPACE, METADATA, {})

    assert store.describe(name).points == 0


@pytest.mark.parametrize("odd", ["Türkçe əlyazma", "עברית", "a.b", "with space", "quo'te"])
def test_names_in_any_script_come_back_as_given(store: Store, odd: str) -> None:
    if not hasattr(store, "_folder"):
        pytest.skip("what a server takes as a name is the server's to say")
    store.create(odd, SPACE, {}, {})

    assert store.names() == [odd]
    assert store.describe(odd).points == 0
