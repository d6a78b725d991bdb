"""Several models in one collection, first stages and small copies, on every store."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simplugin.errors import StoreError
from simplugin_qdrant import Cluster, Store, register
from simplugin_qdrant.filters import LacksVector
from tests.hashing import HashEncoder

TEXTS = [f"text number {number} about {word}" for number, word in enumerate(["cats", "dogs", "fish"] * 30)]


def test_a_second_model_answers_once_every_point_has_its_vector(store: Store, fresh: Callable[[str], str]) -> None:
    name = fresh("beside")
    register(store, name, HashEncoder()).add(TEXTS)

    second = register(store, name, HashEncoder(32, seed=1), vector="second", others=[HashEncoder()])
    with pytest.raises(StoreError, match=r"90 points have no vector of 'hash-32-1'.*fill\(\)"):
        second.search("cats")
    assert second.fill() == 90
    assert second.search(TEXTS[4], limit=1)[0].text == TEXTS[4]
    second.add(["a new one"], ids=["new"])

    assert store.count(name, LacksVector("default")) == 0
    assert (
        register(store, name, HashEncoder(), others=[HashEncoder(32, seed=1)]).search("a new one")[0].text
        == "a new one"
    )
    described = {vector["name"]: vector["model"] for vector in second.describe()["vectors"]}
    assert described == {"default": "hash-64-0", "second": "hash-32-1"}


def test_a_second_model_in_an_empty_collection_answers_at_once(store: Store, fresh: Callable[[str], str]) -> None:
    name = fresh("beside")
    register(store, name, HashEncoder())
    second = register(store, name, HashEncoder(32, seed=1), vector="second", others=[HashEncoder()])
    second.add(TEXTS[:3])

    assert second.search(TEXTS[2], limit=1)[0].text == TEXTS[2]


def test_a_vector_that_is_not_there_lists_those_that_are(store: Store, fresh: Callable[[str], str]) -> None:
    name = fresh("beside")
    register(store, name, HashEncoder())

    with pytest.raises(StoreError, match="no vector 'other'; it has 'default'"):
        register(store, name, vector="other")


def test_the_vectors_of_a_second_model_order_the_pool_of_the_first(store: Store, fresh: Callable[[str], str]) -> None:
    name = fresh("ordered")
    second = HashEncoder(32, seed=1)
    docs = register(store, name, HashEncoder(), mode="hybrid", others=[second])
    docs.add(TEXTS)
    register(store, name, second, vector="second", others=[HashEncoder()]).fill()
    expected = register(store, name, second, vector="second").search(TEXTS[4], limit=3, mode="dense")

    for wanted in ("second", "hash-32-1"):  # by the name of the vector, and of the model
        for mode in ("dense", "words", "hybrid"):
            hits = docs.search(TEXTS[4], limit=3, mode=mode, rerank=wanted)
            assert (hits[0].text, round(hits[0].score, 4)) == (expected[0].text, 1.0)
    assert [hit.text for hit in docs.search(TEXTS[4], limit=3, rerank="second")] == [hit.text for hit in expected]


def test_the_beginnings_of_vectors_find_candidates_and_the_whole_ones_order_them(
    store: Store, fresh: Callable[[str], str]
) -> None:
    name = fresh("staged")
    docs = register(store, name, HashEncoder(), first_stage=16)
    docs.add(TEXTS)

    (hit, *_) = docs.search(TEXTS[7], limit=3)

    assert hit.text == TEXTS[7]
    assert hit.score == pytest.approx(1, abs=1e-5)
    assert [vector["name"] for vector in docs.describe()["vectors"]] == ["default"]
    assert store.describe(name).vectors["simplugin-first-default"].dimension == 16
    assert register(store, name, HashEncoder()).search(TEXTS[7], limit=1)[0].text == TEXTS[7]
    with pytest.raises(StoreError, match="first_stage=16"):
        register(store, name, HashEncoder(), first_stage=8)
    with pytest.raises(StoreError, match="first_stage is 64"):
        register(store, fresh("staged"), HashEncoder(), first_stage=64)


def test_a_migration_keeps_the_first_stage(store: Store, fresh: Callable[[str], str]) -> None:
    docs = register(store, fresh("staged"), HashEncoder(), first_stage=16)
    docs.add(TEXTS)
    job = docs.migrate(HashEncoder(48, seed=1))
    job.run()
    job.cutover()
    job.finish()

    assert set(store.describe(docs.name).vectors) == {"hash-48-1", "simplugin-first-hash-48-1"}
    assert docs.search(TEXTS[7], limit=1)[0].text == TEXTS[7]


def test_small_copies_are_recorded_and_answered_from(store: Store, fresh: Callable[[str], str]) -> None:
    name = fresh("small")
    docs = register(store, name, HashEncoder(), quantization="int8")
    docs.add(TEXTS)

    assert docs.search(TEXTS[7], limit=1)[0].score == pytest.approx(1, abs=1e-5)
    assert register(store, name, HashEncoder(), quantization="int8").search(TEXTS[7], limit=1)[0].text == TEXTS[7]


def test_several_queries_are_answered_together_as_one_by_one(store: Store, fresh: Callable[[str], str]) -> None:
    docs = register(store, fresh("many"), HashEncoder(), mode="hybrid")
    docs.add(TEXTS, metadata=[{"n": number} for number in range(90)])

    together = docs.search_many(TEXTS[:5], limit=3, filter={"n": {"gte": 2}}, group=True)

    assert together == [docs.search(text, limit=3, filter={"n": {"gte": 2}}, group=True) for text in TEXTS[:5]]
    assert docs.search_many([]) == []
    assert docs.search_many(text for text in TEXTS[:5]) == docs.search_many(TEXTS[:5])
    assert docs.search_many(np.array(TEXTS[:5])) == docs.search_many(TEXTS[:5])
    with pytest.raises(ValueError, match="blank"):
        docs.search_many(["one", " "])
    with pytest.raises(TypeError, match=r"\[text\]"):
        docs.search_many("one")


async def test_the_async_face_answers_like_the_other(store: Store, fresh: Callable[[str], str]) -> None:
    docs = register(store, fresh("async"), HashEncoder(), mode="hybrid")
    ids = await docs.aadd(TEXTS, ids=map(str, range(90)))

    assert ids == [str(number) for number in range(90)]
    assert await docs.asearch(TEXTS[3], limit=4, group=True) == docs.search(TEXTS[3], limit=4, group=True)
    assert await docs.adelete(["3"]) == 1
    assert (await docs.asearch(TEXTS[3], limit=1))[0].text != TEXTS[3]


def test_user_fields_get_an_index_and_filters_go_on_as_before(store: Store, fresh: Callable[[str], str]) -> None:
    docs = register(store, fresh("indexed"), HashEncoder(), indexes={"lang": "keyword", "year": "integer"})
    docs.add(TEXTS[:4], metadata=[{"lang": "tr", "year": 2020 + number, "on": "2026-01-01"} for number in range(4)])
    docs.index("on", "datetime")

    assert docs.count({"lang": "tr", "year": {"gte": 2022}, "on": {"gte": "2025-01-01"}}) == 2


def test_what_cannot_be_is_refused_before_a_collection_is_made(store: Store, fresh: Callable[[str], str]) -> None:
    name = fresh("wrong")
    wrong: list[dict[str, Any]] = [
        {"quantization": "int4"},
        {"tenant": " "},
        {"indexes": {"lang": "banana"}},
        {"first_stage": 0},
    ]
    for options in wrong:
        with pytest.raises(StoreError):
            register(store, name, HashEncoder(), **options)
    with pytest.raises(TypeError, match="table"):
        register(store, name, HashEncoder(), indexes=["lang"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="at least 1"):
        Cluster(shards=0)

    assert name not in store.names()


def test_what_a_models_card_warns_of_is_said_when_it_is_registered_and_kept(
    store: Store, fresh: Callable[[str], str]
) -> None:
    inverted = HashEncoder()
    inverted._card = replace(inverted.card, warnings=("opposites are close",))
    name = fresh("warned")
    with pytest.warns(UserWarning, match="opposites are close"):
        register(store, name, inverted)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        register(store, name, inverted)
    assert store.metadata(name)["simplugin:default"]["fingerprint"]["card"]["warnings"] == ["opposites are close"]
