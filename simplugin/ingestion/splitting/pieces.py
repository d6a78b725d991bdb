"""Blocks that are too long, in pieces: lines, then sentences, then words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

__all__ = ["LEVELS", "cut"]

LEVELS = 3
"""How often a block can be cut more finely."""

_SENTENCE = re.compile(r"(?<=[.!?…؟])[\"'”’»)\]]*\s+|(?<=[。！？])[」』”’）]*")
_LAST_SPACE = re.compile(r"\s(?=\S*\Z)")
_AT_ONCE = 32  # pieces that are looked for at once
_FILL = 0.85  # part of the limit that is aimed at: most pieces then need no second look


def cut(text: str, level: int, *, limit: int, tokens: int, count: Callable[[str], int]) -> Iterator[tuple[int, int]]:
    """Go through the pieces of a text as (start, end), without the white space between them.

    ``level`` 0 cuts into lines, 1 into sentences, 2 at whatever keeps to ``limit``; ``tokens`` is the size of the text,
    ``count`` that of a part of it.
    """
    if level == 0:
        yield from _between(text, (found.end() for found in re.finditer("\n+", text)))
    elif level == 1:
        yield from _between(text, (found.end() for found in _SENTENCE.finditer(text)))
    else:
        yield from _within(text, limit, tokens, count)


def _between(text: str, borders: Iterator[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for border in (*borders, len(text)):
        piece = text[start:border]
        if bare := piece.strip():
            begin = start + len(piece) - len(piece.lstrip())
            yield begin, begin + len(bare)
        start = border


def _within(text: str, limit: int, tokens: int, count: Callable[[str], int]) -> Iterator[tuple[int, int]]:
    # Here, since a search, which never splits, would wait twice as long for its first answer.
    from semantic_text_splitter import TextSplitter

    characters = max(1, int(_FILL * limit * len(text) / max(tokens, 1)))
    for begin, segment in _segments(text, _AT_ONCE * characters):
        for start, piece in TextSplitter(characters).chunk_indices(segment):
            if count(piece) <= limit:
                yield begin + start, begin + start + len(piece)
                continue
            exact = TextSplitter.from_callback(count, limit)
            for at, part in exact.chunk_indices(piece):
                yield begin + start + at, begin + start + at + len(part)


def _segments(text: str, size: int) -> Iterator[tuple[int, str]]:
    """Cut a text into parts of at most so many characters, behind white space where there is some in its second half.

    For each piece the splitter looks at all that is left: of two megabytes without a space that took minutes.
    """
    start = 0
    while len(text) - start > size:
        space = _LAST_SPACE.search(text[start + size // 2 : start + size])
        end = start + size // 2 + space.end() if space else start + size
        yield start, text[start:end]
        start = end
    yield start, text[start:]
