"""What a model reads of a text: its letters composed, without what nobody sees."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

__all__ = ["as_read", "count_invisible", "whole"]

_NUL = "\0"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_ZERO_WIDTH = "\u00ad\u180e\u200b-\u200d\u2060\ufeff"
_INVISIBLE = re.compile(f"[{_NUL}{_BIDI}{_ZERO_WIDTH}]")
_DIRECTION = re.compile(f"[{_BIDI}]")


def as_read(text: str) -> str:
    """Return the text in Unicode's composed form (NFC), without directional controls, zero-width characters and NULs.

    Two texts that look the same then get the same vector, whichever keyboard or converter made them. Halves of
    surrogate pairs are mended as by ``whole``.
    """
    if text.isascii():
        return text.replace(_NUL, "") if _NUL in text else text
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", whole(text)))


def whole(text: str) -> str:
    """Return the text as one of letters: the halves of a surrogate pair joined, U+FFFD for one that stands alone.

    A program that cuts UTF-16 leaves such halves, for instance where a browser's input is cut within an emoji. They
    have no UTF-8, and no tokenizer takes them.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def count_invisible(text: str) -> Counter[str]:
    """Count what ``as_read`` leaves out, as ``nul``, ``bidi`` and ``zero_width``."""
    if text.isascii() and _NUL not in text:
        return Counter()
    return Counter(map(_kind, _INVISIBLE.findall(text)))


def _kind(character: str) -> str:
    if character == _NUL:
        return "nul"
    return "bidi" if _DIRECTION.match(character) else "zero_width"
