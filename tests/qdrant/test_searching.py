"""Modes of search and grouping, on every store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import pytest
from qdrant_client import QdrantClient

from simplugin.collection import Mode
from simplugin.encoders import Encoder
from simplugin.errors import FilterError, StoreError
from simplugin.records import Document, Hit
from simplugin_qdrant import Collection, Store, register
from simplugin_qdrant.searching import Question, Reply
from simplugin_qdrant.space import Space
from simplugin_qdrant.stores import Scored, Search
from tests.hashing import HashEncoder

TEXTS = {
    "invoice": "Invoice QX-7731 was paid in March.",
    "library": "Die Bibliothek öffnet um neun Uhr.",
    "cat": "Kedi koltukta uyuyor.",
    "bus": "El autobús sale cada diez minutos.",
}


@pytest.fixture
def docs(store: Store, fresh: Callable[[str], str], starter: Encoder) -> Collection:
    made = register(store, fresh("modes"), starter)
    made.add(TEXTS.values(), ids=TEXTS)
    return made


def found(hits: list[Hit]) -> list[str]:
    return [hit.document_id for hit in hits]


def test_the_starter_searches_by_both_and_other_models_by_vectors(store: Store, fresh: Callable[[str], str]) -> None:
    assert register(store, fresh("a"), "starter").mode == "hybrid"
    assert register(store, fresh("b"), HashEncoder()).mode == "dense"


def test_a_number_is_found_by_words_and_a_meaning_by_vectors(docs: Collection) -> None:
    assert found(docs.search("7731", mode="words")) == ["invoice"]
    assert found(docs.search("when does the library open?", limit=1, mode="dense")) == ["library"]
    assert found(docs.search("7731", limit=1)) == ["invoice"]
    assert found(docs.search("when does the library open?", limit=1)) == ["library"]


def test_a_language_that_is_no_text_is_filtered_by_too(store: Store, fresh: Callable[[str], str]) -> None:
    docs = register(store, fresh("numbered"), HashEncoder())
    docs.add(["one", "two", "three"], metadata=[{"lang": 1}, {"lang": ["tr", "az"]}, {"lang": "tr"}])

    assert [docs.count({"lang": each}) for each in (1, "az", "tr", True)] == [1, 1, 2, 0]


def test_words_that_are_nowhere_find_nothing_and_leave_the_vectors_their_order(docs: Collection) -> None:
    assert docs.search("zzzz", mode="words") == []
    assert docs.search("😀", mode="words") == []
    assert found(docs.search("the cat sleeps")) == found(docs.search("the cat sleeps", mode="dense"))


@pytest.mark.parametrize("group", [False, True])
def test_what_is_deleted_while_a_search_is_under_way_is_whole_or_no_hit(
    docs: Collection, store: Store, monkeypatch: pytest.MonkeyPatch, group: bool
) -> None:
    search = store.search

    def searched(name: str, searches: Sequence[Search]) -> list[list[Scored]]:
        answers = search(name, searches)
        store.delete(name, [answers[0][0].id])
        return answers

    monkeypatch.setattr(store, "search", searched)

    hits = docs.search("when does the library open?", limit=2, group=group)

    assert set(found(hits)) & {"invoice", "cat", "bus"}
    assert all(hit.text == TEXTS[hit.document_id] for hit in hits)


def test_a_filter_holds_for_words_too(store: Store, fresh: Callable[[str], str], starter: Encoder) -> None:
    docs = register(store, fresh("filtered"), starter)
    docs.add(["red fish", "red bird"], ids=["a", "b"], metadata=[{"k": 1}, {"k": 2}])

    for mode in ("dense", "words", "hybrid"):
        assert found(docs.search("red fish", mode=mode, filter={"k": 2})) == ["b"]


def test_a_collection_remembers_its_mode(store: Store, fresh: Callable[[str], str], starter: Encoder) -> None:
    name = fresh("remembered")
    register(store, name, starter, mode="words").add(["one"], ids=["a"])

    assert register(store, name).mode == "words"
    assert register(store, name, mode="dense").mode == "dense"


def test_a_collection_made_without_words_says_so(store: Store, fresh: Callable[[str], str], starter: Encoder) -> None:
    name = fresh("wordless")
    docs = register(store, name, starter, mode="dense")

    with pytest.raises(StoreError, match="made without words"):
        docs.search("one", mode="words")
    with pytest.raises(StoreError, match="made without words"):
        register(store, name, mode="hybrid")


def test_both_need_a_similarity_with_a_fixed_range(store: Store, fresh: Callable[[str], str]) -> None:
    name = fresh("far")

    with pytest.raises(StoreError, match="no fixed range"):
        register(store, name, HashEncoder(similarity="euclidean"), mode="hybrid")
    assert name not in store.names()


def test_an_unknown_mode_lists_the_modes(docs: Collection) -> None:
    with pytest.raises(ValueError, match="Known: dense, words, hybrid"):
        docs.search("one", mode="sparse")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_grouped_a_document_comes_once_with_its_best_chunk(
    store: Store, fresh: Callable[[str], str], starter: Encoder
) -> None:
    from simplugin.records import Document

    docs = register(store, fresh("grouped"), starter)
    pages = [
        Document(
            f"page {number}", "\n\n".join(f"# Part {part}\n\nfish number {part} of {number}" for part in range(30))
        )
        for number in range(3)
    ]
    docs.ingest(pages, max_tokens=16)

    hits = docs.search("fish number", limit=3, group=True)

    assert sorted(found(hits)) == ["page 0", "page 1", "page 2"]
    assert docs.count() > 30
    assert hits[0].score == docs.search("fish number", limit=1)[0].score


def test_grouping_fetches_more_until_there_are_enough_documents_or_no_more_points(store: Store) -> None:
    stored = [Scored(str(n), 1 - n / 100, {"document_id": "a" if n < 50 else f"d{n}"}) for n in range(60)]
    space = Space(store, "any", "v", HashEncoder(), has_words=False)

    def grouped(limit: int) -> tuple[list[str], list[int]]:
        steps = Question(space, "dense", limit, size=60, group=True).steps(["q"], np.ones((1, 64), np.float32), None)
        fetched: list[int] = []
        step = next(steps)
        try:
            while True:
                (search,) = step.searches
                fetched.append(search.limit)
                step = steps.send(Reply([stored[: search.limit]], {}))
        except StopIteration as end:
            return [point.payload["document_id"] for point in end.value[0]], fetched

    assert grouped(3) == (["a", "d50", "d51"], [12, 48, 192])
    assert len(grouped(99)[0]) == 11


def test_of_a_hybrid_search_only_what_it_returns_is_read_and_it_is_asked_again_where_that_was_deleted_meanwhile(
    store: Store,
) -> None:
    space = Space(store, "any", "v", HashEncoder(), has_words=True)
    steps = Question(space, "hybrid", 2, size=9).steps(["a fish"], np.ones((1, 64), np.float32), None)
    by_vectors = [Scored(name, score, {}) for name, score in (("a", 0.9), ("b", 0.8), ("c", 0.7))]

    searching = next(steps)
    reading = steps.send(Reply([by_vectors, []], {}))
    again = steps.send(Reply([], {"b": {"text": "a fish"}}))
    rest = steps.send(Reply([by_vectors[1:], []], {}))
    with pytest.raises(StopIteration) as end:
        steps.send(Reply([], {"b": {"text": "a fish"}}))

    assert [search.bare for search in searching.searches] == [True, True]
    assert (reading.searches, reading.ids) == ([], ["a", "b"])
    assert [search.limit for search in again.searches] == [search.limit for search in searching.searches]
    assert rest.ids == ["b", "c"]
    assert end.value.value == [[Scored("b", 0.8, {}, 0.8)]], "what is gone again is left out"
    assert end.value.value[0][0].payload == {"text": "a fish"}


@pytest.mark.parametrize("mode", ["dense", "hybrid"])
def test_a_query_of_which_the_model_knows_nothing_finds_nothing(docs: Collection, mode: Mode) -> None:
    assert not docs.encoder.encode_query(["🎉"]).any()

    assert docs.search("🎉", mode=mode) == []
    assert docs.search_many(["🎉", "7731"], mode="hybrid", limit=1)[0] == []
    assert found(docs.search_many(["🎉", "7731"], mode="hybrid", limit=1)[1]) == ["invoice"]


def test_a_filter_by_the_source_finds_what_was_ingested_and_what_was_added(docs: Collection) -> None:
    docs.ingest([Document("page", "The pool is closed.", source="./pool.md")])
    docs.add(["The pool is open."], ids=["added"], metadata=[{"source": "./pool.md"}])

    assert set(found(docs.search("pool", filter={"source": "./pool.md"}))) == {"page", "added"}
    assert "page" not in found(docs.search("pool", filter={"not": {"source": "./pool.md"}}))


def test_ordinary_slips_are_refused_in_words(docs: Collection) -> None:
    for act, said in (
        (lambda: register(docs.store, cast(Any, 5), "starter"), "A collection's name is a text; got 5"),
        (lambda: register(docs.store, "other", cast(Any, 5)), "model is 5; give an encoder"),
        (lambda: register(cast(Any, QdrantClient(":memory:")), "x", "starter"), "open it first"),
        (lambda: docs.delete(cast(Any, [5])), "Id 0 is int, not a string"),
        (lambda: docs.search("pool", limit=cast(Any, "5")), "limit is '5'; give a whole number"),
        (lambda: docs.calibrate(cast(Any, [("a", "b")] * 30)), "two texts and a number"),
        (lambda: docs.calibrate(cast(Any, None)), "Expected a file of labelled pairs"),
    ):
        with pytest.raises(TypeError, match=said):
            act()
    with pytest.raises(FilterError, match=r"'category' has .* written {'not'"):
        docs.search("pool", filter={"category": {"not": "dog"}})
