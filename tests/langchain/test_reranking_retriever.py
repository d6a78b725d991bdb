"""Two stages: what the first one is asked for, and what comes back."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from copy import copy, deepcopy
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langchain_core.vectorstores import InMemoryVectorStore, VectorStoreRetriever
from pydantic import Field

from simplugin.reranking import load_reranker
from simplugin_langchain import (
    RerankingRetriever,
    SimpluginCrossEncoder,
    SimpluginEmbeddings,
    SimpluginReranker,
    SimpluginVectorStore,
)
from simplugin_qdrant import open_store
from tests.hashing import HashEncoder
from tests.langchain.runs import names_of
from tests.reranking.checkpoints import WORDS, pair_folder

TEXTS = [f"text number {number} about {word}" for number, word in enumerate(["cats", "dogs", "fish"] * 10)]
QUERY = TEXTS[7]
SECOND = HashEncoder(32, seed=1)


@pytest.fixture
def documents() -> Iterator[SimpluginVectorStore]:
    with open_store(":memory:") as store:
        ids = [f"id-{number}" for number in range(len(TEXTS))]
        metadata = [{"kind": text.split()[-1]} for text in TEXTS]
        yield SimpluginVectorStore.from_texts(TEXTS, HashEncoder(), metadata, ids=ids, store=store)


class Counted(BaseCallbackHandler):
    """Remembers how many documents each retriever gave, and under which settings."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.metadata: list[dict[str, Any]] = []

    def on_retriever_start(self, *args: Any, metadata: dict[str, Any] | None = None, **kwargs: Any) -> None:
        self.metadata.append(metadata or {})

    def on_retriever_end(self, documents: Any, **kwargs: Any) -> None:
        self.sizes.append(len(documents))


def sizes_of(retriever: BaseRetriever, **kwargs: Any) -> tuple[int, int]:
    """Return how many documents the first stage gave, and how many came back."""
    counted = Counted()
    retriever.invoke(QUERY, {"callbacks": [counted]}, **kwargs)
    first, second = counted.sizes
    return first, second


class Foreign(BaseRetriever):
    """Gives all texts, from the last to the first, and remembers what it was asked with."""

    asked: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        self.asked.append(kwargs)
        run_manager.on_text("inside")
        return [Document(page_content=text) for text in reversed(TEXTS)]


def test_a_pipe_makes_two_stages(documents: SimpluginVectorStore) -> None:
    retriever = documents.as_retriever() | SimpluginReranker(model=SECOND, top_n=3)

    found = retriever.invoke(QUERY)

    assert isinstance(retriever, RerankingRetriever)
    assert (len(found), found[0].id, found[0].page_content) == (3, "id-7", QUERY)
    assert found[0].metadata == {"kind": "dogs", "relevance_score": pytest.approx(1)}
    assert (documents.as_retriever() | (lambda found: len(found))).invoke(QUERY) == 4  # other pipes are as ever


@pytest.mark.parametrize(
    ("told", "top_n", "wrapped", "asked", "sizes"),
    [
        ({}, None, None, {}, (20, 4)),  # the retriever's own 4
        ({}, 3, None, {}, (20, 3)),
        ({}, 6, None, {}, (24, 6)),
        ({}, 6, 7, {}, (28, 7)),
        ({}, 6, 7, {"k": 2}, (20, 2)),
        ({"k": 5}, None, None, {}, (5, 5)),  # told: a pool of 5
        ({"k": 5}, 3, None, {}, (5, 3)),
        ({"k": 5}, 10, None, {}, (5, 5)),
        ({"search_kwargs": {"k": 5}}, 3, None, {}, (5, 3)),
        ({"k": 5}, None, None, {"k": 2}, (5, 2)),
        ({"k": 5}, None, None, {"k": 6}, (24, 6)),  # more than its own are wanted
        ({"k": 5}, None, 6, {}, (24, 6)),
        ({}, None, None, {"k": 0}, (20, 0)),
    ],
)
def test_the_pool_is_four_times_as_many_at_least_twenty_unless_the_retriever_was_told(
    documents: SimpluginVectorStore,
    told: dict[str, Any],
    top_n: int | None,
    wrapped: int | None,
    asked: dict[str, int],
    sizes: tuple[int, int],
) -> None:
    retriever = SimpluginReranker(model=SECOND, top_n=top_n).wrap(documents.as_retriever(**told), k=wrapped)

    assert sizes_of(retriever, **asked) == sizes


