"""How a vector store is opened: from texts, with the recorded model, for a tenant, over another's collection."""

from __future__ import annotations

import asyncio
import gc
import uuid
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.vectorstores import VectorStore
from qdrant_client import QdrantClient, models

from simplugin.encoders import Encoder
from simplugin.errors import (
    ModelError,
    ModelMismatchError,
    StoreError,
    StoreLockedError,
    UnknownCollectionError,
    UnknownModelError,
    UnregisteredCollectionError,
)
from simplugin_langchain import SimpluginEmbeddings, SimpluginVectorStore
from simplugin_qdrant import Store, open_store, register
from tests.hashing import HashEncoder

GIVEN = [
    Document(id="1", page_content="red car", metadata={"lang": "en"}),
    Document(id="2", page_content="kırmızı araba", metadata={"lang": "tr"}),
]
IDS = [str(uuid.UUID(int=number)) for number in (1, 2)]


async def test_texts_and_documents_make_a_vector_store_in_every_way() -> None:
    texts = [document.page_content for document in GIVEN]
    metadatas = [document.metadata for document in GIVEN]
    embeddings = SimpluginEmbeddings(HashEncoder())

    for made in (
        SimpluginVectorStore.from_texts(texts, embeddings, metadatas, ids=["1", "2"], collection="docs"),
        await SimpluginVectorStore.afrom_texts(iter(texts), embeddings, iter(metadatas), ids=iter(["1", "2"])),
        SimpluginVectorStore.from_documents(GIVEN, embeddings),
        SimpluginVectorStore.from_documents(iter(GIVEN), embeddings),
        await SimpluginVectorStore.afrom_documents(iter(GIVEN), embeddings),
    ):
        assert made.get_by_ids(["1", "2"]) == GIVEN
        assert made.similarity_search("red car", k=1) == GIVEN[:1]


@pytest.mark.parametrize("embedding", ["starter", SimpluginEmbeddings("starter"), HashEncoder()])
def test_the_embedding_is_a_name_embeddings_or_an_encoder(embedding: Any) -> None:
    documents = SimpluginVectorStore.from_texts(["red car", "blue sea"], embedding)

    assert documents.similarity_search("red car", k=1)[0].page_content == "red car"
    assert isinstance(documents.embeddings, SimpluginEmbeddings)


def test_a_collection_opens_again_with_the_model_it_records(tmp_path: Path, starter: Encoder) -> None:
    first = SimpluginVectorStore.from_documents(GIVEN, starter, store=tmp_path, collection="handbook")
    first.close()

    with closing(SimpluginVectorStore.from_existing_collection("handbook", store=tmp_path)) as again:
        assert again.collection.encoder.card.name == starter.card.name
        assert again.get_by_ids(["2", "1"]) == [GIVEN[1], GIVEN[0]]


def test_another_model_is_refused_also_one_of_the_same_width() -> None:
    with open_store(":memory:") as store:
        SimpluginVectorStore.from_documents(GIVEN, HashEncoder(seed=0), store=store, collection="docs")

        for other in (HashEncoder(seed=1), DeterministicFakeEmbedding(size=64)):
            with pytest.raises(ModelMismatchError, match="'hash-64-0'"):
                SimpluginVectorStore.from_texts(["new"], other, store=store, collection="docs")
        assert SimpluginVectorStore(register(store, "docs", HashEncoder(seed=0))).get_by_ids(["1", "2"]) == GIVEN


def test_embeddings_of_any_kind_come_back_as_they_were_given_and_must_be_given_again() -> None:
    embeddings = DeterministicFakeEmbedding(size=6)
    with open_store(":memory:") as store:
        made = SimpluginVectorStore.from_documents(GIVEN, embeddings, store=store, collection="docs")

        assert made.embeddings is embeddings
        assert SimpluginVectorStore.from_existing_collection("docs", embeddings, store=store).get_by_ids(["1"])
        with pytest.raises(ModelError, match=r"DeterministicFakeEmbedding; open it with embedding="):
            SimpluginVectorStore.from_existing_collection("docs", store=store)


