"""A collection as a retriever: what may be chosen when, in chains, in traces, over ingested folders."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import ConfigurableField, RunnableLambda, RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore
from pydantic import ValidationError

from simplugin.encoders import Encoder
from simplugin.errors import FilterError, PointError
from simplugin.reranking import SimilarityReranker
from simplugin_langchain import SimpluginEmbeddings, SimpluginRetriever, SimpluginVectorStore
from simplugin_qdrant import open_store, register
from tests.hashing import HashEncoder

TEXTS = ["red car", "red fast car", "blue boat", "green old tree"]
METADATA = [{"lang": "en", "n": 0}, {"lang": "tr", "n": 1}, {"lang": "tr", "n": 2}, {"lang": "en", "n": 3}]


@pytest.fixture
def documents() -> SimpluginVectorStore:
    return SimpluginVectorStore.from_texts(TEXTS, HashEncoder(256), METADATA, ids=["0", "1", "2", "3"])


def _ids(found: list[Document]) -> list[str | None]:
    return [document.id for document in found]


CHOICES: list[tuple[dict[str, Any], list[str]]] = [
    ({"k": 1}, ["0"]),
    ({"k": 0}, []),
    ({"filter": {"lang": "tr"}, "k": 1}, ["1"]),
    ({"score_threshold": 0.9}, ["0"]),
    ({"mode": "words", "k": 1}, ["0"]),
    ({"rerank": SimilarityReranker(HashEncoder(512)), "k": 1}, ["0"]),
    ({"group": True, "k": 1}, ["0"]),
]


@pytest.mark.parametrize(("chosen", "expected"), CHOICES)
async def test_what_is_chosen_may_be_given_when_it_is_made_or_when_it_is_asked(
    documents: SimpluginVectorStore, chosen: dict[str, Any], expected: list[str]
) -> None:
    query = "red car"
    later = documents.as_retriever()
    later.search_kwargs.update(chosen)

    for found in (
        documents.as_retriever(**chosen).invoke(query),
        documents.as_retriever(search_kwargs=chosen).invoke(query),
        SimpluginRetriever(documents.collection, **chosen).invoke(query),
        SimpluginRetriever(vectorstore=documents).invoke(query, **chosen),
        documents.as_retriever(k=3, score_key="score").bind(**chosen).invoke(query),
        later.invoke(query),
        await documents.as_retriever(**chosen).ainvoke(query),
        await documents.as_retriever().ainvoke(query, **chosen),
    ):
        assert _ids(found) == expected


def test_what_is_chosen_at_the_call_holds_for_that_call_alone(documents: SimpluginVectorStore) -> None:
    retriever = documents.as_retriever(k=3, filter={"lang": "en"})

    assert _ids(retriever.invoke("red car", k=1, filter={"lang": "tr"})) == ["1"]
    assert _ids(retriever.invoke("red car")) == ["0", "3"]
    assert (retriever.k, retriever.filter) == (3, {"lang": "en"})


def test_fields_may_be_configurable_as_langchain_documents_it(documents: SimpluginVectorStore) -> None:
    by_kwargs = documents.as_retriever(k=3).configurable_fields(search_kwargs=ConfigurableField(id="search"))
    by_field = documents.as_retriever(k=3).configurable_fields(k=ConfigurableField(id="k"))

    assert len(by_kwargs.invoke("red car", config={"configurable": {"search": {"k": 1}}})) == 1
    assert len(by_field.invoke("red car", config={"configurable": {"k": 2}})) == 2
    assert len(by_kwargs.invoke("red car")) == len(by_field.invoke("red car")) == 3


@pytest.mark.parametrize("search_type", ["mmr", "similarity_score_threshold"])
def test_each_search_type_finds_what_the_vector_store_finds(documents: SimpluginVectorStore, search_type: str) -> None:
    given: dict[str, Any] = {"lambda_mult": 0.0, "fetch_k": 3} if search_type == "mmr" else {"score_threshold": 0.2}

    retriever = documents.as_retriever(search_type=search_type, search_kwargs={**given, "k": 2})

    assert retriever.invoke("red car") == documents.search("red car", search_type, k=2, **given)
    assert asyncio.run(retriever.ainvoke("red car")) == retriever.invoke("red car")


@pytest.mark.parametrize("name", ["fitler", "top_k", "namespace"])
async def test_an_argument_that_there_is_not_is_refused_wherever_it_is_given(
    documents: SimpluginVectorStore, name: str
) -> None:
    wrong: dict[str, Any] = {name: 3}
    later = documents.as_retriever()
    later.search_kwargs = wrong

    with pytest.raises(ValidationError, match=name):
        documents.as_retriever(**wrong)
    with pytest.raises(ValidationError, match=f"no search argument '{name}'. Known: fetch_k, filter"):
        documents.as_retriever(search_kwargs=wrong)
    with pytest.raises(TypeError, match=f"no search argument '{name}'. Known: fetch_k, filter"):
        documents.as_retriever().invoke("red car", **wrong)
    with pytest.raises(TypeError, match=name):
        await documents.as_retriever().ainvoke("red car", **wrong)
    with pytest.raises(TypeError, match=name):
        later.invoke("red car")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"k": -1}, "k\n"),
        ({"score_threshold": 50}, "score_threshold"),
        ({"lambda_mult": 2}, "lambda_mult"),
        ({"mode": "hybird"}, "mode"),
        ({"search_type": "hybrid"}, "no search type 'hybrid'. Known: similarity"),
        ({"search_type": "similarity_score_threshold"}, "needs a score_threshold from 0 to 1"),
        ({"search_type": "mmr", "score_key": "score"}, "score_key does not go with search_type='mmr'"),
        (
            {"score_threshold": 0.5, "mode": "words"},
            "mode does not go with score_threshold, which ranks by meaning alone",
        ),
    ],
)
def test_values_that_there_are_not_are_refused_when_it_is_made(
    documents: SimpluginVectorStore, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        documents.as_retriever(**wrong)


async def test_the_input_of_a_chain_in_place_of_a_query_is_told_how_to_be_one(documents: SimpluginVectorStore) -> None:
    retriever: Any = documents.as_retriever()
    with pytest.raises(TypeError, match=r"dictionary \('question'\); pick the text out of it: itemgetter"):
        retriever.invoke({"question": "red car"})
    with pytest.raises(TypeError, match="itemgetter"):
        await retriever.ainvoke({"question": "red car"})
    with pytest.raises(TypeError, match="A query is a text; got a NoneType"):
        retriever.invoke(None)


@pytest.mark.parametrize("k", [None, "3", 1.5])
async def test_what_is_no_number_of_documents_is_refused(documents: SimpluginVectorStore, k: Any) -> None:
    with pytest.raises(TypeError, match="give a whole number of documents"):
        documents.similarity_search("red car", k=k)
    with pytest.raises(TypeError, match="give a whole number of documents"):
        await documents.amax_marginal_relevance_search("red car", k=k)
    with pytest.raises(PointError, match="not finite"):
        documents.similarity_search_by_vector([float("nan")] * 256)


def test_another_vector_store_is_refused(documents: SimpluginVectorStore) -> None:
    other = InMemoryVectorStore(documents.embeddings)
    with pytest.raises(ValidationError, match="vectorstore is a InMemoryVectorStore; give a SimpluginVectorStore"):
        SimpluginRetriever(vectorstore=other)
    with pytest.raises(TypeError, match="collection is a str"):
        SimpluginRetriever(cast("Any", "docs"))


def test_the_score_is_written_into_a_copy_of_the_metadata_where_it_is_wanted(documents: SimpluginVectorStore) -> None:
    (plain,) = documents.as_retriever(k=1).invoke("red car")
    (scored,) = documents.as_retriever(k=1, score_key="closeness").invoke("red car")
    (relevant,) = documents.as_retriever(k=1, score_key="closeness", score_threshold=0.5).invoke("red car")

    assert plain.metadata == METADATA[0]
    assert scored.metadata == {**METADATA[0], "closeness": pytest.approx(1)}
    assert relevant.metadata == {**METADATA[0], "closeness": pytest.approx(1)}
    assert documents.get_by_ids(["0"])[0].metadata == METADATA[0]


async def test_batches_find_what_single_questions_find(documents: SimpluginVectorStore) -> None:
    retriever = documents.as_retriever(k=2)
    expected = [retriever.invoke(text) for text in TEXTS]

    assert retriever.batch(TEXTS) == expected
    assert await retriever.abatch(TEXTS) == expected
    assert retriever.batch(TEXTS, k=1) == [found[:1] for found in expected]
    assert [_ids(found) async for found in retriever.astream("red car")] == [["0", "1"]]


def _first(found: list[Document]) -> str:
    return found[0].page_content


async def test_it_stands_in_a_chain(documents: SimpluginVectorStore) -> None:
    prompt = ChatPromptTemplate.from_template("{context} | {question}")
    context = documents.as_retriever(k=1) | RunnableLambda(_first)
    chain = cast("Any", {"context": context, "question": RunnablePassthrough()}) | prompt

    assert chain.invoke("red car").to_string() == "Human: red car | red car"
    assert (await chain.ainvoke("tree")).to_string() == "Human: green old tree | tree"
    assert (RunnableLambda(str.lower) | documents.as_retriever(k=1)).invoke("RED CAR")[0].id == "0"


class _Trace(BaseCallbackHandler):
    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def on_retriever_start(self, serialized: Any, query: str, **said: Any) -> None:
        self.events.append(("start", said))

    def on_retriever_end(self, documents: Any, **said: Any) -> None:
        self.events.append(("end", _ids(documents)))

    def on_retriever_error(self, error: BaseException, **said: Any) -> None:
        self.events.append(("error", error))


async def test_a_trace_says_which_model_answered(documents: SimpluginVectorStore) -> None:
    trace = _Trace()
    config: Any = {"callbacks": [trace]}

    documents.as_retriever(k=1).invoke("red car", config=config)
    await documents.as_retriever(k=1).ainvoke("red car", config=config)

    assert [name for name, _ in trace.events] == ["start", "end"] * 2
    for said in (trace.events[0][1], trace.events[2][1]):
        assert said["metadata"]["ls_embedding_model"] == "hash-256-0"
        assert said["metadata"]["ls_embedding_provider"] == "SimpluginEmbeddings"
        assert said["metadata"]["ls_vector_store_provider"] == "SimpluginVectorStore"
        assert said["metadata"]["ls_retriever_name"] == "simplugin"
        assert said["tags"] == ["SimpluginVectorStore", "SimpluginEmbeddings"]
    assert trace.events[1] == trace.events[3] == ("end", ["0"])


async def test_a_trace_tells_of_a_failure(documents: SimpluginVectorStore) -> None:
    trace = _Trace()
    config: Any = {"callbacks": [trace]}

    with pytest.raises(FilterError):
        documents.as_retriever(filter="wrong").invoke("red car", config=config)
    with pytest.raises(ValueError, match="blank"):
        await documents.as_retriever().ainvoke(" ", config=config)

    assert [name for name, _ in trace.events] == ["start", "error"] * 2


def test_after_a_migration_it_answers_by_the_new_model(documents: SimpluginVectorStore) -> None:
    retriever, trace = documents.as_retriever(k=1), _Trace()
    migration = documents.collection.migrate(HashEncoder(32, seed=1))
    migration.run()
    migration.cutover()
    migration.finish()

    assert _ids(retriever.invoke("green old tree", config={"callbacks": [trace]})) == ["3"]
    assert trace.events[0][1]["metadata"]["ls_embedding_model"] == "hash-32-1"
    assert isinstance(documents.embeddings, SimpluginEmbeddings)
    assert documents.embeddings.model == "hash-32-1"


def test_an_ingested_folder_is_retrieved_by_its_chunks_with_their_source(tmp_path: Path, starter: Encoder) -> None:
    (tmp_path / "bees.md").write_text("# Bees\n\n" + "Bees make honey in a hive. " * 200, encoding="utf-8")
    (tmp_path / "bus.txt").write_text("The bus to the station stops here.", encoding="utf-8")
    with open_store(":memory:") as store:
        docs = register(store, "docs", starter)
        docs.ingest([tmp_path], prune=True)
        retriever = SimpluginRetriever(collection=docs, k=3)

        found = retriever.invoke("Where do bees make honey?")
        (bus,) = retriever.invoke("When does the bus leave for the station?", k=1)

        assert {Path(each.metadata["source"]).name for each in found} == {"bees.md"}
        assert len({each.id for each in found}) == 3
        assert len({each.metadata["chunk"] for each in found}) == 3
        assert Path(bus.metadata["source"]).name == "bus.txt"
        assert retriever.store.get_by_ids([bus.id or ""]) == [bus]
        assert retriever.store.get_by_ids([found[0].metadata["document_id"]])[0].metadata["chunk"] == 0
        assert len(retriever.invoke("bees honey", group=True)) == 2
        assert retriever.store.delete([found[0].metadata["document_id"]])
        assert retriever.invoke("bees honey", k=9) == [bus]
