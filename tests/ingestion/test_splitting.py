from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simplugin.catalog import ModelCard, Prompts
from simplugin.encoders import Encoder
from simplugin.ingestion import Options, Splitter, find_sources, read_sources
from simplugin.records import Document
from simplugin.texts import as_read
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

    for document in read_sources(find_sources([data / page for page in pages], Options()), Options()):
        assert isinstance(document, Document)
        chunks = splitter.split(document)
        assert chunks
        assert starter.count_tokens([as_read(chunk.text) for chunk in chunks]) == [chunk.tokens for chunk in chunks]
        assert max(chunk.tokens for chunk in chunks) <= 256


def _moved(splitter: Splitter, page: str, form: Literal["markdown", "text"], places: Sequence[int]) -> list[int]:
    """Count the chunks that are new after a paragraph was put in, for each place."""
    document = Document("d", page, format=form)
    before = {chunk.key for chunk in splitter.split(document)}
    edits = (page[:place] + "Burada yeni bir paragraf var.\n\n" + page[place:] for place in places)
    return [len({chunk.key for chunk in splitter.split(replace(document, text=edited))} - before) for edited in edits]


@pytest.mark.parametrize("form", ["markdown", "text"])
def test_an_edit_moves_only_the_borders_near_it(
    form: Literal["markdown", "text"], data: Path, starter: Encoder
) -> None:
    page = (data / "docs" / "d2l" / "tr" / "chapter_preliminaries" / "linear-algebra.md").read_text()
    chosen = [0, *(page.index("\n\n", len(page) // part) + 2 for part in (3, 2))]

    assert max(_moved(Splitter(HashEncoder()), page, form, chosen)) <= 3

    moved = _moved(Splitter(starter), page, form, [0, *(each.end() for each in re.finditer("\n\n", page))][::6])
    assert len(moved) > 30
    assert sum(count <= 3 for count in moved) >= 0.9 * len(moved)
    assert max(moved) <= 6


def test_code_stays_whole_where_it_fits() -> None:
    code = "```python\n" + "\n\n".join(f"line_{number} = {number}" for number in range(8)) + "\n```"
    text = "# Code\n\n" + "Words before it. " * 10 + "\n\n" + code + "\n\n" + "Words after it. " * 10

    chunks = Splitter(HashEncoder(), 48).split(Document("d", text, format="markdown"))

    assert sum(code in chunk.text for chunk in chunks) == 1


def test_what_looks_like_a_heading_in_code_is_none() -> None:
    text = "# Real\n\n```sh\n# a comment\n\n## another\n```\n\nText."

    (chunk,) = Splitter(HashEncoder(), 64).split(Document("d", text, format="markdown"))

    assert chunk.metadata["headings"] == ["Real"]


def test_chunks_say_under_which_headings_they_stand() -> None:
    text = "Guide\n=====\n\n" + "a b c. " * 8 + "\n\n## [Install](x.md) { #install }\n\n" + "d e f. " * 8

    chunks = Splitter(HashEncoder(), 32).split(Document("d", text, format="markdown"))

    assert [chunk.metadata["headings"] for chunk in chunks] == [["Guide"], ["Guide", "Install"]]


def test_sections_of_restructured_text_are_found() -> None:
    text = "=====\nGuide\n=====\n\n" + "a b c. " * 8 + "\n\nInstall\n-------\n\n" + "d e f. " * 8

    chunks = Splitter(HashEncoder(), 32).split(Document("d", text, format="rst"))

    assert [chunk.metadata["headings"] for chunk in chunks] == [["Guide"], ["Guide", "Install"]]


def test_headings_can_be_read_before_a_chunk_without_becoming_part_of_its_text() -> None:
    text = "# Guide\n\n## Install\n\n" + "\n\n".join(f"Step {number} " + "word " * 20 for number in range(4))
    document = Document("d", text, format="markdown")

    plain = Splitter(HashEncoder(), 64).split(document)
    read = Splitter(HashEncoder(), 64, headings=True).split(document)

    assert all(not chunk.context for chunk in plain)
    assert read[-1].context == "Guide\nInstall\n\n"
    assert not read[-1].text.startswith("Guide")
    assert all(chunk.tokens <= 64 for chunk in read)
    assert read[-1].key.hash != plain[-1].key.hash


@pytest.mark.parametrize(
    "text",
    [
        " ".join(f"word{number}" for number in range(300)),
        "".join(chr(0x4E00 + number) for number in range(900)),
        " ".join(f"שלום{number}" for number in range(300)),
    ],
)
def test_chunks_overlap_by_what_was_asked_and_still_fit(text: str, starter: Encoder) -> None:
    chunks = Splitter(starter, 64, overlap=16).split(Document("d", text))

    assert len(chunks) > 2
    assert all(starter.count_tokens([chunk.text])[0] <= 64 for chunk in chunks)
    for one, next_ in pairwise(chunks):
        shared = max(size for size in range(len(next_.text)) if one.text.endswith(next_.text[:size]))
        assert 0 < starter.count_tokens([next_.text[:shared]])[0] <= 16


def test_an_overlap_of_more_than_a_quarter_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 16"):
        Splitter(HashEncoder(), 64, overlap=17)


def test_a_prompt_takes_its_share_of_the_models_length() -> None:
    class Prompted(HashEncoder):
        @property
        def card(self) -> ModelCard:
            return replace(super().card, prompts=Prompts(document="one two three four "))

    chunks = Splitter(Prompted(max_tokens=32)).split(Document("d", "word " * 100))

    assert 16 <= max(chunk.tokens for chunk in chunks) <= 28


def test_chunks_say_on_which_page_they_begin() -> None:
    text = "\n\n".join("word " * 30 for _ in range(3))
    starts = tuple(at for at in range(len(text)) if at == 0 or text[at - 2 : at] == "\n\n")

    chunks = Splitter(HashEncoder(), 32).split(Document("d", text, pages=starts))

    assert [chunk.metadata["page"] for chunk in chunks] == [1, 2, 3]


@pytest.mark.parametrize(
    "text", ["a" * 400_000, "สวัสดี" * 40_000, "नमस्ते दुनिया " * 20_000], ids=["letter", "Thai", "Hindi"]
)
def test_text_without_spaces_or_of_a_script_the_model_does_not_know_is_cut_in_seconds(
    text: str, starter: Encoder
) -> None:
    started = time.perf_counter()
    chunks = Splitter(starter).split(Document("long", text))

    assert time.perf_counter() - started < 8  # 400,000 letters took 14 seconds, a megabyte 59
    assert max(chunk.tokens for chunk in chunks) <= 256
    assert max(len(chunk.text) for chunk in chunks) <= 32 * 257
    assert re.sub(r"\s", "", "".join(chunk.text for chunk in chunks)) == re.sub(r"\s", "", text)
