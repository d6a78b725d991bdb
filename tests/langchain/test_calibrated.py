"""Relevance of a calibrated collection, as LangChain asks for it."""

from __future__ import annotations

import pytest

from simplugin.measures import SimilarityFunction
from simplugin_langchain import SimpluginVectorStore
from simplugin_qdrant import open_store, register
from tests.hashing import HashEncoder
from tests.labelled import labelled_pairs

TEXTS = ["red car fast", "red sea wide", "blue sea deep"]


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean"])
async def test_relevance_is_the_probability_of_a_calibrated_collection(similarity: SimilarityFunction) -> None:
    with open_store(":memory:") as store:
        docs = register(store, "notes", HashEncoder(similarity=similarity))
        notes = SimpluginVectorStore(docs)
        notes.add_texts(TEXTS, ids=TEXTS)
        before = notes.similarity_search_with_relevance_scores("red car fast", k=3)
        docs.calibrate(labelled_pairs(200))
        expected = [(hit.text, hit.probability) for hit in docs.search("red car fast", mode="dense", limit=3)]

        found = notes.similarity_search_with_relevance_scores("red car fast", k=3)
        later = await notes.asimilarity_search_with_relevance_scores("red car fast", k=3)
        kept = notes.similarity_search("red car fast", k=3, score_threshold=0.5)
        retriever = notes.as_retriever(
            search_type="similarity_score_threshold", search_kwargs={"score_threshold": 0.5, "k": 3}
        )
        retrieved = retriever.invoke("red car fast")

    assert [(document.page_content, score) for document, score in found] == expected
    assert [(document.page_content, score) for document, score in later] == expected
    assert [score for _, score in found] != [score for _, score in before]
    assert [document.page_content for document in kept] == [TEXTS[0]]
    assert [document.page_content for document in retrieved] == [TEXTS[0]]
