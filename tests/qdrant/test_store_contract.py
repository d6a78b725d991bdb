"""What every store promises, on every store."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

import numpy as np
import pytest

from simplugin.errors import StoreError, UnknownCollectionError
from simplugin.measures import FloatArray
from simplugin.words import WordVector
from simplugin_qdrant import Store
from simplugin_qdrant.filters import Equals, LacksVector
from simplugin_qdrant.stores import IndexKind, Point, Scored, Search, VectorSpace

SPACE = {"v": VectorSpace(3, "cosine")}
INDEXES: dict[str, IndexKind] = {
    "lang": "keyword",
    "year": "integer",
    "p": "float",
    "f": "bool",
    "at": "datetime",
    "t": "tenant",
}
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


def test_a_key_of_the_metadata_is_taken_away_by_none(store: Store, name: str) -> None:
    store.annotate(name, {"a": 1, "b": 2})
    store.annotate(name, {"a": None})

    assert store.metadata(name) == {**METADATA, "b": 2}
    with pytest.raises(UnknownCollectionError):
        store.metadata("nowhere")


def test_points_are_retrieved_by_their_ids_and_missing_ones_passed_over(store: Store, name: str) -> None:
    store.upsert(name, [point(1, [1, 0, 0], k=1, other="z"), point(2, [0, 1, 0], k=2)])

    both = store.retrieve(name, [uid(2), uid(1), uid(9)], keys=["k"], with_vectors=True)

    assert {record.id: record.payload for record in both} == {uid(1): {"k": 1}, uid(2): {"k": 2}}
    assert {record.id: np.asarray(record.vectors["v"]).tolist() for record in both}[uid(2)] == pytest.approx([0, 1, 0])
    assert store.retrieve(name, [uid(1)], keys=[])[0].payload == {}
    assert store.retrieve(name, []) == []


def test_what_is_stored_of_a_point_comes_with_the_hit_unless_the_search_is_bare(store: Store, name: str) -> None:
    store.upsert(name, [point(1, [1, 0, 0], k=1), point(2, [0, 1, 0], k=2)])

    (whole, *_), (bare, *_) = store.search(
        name, [Search("v", query(1, 0, 0), 1), Search("v", query(1, 0, 0), 1, bare=True)]
    )

    assert (bare.id, bare.score, bare.payload) == (whole.id, whole.score, {})
    assert whole.payload
    there = asyncio.run(store.aretrieve(name, [whole.id, uid(9)]))
    assert [(record.id, record.payload, record.vectors) for record in there] == [(whole.id, whole.payload, {})]
    assert asyncio.run(store.aretrieve(name, [])) == []


def test_a_vector_is_added_to_a_live_collection_filled_where_it_lacks_and_removed(store: Store, name: str) -> None:
    store.upsert(name, [point(n, [1, 0, 0]) for n in (1, 2, 3)])

    store.add_vector(name, "w", VectorSpace(2, "cosine"))
    store.add_vector(name, "w", VectorSpace(2, "cosine"))
    with pytest.raises(StoreError, match="another vector"):
        store.add_vector(name, "w", VectorSpace(3, "cosine"))
    assert store.count(name, LacksVector("w")) == 3
    store.upsert(name, [Point(uid(2), {"v": query(0, 1, 0), "w": query(1, 0)}, {})])
    store.fill(name, {uid(n): {"w": query(0, 1)} for n in (1, 2, 99)}, lacking="w")  # 99 went meanwhile

    (found,) = store.search(name, [Search("w", query(0, 1), 9)])
    assert {scored.id: round(scored.score, 5) for scored in found} == {uid(1): 1, uid(2): 0}
    assert store.count(name) == 3
    assert [record.id for record in store.scroll(name, condition=LacksVector("w"))] == [uid(3)]
    assert set(store.describe(name).vectors) == {"v", "w"}
    store.remove_vector(name, "w")
    store.remove_vector(name, "w")
    assert set(store.describe(name).vectors) == {"v"}
    with pytest.raises(StoreError):
        store.search(name, [Search("w", query(0, 1), 9)])
    store.add_vector(name, "w", VectorSpace(3, "dot"))
    assert store.count(name, LacksVector("w")) == 3


def test_a_second_stage_compares_what_the_first_one_found(store: Store, name: str) -> None:
    store.add_vector(name, "w", VectorSpace(2, "cosine"))
    rows = {
        1: (query(1, 0, 0), query(0, 1)),
        2: (query(0.9, 0.1, 0), query(1, 0)),
        3: (query(-1, 0, 0), query(1, 0)),
    }
    store.upsert(name, [Point(uid(n), {"v": v, "w": w}, {}) for n, (v, w) in rows.items()])

    first = Search("v", query(1, 0, 0), 2)
    found, exact = store.search(
        name, [Search("w", query(1, 0), 5, first=(first,)), Search("v", query(1, 0, 0), 1, exact=True)]
    )

    assert [scored.id for scored in found] == [uid(2), uid(1)]
    assert [scored.id for scored in exact] == [uid(1)]


async def test_a_search_that_waits_answers_like_one_that_does_not(store: Store, name: str) -> None:
    store.upsert(name, [point(1, [1, 0, 0], k=1), point(2, [0, 1, 0], k=2)])
    wanted = [Search("v", query(1, 0, 0), 2), Search("v", query(0, 1, 0), 2, Equals("k", 2))]

    assert await store.asearch(name, wanted) == store.search(name, wanted)


def test_quantized_vectors_are_compared_again_in_full(store: Store, fresh: Callable[[str], str]) -> None:
    name = fresh("small")
    store.create(name, {"v": VectorSpace(64, "cosine", "int8")}, METADATA, {})
    rows = np.random.default_rng(7).standard_normal((300, 64)).astype(np.float32)
    store.upsert(name, [Point(uid(n), {"v": row}, {}) for n, row in enumerate(rows, 1)])

    (found,) = store.search(name, [Search("v", rows[41], 3, oversampling=3.0)])

    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    best = np.argsort(-(unit @ unit[41]))[:3]
    assert [scored.id for scored in found] == [uid(int(n) + 1) for n in best]
    assert found[0].score == pytest.approx(1, abs=1e-5)


def test_an_alias_stands_for_a_collection_and_moves_in_one_step(
    store: Store, name: str, fresh: Callable[[str], str]
) -> None:
    other, alias = fresh("other"), fresh("alias")
    store.create(other, SPACE, METADATA, {})
    store.upsert(name, [point(1, [1, 0, 0])])

    store.alias(alias, name)
    assert store.count(alias) == 1
    store.annotate(alias, {"x": 1})
    assert store.metadata(name)["x"] == 1
    store.alias(alias, other)
    assert (store.count(alias), store.aliases()[alias], alias in store.names()) == (0, other, False)
    store.alias(alias, None)
    store.alias(alias, None)
    assert alias not in store.aliases()
    with pytest.raises(UnknownCollectionError):
        store.describe(alias)
    with pytest.raises(UnknownCollectionError):
        store.alias(alias, "nowhere")
    store.alias(alias, other)
    with pytest.raises(StoreError, match=f"alias of '{other}'"):
        store.drop(alias)
    assert store.aliases()[alias] == other
    store.drop(other)
    assert other not in store.names()
    assert alias not in store.aliases()


def test_an_index_is_made_on_a_live_collection(store: Store, name: str) -> None:
    store.upsert(name, [point(1, [1, 0, 0], lang="tr", year=2020, at="2026-01-01T00:00:00Z")])
    for key, kind in INDEXES.items():
        store.index(name, key, kind)
        store.index(name, key, kind)

    assert store.count(name, Equals("lang", "tr")) == 1


def test_ids_that_are_numbers_stay_numbers(store: Store, name: str) -> None:
    store.upsert(name, [Point("7", {"v": query(1, 0, 0)}, {"k": 1}), point(1, [0, 1, 0])])
    store.restate(name, {"7": {"k": 2}})

    assert [record.payload for record in store.retrieve(name, ["7"])] == [{"k": 2}]
    store.delete(name, ["7"])
    assert [record.id for record in store.scroll(name)] == [uid(1)]


@pytest.mark.parametrize("odd", ["Türkçe əlyazma", "עברית", "a.b", "with space", "quo'te"])
def test_names_in_any_script_come_back_as_given(store: Store, odd: str) -> None:
    if not hasattr(store, "_folder"):
        pytest.skip("what a server takes as a name is the server's to say")
    store.create(odd, SPACE, {}, {})

    assert store.names() == [odd]
    assert store.describe(odd).points == 0
