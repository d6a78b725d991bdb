"""Encoders as embeddings, and embeddings as encoders."""

from __future__ import annotations

import asyncio

import pytest

from simplugin_langchain import SimpluginEmbeddings
from tests.hashing import HashEncoder


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
