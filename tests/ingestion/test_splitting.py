from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simplugin.encoders import Encoder
from simplugin.ingestion import Splitter, find_files, read_document
from simplugin.records import Document
from tests.hashing import HashEncoder

words = st.lists(
    st.sampled_from(["ağaç", "שלום", "水水水", "word", "# head", "```", "\n\n", "\n", "- item", "…"]), max_size=120
)


@given(words.map(" ".join))
@settings(max_examples=60)
def test_no_letter_is_lost_and_no_chunk_is_too_long(text: str) -> None:
    splitter = Splitter(HashEncoder(), 16)
    document = Document("d", text, format="markdown")

    chunks = splitter.split(document)

    assert "".join("".join(chunk.text.split()) for chunk in chunks) == "".join(text.split())
    assert all(0 < chunk.tokens <= 16 for chunk in chunks)
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    assert all(chunk.total == len(chunks) for chunk in chunks)
    assert len({chunk.key for chunk in chunks}) == len(chunks)


def test_markdown_is_split_at_its_sections() -> None:
    text = "# A\n\n" + "one two three. " * 8 + "\n\n## B\n\n" + "four five six. " * 8

    chunks = Splitter(HashEncoder(), 40).split(Document("d", text, format="markdown"))

    assert [chunk.text.split("\n")[0] for chunk in chunks] == ["# A", "## B"]


def test_a_paragraph_put_in_at_the_top_changes_no_other_chunk() -> None:
    paragraphs = [f"Paragraph {n} about " + " ".join(random.Random(n).choices("abcdefgh", k=20)) for n in range(20)]
    splitter = Splitter(HashEncoder(), 32)

    before = {chunk.key for chunk in splitter.split(Document("d", "\n\n".join(paragraphs)))}
    after = {chunk.key for chunk in splitter.split(Document("d", "\n\n".join(["A new beginning of it.", *paragraphs])))}

    assert len(before & after) >= len(before) - 1


def test_equal_chunks_of_a_document_are_told_apart_by_their_occurrence() -> None:
    chunks = Splitter(HashEncoder(), 16).split(Document("d", "\n\n".join(["same words " * 7] * 3)))

    assert [chunk.key.occurrence for chunk in chunks] == [0, 1, 2]
    assert len({chunk.key.hash for chunk in chunks}) == 1


def test_the_content_hash_changes_with_text_metadata_format_and_size() -> None:
    document, splitter = Document("d", "text"), Splitter(HashEncoder(), 64)
    same = splitter.content_hash(document)

    assert splitter.content_hash(Document("other", "text", source="elsewhere")) == same
    assert splitter.content_hash(replace(document, text="texts")) != same
    assert splitter.content_hash(replace(document, metadata={"a": 1})) != same
    assert splitter.content_hash(replace(document, format="markdown")) != same
    assert Splitter(HashEncoder(), 65).content_hash(document) != same


@pytest.mark.parametrize(("limit", "wanted"), [(512, 15), (128, 129)])
def test_a_size_the_model_cannot_read_is_refused(limit: int, wanted: int) -> None:
    with pytest.raises(ValueError, match="at least 16"):
        Splitter(HashEncoder(max_tokens=limit), wanted)


def test_the_size_never_exceeds_a_short_model() -> None:
    assert Splitter(HashEncoder(max_tokens=128)).max_tokens == 128
    assert Splitter(HashEncoder(max_tokens=None)).max_tokens == 256


def test_real_pages_in_every_script_fit(data: Path, starter: Encoder) -> None:
    splitter = Splitter(starter)
    pages = [
        "docs/fastapi/zh/index.md",
        "docs/fastapi/ru/index.md",
        "docs/react/he",
        "docs/d2l/tr/chapter_preliminaries",
    ]

    for found in find_files([data / page for page in pages]):
        chunks = splitter.split(read_document(found.path))
        assert chunks
        assert starter.count_tokens([chunk.text for chunk in chunks]) == [chunk.tokens for chunk in chunks]
        assert max(chunk.tokens for chunk in chunks) <= 256
