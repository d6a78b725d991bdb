"""LangChain's own standard suites over our embeddings."""

from __future__ import annotations

import asyncio

import pytest
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

from simplugin_langchain import SimpluginEmbeddings
from tests.hashing import HashEncoder


class TestUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[SimpluginEmbeddings]:
        return SimpluginEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, str]:
        return {"model": "starter-1"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        return {"SIMPLUGIN_MODEL": "starter-1"}, {}, {"model": "starter-1"}


class TestIntegration(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> type[SimpluginEmbeddings]:
        return SimpluginEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, str]:
        return {"model": "starter"}


def test_an_encoder_is_taken_as_it_is_and_a_newline_stays_a_newline() -> None:
    encoder = HashEncoder(query_prompt="query: ")
    embeddings = SimpluginEmbeddings(encoder)

    assert embeddings.dimension == 64
    assert embeddings.fingerprint == encoder.fingerprint
    assert embeddings.embed_query("a\nb") == pytest.approx(encoder.encode_query(["a\nb"])[0].tolist())
    assert embeddings.embed_documents(["a\nb"])[0] != embeddings.embed_query("a\nb")


async def test_concurrent_questions_are_embedded_as_single_ones() -> None:
    embeddings = SimpluginEmbeddings("starter")

    one, other = await asyncio.gather(embeddings.aembed_query("kedi"), embeddings.aembed_query("cat"))

    assert one == pytest.approx(embeddings.embed_query("kedi"))
    assert other == pytest.approx(embeddings.embed_query("cat"))
