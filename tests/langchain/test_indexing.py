"""LangChain's ``index`` with the collection as its own record of what is there."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document
from langchain_core.indexing import IndexingResult, aindex, index

from simplugin_langchain import SimpluginVectorStore
from simplugin_qdrant import Store, open_store
from tests.hashing import HashEncoder
from tests.langchain.sides import RememberingEncoder


def _given(*names: str, source: str = "one.md") -> list[Document]:
    return [Document(page_content=f"text {name}", metadata={"source": source}) for name in names]


def _counts(report: IndexingResult) -> tuple[int, int, int, int]:
    return report["num_added"], report["num_updated"], report["num_skipped"], report["num_deleted"]


def _texts(documents: SimpluginVectorStore) -> list[str]:
    return sorted(found.page_content for found in documents.similarity_search("text", k=100))


@pytest.fixture
def documents() -> SimpluginVectorStore:
    return SimpluginVectorStore.from_texts([], HashEncoder())


@pytest.fixture
def stored(store: Store, fresh: Callable[[str], str]) -> SimpluginVectorStore:
    """Return an empty vector store on each engine."""
    return SimpluginVectorStore.from_texts([], HashEncoder(), store=store, collection=fresh("docs"))


def _index(documents: SimpluginVectorStore, given: Any, **options: Any) -> tuple[int, int, int, int]:
    options = {"key_encoder": "sha256", "source_id_key": "source"} | options
    return _counts(index(given, documents.record_manager, documents, **options))


@pytest.mark.parametrize(
    "encoder",
    [
        pytest.param("sha1", marks=pytest.mark.filterwarnings("ignore:Using SHA-1:UserWarning")),
        "sha256",
        "sha512",
        "blake2b",
        lambda document: f"{document.page_content} / ü ? {hashlib.md5(document.page_content.encode()).hexdigest()}",
    ],
)
@pytest.mark.parametrize("cleanup", [None, "incremental", "full", "scoped_full"])
def test_every_key_encoder_goes_with_every_cleanup(documents: SimpluginVectorStore, encoder: Any, cleanup: Any) -> None:
    assert _index(documents, _given("a", "b"), key_encoder=encoder, cleanup=cleanup) == (2, 0, 0, 0)
    assert _index(documents, _given("a", "b"), key_encoder=encoder, cleanup=cleanup) == (0, 0, 2, 0)

    gone = 0 if cleanup is None else 1
    assert _index(documents, _given("b", "c"), key_encoder=encoder, cleanup=cleanup) == (1, 0, 1, gone)
    assert _texts(documents) == ["text a", "text b", "text c"][gone:]


@pytest.mark.parametrize(("cleanup", "left"), [("incremental", 2), ("scoped_full", 2), ("full", 1)])
def test_cleanup_takes_away_what_it_should_and_nothing_else(
    stored: SimpluginVectorStore, cleanup: Any, left: int
) -> None:
    _index(stored, [*_given("a", "b"), *_given("c", source="two.md")], cleanup=cleanup)

    added, _, skipped, deleted = _index(stored, _given("a"), cleanup=cleanup)

    assert (added, skipped, deleted, stored.collection.count()) == (0, 1, 3 - left, left)


def test_full_cleanup_with_nothing_given_empties_the_collection(documents: SimpluginVectorStore) -> None:
    _index(documents, _given("a", "b"), cleanup="full")

    assert _index(documents, [], cleanup="full") == (0, 0, 0, 2)
    assert documents.collection.count() == 0


def test_documents_that_were_not_indexed_are_left_alone(documents: SimpluginVectorStore) -> None:
    documents.add_texts(["text by hand"], ids=["by hand"])

    _index(documents, _given("a"), cleanup="full")
    _index(documents, [], cleanup="full")

    assert _texts(documents) == ["text by hand"]


@pytest.mark.parametrize("batch_size", [1, 3, 1000])
def test_batches_and_loaders_of_any_size_end_in_the_same(documents: SimpluginVectorStore, batch_size: int) -> None:
    class Loader(BaseLoader):
        def lazy_load(self) -> Iterator[Document]:
            yield from _given(*"abcdefg", "a")

    assert _index(documents, Loader(), cleanup="full", batch_size=batch_size) == (7, 0, 1, 0)
    assert _index(documents, Loader(), cleanup="full", batch_size=batch_size, cleanup_batch_size=2)[0] == 0
    assert documents.collection.count() == 7


def test_a_forced_update_embeds_nothing_again_and_counts_as_one() -> None:
    encoder = RememberingEncoder()
    documents = SimpluginVectorStore.from_texts([], encoder)
    _index(documents, _given("a", "b"))

    assert _index(documents, _given("a", "b"), force_update=True) == (0, 2, 0, 0)
    assert (encoder.given["text a"], documents.collection.count()) == (1, 2)


async def test_aindex_does_the_same(documents: SimpluginVectorStore) -> None:
    options: dict[str, Any] = {"key_encoder": "sha256", "source_id_key": "source", "cleanup": "full"}
    records = documents.record_manager
    await records.acreate_schema()

    assert _counts(await aindex(_given("a", "b"), records, documents, **options)) == (2, 0, 0, 0)
    assert _counts(await aindex(_given("b", "c"), records, documents, **options)) == (1, 0, 1, 1)
    assert _texts(documents) == ["text b", "text c"]


class TestAfterALoss:
    """The record is in the documents, so it cannot say that something is there which is not."""

    def test_what_was_deleted_or_cleared_is_written_again(self, stored: SimpluginVectorStore) -> None:
        _index(stored, _given("a", "b", "c"))

        stored.delete([found.id or "" for found in stored.similarity_search("text a", k=1)])
        assert _index(stored, _given("a", "b", "c")) == (1, 0, 2, 0)
        stored.delete()
        assert _index(stored, _given("a", "b", "c")) == (3, 0, 0, 0)
        assert stored.collection.count() == 3

    def test_a_new_collection_for_another_model_is_filled(self) -> None:
        with open_store(":memory:") as store:
            first = SimpluginVectorStore.from_texts([], HashEncoder(seed=0), store=store)
            _index(first, _given("a", "b"))
            store.drop(first.collection.name)

            second = SimpluginVectorStore.from_texts([], HashEncoder(seed=1), store=store)

            assert _index(second, _given("a", "b")) == (2, 0, 0, 0)
            assert _texts(second) == ["text a", "text b"]

    def test_after_a_migration_everything_is_there_still_and_nothing_is_written_twice(
        self, documents: SimpluginVectorStore
    ) -> None:
        _index(documents, _given("a", "b"), cleanup="full")

        migration = documents.collection.migrate(HashEncoder(32, seed=1))
        migration.run()
        migration.cutover()

        assert documents.collection.encoder.card.name == "hash-32-1"
        assert _index(documents, _given("b", "c"), cleanup="full") == (1, 0, 1, 1)
        migration.finish()
        assert _index(documents, _given("b", "c"), cleanup="full") == (0, 0, 2, 0)
        assert _texts(documents) == ["text b", "text c"]


class TestTheRecord:
    def test_lists_what_was_seen_by_time_and_group_and_forgets(self, stored: SimpluginVectorStore) -> None:
        records = stored.record_manager
        stored.add_texts(["text a", "text b", "text c"], ids=["a", "b", "c"])
        records.create_schema()

        records.update(["a", "b"], group_ids=["one", "two"])
        between = records.get_time()
        time.sleep(0.01)
        records.update(["c", "not there"])

        assert records.exists(["c", "nowhere", "a", "not there"]) == [True, False, True, False]
        assert sorted(records.list_keys()) == ["a", "b", "c"]
        assert sorted(records.list_keys(before=between)) == ["a", "b"]
        assert records.list_keys(after=between) == ["c"]
        assert records.list_keys(group_ids=["two", "three"]) == ["b"]
        assert records.list_keys(group_ids=[]) == []
        assert len(records.list_keys(limit=2)) == 2
        records.delete_keys(["a", "not there"])
        assert records.exists(["a", "b"]) == [False, True]
        assert stored.get_by_ids(["a"]) == [Document(id="a", page_content="text a")]

    def test_refuses_a_clock_that_goes_back_and_groups_of_another_number(self, documents: SimpluginVectorStore) -> None:
        records = documents.record_manager

        with pytest.raises(ValueError, match="2 keys and 1 group ids"):
            records.update(["a", "b"], group_ids=["one"])
        with pytest.raises(ValueError, match="clock went back"):
            records.update(["a"], time_at_least=records.get_time() + 60)

    def test_of_a_tenant_is_its_own(self) -> None:
        with open_store(":memory:") as store:
            one, two = (
                SimpluginVectorStore.from_texts([], HashEncoder(), store=store, tenant=tenant) for tenant in ("1", "2")
            )
            _index(one, _given("a", "b"), cleanup="full")

            assert _index(two, _given("a"), cleanup="full") == (1, 0, 0, 0)
            assert (one.collection.count(), two.collection.count()) == (2, 1)
