"""Pair models where LangChain asks for a cross-encoder."""

from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.cross_encoders import BaseCrossEncoder

from simplugin.encoders import RemoteReranker
from simplugin.errors import NotAPairModelError
from simplugin.reranking import load_reranker
from simplugin_langchain import SimpluginCrossEncoder
from tests.encoders.remote_server import EmbeddingServer
from tests.hashing import HashEncoder
from tests.reranking.checkpoints import pair_folder, sentences

PAIRS = sentences(20)


@pytest.mark.model
def test_pairs_are_scored_in_order_as_the_pair_model_does_by_name_folder_or_opened(tmp_path: Path) -> None:
    folder = pair_folder(tmp_path / "pair", columns=1)
    pairs = load_reranker(folder)
    expected = pairs.score(PAIRS).tolist()

    for model in (pairs, folder, str(folder)):
        encoder = SimpluginCrossEncoder(model)
        scores = encoder.score(PAIRS)

        assert isinstance(encoder, BaseCrossEncoder)
        assert scores == pytest.approx(expected, abs=1e-6)
        assert {type(score) for score in scores} == {float}
    assert SimpluginCrossEncoder(pairs).score([["kitab", "ev"]]) == SimpluginCrossEncoder(pairs).score(  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
        [("kitab", "ev")]
    )
    assert SimpluginCrossEncoder(pairs).score([]) == []


def test_a_pair_model_on_a_server_scores_too() -> None:
    server = EmbeddingServer(HashEncoder(), kind="reranker")
    try:
        with RemoteReranker(server.url) as remote:
            scores = SimpluginCrossEncoder(remote).score([("a cat", "a cat"), ("a cat", "some dogs")])
    finally:
        server.close()

    assert scores[0] == pytest.approx(1)
    assert scores[1] < 0.9


def test_a_model_that_makes_vectors_is_refused() -> None:
    with pytest.raises(NotAPairModelError, match="makes vectors"):
        SimpluginCrossEncoder("starter")