def test_what_is_not_there_is_told_by_its_name() -> None:
    with pytest.raises(UnknownCollectionError, match="nowhere"):
        SimpluginVectorStore.from_existing_collection("nowhere", store=":memory:")
    with pytest.raises(UnknownModelError, match="'startr'"):
        SimpluginVectorStore.from_texts(["text"], "startr")
    with pytest.raises(TypeError, match=r"store is a NoneType; give a folder"):
        SimpluginVectorStore.from_texts(["text"], HashEncoder(), store=None)
    with pytest.raises(TypeError, match="collection_name"):
        SimpluginVectorStore.from_texts(["text"], HashEncoder(), collection_name="docs")


class TestAFolder:
    async def test_is_opened_once_however_often_in_whatever_thread_and_however_it_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        one = SimpluginVectorStore.from_documents(GIVEN, HashEncoder(), store="./db", collection="docs")
        two = SimpluginVectorStore.from_documents(GIVEN, HashEncoder(), store=tmp_path / "db", collection="docs")
        other = await SimpluginVectorStore.afrom_texts(["text"], HashEncoder(), store="db/", collection="other")

        assert one.store is two.store is other.store
        assert (one.collection.count(), other.collection.count()) == (2, 1)
        await asyncio.to_thread(one.close)
        SimpluginVectorStore.from_existing_collection("other", HashEncoder(), store="db").close()

    def test_is_not_made_by_opening_a_collection_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(UnknownCollectionError, match="'docs'"):
            SimpluginVectorStore.from_existing_collection("docs", HashEncoder(), store=tmp_path / "nowhere")

        assert not (tmp_path / "nowhere").exists()

    def test_an_argument_that_there_is_not_is_named(self) -> None:
        with pytest.raises(TypeError, match=r"no argument 'collection_name'.* collection"):
            SimpluginVectorStore.from_texts(["text"], HashEncoder(), collection_name="docs")

    def test_may_be_opened_and_its_collection_made_by_many_threads_at_once(self, tmp_path: Path) -> None:
        def add(number: int) -> SimpluginVectorStore:
            return SimpluginVectorStore.from_texts([f"text {number}"], HashEncoder(), store=tmp_path)

        with ThreadPoolExecutor(8) as pool:
            opened = list(pool.map(add, range(8)))

        assert {each.collection.count() for each in opened} == {8}
        opened[0].close()

    def test_is_opened_anew_after_it_was_closed_or_let_go(self, tmp_path: Path) -> None:
        documents = SimpluginVectorStore.from_documents(GIVEN, HashEncoder(), store=tmp_path, collection="docs")
        documents.close()
        documents = SimpluginVectorStore.from_texts([], HashEncoder(), store=tmp_path, collection="docs")
        assert documents.get_by_ids(["1", "2"]) == GIVEN
        documents.close()
        del documents
        gc.collect()

        with closing(SimpluginVectorStore.from_texts([], HashEncoder(), store=tmp_path, collection="docs")) as again:
            assert again.get_by_ids(["1", "2"]) == GIVEN

    def test_that_something_else_holds_is_refused(self, tmp_path: Path) -> None:
        with open_store(tmp_path) as store:
            register(store, "docs", HashEncoder())
            with pytest.raises(StoreLockedError, match="open a second time in this one"):
                SimpluginVectorStore.from_texts(["text"], HashEncoder(), store=tmp_path)
            assert SimpluginVectorStore.from_texts(["text"], HashEncoder(), store=store).collection.count() == 1


