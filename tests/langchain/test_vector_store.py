"""What the vector store keeps of documents, beyond LangChain's standard suite."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from langchain_core.documents import Document

from simplugin.errors import PointError
from simplugin_langchain import SimpluginEmbeddings, SimpluginVectorStore
from simplugin_qdrant import Store, open_store
from tests.hashing import HashEncoder
from tests.langchain.sides import RememberingEncoder

LETTERS = ["İstanbul'da ılık çay", "שלום עולם", "猫と犬 🙂", "e\u0301 and é", " lead", "a\n\n\tb\r\n", "", "   "]


@pytest.fixture
def documents() -> SimpluginVectorStore:
    return SimpluginVectorStore.from_texts([], HashEncoder())


@pytest.fixture
def stored(store: Store, fresh: Callable[[str], str]) -> SimpluginVectorStore:
    """Return an empty vector store on each engine."""
    return SimpluginVectorStore.from_texts([], HashEncoder(), store=store, collection=fresh("docs"))


def test_documents_come_back_in_the_order_of_the_ids_and_missing_ones_are_left_out(
    stored: SimpluginVectorStore,
) -> None:
    stored.add_texts([f"text {number}" for number in range(9)], ids=[str(number) for number in range(9)])
    asked = [str(number) for number in (7, 8, *range(1000, 1600), 0, 7)]

    assert [found.id for found in stored.get_by_ids(asked)] == ["7", "8", "0", "7"]
    assert stored.get_by_ids([]) == []


def test_ids_texts_and_metadata_come_back_exactly_as_given(stored: SimpluginVectorStore) -> None:
    given = [
        Document(id=f"{number}/ü?#{text}", page_content=text, metadata={"n": [number, None, {"x": 1.5}], "text": text})
        for number, text in enumerate(LETTERS)
    ]

    ids = stored.add_documents(given)

    assert stored.get_by_ids(ids) == given
    for document in given:
        assert document in stored.similarity_search(document.page_content.strip() or "anything", k=20)


@pytest.mark.parametrize("text", [*LETTERS, "nul\0byte"])
def test_a_text_of_any_letters_or_none_is_kept_as_it_is(documents: SimpluginVectorStore, text: str) -> None:
    (id_,) = documents.add_texts([text])

    assert documents.get_by_ids([id_])[0].page_content == text


def test_what_is_given_may_come_from_generators() -> None:
    def texts() -> Iterator[str]:
        yield from (f"text {number}" for number in range(1500))

    documents = SimpluginVectorStore.from_texts(
        texts(), HashEncoder(8), ({"n": number} for number in range(1500)), ids=(str(number) for number in range(1500))
    )
    documents.add_texts(f"more {number}" for number in range(3))
    documents.add_documents(Document(page_content=f"still more {number}") for number in range(3))

    assert documents.collection.count() == 1506
    assert documents.get_by_ids(["1499"])[0].metadata == {"n": 1499}
    assert len(SimpluginEmbeddings(HashEncoder()).embed_documents(cast("Any", (text for text in "abc")))) == 3


@pytest.mark.parametrize(
    ("ids", "metadatas", "message"),
    [
        (["1"], None, "2 texts and 1 ids"),
        (["1", "2", "3"], None, "2 texts and 3 ids"),
        (None, [{}], "2 texts and 1 metadatas"),
        (None, [{}, {}, {}], "2 texts and 3 metadatas"),
        (["1", "2"], [], "2 texts and 0 metadatas"),
    ],
)
async def test_ids_and_metadata_of_another_number_are_refused_and_nothing_is_written(
    documents: SimpluginVectorStore, ids: list[str] | None, metadatas: list[dict[str, Any]] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        documents.add_texts(["one", "two"], metadatas, ids=ids)
    with pytest.raises(ValueError, match=message):
        await documents.aadd_texts((text for text in ("one", "two")), metadatas, ids=ids)

    assert documents.collection.count() == 0


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (lambda documents: documents.add_texts("one"), r"write \[text\]"),
        (lambda documents: documents.add_texts(["a", "b"], ids="ab"), "ids is a text; give a list"),
        (lambda documents: documents.add_texts(["a"], {"lang": "tr"}), "metadatas is a dictionary; give a list"),
        (lambda documents: documents.add_texts(["a"], ["tr"]), "metadata of text 0 is a str"),
        (lambda documents: documents.add_documents(["a"]), "number 0 is a str"),
        (lambda documents: documents.add_documents(Document(page_content="a")), "number 0 is a tuple"),
        (lambda documents: documents.add_texts(["a"], namespace="x"), "no argument 'namespace'"),
        (lambda documents: documents.delete(["a"], namespace="x"), "no argument 'namespace'"),
        (lambda _: SimpluginVectorStore(cast("Any", SimpluginEmbeddings(HashEncoder()))), "from_existing_collection"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_give(
    documents: SimpluginVectorStore, add: Callable[[Any], None], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        add(documents)

    assert documents.collection.count() == 0


@pytest.mark.parametrize("value", [{1, 2}, object(), float("nan"), 2**70, "\ud800"])
def test_metadata_that_is_not_json_is_refused_and_named(documents: SimpluginVectorStore, value: object) -> None:
    with pytest.raises(PointError, match=r"metadata\.deep\.value.*nothing was written"):
        documents.add_documents([Document(page_content="one", metadata={"deep": {"value": value}})])

    assert documents.collection.count() == 0


def test_what_is_given_is_never_changed(documents: SimpluginVectorStore) -> None:
    given = [Document(page_content="one", metadata={"list": [1]}), Document(id="2", page_content="two")]
    metadatas: list[dict[str, Any]] = [{"deep": {"n": 1}}]
    before = copy.deepcopy((given, metadatas))

    documents.add_documents(given)
    documents.add_texts(["three"], metadatas)
    for found in documents.similarity_search("one", k=3):
        found.metadata["changed"] = True

    assert (given, metadatas) == before
    assert not any("changed" in found.metadata for found in documents.similarity_search("one", k=3))


def test_some_documents_have_ids_others_get_one_that_follows_from_what_they_say(
    documents: SimpluginVectorStore,
) -> None:
    given = [Document(id="own", page_content="one"), Document(page_content="two", metadata={"n": 1})]

    added = documents.add_documents(given)

    assert added[0] == "own"
    assert documents.add_documents([given[1]]) == added[1:]
    assert documents.add_documents([Document(page_content="two", metadata={"n": 2})]) != added[1:]
    assert documents.add_documents(given, ids=["a", None]) == ["a", added[1]]
    assert documents.add_documents(given, ids=None) == added
    assert documents.collection.count() == 4


def test_the_same_id_replaces_text_and_metadata(stored: SimpluginVectorStore) -> None:
    stored.add_texts(["old"], [{"a": 1}], ids=["1"])
    stored.add_texts(["new"], [{"b": 2}], ids=["1"])

    assert stored.similarity_search("old", k=5) == [Document(id="1", page_content="new", metadata={"b": 2})]


def test_only_what_is_new_is_embedded() -> None:
    encoder = HashEncoder()
    documents = SimpluginVectorStore.from_texts([], encoder)
    given = [Document(page_content=f"text {number % 10}", metadata={"n": number}) for number in range(50)]

    before = encoder.texts_encoded
    documents.add_documents(given)
    assert encoder.texts_encoded - before == 10
    documents.add_documents(given)
    documents.add_texts(["text 1"], [{"n": 1, "seen": True}], ids=documents.add_texts(["text 1"], [{"n": 1}]))
    assert encoder.texts_encoded - before == 10
    assert documents.collection.count() == 50


def test_a_second_from_documents_embeds_nothing() -> None:
    encoder, given = RememberingEncoder(), [Document(page_content=f"text {number}") for number in range(5)]
    with open_store(":memory:") as store:
        SimpluginVectorStore.from_documents(given, encoder, store=store)

        again = SimpluginVectorStore.from_documents(given, encoder, store=store)

        assert [encoder.given[document.page_content] for document in given] == [1] * 5
        assert again.collection.count() == 5


def test_what_was_found_may_be_added_again_and_changes_nothing(documents: SimpluginVectorStore) -> None:
    documents.add_texts(["red car", "blue sea"], [{"n": 1}, {"n": 2}])
    found = documents.similarity_search("red", k=2)

    documents.add_documents(found)

    assert documents.similarity_search("red", k=5) == found


def test_delete_takes_ids_passes_over_missing_ones_and_without_ids_clears(stored: SimpluginVectorStore) -> None:
    stored.add_texts(["one", "two", "three"], ids=["1", "2", "3"])

    assert stored.delete(["2", "never there", "2"])
    assert [found.id for found in stored.get_by_ids(["1", "2", "3"])] == ["1", "3"]
    assert stored.delete([])
    assert stored.collection.count() == 2
    assert stored.delete()
    assert stored.collection.count() == 0
    assert stored.delete()
    assert stored.add_texts(["one"], ids=["1"]) == ["1"]


async def test_nothing_at_all_may_be_added_asked_for_and_found(documents: SimpluginVectorStore) -> None:
    assert documents.add_texts([]) == documents.add_documents([]) == await documents.aadd_texts([], [], ids=[]) == []
    assert documents.get_by_ids(["1"]) == await documents.aget_by_ids([]) == []
    assert documents.similarity_search("one") == await documents.asimilarity_search("one") == []
    assert documents.similarity_search_with_relevance_scores("one") == []
    assert documents.max_marginal_relevance_search("one") == documents.similarity_search_by_vector([0.5] * 64) == []


async def test_the_asynchronous_face_does_the_same(stored: SimpluginVectorStore) -> None:
    assert await stored.aadd_documents([Document(id="1", page_content="one")], ids=["2"]) == ["2"]
    assert await stored.aadd_texts(["three"], [{"n": 3}], ids=["3"]) == ["3"]

    assert await stored.aget_by_ids(["3", "2"]) == stored.get_by_ids(["3", "2"])
    assert await stored.adelete(["3", "4"])
    assert stored.collection.count() == 1
    assert await stored.adelete()
    assert stored.collection.count() == 0


async def test_threads_and_tasks_may_write_and_search_at_once(stored: SimpluginVectorStore) -> None:
    def work(number: int) -> list[str]:
        added = stored.add_texts([f"text {number} {part}" for part in range(5)], [{"n": number}] * 5)
        stored.similarity_search(f"text {number}", filter={"n": number})
        return added

    with ThreadPoolExecutor(4) as pool:
        ids = [id_ for added in pool.map(work, range(8)) for id_ in added]
    more = await asyncio.gather(*(stored.aadd_texts([f"task {number}"]) for number in range(8)))

    assert len(stored.get_by_ids(ids)) == 40
    assert stored.collection.count() == 40 + len(more)
