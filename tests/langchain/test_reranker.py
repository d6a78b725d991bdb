"""Documents in a better order, in every place where LangChain reranks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.documents.compressor import BaseDocumentCompressor
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler

from simplugin.encoders import Fingerprint, RemoteReranker
from simplugin.errors import UnknownModelError
from simplugin.measures import FloatArray, similarity
from simplugin.records import Hit
from simplugin.reranking import SimilarityReranker, load_reranker
from simplugin_langchain import SimpluginEmbeddings, SimpluginReranker, SimpluginVectorStore
from simplugin_qdrant import Store, open_store, register
from tests.encoders.remote_server import EmbeddingServer
from tests.hashing import HashEncoder
from tests.langchain.runs import names_of
from tests.reranking.checkpoints import WORDS, pair_folder

QUERY = "when does the library open"
TEXTS = ["the bus leaves soon", "the library is old", "the library does open at nine", "cats sleep"]
DOCUMENTS = [Document(id=f"d{place}", page_content=text) for place, text in enumerate(TEXTS)]


class Counting(HashEncoder):
    """Takes its fingerprint once, as real models do, and remembers the documents that it encoded after that."""

    def __init__(self, dimension: int = 64, *, seed: int = 0) -> None:
        super().__init__(dimension, seed=seed)
        self.encoded: list[str] = []
        self.queries = 0
        self._taken = super().fingerprint
        self.encoded.clear()

    @property
    def fingerprint(self) -> Fingerprint:
        return self._taken

    def encode_document(self, texts: Iterable[str]) -> FloatArray:
        listed = list(texts)
        self.encoded += listed
        return super().encode_document(listed)

    async def aencode_query(self, texts: Iterable[str]) -> FloatArray:
        self.queries += 1
        return await super().aencode_query(texts)


def scores_of(documents: Sequence[Document], key: str = "relevance_score") -> list[float]:
    return [each.metadata[key] for each in documents]


def expected_scores(encoder: HashEncoder, texts: Sequence[str] = TEXTS, query: str = QUERY) -> list[float]:
    scores = similarity(encoder.encode_query([query]), encoder.encode_document(texts))[0]
    return sorted(scores.tolist(), reverse=True)


def test_it_is_a_compressor_and_a_runnable_and_opens_a_model_by_its_name() -> None:
    reranker = SimpluginReranker(top_n=1)

    assert isinstance(reranker, BaseDocumentCompressor)
    assert isinstance(reranker, Runnable)
    assert reranker.invoke({"query": QUERY, "documents": DOCUMENTS})[0].id == "d2"
    assert reranker.get_graph().nodes
    assert reranker.get_input_jsonschema()


@pytest.mark.parametrize("wrapped", [lambda encoder: encoder, SimpluginEmbeddings, SimilarityReranker])
def test_a_similarity_model_may_be_an_encoder_embeddings_or_a_reranker(wrapped: Callable[[HashEncoder], Any]) -> None:
    encoder = HashEncoder()

    found = SimpluginReranker(model=wrapped(encoder)).compress_documents(DOCUMENTS, QUERY)

    assert [each.id for each in found][:2] == ["d2", "d1"]
    assert scores_of(found) == pytest.approx(expected_scores(encoder))


def test_any_embeddings_of_langchain_rerank() -> None:
    embeddings = DeterministicFakeEmbedding(size=12)

    found = SimpluginReranker(model=embeddings).compress_documents(DOCUMENTS, TEXTS[0])

    assert found[0].id == "d0"
    assert found[0].metadata["relevance_score"] == pytest.approx(1)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(TypeError, match=r"model is a int; give a model's name, an encoder, embeddings, or a reranker"):
        SimpluginReranker(model=3)
    with pytest.raises(UnknownModelError, match="starter"):
        SimpluginReranker(model="stater")
    with pytest.raises(ValueError, match="stored is a dict; give a collection"):
        SimpluginReranker(model=HashEncoder(), stored={})
    with pytest.raises(ValueError, match="top_k"):
        SimpluginReranker(model=HashEncoder(), top_k=3)
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        SimpluginReranker(model=HashEncoder(), top_n=0)


@pytest.mark.model
def test_a_pair_model_scores_query_and_text_together_by_folder_or_opened(tmp_path: Path) -> None:
    folder = pair_folder(tmp_path / "pair", columns=1)
    pairs = load_reranker(folder)
    documents = [Document(page_content=f"{word} {WORDS[0]}") for word in WORDS]
    expected = {each.page_content: float(pairs.score([("kitab ev", each.page_content)])[0]) for each in documents}

    for model in (str(folder), pairs):
        found = SimpluginReranker(model=model, top_n=5).compress_documents(documents, "kitab ev")

        assert len(found) == 5
        assert scores_of(found) == pytest.approx(sorted(expected.values(), reverse=True)[:5], abs=1e-5)
        assert all(
            each.metadata["relevance_score"] == pytest.approx(expected[each.page_content], abs=1e-5) for each in found
        )


@pytest.mark.model
async def test_a_pair_model_scores_the_same_without_holding_up_the_event_loop(tmp_path: Path) -> None:
    reranker = SimpluginReranker(model=str(pair_folder(tmp_path / "pair", columns=1)))
    documents = [Document(page_content=word) for word in WORDS]

    found = await reranker.acompress_documents(documents, "kitab")

    assert found == reranker.compress_documents(documents, "kitab")


async def test_a_reranker_on_a_server_is_asked_both_ways() -> None:
    encoder = HashEncoder()
    server = EmbeddingServer(encoder, kind="reranker")
    try:
        async with RemoteReranker(server.url) as remote:
            reranker = SimpluginReranker(model=remote, top_n=2)
            before = threading.active_count()
            waited = await reranker.acompress_documents(DOCUMENTS, QUERY)
            assert threading.active_count() == before + 1  # the server's; a thread of ours would be one more
            assert reranker.compress_documents(DOCUMENTS, QUERY) == waited
            assert [each.id for each in waited] == ["d2", "d1"]
            assert scores_of(waited) == pytest.approx([(1 + score) / 2 for score in expected_scores(encoder)[:2]])
    finally:
        server.close()


@pytest.mark.parametrize(("top_n", "ids"), [(None, 4), (1, 1), (3, 3), (9, 4)])
def test_top_n_keeps_that_many(top_n: int | None, ids: int) -> None:
    found = SimpluginReranker(model=HashEncoder(), top_n=top_n).compress_documents(DOCUMENTS, QUERY)

    assert len(found) == ids
    assert found[0].id == "d2"
    assert scores_of(found) == sorted(scores_of(found), reverse=True)


def test_a_score_threshold_keeps_what_has_that_score() -> None:
    encoder = HashEncoder()
    second = expected_scores(encoder)[1]

    def kept(threshold: float, top_n: int | None = None) -> int:
        reranker = SimpluginReranker(model=encoder, score_threshold=threshold, top_n=top_n)
        return len(reranker.compress_documents(DOCUMENTS, QUERY))

    assert kept(second - 1e-6) == 2
    assert kept(second + 1e-6) == 1
    assert kept(second - 1e-6, top_n=1) == 1
    assert kept(1.1) == 0


def test_documents_that_a_reranker_leaves_out_do_not_come_back() -> None:
    class Half:
        def rerank(self, query: str, hits: Sequence[Hit | str], top_n: int | None = None) -> list[Hit]:
            return SimilarityReranker(HashEncoder()).rerank(query, hits, top_n=len(hits) // 2)

    assert [each.id for each in SimpluginReranker(model=Half()).compress_documents(DOCUMENTS, QUERY)] == ["d2", "d1"]


def test_no_documents_give_none_and_no_text_is_encoded() -> None:
    encoder = Counting()

    assert SimpluginReranker(model=encoder).compress_documents([], QUERY) == []
    assert encoder.encoded == []


def test_equal_texts_are_encoded_once_come_back_each_and_keep_their_order() -> None:
    encoder = Counting()
    twice = [*DOCUMENTS, Document(id="again", page_content=TEXTS[2]), Document(page_content=TEXTS[2])]

    found = SimpluginReranker(model=encoder).compress_documents(twice, QUERY)

    assert [each.id for each in found[:3]] == ["d2", "again", None]
    assert len(found) == 6
    assert sorted(encoder.encoded) == sorted(TEXTS)


def test_documents_come_back_as_copies_and_the_given_ones_are_as_they_were() -> None:
    given = [Document(id="a", page_content="the library", metadata={"lang": "en", "tags": ["x"], "relevance_score": 7})]
    before = [each.model_copy(deep=True) for each in given]

    (found,) = SimpluginReranker(model=HashEncoder()).compress_documents(given, QUERY)
    found.metadata["tags"].append("y")
    found.metadata["lang"] = "tr"

    assert given == before
    assert (found.id, found.page_content) == ("a", "the library")
    assert found.metadata["relevance_score"] < 1


def test_the_score_goes_under_the_key_that_is_asked_for_or_nowhere() -> None:
    for key, expected in (("closeness", {"lang", "closeness"}), (None, {"lang"})):
        (found,) = SimpluginReranker(model=HashEncoder(), score_key=key).compress_documents(
            [Document(page_content="the library", metadata={"lang": "en"})], QUERY
        )
        assert set(found.metadata) == expected


def test_what_has_no_query_or_no_documents_is_refused_with_what_to_do() -> None:
    reranker = SimpluginReranker(model=HashEncoder())

    for given in (DOCUMENTS, {"query": QUERY}, {"documents": DOCUMENTS}, {"query": QUERY, "documents": "text"}, QUERY):
        with pytest.raises(TypeError, match=r"use reranker\.wrap\(retriever\)"):
            reranker.invoke(given)
    with pytest.raises(TypeError, match=r"Document 1 is a str; give LangChain's"):
        reranker.invoke({"query": QUERY, "documents": [DOCUMENTS[0], "text"]})


async def test_each_way_of_calling_gives_the_same() -> None:
    reranker = SimpluginReranker(model=HashEncoder(), top_n=2)
    inputs = [{"query": QUERY, "documents": DOCUMENTS}, {"query": "cats sleep", "documents": DOCUMENTS}]

    one, other = [reranker.invoke(each) for each in inputs]

    assert [each.id for each in one] == ["d2", "d1"]
    assert other[0].id == "d3"
    assert reranker.batch(inputs) == [one, other]
    assert await reranker.abatch(inputs) == [one, other]
    assert [await reranker.ainvoke(each) for each in inputs] == [one, other]
    assert await reranker.acompress_documents(DOCUMENTS, QUERY) == one


async def test_concurrent_queries_go_by_the_way_that_puts_them_together() -> None:
    encoder = Counting()
    reranker = SimpluginReranker(model=encoder)

    await asyncio.gather(*(reranker.acompress_documents(DOCUMENTS, query) for query in TEXTS))

    assert encoder.queries == 4


def test_it_is_a_run_of_its_own_inside_the_run_that_calls_it() -> None:
    reranker = SimpluginReranker(model=HashEncoder())
    collector = RunCollectorCallbackHandler()

    def rerank(query: str) -> list[Document]:
        return reranker.compress_documents(DOCUMENTS, query)

    RunnableLambda(rerank, name="outer").invoke(QUERY, {"callbacks": [collector]})
    reranker.compress_documents(DOCUMENTS, QUERY, callbacks=[collector])

    assert [names_of(run) for run in collector.traced_runs] == [
        ["outer", "SimpluginReranker"],
        ["SimpluginReranker"],
    ]
    assert collector.traced_runs[1].inputs["query"] == QUERY
    assert len((collector.traced_runs[1].outputs or {})["output"]) == 4


class Foreign(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return DOCUMENTS


async def test_in_a_chain_it_takes_the_query_beside_the_documents() -> None:
    chain: Runnable[str, list[Document]] = {
        "query": RunnablePassthrough(),
        "documents": Foreign(),
    } | SimpluginReranker(model=HashEncoder(), top_n=1)

    assert chain.invoke(QUERY)[0].id == "d2"
    assert (await chain.ainvoke(QUERY))[0].id == "d2"
    assert [found[0].id for found in chain.batch([QUERY, "cats sleep"])] == ["d2", "d3"]


def test_a_plain_pipe_after_a_foreign_retriever_says_what_to_write_instead() -> None:
    with pytest.raises(TypeError, match=r"use reranker\.wrap\(retriever\)"):
        (Foreign() | SimpluginReranker(model=HashEncoder())).invoke(QUERY)


def test_vectors_that_the_collection_holds_are_used_and_give_the_same_scores(
    store: Store, fresh: Callable[[str], str]
) -> None:
    encoder = Counting()
    documents = SimpluginVectorStore.from_texts(
        TEXTS, encoder, ids=["a", "b", "c", "d"], store=store, collection=fresh("stored")
    )
    found = documents.similarity_search(QUERY, k=4)
    encoder.encoded.clear()

    for stored in (documents, documents.collection):
        ranked = SimpluginReranker(model=encoder, stored=stored).compress_documents(found, QUERY)
        assert encoder.encoded == []
        assert scores_of(ranked) == pytest.approx(expected_scores(encoder), abs=1e-6)
        assert [each.id for each in ranked][:2] == ["c", "b"]
        encoder.encoded.clear()


def test_the_same_model_opened_again_uses_them_too() -> None:
    again = Counting()
    with open_store(":memory:") as store:
        documents = SimpluginVectorStore.from_texts(TEXTS, HashEncoder(), store=store)

        SimpluginReranker(model=again, stored=documents).compress_documents(documents.similarity_search(QUERY), QUERY)

    assert again.encoded == []


def test_texts_that_differ_from_the_stored_ones_are_encoded_even_under_the_same_id() -> None:
    encoder = Counting()
    with open_store(":memory:") as store:
        documents = SimpluginVectorStore.from_texts(TEXTS, encoder, ids=["a", "b", "c", "d"], store=store)
        given = [
            Document(id="a", page_content="the library does open"),  # another text than the stored one
            Document(id="b", page_content=TEXTS[1]),
            Document(id="b", page_content="the second of that id"),
            Document(id="nowhere", page_content="not stored"),
            Document(page_content=TEXTS[2]),  # nobody says where it is
        ]
        encoder.encoded.clear()

        found = SimpluginReranker(model=encoder, stored=documents).compress_documents(given, QUERY)

    encoded = set(encoder.encoded)
    assert {"the library does open", "the second of that id", "not stored", TEXTS[2]} <= encoded
    assert scores_of(found) == pytest.approx(expected_scores(encoder, [each.page_content for each in given]), abs=1e-6)


def test_another_model_encodes_the_texts_itself() -> None:
    other = Counting(seed=1)  # of the same width
    with open_store(":memory:") as store:
        documents = SimpluginVectorStore.from_texts(TEXTS, HashEncoder(), store=store)

        found = SimpluginReranker(model=other, stored=documents).compress_documents(
            documents.similarity_search(QUERY), QUERY
        )

    assert sorted(other.encoded) == sorted(TEXTS)
    assert scores_of(found) == pytest.approx(expected_scores(other), abs=1e-6)


def test_the_vectors_of_a_second_model_in_the_collection_are_used_once_they_are_filled(
    store: Store, fresh: Callable[[str], str]
) -> None:
    name, first, second = fresh("beside"), HashEncoder(), Counting(32, seed=1)
    documents = SimpluginVectorStore.from_texts(TEXTS, first, store=store, collection=name)
    beside = register(store, name, second, vector="second", others=[first])
    reranker = SimpluginReranker(model=second, stored=documents)
    found = documents.similarity_search(QUERY)

    second.encoded.clear()
    before = reranker.compress_documents(found, QUERY)
    assert sorted(second.encoded) == sorted(TEXTS)  # no text has its vector yet
    beside.fill()
    second.encoded.clear()
    after = reranker.compress_documents(found, QUERY)

    assert second.encoded == []
    assert [each.id for each in after] == [each.id for each in before]
    assert scores_of(after) == pytest.approx(expected_scores(second), abs=1e-6)


def test_chunks_of_ingested_files_have_their_vectors_and_are_compared_as_they_were_embedded(tmp_path: Path) -> None:
    encoder = Counting()
    parts = (("Library", f"nobody may bring dogs and {QUERY}"), ("Bus", "it leaves every ten minutes from the market"))
    text = "\n\n".join(f"# {title}\n\nHere it says that {said}." for title, said in parts)
    (tmp_path / "town.md").write_text(text, encoding="utf-8")
    with open_store(":memory:") as store:
        collection = register(store, "town", encoder)
        collection.ingest([tmp_path], headings=True, max_tokens=16)
        found = SimpluginVectorStore(collection).similarity_search(QUERY)
        hits = {hit.id: hit.score for hit in collection.search(QUERY, mode="dense")}
        encoder.encoded.clear()

        ranked = SimpluginReranker(model=encoder, stored=collection).compress_documents(found, QUERY)

    assert encoder.encoded == []
    assert len(ranked) > 2
    assert {each.id: each.metadata["relevance_score"] for each in ranked} == pytest.approx(hits, abs=1e-5)
    assert scores_of(ranked) != pytest.approx(expected_scores(encoder, [each.page_content for each in ranked]))


@pytest.mark.parametrize("function", ["cosine", "dot", "euclidean", "manhattan"])
def test_the_score_is_that_of_the_models_own_measure(function: Any) -> None:
    encoder = HashEncoder(similarity=function)
    with open_store(":memory:") as store:
        documents = SimpluginVectorStore.from_texts(TEXTS, encoder, store=store)
        found = SimpluginReranker(model=encoder, stored=documents).compress_documents(
            documents.similarity_search(QUERY), QUERY
        )

    expected = similarity(encoder.encode_query([QUERY]), encoder.encode_document(TEXTS), function)[0]
    np.testing.assert_allclose(scores_of(found), np.sort(expected)[::-1], atol=1e-5)
