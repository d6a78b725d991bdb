"""What langchain-qdrant 1.1.0 does not keep, and this vector store does: each scenario runs on both.

On the peer each is expected to fail; one that passes there fails the test, and is then no longer worth telling.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.documents import Document
from langchain_core.example_selectors import SemanticSimilarityExampleSelector
from langchain_core.indexing import index
from pydantic import ValidationError
from qdrant_client import QdrantClient

from simplugin.errors import ModelMismatchError
from simplugin.measures import SimilarityFunction
from simplugin_langchain import SimpluginVectorStore
from simplugin_qdrant import open_store, register
from tests.hashing import HashEncoder
from tests.langchain.sides import LongEncoder, Ours, Peer, RememberingEncoder, Side, both_sides, side
from tests.qdrant.loopback import LoopbackServer

__all__ = ["side"]  # a fixture

Failed = cast("type[BaseException]", pytest.fail.Exception)


def _ids(count: int) -> list[str]:
    """Return ids that the peer takes as well: where a scenario is not about ids, they are no reason to fail."""
    return [str(uuid.UUID(int=number)) for number in range(1, count + 1)]


@pytest.mark.parametrize("side", [Ours, Peer], indirect=True)
def test_what_both_can_do_both_do(side: Side) -> None:
    """Where the peer could do nothing at all, its failures below would say nothing."""
    documents = side.fill([Document(page_content="red car", metadata={"n": 1})], HashEncoder(), ":memory:")
    other = side.open(HashEncoder())
    other.add_texts(["green tree", "blue sea"], [{"n": 2}, {"n": 3}], ids=_ids(2))

    assert (side.count(documents), side.count(other)) == (1, 2)
    assert documents.similarity_search("red")[0].page_content == "red car"
    ((found, score),) = other.similarity_search_with_relevance_scores("blue", k=1)
    assert (found.page_content, found.metadata["n"]) == ("blue sea", 3)
    assert 0.5 < score < 1


@both_sides(fails=AssertionError)
def test_1_texts_from_a_generator_are_all_stored(side: Side) -> None:
    documents = side.open(HashEncoder())

    added = documents.add_texts(text for text in ("one", "two", "three"))

    assert len(added) == side.count(documents) == 3


@both_sides(fails=Failed)
def test_2_fewer_ids_than_texts_are_refused_and_nothing_is_written(side: Side) -> None:
    documents = side.open(HashEncoder())

    with pytest.raises(ValueError, match="3 texts and 2 ids"):
        documents.add_texts(["one", "two", "three"], ids=_ids(2))
    assert side.count(documents) == 0


@both_sides(fails=AssertionError)
def test_3_fewer_metadata_than_texts_are_refused_before_the_first_batch(side: Side) -> None:
    documents = side.open(HashEncoder())

    with pytest.raises((ValueError, IndexError)):
        documents.add_texts([f"text {number}" for number in range(70)], [{"n": number} for number in range(69)])
    assert side.count(documents) == 0


@both_sides(fails=ValueError)
@pytest.mark.parametrize("id_", ["1", "foo", "a/b?c=1#d İ 🙂 "])
def test_4_any_string_is_an_id(side: Side, id_: str) -> None:
    documents = side.open(HashEncoder())

    assert documents.add_texts(["one"], ids=[id_]) == [id_]
    assert documents.get_by_ids([id_]) == [Document(id=id_, page_content="one")]


@both_sides(fails=ValidationError)
def test_4_some_documents_may_have_ids_and_others_none(side: Side) -> None:
    documents = side.open(HashEncoder())

    added = documents.add_documents([Document(id=_ids(1)[0], page_content="one"), Document(page_content="two")])

    assert added[0] == _ids(1)[0]
    assert [found.page_content for found in documents.get_by_ids(added)] == ["one", "two"]


@both_sides(fails=ValueError)
@pytest.mark.parametrize("encoder", ["sha256", "sha512", "blake2b"])
def test_4_every_key_encoder_that_index_recommends_is_an_id(side: Side, encoder: Any) -> None:
    documents = side.open(HashEncoder())

    report = index([Document(page_content="one")], side.records(documents), documents, key_encoder=encoder)

    assert report["num_added"] == side.count(documents) == 1


@both_sides(fails=AssertionError)
def test_5_a_document_comes_back_as_it_was_given(side: Side) -> None:
    documents = side.open(HashEncoder())
    given = Document(id=_ids(1)[0], page_content="red car", metadata={"lang": "en"})
    documents.add_documents([given])

    assert documents.similarity_search("red car") == [given]


@both_sides(fails=AssertionError)
def test_5_an_example_selector_returns_the_keys_of_the_examples_alone(side: Side) -> None:
    examples = [{"input": "happy", "output": "sad"}, {"input": "tall", "output": "short"}]
    documents = side.open(HashEncoder())
    selector = SemanticSimilarityExampleSelector(vectorstore=documents, k=1)
    for example in examples:
        selector.add_example(example)

    assert selector.select_examples({"input": "happy"}) == [examples[0]]


@both_sides(fails=AssertionError)
def test_6_mmr_with_lambda_0_is_as_different_as_can_be_and_with_1_as_close(side: Side) -> None:
    documents = side.open(HashEncoder(256))
    documents.add_texts(["red car", "red car", "red car", "red boat", "old red tree"], ids=_ids(5))

    def texts(lambda_mult: float) -> set[str]:
        found = documents.max_marginal_relevance_search("red car", k=3, lambda_mult=lambda_mult)
        return {document.page_content for document in found}

    assert texts(1.0) == {"red car"}
    assert texts(0.0) == {"red car", "red boat", "old red tree"}


def test_mmr_chooses_no_blank_text_for_being_like_no_other() -> None:
    with open_store(":memory:") as store:
        documents = SimpluginVectorStore(register(store, "docs", HashEncoder(256)))
        documents.add_texts(["", "  ", "red car", "red boat"], ids=_ids(4))

        found = documents.max_marginal_relevance_search("red car", k=2, fetch_k=4)

    assert [document.page_content for document in found] == ["red car", "red boat"]


@both_sides(fails=AssertionError)
def test_7_mmr_embeds_the_query_alone_and_does_not_look_the_collection_up(side: Side) -> None:
    encoder = HashEncoder()
    with LoopbackServer() as server:
        documents = side.open(encoder, server.url)
        documents.add_texts(["red car"], ids=_ids(1))
        encoded, looked = encoder.texts_encoded, server.requests["GET /collections/{}"]

        documents.max_marginal_relevance_search("red car")
        documents.similarity_search_by_vector([1.0] * 64)

        assert (encoder.texts_encoded, server.requests["GET /collections/{}"]) == (encoded, looked)


@both_sides(fails=AssertionError)
def test_8_a_score_threshold_means_the_same_in_every_search(side: Side) -> None:
    documents = side.open(HashEncoder(256))
    documents.add_texts(["red fast car", "red boat", "blue car", "green tree"], ids=_ids(4))

    def found(search_type: str) -> list[str]:
        arguments = {"search_type": search_type, "search_kwargs": {"score_threshold": 0.6}}
        retriever = cast("Any", documents).as_retriever(**arguments)
        return [document.page_content for document in retriever.invoke("red car")]

    assert found("similarity") == found("similarity_score_threshold") == ["red fast car"]


@both_sides(fails=(UserWarning, ValueError))
@pytest.mark.parametrize("function", ["dot", "euclidean", "manhattan"])
def test_9_relevance_is_from_0_to_1_and_highest_for_the_best_under_every_measure(
    side: Side, function: SimilarityFunction
) -> None:
    documents = side.open(LongEncoder(function))
    documents.add_texts(["red car", "red boat", "green old wooden tree"], ids=_ids(3))

    found = documents.similarity_search_with_relevance_scores("red car", k=3)

    scores = [score for _, score in found]
    assert found[0][0].page_content == "red car"
    assert scores[0] == pytest.approx(1, abs=1e-5)
    assert 1 >= scores[0] > scores[1] > scores[2] >= 0


class _Watched(LoopbackServer):
    """Counts how many requests are inside at once."""

    inside = peak = 0
    _counting = threading.Lock()

    def answer(self, method: str, path: str, query: str, body: Any) -> Any:
        with self._counting:
            self.inside += 1
            self.peak = max(self.peak, self.inside)
        try:
            return super().answer(method, path, query, body)
        finally:
            with self._counting:
                self.inside -= 1


@both_sides(fails=AssertionError)
async def test_10_concurrent_searches_wait_for_the_server_together_and_not_in_threads(side: Side) -> None:
    with _Watched() as server, ThreadPoolExecutor(1) as single:
        documents = side.open(HashEncoder(), server.url)
        documents.add_texts(["red car"], ids=_ids(1))
        asyncio.get_running_loop().set_default_executor(single)
        server.peak, server.delay = 0, 0.2

        found = await asyncio.gather(*(documents.asimilarity_search("red car") for _ in range(8)))

        assert [[document.page_content for document in each] for each in found] == [["red car"]] * 8
        assert server.peak >= 4


@both_sides(fails=ValueError)
def test_11_delete_without_ids_deletes_all_and_with_none_of_them_nothing(side: Side) -> None:
    documents = side.open(HashEncoder())
    documents.add_texts(["one", "two"], ids=_ids(2))

    documents.delete([])
    assert side.count(documents) == 2
    documents.delete()
    assert side.count(documents) == 0


@both_sides(fails=ValueError)
def test_11_k_0_finds_nothing(side: Side) -> None:
    documents = side.open(HashEncoder())
    documents.add_texts(["one"], ids=_ids(1))

    assert documents.similarity_search("one", k=0) == []


@both_sides(fails=AttributeError)
def test_11_a_filter_is_a_dictionary_of_metadata(side: Side) -> None:
    documents = side.open(HashEncoder())
    documents.add_texts(["bir", "one"], [{"lang": "tr"}, {"lang": "en"}], ids=_ids(2))

    (found,) = cast("Any", documents).similarity_search("one", filter={"lang": "tr"})

    assert found.page_content == "bir"


@both_sides(fails=Failed)
def test_12_another_model_of_the_same_width_is_refused(side: Side) -> None:
    with LoopbackServer() as server:
        side.open(HashEncoder(seed=0), server.url).add_texts(["one"], ids=_ids(1))

        with pytest.raises(ModelMismatchError, match="hash-64-1"):
            side.open(HashEncoder(seed=1), server.url)


@both_sides(fails=AssertionError)
def test_13_equal_texts_are_embedded_once_and_the_same_documents_again_not_at_all(side: Side) -> None:
    encoder, given = RememberingEncoder(), [Document(page_content="one") for _ in range(5)]
    with LoopbackServer() as server:
        side.fill(given, encoder, server.url)
        assert encoder.given["one"] == 1

        documents = side.fill(given, encoder, server.url)
        assert (encoder.given["one"], side.count(documents)) == (1, 1)


@both_sides(fails=AssertionError)
@pytest.mark.parametrize("seed", [0, 1], ids=["the same model", "another model"])
def test_14_after_the_collection_was_dropped_index_writes_everything_again(side: Side, seed: int) -> None:
    given = [Document(page_content=text) for text in ("one", "two", "three")]
    with LoopbackServer() as server:
        documents = side.open(HashEncoder(), server.url)
        index(given, side.records(documents), documents, key_encoder=_as_uuid)
        with closing(QdrantClient(url=server.url, check_compatibility=False)) as client:
            client.delete_collection("docs")

        documents = side.open(HashEncoder(seed=seed), server.url)
        report = index(given, side.records(documents), documents, key_encoder=_as_uuid)

        assert (report["num_added"], report["num_skipped"], side.count(documents)) == (3, 0, 3)


def _as_uuid(document: Document) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, document.page_content))


@both_sides(fails=RuntimeError)
def test_15_a_folder_may_be_opened_twice_in_one_process(side: Side, tmp_path: Path) -> None:
    side.open(HashEncoder(), tmp_path / "db").add_texts(["one"], ids=_ids(1))

    assert side.count(side.open(HashEncoder(), tmp_path / "db")) == 1
