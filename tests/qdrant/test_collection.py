"""What a collection promises, on every store."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import qdrant_edge as edge
from qdrant_client import models

from simplugin.encoders import Encoder
from simplugin.errors import (
    FilterError,
    ModelMismatchError,
    NotAnEmbedderError,
    PointError,
    StoreError,
    UnknownCollectionError,
    UnregisteredCollectionError,
)
from simplugin.ingestion import Progress
from simplugin.measures import FloatArray
from simplugin.records import Document
from simplugin.reranking import SimilarityReranker
from simplugin_qdrant import Collection, Store, register
from simplugin_qdrant.stores import VectorSpace
from simplugin_qdrant.stores.edge import EdgeStore
from tests.hashing import HashEncoder


@pytest.fixture
def docs(store: Store, fresh: Callable[[str], str]) -> Collection:
    return register(store, fresh("docs"), HashEncoder())


def test_texts_are_found_with_their_ids_and_metadata_as_given(docs: Collection) -> None:
    metadata = [{"lang": "tr", "nested": {"list": [1, None, True]}}, {}]

    added = docs.add(["İstanbul'da ılık bir ağaç", "שלום עולם"], ids=["a/b?c=1", "🙂"], metadata=metadata)

    (first, second) = docs.search("İstanbul'da ılık bir ağaç", limit=2)
    assert added == ["a/b?c=1", "🙂"]
    assert (first.document_id, first.text, first.metadata) == ("a/b?c=1", "İstanbul'da ılık bir ağaç", metadata[0])
    assert (second.document_id, second.text, second.metadata) == ("🙂", "שלום עולם", {})
    assert first.score == pytest.approx(1.0, abs=1e-5)
    assert first.probability is None
    assert metadata == [{"lang": "tr", "nested": {"list": [1, None, True]}}, {}]


def test_the_same_id_again_replaces_and_no_id_at_all_adds_nothing_twice(docs: Collection) -> None:
    docs.add(["old words"], ids=["1"])
    docs.add(["new words"], ids=["1"])
    for _ in range(2):
        docs.add(["one", "one", "two"], metadata=[{"n": 1}, {"n": 2}, {"n": 1}])

    assert docs.count() == 4
    assert docs.search("new words")[0].text == "new words"


def test_a_chunk_of_an_ingested_document_is_not_given_a_twin_under_its_id(docs: Collection) -> None:
    docs.ingest([Document("page", "a page that was ingested")])
    (hit,) = docs.search("a page that was ingested", limit=1)

    with pytest.raises(PointError, match=r"is a chunk of the ingested document 'page'"):
        docs.add(["another text", "the page, corrected"], ids=["other", hit.id])

    assert docs.count() == 1
    docs.delete([hit.id])
    assert docs.add(["the page, corrected"], ids=[hit.id]) == [hit.id]
    assert docs.add(["the page, corrected again"], ids=[hit.id]) == [hit.id]
    assert [each.text for each in docs.search("page")] == ["the page, corrected again"]


class HeldEncoder(HashEncoder):
    """Encodes documents only while it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may = threading.Event()
        self.may.set()

    def encode_document(self, texts: Iterable[str]) -> FloatArray:
        self.may.wait(60)
        return super().encode_document(texts)


async def test_a_search_does_not_wait_for_texts_that_are_being_added(store: Store, fresh: Callable[[str], str]) -> None:
    encoder = HeldEncoder()
    docs = register(store, fresh("docs"), encoder)
    docs.add(["a cat"])
    encoder.may.clear()
    adding = [asyncio.create_task(docs.aadd([f"text {number}"])) for number in range(64)]  # more than there are threads
    await asyncio.sleep(0)

    try:
        found = await asyncio.wait_for(docs.asearch("a cat"), 10)
    finally:
        encoder.may.set()

    assert [hit.text for hit in found] == ["a cat"]
    await asyncio.gather(*adding)
    assert docs.count() == 65


def test_generators_are_taken_as_they_come(docs: Collection) -> None:
    def texts() -> Iterator[str]:
        yield from (f"text number {number}" for number in range(2100))

    added = docs.add(texts(), ids=(str(number) for number in range(2100)))

    assert added == [str(number) for number in range(2100)]
    assert docs.count() == 2100


@pytest.mark.parametrize(
    ("texts", "ids", "metadata"),
    [
        (["a", "b"], ["1"], None),
        (["a"], ["1", "2"], None),
        (["a", "b"], None, [{}]),
        (["a", "  "], None, None),
        (["a", "b"], ["1", ""], None),
        (["a", "b"], None, [{}, {"x": {1}}]),
    ],
)
def test_input_that_does_not_fit_is_refused_before_anything_is_written(
    docs: Collection, texts: list[str], ids: list[str] | None, metadata: list[dict[str, object]] | None
) -> None:
    with pytest.raises(PointError):
        docs.add(texts, ids=ids, metadata=metadata)

    assert docs.count() == 0