def test_the_retrievers_score_stays_beside_the_rerankers(documents: SimpluginVectorStore) -> None:
    first = documents.as_retriever(score_key="retrieval_score", mode="dense")

    found = (first | SimpluginReranker(model=SECOND)).invoke(QUERY)

    plain = {each.id: each.metadata["retrieval_score"] for each in first.invoke(QUERY, k=20)}
    assert [each.metadata["retrieval_score"] for each in found] == pytest.approx([plain[each.id] for each in found])
    assert [each.metadata["retrieval_score"] for each in found] != pytest.approx(
        [each.metadata["relevance_score"] for each in found]
    )


def test_stored_vectors_are_used_where_both_stages_have_one_model(documents: SimpluginVectorStore) -> None:
    encoder = documents.collection.encoder
    assert isinstance(encoder, HashEncoder)
    before = encoder.texts_encoded
    twice = documents.as_retriever() | SimpluginReranker(model=encoder) | SimpluginReranker(model=encoder, top_n=2)
    plain = VectorStoreRetriever(vectorstore=documents)

    assert (documents.as_retriever() | SimpluginReranker(model=encoder)).invoke(QUERY)[0].id == "id-7"
    assert SimpluginReranker(model=encoder).wrap(plain).invoke(QUERY)[0].id == "id-7"
    assert twice.invoke(QUERY)[0].id == "id-7"
    assert encoder.texts_encoded == before


def test_a_reranker_may_stand_anywhere_behind_a_retriever_in_a_chain(documents: SimpluginVectorStore) -> None:
    encoder = documents.collection.encoder
    assert isinstance(encoder, HashEncoder)
    before = encoder.texts_encoded
    retriever, reranker = documents.as_retriever(k=8), SimpluginReranker(encoder, top_n=2)
    asked = itemgetter("q") | retriever | reranker
    tagged = retriever.with_config(tags=["x"]) | reranker | reranker
    beside = {"query": RunnablePassthrough(), "documents": retriever} | reranker

    found = asked.invoke({"q": QUERY})
    assert found[0].id == "id-7"
    assert len(found) == 2
    for other in (tagged.invoke(QUERY), beside.invoke(QUERY)):
        assert [document.id for document in other] == [document.id for document in found]
        # The last bits of a product depend on how many others are computed with it.
        scores, same = ([document.metadata["relevance_score"] for document in each] for each in (other, found))
        assert scores == pytest.approx(same, abs=1e-6)
    assert encoder.texts_encoded == before  # what is stored is not embedded again


