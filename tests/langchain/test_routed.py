"""The language of a query, through LangChain's faces."""

from __future__ import annotations

import pytest

import simplugin as sp
from simplugin.errors import StoreError
from simplugin_langchain import SimpluginRetriever, SimpluginVectorStore
from simplugin_qdrant import open_store, register
from tests.hashing import HashEncoder
from tests.labelled import labelled_pairs

TURKISH, REST = HashEncoder(32, seed=1), HashEncoder()
TEXTS = ["Kedi koltukta uyuyor", "The cat sleeps on the sofa", "Kütüphane saat dokuzda açılıyor"]


async def test_a_routed_collection_answers_with_the_relevance_of_each_languages_model() -> None:
    with open_store(":memory:") as store:
        docs = register(store, "notes", sp.Router({"tr": TURKISH, "*": REST}))
        notes = SimpluginVectorStore(docs)
        notes.add_texts(TEXTS, [{"lang": "tr"}, {"lang": "en"}, {"lang": "tr"}], ids=TEXTS)
        docs.calibrate({"tr": labelled_pairs(120), "en": labelled_pairs(120, seed=1)})
        expected = [(hit.text, hit.probability) for hit in docs.search(TEXTS[0], limit=3)]

        found = notes.similarity_search_with_relevance_scores(TEXTS[0], k=3)
        retriever = SimpluginRetriever(docs, k=1, language="tr", score_threshold=0.5)
        retrieved = [await retriever.ainvoke(TEXTS[0]), retriever.invoke(TEXTS[1], language="en")]
        with pytest.raises(StoreError, match="no single vector"):
            notes.max_marginal_relevance_search("cat")

    assert [(document.page_content, score) for document, score in found] == expected
    assert [[document.page_content for document in each] for each in retrieved] == [[TEXTS[0]], [TEXTS[1]]]


async def test_the_language_of_a_plain_collection_chooses_its_scale() -> None:
    with open_store(":memory:") as store:
        docs = register(store, "notes", REST)
        docs.add(TEXTS, ids=TEXTS)
        docs.calibrate({"en": labelled_pairs(120), "tr": labelled_pairs(120, seed=1, bias=1.5)})
        notes = SimpluginVectorStore(docs)
        expected = {tag: docs.search(TEXTS[1], language=tag)[1].probability for tag in ("en", "tr")}

        for tag in ("en", "tr"):
            found = notes.similarity_search_with_relevance_scores(TEXTS[1], k=2, language=tag)
            later = await notes.asimilarity_search_with_relevance_scores(TEXTS[1], k=2, language=tag)
            assert found == later
            assert found[1][1] == expected[tag]
        assert notes.similarity_search_with_score(TEXTS[1], language="tr")
        assert await notes.asimilarity_search_with_score(TEXTS[1], language="tr")
        kept = SimpluginRetriever(docs, score_key="score").invoke(TEXTS[1], language="tr")

    assert expected["en"] != expected["tr"]
    assert len(kept) == 3


def test_a_language_does_not_go_with_mmr() -> None:
    with (
        open_store(":memory:") as store,
        pytest.raises(ValueError, match="language does not go with search_type='mmr'"),
    ):
        SimpluginRetriever(register(store, "notes", REST), search_type="mmr", language="tr")