def test_a_tenant_sees_finds_and_deletes_its_own_alone(store: Store, fresh: Callable[[str], str]) -> None:
    name = fresh("shared")

    def of(tenant: str, text: str) -> SimpluginVectorStore:
        return SimpluginVectorStore.from_texts(
            [text], HashEncoder(), ids=["1"], store=store, collection=name, tenant=tenant
        )

    one, two = of("one", "red car of one"), of("two", "red car of two")

    for mine, text in ((one, "red car of one"), (two, "red car of two")):
        expected = [Document(id="1", page_content=text)]
        assert mine.get_by_ids(["1"]) == mine.similarity_search("red car", k=9) == expected
        assert mine.max_marginal_relevance_search("red car") == expected
    one.delete()
    assert (one.get_by_ids(["1"]), len(two.get_by_ids(["1"]))) == ([], 1)
    with pytest.raises(StoreError, match="tenant"):
        SimpluginVectorStore.from_existing_collection(name, HashEncoder(), store=store).similarity_search("red car")


class TestACollectionOfLangchainQdrants:
    """One that ``langchain_qdrant.QdrantVectorStore`` made, with our embeddings inside it."""

    @pytest.fixture
    def client(self) -> Generator[QdrantClient, None, None]:
        with closing(QdrantClient(":memory:")) as client:
            client.create_collection("docs", models.VectorParams(size=64, distance=models.Distance.COSINE))
            self.theirs(client).add_documents(GIVEN, ids=IDS)
            yield client

    @staticmethod
    def theirs(client: QdrantClient) -> VectorStore:
        kind = pytest.importorskip("langchain_qdrant").QdrantVectorStore
        opened: VectorStore = kind(client, "docs", SimpluginEmbeddings(HashEncoder()))
        return opened

    def test_is_taken_over_with_its_ids_texts_and_metadata(self, client: QdrantClient) -> None:
        ours = SimpluginVectorStore.from_existing_collection("docs", HashEncoder(), store=client, adopt=True)
        expected = [document.model_copy(update={"id": id_}) for document, id_ in zip(GIVEN, IDS, strict=True)]

        assert ours.get_by_ids(IDS) == expected
        assert ours.similarity_search("araba", k=1) == expected[1:]
        assert ours.similarity_search("araba", filter={"lang": "en"}) == expected[:1]
        assert ours.max_marginal_relevance_search("red car", k=1) == expected[:1]
        ours.add_documents([Document(id="new", page_content="blue sea")])
        ours.delete(IDS[:1])
        again = SimpluginVectorStore.from_existing_collection("docs", HashEncoder(), store=client, vector="")
        assert {found.id for found in again.similarity_search("blue sea", k=9)} == {IDS[1], "new"}

    def test_is_not_opened_without_adopting_it_and_not_by_another_model(self, client: QdrantClient) -> None:
        with pytest.raises(UnregisteredCollectionError, match="adopt=True"):
            SimpluginVectorStore.from_existing_collection("docs", HashEncoder(), store=client, vector="")
        with pytest.raises(ModelMismatchError, match="cosine"):
            SimpluginVectorStore.from_existing_collection("docs", HashEncoder(seed=1), store=client, adopt=True)

    def test_goes_on_working_there_after_it_was_taken_over(self, client: QdrantClient) -> None:
        ours = SimpluginVectorStore.from_existing_collection("docs", HashEncoder(), store=client, adopt=True)
        ours.add_texts(["blue sea"], [{"lang": "en"}])

        found = self.theirs(client).similarity_search("blue sea", k=1)

        assert (found[0].page_content, found[0].metadata["lang"]) == ("blue sea", "en")


async def test_texts_without_embeddings_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    nothing: Any = None
    with pytest.raises(TypeError, match="embedding is None; give LangChain embeddings"):
        SimpluginVectorStore.from_texts(["a"], nothing, store=tmp_path / "store")
    with pytest.raises(TypeError, match="embedding is None"):
        await SimpluginVectorStore.afrom_texts(["a"], nothing, store=tmp_path / "store")
    assert not (tmp_path / "store").exists()