def test_documents_are_copied_as_a_plain_list_of_them(documents: SimpluginVectorStore) -> None:
    found = documents.as_retriever().invoke(QUERY)

    for copied in (copy(found), deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert type(copied) is list
        assert copied == found


def test_a_vector_store_is_wrapped_as_its_retriever(documents: SimpluginVectorStore) -> None:
    assert SimpluginReranker(SECOND, top_n=2).wrap(documents).invoke(QUERY)[0].id == "id-7"


def test_a_reranker_keeps_the_collection_that_it_was_given(documents: SimpluginVectorStore) -> None:
    encoder = documents.collection.encoder
    assert isinstance(encoder, HashEncoder)
    with open_store(":memory:") as store:
        other = SimpluginVectorStore.from_texts(TEXTS, encoder, store=store)
        before = encoder.texts_encoded
        reranker = SimpluginReranker(model=encoder, stored=other)

        (documents.as_retriever() | reranker).invoke(QUERY)

    assert encoder.texts_encoded == before + 20  # other has other ids
    assert reranker.top_n is None


def test_rerankers_may_follow_each_other(documents: SimpluginVectorStore) -> None:
    counted = Counted()
    wide, narrow = SimpluginReranker(model=SECOND, top_n=6), SimpluginReranker(model=HashEncoder(seed=2), top_n=2)

    found = (documents.as_retriever() | wide | narrow).invoke(QUERY, {"callbacks": [counted]})

    assert counted.sizes == [24, 6, 2]
    assert found[0].id == "id-7"


def test_what_is_given_at_the_call_reaches_the_first_stage(documents: SimpluginVectorStore) -> None:
    retriever = documents.as_retriever() | SimpluginReranker(model=SECOND)

    found = retriever.invoke(QUERY, filter={"kind": "fish"}, k=2)

    assert [each.metadata["kind"] for each in found] == ["fish", "fish"]
    with pytest.raises(TypeError, match="no search argument 'filtre'"):
        retriever.invoke(QUERY, filtre={"kind": "fish"})


def test_any_retriever_is_wrapped_with_its_own_arguments_and_callbacks() -> None:
    foreign, collector = Foreign(), RunCollectorCallbackHandler()
    retriever = SimpluginReranker(model=SECOND, top_n=3).wrap(foreign)

    found = retriever.invoke(QUERY, {"callbacks": [collector], "tags": ["mine"]}, region="eu")
    assert retriever.invoke(QUERY, k=1) == found[:1]

    assert found[0].page_content == QUERY
    assert foreign.asked == [{"region": "eu"}, {}]  # k is how many come back, not the foreign retriever's affair
    (run,) = collector.traced_runs
    assert names_of(run) == ["RerankingRetriever", "Foreign", "SimpluginReranker"]
    assert [child.parent_run_id for child in run.child_runs] == [run.id, run.id]
    assert run.tags is not None
    assert "mine" in run.tags


async def test_each_way_of_calling_gives_the_same(documents: SimpluginVectorStore) -> None:
    collector = RunCollectorCallbackHandler()
    for retriever in (
        documents.as_retriever() | SimpluginReranker(model=SECOND, top_n=3),
        SimpluginReranker(model=SECOND, top_n=3).wrap(Foreign()),
    ):
        expected = [retriever.invoke(text) for text in TEXTS[:3]]

        assert await retriever.ainvoke(TEXTS[0], {"callbacks": [collector]}) == expected[0]
        assert retriever.batch(list(TEXTS[:3])) == expected
        assert await retriever.abatch(list(TEXTS[:3])) == expected
        assert [each[0].page_content for each in expected] == TEXTS[:3]
    assert [names_of(run)[1:] for run in collector.traced_runs] == [
        ["SimpluginRetriever", "SimpluginReranker"],
        ["Foreign", "SimpluginReranker"],
    ]


def test_retrievers_of_other_stores_and_mere_runnables_are_wrapped() -> None:
    memory = InMemoryVectorStore.from_texts(TEXTS, SimpluginEmbeddings(HashEncoder()))

    def find(query: str) -> list[Document]:
        return [Document(page_content=text) for text in [*TEXTS, query]]

    reranker = SimpluginReranker(model=SECOND, top_n=1)

    assert reranker.wrap(memory.as_retriever()).invoke(QUERY)[0].page_content == QUERY
    assert reranker.wrap(memory.as_retriever().with_config(tags=["x"])).invoke(QUERY)[0].page_content == QUERY
    assert reranker.wrap(RunnableLambda(find)).invoke("something else")[0].page_content == "something else"


def test_traces_name_the_model_of_the_first_stage(documents: SimpluginVectorStore) -> None:
    counted = Counted()

    (documents.as_retriever() | SimpluginReranker(model=SECOND)).invoke(QUERY, {"callbacks": [counted]})

    assert counted.metadata[0]["ls_retriever_name"] == "reranking"
    assert counted.metadata[0]["ls_embedding_model"] == "hash-64-0"


async def test_it_compresses_inside_langchains_own_retriever_and_pipeline(documents: SimpluginVectorStore) -> None:
    retrievers = pytest.importorskip("langchain_classic.retrievers")
    compressors = pytest.importorskip("langchain_classic.retrievers.document_compressors")
    reranker = SimpluginReranker(model=SECOND, top_n=2)
    pipeline = compressors.DocumentCompressorPipeline(transformers=[SimpluginReranker(model=SECOND), reranker])
    expected = (documents.as_retriever(k=20) | reranker).invoke(QUERY)

    for compressor in (reranker, pipeline):
        collector = RunCollectorCallbackHandler()
        retriever = retrievers.ContextualCompressionRetriever(
            base_compressor=compressor, base_retriever=documents.as_retriever(k=20)
        )

        assert retriever.invoke(QUERY, {"callbacks": [collector]}) == expected
        assert await retriever.ainvoke(QUERY) == expected
        assert names_of(collector.traced_runs[0])[-1] == "SimpluginReranker"


@pytest.mark.model
async def test_a_pair_model_is_a_cross_encoder_for_langchains_reranker(tmp_path: Path) -> None:
    compressors = pytest.importorskip("langchain_classic.retrievers.document_compressors")
    pairs = load_reranker(pair_folder(tmp_path / "pair", columns=1))
    given = [Document(page_content=f"{word} {WORDS[0]}") for word in WORDS]
    theirs = compressors.CrossEncoderReranker(model=SimpluginCrossEncoder(pairs), top_n=4)

    found = theirs.compress_documents(given, "kitab ev")

    ours = SimpluginReranker(model=pairs, top_n=4).compress_documents(given, "kitab ev")
    assert [each.page_content for each in found] == [each.page_content for each in ours]