def test_what_is_no_list_of_texts_is_refused_and_not_read_by_its_keys(docs: Collection) -> None:
    table = pytest.importorskip("pyarrow").table({"text": ["one", "two"]})

    for texts in ({"a": "one", "b": "two"}, {"one", "two"}, table):
        with pytest.raises(TypeError, match=r"list of texts, got a (dict|set|Table)"):
            docs.add(texts)

    assert docs.count() == 0


def test_ids_in_one_string_are_refused_and_not_cut_into_letters(docs: Collection) -> None:
    with pytest.raises(TypeError, match=r"list of ids, got the single text 'ab': write \[id\]"):
        docs.add(["one", "two"], ids="ab")

    assert docs.count() == 0


def test_a_query_that_was_cut_within_an_emoji_finds_what_the_rest_of_it_means(docs: Collection) -> None:
    docs.add(["the cat sat on the mat", "stock prices fell"])
    cut = "a cat on a mat \ud83d"

    assert docs.search(cut, limit=1)[0].text == docs.search_many([cut], limit=1)[0][0].text == "the cat sat on the mat"


@pytest.mark.parametrize(
    ("given", "said"),
    [({"min_score": "0.5"}, "min_score is '0.5'"), ({"min_probability": [0.5]}, "give a number")],
    ids=str,
)
def test_a_threshold_that_is_no_number_is_refused_in_words(docs: Collection, given: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        docs.search("x", **given)


def test_a_language_that_is_no_text_is_refused_in_words(docs: Collection) -> None:
    with pytest.raises(ValueError, match="5 is no code of a language"):
        docs.search("x", language=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_bare_string_is_refused(docs: Collection) -> None:
    with pytest.raises(TypeError, match=r"write \[text\]"):
        docs.add("not a list")


def test_deleting_takes_documents_with_all_their_chunks_and_passes_over_missing_ones(docs: Collection) -> None:
    docs.ingest([Document("long", "word " * 700), Document("short", "another")])
    docs.add(["kept"], ids=["kept"])

    gone = docs.delete(["long", "never there"])

    assert gone == 4
    assert docs.count_documents() == 2
    assert docs.delete([]) == 0


def test_documents_of_which_a_text_passes_a_filter_are_listed_and_deleted_as_a_whole(docs: Collection) -> None:
    pages = Document("pages", "word " * 300 + "\n\n" + "sea " * 300, pages=(0, 1502))
    docs.ingest([pages, Document("short", "another", metadata={"lang": "de"})])
    docs.add(["kept", "old"], ids=["kept", "old"], metadata=[{"year": 2026}, {"year": 2019}])
    second = {"page": 2}
    assert docs.count() > docs.count(second) + 3

    assert [(each.document_id, each.chunks) for each in docs.documents(second)] == [("pages", docs.count(second))]
    assert docs.delete(filter=second) > docs.count(second)
    assert [each.document_id for each in docs.documents()] == ["kept", "old", "short"]
    assert docs.delete(["kept"], filter={"year": {"lt": 2020}}) == 2
    assert docs.delete(filter={"lang": "tr"}) == 0
    assert asyncio.run(docs.adelete(filter={"lang": "de"})) == 1
    assert docs.documents() == []


def test_a_filter_that_passes_everything_deletes_nothing(docs: Collection) -> None:
    docs.add(["kept"])

    with pytest.raises(FilterError, match="clear"):
        docs.delete(filter={})
    with pytest.raises(FilterError):
        docs.delete(filter=[])
    assert docs.count() == 1


def test_min_score_and_limit_and_rerank_choose_among_the_hits(docs: Collection) -> None:
    docs.add(["red car", "red car fast", "blue sea"], ids=["1", "2", "3"])

    assert len(docs.search("red car", limit=1)) == 1
    assert {hit.document_id for hit in docs.search("red car", min_score=0.5)} == {"1", "2"}
    reranked = docs.search("red car", limit=2, rerank=SimilarityReranker(HashEncoder(128, seed=5)))
    assert [hit.document_id for hit in reranked] == ["1", "2"]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_and_a_blank_query_are_refused(docs: Collection, limit: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        docs.search("x", limit=limit)
    with pytest.raises(ValueError, match="blank"):
        docs.search("  ")


@pytest.mark.parametrize("function", ["cosine", "dot", "euclidean", "manhattan"])
def test_higher_is_closer_whatever_the_measure(store: Store, fresh: Callable[[str], str], function: str) -> None:
    encoder = HashEncoder(similarity=function)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    docs = register(store, fresh("measure"), encoder)
    docs.add(["red car", "green boat"], ids=["near", "far"])

    near, far = docs.search("red car")

    assert (near.document_id, far.document_id) == ("near", "far")
    assert near.score > far.score


class TestTheRecordedModel:
    def test_another_model_is_refused_whatever_its_width_and_both_are_named(
        self, store: Store, fresh: Callable[[str], str]
    ) -> None:
        name = fresh("docs")
        register(store, name, HashEncoder(64, seed=0)).add(["text"], ids=["1"])

        for other in (HashEncoder(64, seed=1), HashEncoder(32), HashEncoder(64, max_tokens=64)):
            with pytest.raises(ModelMismatchError) as raised:
                register(store, name, other)
            assert "'hash-64-0'" in str(raised.value)
            assert repr(other.card.name) in str(raised.value)
            assert raised.value.differences
        assert register(store, name, HashEncoder(64, seed=0)).count() == 1

    def test_a_model_that_is_close_is_let_in_with_a_warning(self, store: Store, fresh: Callable[[str], str]) -> None:
        name = fresh("docs")
        register(store, name, HashEncoder(256))

        with pytest.warns(UserWarning, match="close, not equal"):
            register(store, name, HashEncoder(256, noise=0.08))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            register(store, name, HashEncoder(256, noise=0.02))

    def test_none_opens_with_the_model_the_collection_records(
        self, store: Store, fresh: Callable[[str], str], starter: Encoder
    ) -> None:
        name = fresh("docs")
        register(store, name, starter)

        docs = register(store, name)

        assert docs.encoder.card.name == starter.card.name == "starter-3"
        with pytest.raises(ModelMismatchError, match="'starter-3'"):
            register(store, name, HashEncoder(starter.dimension))

    def test_the_starter_is_recorded_by_its_version(
        self, store: Store, fresh: Callable[[str], str], starter: Encoder
    ) -> None:
        docs = register(store, fresh("docs"), "starter")

        (vector,) = docs.describe()["vectors"]

        assert vector["model"] == "starter-3"
        assert vector["dimension"] == starter.dimension
        assert vector["fingerprint"] == starter.fingerprint.weights

    def test_a_collection_without_a_record_is_not_opened(self, store: Store, fresh: Callable[[str], str]) -> None:
        name = fresh("foreign")
        store.create(name, {"default": VectorSpace(64, "cosine")}, {}, {})

        with pytest.raises(UnregisteredCollectionError, match="does not record"):
            register(store, name, HashEncoder())

    def test_no_collection_and_no_model_is_an_unknown_collection(self, store: Store) -> None:
        with pytest.raises(UnknownCollectionError):
            register(store, "nowhere")

    def test_a_pair_model_is_refused(self, store: Store) -> None:
        with pytest.raises(NotAnEmbedderError, match="rerank"):
            register(store, "docs", "az-mbert-pair")

        assert "docs" not in store.names()

    def test_the_text_may_lie_under_another_key_but_not_under_one_in_use(
        self, store: Store, fresh: Callable[[str], str]
    ) -> None:
        name = fresh("docs")
        register(store, name, HashEncoder(), text_key="page_content").add(["hello"], ids=["1"])

        assert register(store, name, HashEncoder()).search("hello")[0].text == "hello"
        with pytest.raises(StoreError, match="another meaning"):
            register(store, fresh("docs"), HashEncoder(), text_key="metadata")


class TestTenants:
    def test_a_tenant_sees_changes_and_deletes_its_own_documents_alone(
        self, store: Store, fresh: Callable[[str], str]
    ) -> None:
        name = fresh("docs")
        ours = register(store, name, HashEncoder(), tenant="ours")
        theirs = register(store, name, HashEncoder(), tenant="theirs")
        for docs in (ours, theirs):
            docs.add(["the same text"], ids=["same id"])
            docs.ingest([Document("page", "an ingested page")])

        assert ours.count() == theirs.count() == 2
        assert register(store, name, HashEncoder()).count() == 4
        assert register(store, name, HashEncoder()).describe()["documents"] == 4
        assert [hit.document_id for hit in ours.search("the same text", filter={"not": {"x": "y"}})] == [
            "same id",
            "page",
        ]
        ours.delete(["same id", "page"])
        assert (ours.count(), theirs.count()) == (0, 2)
        assert [document.id for document in theirs.recorded()] == ["page"]

    def test_a_filter_cannot_reach_another_tenants_points(self, store: Store, fresh: Callable[[str], str]) -> None:
        name = fresh("docs")
        register(store, name, HashEncoder(), tenant="theirs").add(["secret"], ids=["s"])
        ours = register(store, name, HashEncoder(), tenant="ours")

        for given in (
            {"not": {"lang": "xx"}},
            {"document_id": "s"},
            {"tenant": "theirs"},
            {"simplugin.tenant": "theirs"},
        ):
            assert ours.search("secret", filter=given) == []

    def test_without_a_tenant_nothing_is_searched_and_nothing_written(
        self, store: Store, fresh: Callable[[str], str]
    ) -> None:
        name = fresh("docs")
        ours = register(store, name, HashEncoder(), tenant="ours")
        ours.add(["secret"], ids=["s"])
        nobody = register(store, name, HashEncoder())

        for act in (
            lambda: nobody.search("secret"),
            lambda: nobody.add(["more"]),
            lambda: nobody.delete(["s"]),
            lambda: nobody.ingest([Document("page", "a page")]),
            lambda: list(nobody.recorded()),
        ):
            with pytest.raises(StoreError, match="tenant="):
                act()
        assert ours.count() == nobody.count() == 1

    def test_a_native_filter_reaches_no_other_tenants_points_either(
        self, store: Store, fresh: Callable[[str], str]
    ) -> None:
        name = fresh("docs")
        register(store, name, HashEncoder(), tenant="theirs").add(["secret"], ids=["s"])
        ours = register(store, name, HashEncoder(), tenant="ours")
        key = "simplugin.tenant"
        if isinstance(store, EdgeStore):
            theirs = edge.Filter(should=[edge.FieldCondition(key, match=edge.MatchValue("theirs"))])
            anything: object = edge.Filter(should=[theirs, edge.Filter(must_not=[theirs])])
        else:
            match = models.FieldCondition(key=key, match=models.MatchValue(value="theirs"))
            theirs_too = models.Filter(should=[match])
            anything = models.Filter(should=[theirs_too, models.Filter(must_not=[theirs_too])])

        assert ours.search("secret", filter=anything) == []
        assert ours.count(anything) == 0

    def test_no_way_to_read_reaches_another_tenants_points(self, store: Store, fresh: Callable[[str], str]) -> None:
        name = fresh("docs")
        theirs = register(store, name, HashEncoder(), tenant="theirs", mode="hybrid")
        theirs.add(["a secret text", "a secret text too"], ids=["s", "t"])
        ours = register(store, name, HashEncoder(), tenant="ours")
        ours.add(["our own text"], ids=["o"])
        (query,) = HashEncoder().encode_query(["a secret text"])

        found = [
            *ours.search("a secret text", mode="hybrid", limit=9),
            *ours.search("a secret text", mode="words", limit=9),
            *ours.search("a secret text", group=True, limit=9),
            *ours.search("a secret text", rerank=SimilarityReranker(HashEncoder()), limit=9),
            *ours.search_vector(query, limit=9),
        ]

        assert {hit.document_id for hit in found} == {"o"}
        assert [each.text for each in ours.get(["s", "t", "o"])] == ["our own text"]
        assert [each.text for each in ours.stored()] == ["our own text"]
        assert ours.near_duplicates(0.5) == []

    def test_documents_of_nobody_keep_tenants_out_and_an_empty_collection_lets_them_in(
        self, store: Store, fresh: Callable[[str], str]
    ) -> None:
        name = fresh("docs")
        register(store, name, HashEncoder())
        register(store, name, HashEncoder(), tenant="ours").add(["mine"], ids=["m"])
        with pytest.raises(StoreError, match="tenant="):
            register(store, name, HashEncoder()).search("mine")

        other = fresh("docs")
        register(store, other, HashEncoder()).add(["nobody's"], ids=["n"])
        with pytest.raises(StoreError, match="made without tenants"):
            register(store, other, HashEncoder(), tenant="ours")


def test_describing_a_collection_counts_documents_and_points(docs: Collection) -> None:
    docs.ingest([Document("long", "word " * 700)])
    docs.add(["short"], ids=["s"])

    described = docs.describe()

    assert (described["name"], described["points"], described["documents"]) == (docs.name, 5, 2)
    assert described["vectors"][0]["model"] == "hash-64-0"


def test_an_ingest_that_wrote_something_says_when_it_builds_the_index(docs: Collection) -> None:
    told: list[Progress] = []
    docs.ingest([Document("page", "a page")], progress=told.append)
    docs.ingest([Document("page", "a page")], progress=told.append)

    assert [each.indexing for each in told] == [False, True, False]


def test_paths_and_documents_do_not_mix(docs: Collection, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="documents"):
        docs.ingest([Document("a", "text"), tmp_path])
    with pytest.raises(TypeError, match="or paths alone"):
        docs.ingest([7])


def test_metadata_that_is_no_list_of_dictionaries_is_refused(docs: Collection) -> None:
    for wrong in ({"year": 2026}, ["2026"]):
        with pytest.raises(PointError, match=r"The metadata of text 0 is '\w+'; it is a dictionary, one for each text"):
            docs.add(["the cat sleeps"], metadata=wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert docs.count() == 0
