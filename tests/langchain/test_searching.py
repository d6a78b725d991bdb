"""What the vector store finds: filters, thresholds, diversity, and how much of it at once."""

from __future__ import annotations

import asyncio
import copy
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.vectorstores import InMemoryVectorStore
from qdrant_client import models

from simplugin.errors import FilterError, PointError, StoreError
from simplugin.measures import SimilarityFunction
from simplugin.reranking import SimilarityReranker
from simplugin_langchain import SimpluginEmbeddings, SimpluginVectorStore
from simplugin_qdrant import Store
from simplugin_qdrant.stores.edge import EdgeStore
from tests.hashing import HashEncoder
from tests.langchain.sides import LongEncoder

TEXTS = ["red car", "red boat", "blue car", "green old tree"]


@pytest.fixture
def documents() -> SimpluginVectorStore:
    return SimpluginVectorStore.from_texts(TEXTS, HashEncoder(256), ids=["1", "2", "3", "4"])


def _texts(found: list[Document]) -> list[str]:
    return [document.page_content for document in found]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"lang": "tr"}, {"0", "3"}),
        ({"lang": ["tr", "az"]}, {"0", "1", "3"}),
        ({"year": {"gte": 2021, "lt": 2023}}, {"1", "2"}),
        ({"not": {"lang": "tr"}}, {"1", "2"}),
        ({"lang": "tr", "year": 2023}, {"3"}),
        ({"deep.kind": "x"}, {"2"}),
        ({}, {"0", "1", "2", "3"}),
        (None, {"0", "1", "2", "3"}),
        ({"lang": "ja"}, set()),
    ],
)
async def test_a_filter_means_the_same_in_every_search(condition: Any, expected: set[str]) -> None:
    languages = enumerate(["tr", "az", "en", "tr"])
    metadatas: list[dict[str, Any]] = [{"lang": lang, "year": 2020 + number} for number, lang in languages]
    metadatas[2]["deep"] = {"kind": "x"}
    documents = SimpluginVectorStore.from_texts(TEXTS, HashEncoder(), metadatas, ids=["0", "1", "2", "3"])
    vector = documents.embeddings.embed_query("red car")

    for found in (
        documents.similarity_search("red car", filter=condition),
        documents.similarity_search("red car", score_threshold=0.0, filter=condition),
        documents.similarity_search_by_vector(vector, filter=condition),
        documents.max_marginal_relevance_search("red car", filter=condition),
        await documents.asimilarity_search("red car", filter=condition),
        await documents.asimilarity_search_by_vector(vector, filter=condition),
        await documents.amax_marginal_relevance_search("red car", filter=condition),
        documents.as_retriever(filter=condition).invoke("red car"),
    ):
        assert {document.id for document in found} == expected


def test_a_filter_may_be_the_engines_own(store: Store, fresh: Callable[[str], str]) -> None:
    documents = SimpluginVectorStore.from_texts(
        ["bir", "one"], HashEncoder(), [{"lang": "tr"}, {"lang": "en"}], store=store, collection=fresh("docs")
    )
    if isinstance(store, EdgeStore):
        import qdrant_edge as edge

        native: Any = edge.Filter(must=[edge.FieldCondition("metadata.lang", match=edge.MatchValue(value="tr"))])
    else:
        match = models.MatchValue(value="tr")
        native = models.Filter(must=[models.FieldCondition(key="metadata.lang", match=match)])

    assert _texts(documents.similarity_search("one", filter=native)) == ["bir"]


def test_a_filter_that_is_none_is_refused(documents: SimpluginVectorStore) -> None:
    for wrong in (lambda document: True, "lang", {"lang": {"like": "t"}}):
        with pytest.raises(FilterError):
            documents.similarity_search("red car", filter=wrong)


SEARCHES: list[Callable[[SimpluginVectorStore, dict[str, Any]], Any]] = [
    lambda documents, given: documents.similarity_search("red car", **given),
    lambda documents, given: documents.similarity_search("red car", score_threshold=0.1, **given),
    lambda documents, given: documents.similarity_search_with_score("red car", **given),
    lambda documents, given: documents.similarity_search_with_relevance_scores("red car", **given),
    lambda documents, given: documents.similarity_search_by_vector([1.0] * 256, **given),
    lambda documents, given: documents.similarity_search_with_score_by_vector([1.0] * 256, **given),
    lambda documents, given: documents.max_marginal_relevance_search("red car", **given),
    lambda documents, given: documents.max_marginal_relevance_search_by_vector([1.0] * 256, **given),
    lambda documents, given: asyncio.run(documents.asimilarity_search("red car", **given)),
    lambda documents, given: asyncio.run(documents.asimilarity_search("red car", score_threshold=0.1, **given)),
    lambda documents, given: asyncio.run(documents.asimilarity_search_by_vector([1.0] * 256, **given)),
    lambda documents, given: asyncio.run(documents.amax_marginal_relevance_search("red car", **given)),
]


