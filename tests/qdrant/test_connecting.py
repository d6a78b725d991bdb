"""A client that embeds documents by simplugin's models."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from qdrant_client import QdrantClient, models

from simplugin.encoders import Encoder, load
from simplugin.errors import ModelError, StoreError
from simplugin_qdrant import aconnect, connect, open_store, register
from tests.hashing import HashEncoder
from tests.qdrant.loopback import LoopbackServer

PROMPTED = HashEncoder(query_prompt="query: ")
NAME = PROMPTED.card.name


def document(text: str, model: str = NAME) -> models.Document:
    return models.Document(text=text, model=model)


@pytest.fixture(params=["memory", "wire"])
def client(request: pytest.FixtureRequest) -> Iterator[QdrantClient]:
    if request.param == "memory":
        made = connect(":memory:", encoders=[PROMPTED])
        yield made
        made.close()
    else:
        with LoopbackServer() as server:
            made = connect(url=server.url, encoders=[PROMPTED], check_compatibility=False)
            yield made
            made.close()


def fill(client: QdrantClient, texts: list[str]) -> None:
    params = models.VectorParams(size=64, distance=models.Distance.COSINE)
    client.create_collection("c", vectors_config={"v": params})
    client.upsert(
        "c",
        [
            models.PointStruct(id=n, vector={"v": document(text)}, payload={"text": text})
            for n, text in enumerate(texts)
        ],
    )


def test_documents_become_points_and_queries(client: QdrantClient) -> None:
    fill(client, ["one fish", "two birds", "three cats"])

    found = client.query_points("c", query=document("birds two"), using="v", limit=1).points

    assert found[0].payload == {"text": "two birds"}
    expected = PROMPTED.encode_query(["birds two"])[0] @ PROMPTED.encode_document(["two birds"])[0]
    assert found[0].score == pytest.approx(float(expected), abs=1e-5)


def test_first_stages_batches_and_plain_vectors_work_too(client: QdrantClient) -> None:
    fill(client, ["one fish", "two birds", "three cats"])
    first = models.Prefetch(query=document("two birds"), using="v", limit=2)

    staged = client.query_points("c", query=document("birds two"), prefetch=first, using="v", limit=1).points
    requests = [models.QueryRequest(query=document(text), using="v", limit=1) for text in ("fish one", "cats three")]
    batch = client.query_batch_points("c", requests)
    plain = client.query_points("c", query=PROMPTED.encode_query(["two birds"])[0].tolist(), using="v", limit=1).points

    assert [point.id for point in staged] == [1] == [point.id for point in plain]
    assert [answer.points[0].id for answer in batch] == [0, 2]


def test_uploads_of_any_length_are_embedded(client: QdrantClient) -> None:
    fill(client, ["one fish"])

    def more() -> Iterator[models.PointStruct]:
        for number in range(10, 1300):
            yield models.PointStruct(id=number, vector={"v": document(f"number {number}")}, payload={})

    client.upload_points("c", more(), wait=True)

    assert client.count("c").count == 1291
    assert client.query_points("c", query=document("number 777"), using="v", limit=1).points[0].id == 777


def test_a_model_that_is_not_registered_lists_those_that_are(client: QdrantClient) -> None:
    fill(client, ["one"])

    with pytest.raises(ModelError, match=NAME):
        client.query_points("c", query=document("x", "other/model"), using="v")
    assert client.get_embedding_size(NAME) == 64


def test_threads_may_share_the_client(client: QdrantClient) -> None:
    texts = [f"word{number}" for number in range(40)]
    fill(client, texts)
    failures: list[Any] = []

    def ask(part: int) -> None:
        try:
            for number in range(part, 40, 4):
                (found,) = client.query_points("c", query=document(texts[number]), using="v", limit=1).points
                assert found.payload == {"text": texts[number]}
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=ask, args=[part]) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []


async def test_the_async_client_embeds_too(starter: Encoder) -> None:
    client = aconnect(":memory:", encoders=["starter", starter])
    params = models.VectorParams(size=starter.dimension, distance=models.Distance.COSINE)
    await client.create_collection("c", vectors_config=params)
    await client.upsert("c", [models.PointStruct(id=1, vector=document("the cat sleeps", "starter-3"), payload={})])

    answer = await client.query_points("c", query=document("the cat sleeps", "starter"))

    assert answer.points[0].score == pytest.approx(1, abs=1e-5)
    await client.close()


def test_a_store_over_the_client_holds_the_same_vectors(client: QdrantClient) -> None:
    docs = register(open_store(client), "docs", PROMPTED)
    docs.add(["one fish", "two birds"], ids=["1", "2"])

    (found,) = client.query_points("docs", query=document("two birds"), using="default", limit=1).points

    assert found.score == pytest.approx(docs.search("two birds", limit=1)[0].score, abs=1e-6)


def test_what_a_client_cannot_be_made_of_is_said() -> None:
    with pytest.raises(StoreError, match="path="):
        connect("./folder", encoders=[PROMPTED])
    with pytest.raises(TypeError, match="list of models"):
        connect(":memory:", encoders="starter")
    with pytest.raises(ModelError, match="could not tell them apart"):
        connect(":memory:", encoders=["starter", load("starter", truncate_dim=64)])
