"""Documents to chunks."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple
from zlib import crc32

from simplugin.encoders import Encoder
from simplugin.ingestion.splitting.grouping import Unit, group
from simplugin.ingestion.splitting.outline import Block, outline
from simplugin.ingestion.splitting.pieces import LEVELS, cut
from simplugin.records import Chunk, ChunkKey, Document
from simplugin.texts import as_read

__all__ = ["DEFAULT_TOKENS", "Part", "Splitter"]

DEFAULT_TOKENS = 256
"""Tokens a chunk may have, where the model allows as many."""

_LEAST = 16
_VERSION = "2"  # of the way a document is split: another one splits what is stored again
_CONTEXT = 4  # the headings may take one token in so many
_LETTERS = 50  # of a token: what has more is too long, and would be counted again for each chunk
_MOST = 32  # letters a token, on average: twice what white space and long words come to
_BREAK = "\n\n"  # between the headings and the text, and never in a heading


class Part(NamedTuple):
    """Where a chunk lies in its document's text: characters ``start`` to ``end``.

    It begins by itself at ``first``, before which it repeats the end of the chunk before. ``tokens`` is what the model
    reads of it, ``path`` the headings above, and ``context`` those of them that the model reads too.
    """

    start: int
    end: int
    first: int
    tokens: int
    path: tuple[str, ...]
    context: str


class Splitter:
    """Splits at the largest structures that fit: sections, paragraphs, lines, sentences, words.

    A block of code stays whole where it fits. Asking a tokenizer for the size of every candidate is what makes
    splitting slow, so each block is counted once, all documents of a window together, and chunks are made of blocks.
    """

    def __init__(
        self, encoder: Encoder, max_tokens: int | None = None, *, overlap: int = 0, headings: bool = False
    ) -> None:
        """Split for this encoder, into chunks of at most ``max_tokens``.

        A chunk begins with the last ``overlap`` tokens of the one before. With ``headings`` the model reads the
        headings above a chunk before its text.

        Raises ``ValueError`` where ``max_tokens`` is below 16 or beyond what the model can read, and where
        ``overlap`` is more than a quarter of it.
        """
        card = encoder.card
        if max_tokens is not None and (max_tokens < _LEAST or (card.max_tokens and max_tokens > card.max_tokens)):
            message = f"max_tokens is {max_tokens}; it must be at least {_LEAST}" + (
                "." if card.max_tokens is None else f" and at most {card.max_tokens}, the length of {card.name!r}."
            )
            raise ValueError(message)
        self.encoder = encoder
        self.max_tokens = max_tokens or min(DEFAULT_TOKENS, card.max_tokens or DEFAULT_TOKENS)
        if not 0 <= overlap <= self.max_tokens // 4:
            message = (
                f"overlap is {overlap}; it must be at least 0 and at most {self.max_tokens // 4}, a quarter of a chunk."
            )
            raise ValueError(message)
        self.overlap = overlap
        self.headings = headings
        self._special, prompt = encoder.count_tokens(["", card.prompts.document])
        room = min(self.max_tokens, (card.max_tokens or self.max_tokens) - (prompt - self._special))
        self._room = max(1, room - self._special - overlap - (self.max_tokens // _CONTEXT if headings else 0))

    def content_hash(self, document: Document) -> str:
        """Return what changes when the document, or the way it is split, changes: 32 hexadecimal digits.

        When a file was last touched is no part of it.
        """
        way = f"{_VERSION}\0{document.format}\0{self.max_tokens}\0{self.overlap}\0{self.headings}\0{document.pages}\0"
        settings = f"{way}{sorted(document.metadata.items())!r}\0"
        return hashlib.sha256((settings + document.text).encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def split(self, document: Document) -> list[Chunk]:
        """Return the document's chunks, in order; none where the text is blank."""
        (chunks,) = self.split_all([document])
        return chunks

    def split_all(self, documents: Sequence[Document]) -> list[list[Chunk]]:
        """Split like ``split``, asking the tokenizer once for all of them."""
        found = self.parts([(document.text, document.format) for document in documents])
        return [self.chunks(document, parts) for document, parts in zip(documents, found, strict=True)]

    def parts(self, texts: Sequence[tuple[str, str]]) -> list[list[Part]]:
        """Find where the chunks of each text lie, by its structure: a text comes with its document's ``format``.

        This is what takes time; ``chunks`` makes the records.
        """
        return [self._parts(text, units) for (text, _), units in zip(texts, self._units(texts), strict=True)]

    def chunks(self, document: Document, parts: Sequence[Part]) -> list[Chunk]:
        """Return the chunks of a document whose parts were found, in order."""
        content = self.content_hash(document)
        occurrences: Counter[str] = Counter()
        chunks: list[Chunk] = []
        for number, part in enumerate(parts):
            text = document.text[part.start : part.end]
            digest = hashlib.sha256((part.context + text).encode("utf-8", "surrogatepass")).hexdigest()[:32]
            chunks.append(
                Chunk(
                    document_id=document.id,
                    key=ChunkKey(digest, occurrences[digest]),
                    number=number,
                    total=len(parts),
                    content=content,
                    text=text,
                    source=document.source,
                    metadata=_metadata(document, part),
                    tokens=part.tokens,
                    context=part.context,
                    modified=document.modified,
                )
            )
            occurrences[digest] += 1
        return chunks

    def _units(self, texts: Sequence[tuple[str, str]]) -> list[list[Unit]]:
        """Return the blocks of each text, counted; those that are too long in pieces."""
        blocks = [outline(text, form) for text, form in texts]
        sizes = iter(
            self._count(
                [text[block.start : block.end] for (text, _), own in zip(texts, blocks, strict=True) for block in own]
            )
        )
        return [list(self._counted(text, own, sizes)) for (text, _), own in zip(texts, blocks, strict=True)]

    def _counted(self, text: str, blocks: Sequence[Block], sizes: Iterator[int]) -> Iterator[Unit]:
        path: tuple[tuple[int, str], ...] = ()
        titles: tuple[str, ...] = ()
        for block in blocks:
            if block.level:
                above = tuple(entry for entry in path if entry[0] < block.level)
                path = (*above, (block.level, block.title))
                titles = tuple(title for _, title in path if title)
            for start, end, tokens in self._fitting(text, block.start, block.end, next(sizes), 0):
                mark = crc32(text[start:end].encode("utf-8", "surrogatepass"))
                leads = bool(block.level) or text[end - 1] in ":："
                yield Unit(start, end, tokens, block.level, mark, leads, titles)

    def _fitting(self, text: str, start: int, end: int, tokens: int, level: int) -> Iterator[tuple[int, int, int]]:
        """Cut a block as often as it takes; what no cut makes short enough stays as it is."""
        if tokens <= self._room or level == LEVELS:
            yield start, end, tokens
            return
        block = text[start:end]
        places = list(cut(block, level, limit=self._room, tokens=tokens, count=lambda part: self._count([part])[0]))
        if places == [(0, len(block))]:
            yield from self._fitting(text, start, end, tokens, level + 1)
            return
        sizes = self._count([block[begin:stop] for begin, stop in places])
        for (begin, stop), size in zip(places, sizes, strict=True):
            yield from self._fitting(text, start + begin, start + stop, size, level + 1)

    def _count(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text as the model reads it, without the special ones.

        A script that the model does not know has none, or one a word, and is cut all the same.
        """
        read = [as_read(text) for text in texts]
        found = self.encoder.count_tokens(read) if read else []
        return [max(0, tokens - self._special, len(text) // _MOST) for text, tokens in zip(read, found, strict=True)]

    def _parts(self, text: str, units: Sequence[Unit]) -> list[Part]:
        groups = [checked for found in group(units, self._room) for checked in self._checked(text, found)]
        parts: list[Part] = []
        for number, (own, size) in enumerate(groups):
            context, first, end = self._context(own[0]), own[0].start, own[-1].end
            start = self._overlapping(text, groups[number - 1][0], own) if number else first
            if context or start < first:
                size = self._count([context + text[start:end]])[0]
            parts.append(Part(start, end, first, self._special + size, own[0].path, context))
        return parts

    def _checked(self, text: str, part: Sequence[Unit]) -> Iterator[tuple[Sequence[Unit], int]]:
        """Yield a chunk with its size, halved until it fits.

        With some tokenizers, and where no space parts them, blocks have more tokens together than each by itself.
        """
        size, joints = sum(unit.tokens for unit in part), len(part) - 1
        touching = any(one.end == next_.start for one, next_ in pairwise(part))
        if joints and (touching or size + 2 * joints > self._room):
            size = self._count([text[part[0].start : part[-1].end]])[0]
            if size > self._room:
                half = len(part) // 2
                yield from self._checked(text, part[:half])
                yield from self._checked(text, part[half:])
                return
        yield part, size

    def _context(self, unit: Unit) -> str:
        """Return the headings that stand above a chunk and not in it, the nearest ones where not all have room."""
        above = [] if not self.headings else list(unit.path[:-1] if unit.level else unit.path)
        while above:
            context = "\n".join(above) + _BREAK
            room = self.max_tokens // _CONTEXT
            if len(context) <= _LETTERS * room and self._count([context])[0] <= room:
                return context
            del above[0]
        return ""

    def _overlapping(self, text: str, before: Sequence[Unit], part: Sequence[Unit]) -> int:
        """Return where a chunk begins if it takes in the end of the one before: at a word, or a letter if need be."""
        start = part[0].start
        if not self.overlap or part[0].level:
            return start  # a section begins with its heading
        passage = text[before[0].start : start]
        places = [place for place in range(1, len(passage)) if passage[place - 1].isspace()]
        places = places or list(range(1, len(passage)))
        low, high = 0, len(places)  # the first place from which the rest is short enough
        while low < high:
            middle = (low + high) // 2
            if self._count([passage[places[middle] :]])[0] > self.overlap:
                low = middle + 1
            else:
                high = middle
        return before[0].start + places[low] if low < len(places) else start


def _metadata(document: Document, part: Part) -> dict[str, Any]:
    found = dict(document.metadata)
    if part.path:
        found["headings"] = list(part.path)
    if document.pages:
        found["page"] = bisect_right(document.pages, part.first) or 1
    return found