@pytest.mark.parametrize("search", SEARCHES)
def test_an_argument_that_there_is_not_is_refused_and_named(
    documents: SimpluginVectorStore, search: Callable[[SimpluginVectorStore, dict[str, Any]], Any]
) -> None:
    with pytest.raises(TypeError, match="no argument 'fitler'"):
        search(documents, {"fitler": {"lang": "tr"}})


@pytest.mark.parametrize("search", SEARCHES)
def test_k_0_finds_nothing_and_a_large_k_all_there_is(
    documents: SimpluginVectorStore, search: Callable[[SimpluginVectorStore, dict[str, Any]], Any]
) -> None:
    assert search(documents, {"k": 0}) == []
    assert 1 <= len(search(documents, {"k": 1000})) <= 4


def test_a_blank_query_is_refused_by_every_search(documents: SimpluginVectorStore) -> None:
    for search in (
        documents.similarity_search,
        documents.similarity_search_with_relevance_scores,
        documents.max_marginal_relevance_search,
        documents.as_retriever().invoke,
    ):
        with pytest.raises(ValueError, match="blank"):
            search(" \n")


def test_a_copy_of_a_retriever_has_the_same_collection(documents: SimpluginVectorStore) -> None:
    retriever = documents.as_retriever(k=1)

    copied = copy.deepcopy(retriever)

    assert copied is not retriever
    assert copied.invoke("red car") == retriever.invoke("red car")


def test_every_document_is_found_by_its_own_vector(documents: SimpluginVectorStore) -> None:
    for text in TEXTS:
        (vector,) = documents.embeddings.embed_documents([text])
        assert _texts(documents.similarity_search_by_vector(vector, k=1)) == [text]
        ((found, score),) = documents.similarity_search_with_score_by_vector(vector, k=1)
        assert found.page_content == text
        assert score == pytest.approx(1, abs=1e-4)
        scored = asyncio.run(documents.asimilarity_search_with_score_by_vector(vector, k=1))
        assert scored == [(found, score)]
    with pytest.raises(PointError, match="shape"):
        documents.similarity_search_by_vector([1.0, 2.0])


async def test_mmr_goes_from_as_different_as_can_be_to_as_close_as_can_be(
    store: Store, fresh: Callable[[str], str]
) -> None:
    texts, ids = ["red car", "red car", "red car", "red boat", "old red tree"], ["1", "2", "3", "4", "5"]
    encoder = HashEncoder(256)
    documents = SimpluginVectorStore.from_texts(texts, encoder, ids=ids, store=store, collection=fresh("docs"))
    asked = SimpluginEmbeddings(encoder).embed_query("red car")

    def found(lambda_mult: float, **options: Any) -> set[str]:
        return set(_texts(documents.max_marginal_relevance_search("red car", 3, 20, lambda_mult, **options)))

    assert found(1.0) == {"red car"}
    assert found(0.0) == {"red car", "red boat", "old red tree"}
    assert set(_texts(documents.max_marginal_relevance_search("red car", 3, 3, 0.0))) == {"red car"}
    for same in (
        documents.max_marginal_relevance_search_by_vector(asked, 3, 20, 0.0),
        await documents.amax_marginal_relevance_search("red car", 3, 20, 0.0),
        await documents.amax_marginal_relevance_search_by_vector(asked, 3, 20, 0.0),
        documents.search("red car", "mmr", k=3, lambda_mult=0.0),
    ):
        assert set(_texts(same)) == {"red car", "red boat", "old red tree"}


def test_mmr_chooses_as_langchains_own_store_does(documents: SimpluginVectorStore) -> None:
    reference = InMemoryVectorStore(SimpluginEmbeddings(HashEncoder(256)))
    reference.add_texts(TEXTS)

    for lambda_mult in (0.0, 0.3, 0.7, 1.0):
        ours = documents.max_marginal_relevance_search("red fast car", 3, 4, lambda_mult)
        theirs = reference.max_marginal_relevance_search("red fast car", 3, 4, lambda_mult)
        assert _texts(ours) == _texts(theirs)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, 70, float("nan")])
