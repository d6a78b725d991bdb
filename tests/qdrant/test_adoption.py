"""Collections of other programs, taken over."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

import pytest
from qdrant_client import QdrantClient, models

from simplugin.errors import ModelMismatchError, StoreError
from simplugin_qdrant import Store, open_store, register
from simplugin_qdrant.stores import Point, VectorSpace
from tests.hashing import HashEncoder

TEXTS = ("the cat sleeps", "the dog barks", "a fish swims", "two birds sing")


@pytest.fixture
def foreign(store: Store, fresh: Callable[[str], str]) -> Callable[..., str]:
    """Return the maker of a collection that records no model, with the texts and vectors given."""

    def make(model: HashEncoder, texts: Sequence[str] = TEXTS, *, key: str = "text", similarity: str = "cosine") -> str:
        name = fresh("foreign")
        space = VectorSpace(model.dimension, similarity)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        store.create(name, {"v": space}, {"theirs": {"kept": True}}, {})
        rows = zip(texts, model.encode_document(texts), strict=True)
        store.upsert(name, [Point(str(uuid.uuid4()), {"v": row}, {key: text}) for text, row in rows])
        return name

    return make


def test_the_model_that_made_the_vectors_is_believed_and_recorded(store: Store, foreign: Callable[..., str]) -> None:
    name = foreign(HashEncoder())

    docs = register(store, name, HashEncoder(), vector="v", adopt=True)

    assert docs.search("dog barks", limit=1)[0].text == "the dog barks"
    assert store.describe(name).metadata["theirs"] == {"kept": True}
    assert register(store, name, HashEncoder(), vector="v").count() == 4
    docs.add(["a horse runs"], ids=["horse"])
    assert docs.search("horse", limit=1)[0].document_id == "horse"


def test_another_model_of_the_same_width_is_not_and_nothing_is_recorded(
    store: Store, foreign: Callable[..., str]
) -> None:
    name = foreign(HashEncoder())

    with pytest.raises(ModelMismatchError, match=r"cosine of -?0"):
        register(store, name, HashEncoder(seed=1), vector="v", adopt=True)

    assert set(store.describe(name).metadata) == {"theirs"}


def test_a_model_a_little_off_is_let_in_with_a_warning(store: Store, foreign: Callable[..., str]) -> None:
    name = foreign(HashEncoder(256))

    with pytest.warns(UserWarning, match="close to"):
        register(store, name, HashEncoder(256, noise=0.06), vector="v", adopt=True)


@pytest.mark.parametrize(
    ("model", "made", "reason"),
    [
        (HashEncoder(32), {}, "have 64 numbers, those of the model 32"),
        (HashEncoder(), {"similarity": "euclidean"}, "compares by 'euclidean'"),
    ],
    ids=["width", "distance"],
)
def test_another_space_is_refused_before_anything_is_embedded(
    store: Store, foreign: Callable[..., str], model: HashEncoder, made: dict[str, str], reason: str
) -> None:
    name = foreign(HashEncoder(), **made)

    with pytest.raises(ModelMismatchError, match=reason):
        register(store, name, model, vector="v", adopt=True)


def test_texts_under_another_key_are_asked_for(store: Store, foreign: Callable[..., str]) -> None:
    name = foreign(HashEncoder(), key="page_content")

    with pytest.raises(StoreError, match="text_key"):
        register(store, name, HashEncoder(), vector="v", adopt=True)

    assert register(store, name, HashEncoder(), vector="v", adopt=True, text_key="page_content").count() == 4


def test_a_vector_that_is_not_there_lists_those_that_are(store: Store, foreign: Callable[..., str]) -> None:
    with pytest.raises(StoreError, match="it has 'v'"):
        register(store, foreign(HashEncoder()), HashEncoder(), adopt=True)


def test_an_empty_collection_is_taken_by_its_width_and_distance(store: Store, foreign: Callable[..., str]) -> None:
    docs = register(store, foreign(HashEncoder(), []), HashEncoder(seed=7), vector="v", adopt=True)

    assert docs.add(["hello"], ids=["1"]) == ["1"]


def test_the_unnamed_vector_that_langchain_makes_can_be_adopted() -> None:
    client, model = QdrantClient(":memory:"), HashEncoder()
    client.create_collection("lc", models.VectorParams(size=64, distance=models.Distance.COSINE))
    payloads = [{"page_content": text, "metadata": {"n": number}} for number, text in enumerate(TEXTS)]
    client.upsert(
        "lc",
        [
            models.PointStruct(id=str(uuid.uuid4()), vector=row.tolist(), payload=payload)
            for row, payload in zip(model.encode_document(TEXTS), payloads, strict=True)
        ],
    )

    docs = register(open_store(client), "lc", model, vector="", text_key="page_content", adopt=True)
    docs.add(["a horse runs"], ids=["horse"])

    assert docs.search("dog barks", limit=1)[0].metadata == {"n": 1}
    assert docs.search("horse", limit=1)[0].document_id == "horse"
    client.close()
