"""A user's program over every public name, for tests/test_typing.py to check from outside; it is not run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_type

import numpy as np
import numpy.typing as npt
from langchain_core.documents import Document as LangChainDocument
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import VectorStore
from qdrant_client import AsyncQdrantClient, QdrantClient

import simplugin as sp
import simplugin.evaluation as ev
import simplugin_langchain as lc
import simplugin_qdrant as sq

Vectors = npt.NDArray[np.float32]


def encode() -> Vectors:
    model = assert_type(sp.load("starter"), sp.Encoder)
    assert_type(model.card, sp.ModelCard)
    assert_type(model.card.name, str)
    assert_type(model.dimension, int)
    assert_type(model.fingerprint, sp.Fingerprint)
    assert_type(model.count_tokens(["one"]), list[int])
    assert_type(model.encode_query(["one"]), Vectors)
    vectors = assert_type(model.encode_document(text for text in ("one", "two")), Vectors)
    assert_type(sp.near_duplicates(["one", "two"], model)[0].cosine, float)
    return assert_type(sp.similarity(vectors, vectors, function="dot"), Vectors)


async def encode_beside_other_things() -> Vectors:
    return assert_type(await sp.load("starter").aencode_query(["one"]), Vectors)


def collect() -> Sequence[sp.Hit]:
    with sq.open_store("./db") as opened:
        store: sq.Store = opened
        docs = assert_type(sq.register(store, "handbook", "starter", mode="hybrid"), sq.Collection)
        docs.add(["one"], ids=["a"], metadata=[{"lang": "en"}])
        report = assert_type(docs.ingest(["./docs"]), sp.IngestReport)
        assert_type(report.documents.added, int)
        hits = assert_type(docs.search("one", limit=3, filter={"lang": "en"}), list[sp.Hit])
        assert_type(docs.search_many(["one", "two"]), list[list[sp.Hit]])
        assert_type(hits[0].score, float)
        assert_type(hits[0].probability, float | None)
        assert_type(hits[0].document_id, str)
        assert_type(hits[0].text, str)
        assert_type(docs.calibration, sp.Calibration | None)
        assert_type(docs.count(), int)
        job = docs.migrate("bge-m3-ml-tr")
        assert_type(job.run(), int)
        job.cutover()
        assert_type(sq.finish_migration(store, "handbook"), str)
        assert_type(sq.rollback_migration(store, "handbook"), str)
        copied = sq.copy_collection(store, "handbook", store, "copy", cluster=sq.Cluster(shards=2, replicas=None))
        assert_type(copied.points, int)
        reranked = sp.SimilarityReranker(docs.encoder).rerank("one", hits, top_n=2)
        return assert_type(reranked, list[sp.Hit])


def connect() -> tuple[QdrantClient, AsyncQdrantClient]:
    return (
        assert_type(sq.connect(":memory:", encoders=["starter"]), QdrantClient),
        assert_type(sq.aconnect(":memory:", encoders=["starter"]), AsyncQdrantClient),
    )


def rerank() -> list[sp.Hit]:
    pairs = assert_type(sp.load_reranker("az-mbert-pair"), sp.PairReranker)
    assert_type(pairs.score([("one", "two")]), Vectors)
    either: sp.Reranker = pairs
    return assert_type(either.rerank("one", ["two", "three"]), list[sp.Hit])


def route(store: sq.Store) -> sq.Collection:
    router = assert_type(sp.load_router({"tr": "bge-m3-ml-tr", "*": "starter"}), sp.Router)
    docs = assert_type(sq.register(store, "handbook", router), sq.Collection)
    return docs if isinstance(docs, sq.RoutedCollection) else sq.register(store, "handbook")


def intend() -> tuple[sp.Match, list[sp.Match]]:
    matcher = assert_type(sp.IntentMatcher.from_file("intents.yml", "starter"), sp.IntentMatcher)
    assert_type(matcher.fit(target={"precision": 0.95}), sp.IntentMatcher)
    matcher.save("intents.json")
    assert_type(sp.IntentMatcher.load("intents.json"), sp.IntentMatcher)
    match = assert_type(matcher.match("one"), sp.Match)
    assert_type(match.intent, str)
    assert_type(match.confidence, float)
    return match, assert_type(matcher.match(["one", "two"]), list[sp.Match])


def calibrate() -> float:
    made = assert_type(sp.fit_calibration([0.1, 0.9], [0, 5]), sp.Calibration)
    assert_type(made.threshold, float)
    return assert_type(ev.expected_calibration_error([0.2, 0.8], [False, True]), float)


def evaluate(store: sq.Store) -> ev.Comparison:
    model = sp.load("starter")
    pairs = assert_type(ev.read_pairs("sts.csv", scale=ev.as_scale("0-5")), tuple[ev.LabelledPair, ...])
    assert_type(ev.cosine_of_pairs(model, ["one"], ["two"]), Vectors)
    assert_type(ev.scores_of_pairs(model, ["one"], ["two"]), Vectors)
    assert_type(ev.spearman([1, 2], [2, 3]), float)
    assert_type(ev.pearson([1, 2], [2, 3]), float)
    first = assert_type(ev.evaluate_similarity(model, "sts.csv"), ev.Evaluation)
    result = assert_type(first.result, ev.Result)
    assert_type(result.sections[0], ev.Section)
    assert_type(ev.evaluate_bitext(model, "bitext.tsv"), ev.Evaluation)
    assert_type(ev.evaluate_pairs(model, "nli.jsonl"), ev.Evaluation)
    assert_type(ev.evaluate_intents(model, "intents.yml"), ev.Evaluation)
    found = assert_type(ev.read_retrieval("beir"), ev.RetrievalSet)
    stages = sq.stage_searches(store, ["index"])
    second = assert_type(ev.evaluate_retrieval(model, [found], searches=stages), ev.Evaluation)
    ev.evaluate_retrieval(model, [found], searches=sq.collection_searches(sq.register(store, "handbook")))
    findings = ev.inspect_pairs(pairs)
    assert_type(list(findings), list[ev.Finding])
    assert_type(ev.verify("starter", {"stsb-en": "sts.csv"}), tuple[ev.Verification, ...])
    ev.write_html([first, second], "report.html")
    compared = assert_type(ev.compare([first, second]), ev.Comparison)
    assert_type(compared.differences[0], ev.Difference)
    return compared


def chain(store: sq.Store) -> list[LangChainDocument]:
    embeddings: Embeddings = lc.SimpluginEmbeddings(model="starter")
    documents = assert_type(lc.SimpluginVectorStore(sq.register(store, "handbook")), lc.SimpluginVectorStore)
    plain: VectorStore = lc.SimpluginVectorStore.from_texts(["one"], embeddings, store="./db", collection="c")
    retriever: BaseRetriever = lc.SimpluginRetriever(vectorstore=documents)
    found = assert_type(retriever.invoke("one"), list[LangChainDocument])
    return found + plain.similarity_search("one")


def refuse(error: Exception) -> str:
    match error:
        case sp.DataError() | sp.FilterError() | sp.MissingExtraError() | sp.PointError() | sp.RemoteError():
            return str(error)
        case sp.ModelMismatchError() | sp.NotAPairModelError() | sp.NotAnEmbedderError() | sp.CheckpointError():
            return str(error)
        case (
            sp.UnknownModelError()
            | sp.RetiredModelError()
            | sp.ModelError()
            | sp.StoreLockedError()
            | sp.UnknownCollectionError()
        ):
            return str(error)
        case sp.UnregisteredCollectionError() | sp.StoreError() | sp.SimpluginError():
            return str(error)
        case _:
            raise error


records: list[type[sp.Chunk | sp.Document]] = [sp.Chunk, sp.Document]
langchain: list[type] = [
    lc.IntentRouter,
    lc.RerankingRetriever,
    lc.SimpluginCrossEncoder,
    lc.SimpluginRecordManager,
    lc.SimpluginReranker,
]