def test_a_number_off_its_scale_is_refused(documents: SimpluginVectorStore, wrong: float) -> None:
    with pytest.raises(ValueError, match=r"lambda_mult is .* from 0 to 1"):
        documents.max_marginal_relevance_search("red car", lambda_mult=wrong)
    with pytest.raises(ValueError, match=r"score_threshold is .* from 0 to 1"):
        documents.similarity_search("red car", score_threshold=wrong)


@pytest.mark.parametrize("function", ["cosine", "dot", "euclidean", "manhattan"])
@pytest.mark.parametrize("make", [LongEncoder, lambda function: HashEncoder(similarity=function)])
async def test_relevance_is_the_cosine_from_0_to_1_whatever_the_measure(
    make: Callable[[SimilarityFunction], HashEncoder], function: SimilarityFunction
) -> None:
    encoder = make(function)
    documents = SimpluginVectorStore.from_texts([*TEXTS, "red fast car"], encoder)
    query = encoder.encode_query(["red fast car"])[0]
    query /= (query**2).sum() ** 0.5

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # LangChain's, of scores off the scale
        found = documents.similarity_search_with_relevance_scores("red fast car", k=5)

    scores = [score for _, score in found]
    vectors = encoder.encode_document(_texts([document for document, _ in found]))
    cosines = [float(row @ query / (row @ row) ** 0.5) for row in vectors]
    assert scores == pytest.approx([max(0.0, cosine) for cosine in cosines], abs=1e-4)
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert scores[0] == pytest.approx(1)
    at_once = await documents.asimilarity_search_with_relevance_scores("red fast car", k=5)
    assert [document for document, _ in at_once] == [document for document, _ in found]
    assert [score for _, score in at_once] == pytest.approx(scores)


async def test_a_score_threshold_is_on_the_scale_of_relevance_wherever_it_is_given(
    documents: SimpluginVectorStore,
) -> None:
    query = "red fast car"
    scored = documents.similarity_search_with_relevance_scores(query)
    threshold = scored[1][1]
    expected = _texts([document for document, score in scored if score >= threshold])
    assert len(expected) == 2

    for found in (
        documents.similarity_search(query, score_threshold=threshold),
        await documents.asimilarity_search(query, score_threshold=threshold),
        documents.as_retriever(score_threshold=threshold).invoke(query),
        documents.as_retriever(search_kwargs={"score_threshold": threshold}).invoke(query),
        documents.as_retriever(
            search_type="similarity_score_threshold", search_kwargs={"score_threshold": threshold}
        ).invoke(query),
        documents.as_retriever().invoke(query, score_threshold=threshold),
        await documents.as_retriever().ainvoke(query, score_threshold=threshold),
        documents.search(query, "similarity_score_threshold", score_threshold=threshold),
    ):
        assert _texts(found) == expected


def test_words_and_rerankers_have_no_place_beside_a_threshold_and_say_so(documents: SimpluginVectorStore) -> None:
    assert documents.similarity_search("red car", mode="dense", score_threshold=0.5)
    with pytest.raises(ValueError, match="mode does not go with relevance"):
        documents.similarity_search("red car", mode="words", score_threshold=0.5)
    with pytest.raises(ValueError, match="rerank does not go with relevance"):
        documents.similarity_search("red car", rerank=SimilarityReranker(HashEncoder()), score_threshold=0.5)


async def test_mode_group_and_rerank_are_those_of_the_collection(documents: SimpluginVectorStore) -> None:
    reranker = SimilarityReranker(HashEncoder(128, seed=5))

    assert _texts(documents.similarity_search("tree", mode="words")) == ["green old tree"]
    assert documents.similarity_search("red car", rerank=reranker, k=1)[0].page_content == "red car"
    assert (await documents.asimilarity_search("red car", rerank=reranker, k=1))[0].page_content == "red car"
    dense = SimpluginVectorStore.from_texts(TEXTS, HashEncoder(), mode="dense")
    with pytest.raises(StoreError, match="made without words"):
        dense.similarity_search("red car", mode="words")


async def test_many_threads_and_tasks_find_what_one_finds(store: Store, fresh: Callable[[str], str]) -> None:
    documents = SimpluginVectorStore.from_texts(TEXTS, HashEncoder(), store=store, collection=fresh("docs"))
    queries = TEXTS * 5
    expected = [_texts(documents.similarity_search(query, k=2)) for query in queries]

    with ThreadPoolExecutor(8) as pool:
        threaded = list(pool.map(lambda query: _texts(documents.similarity_search(query, k=2)), queries))
    gathered = await asyncio.gather(*(documents.asimilarity_search(query, k=2) for query in queries))

    assert threaded == expected
    assert [_texts(found) for found in gathered] == expected
