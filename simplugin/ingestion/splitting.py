"""Documents to chunks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from simplugin.encoders import Encoder
from simplugin.records import Chunk, ChunkKey, Document

if TYPE_CHECKING:
    from semantic_text_splitter import MarkdownSplitter, TextSplitter

__all__ = ["DEFAULT_TOKENS", "Splitter"]

DEFAULT_TOKENS = 256
"""Tokens a chunk may have, where the model allows as many."""

_SAMPLE = 2_000  # characters that show how many of them a token has in this document
_FILL = 0.85  # part of the limit that is aimed at: most chunks then need no second look


class Splitter:
    """Splits at the largest structures that fit: sections, paragraphs, sentences, words.

    Asking a tokenizer for the size of every candidate is what makes splitting slow, so chunks are sized by
    characters, with the document's own number of characters a token; then every chunk is counted, and one that came
    out too long is split again by exact count.
    """

    def __init__(self, encoder: Encoder, max_tokens: int | None = None) -> None:
        """Split for this encoder, into chunks of at most ``max_tokens``.

        Raises ``ValueError`` where ``max_tokens`` is below 16 or beyond what the model can read.
        """
        limit = encoder.card.max_tokens
        if max_tokens is not None and (max_tokens < 16 or (limit is not None and max_tokens > limit)):
            message = f"max_tokens is {max_tokens}; it must be at least 16" + (
                "." if limit is None else f" and at most {limit}, the length of {encoder.card.name!r}."
            )
            raise ValueError(message)
        self.encoder = encoder
        self.max_tokens = max_tokens or min(DEFAULT_TOKENS, limit or DEFAULT_TOKENS)

    def content_hash(self, document: Document) -> str:
        """Return what changes when the document, or the way it is split, changes: 32 hexadecimal digits."""
        settings = f"{document.format}\0{self.max_tokens}\0{sorted(document.metadata.items())!r}\0"
        return hashlib.sha256((settings + document.text).encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def split(self, document: Document) -> list[Chunk]:
        """Return the document's chunks, in order; none where the text is blank."""
        content = self.content_hash(document)
        pieces = list(self._pieces(document))
        occurrences: Counter[str] = Counter()
        chunks: list[Chunk] = []
        for number, (text, tokens) in enumerate(pieces):
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
            key = ChunkKey(digest, occurrences[digest])
            occurrences[digest] += 1
            chunks.append(
                Chunk(
                    document_id=document.id,
                    key=key,
                    number=number,
                    total=len(pieces),
                    content=content,
                    text=text,
                    source=document.source,
                    metadata=document.metadata,
                    tokens=tokens,
                )
            )
        return chunks

    def _pieces(self, document: Document) -> Iterator[tuple[str, int]]:
        sample = document.text[:_SAMPLE]
        tokens = max(1, self.encoder.count_tokens([sample])[0])
        characters = max(16, int(_FILL * self.max_tokens * len(sample) / tokens))
        pieces = _splitter(document.format, characters).chunks(document.text)
        for text, size in zip(pieces, self.encoder.count_tokens(pieces), strict=True):
            if size <= self.max_tokens:
                yield text, size
            else:
                yield from self._split_exactly(document.format, text)

    def _split_exactly(self, form: str, text: str) -> Iterator[tuple[str, int]]:
        splitter = _kind(form).from_callback(lambda part: self.encoder.count_tokens([part])[0], self.max_tokens)
        pieces = splitter.chunks(text)
        yield from zip(pieces, self.encoder.count_tokens(pieces), strict=True)


@lru_cache(maxsize=256)
def _splitter(form: str, characters: int) -> MarkdownSplitter | TextSplitter:
    return _kind(form)(characters)


def _kind(form: str) -> type[MarkdownSplitter] | type[TextSplitter]:
    # Here, since a search, which never splits, would wait twice as long for its first answer.
    from semantic_text_splitter import MarkdownSplitter, TextSplitter

    return MarkdownSplitter if form == "markdown" else TextSplitter
