"""Turkish and Azerbaijani as people type them in a hurry, or on another keyboard."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping

__all__ = ["MANNERS"]

_SWAPPED = str.maketrans("iıİI", "ıiIİ")
_BARE = str.maketrans("ıəİƏ", "ieIE")


def _bare(text: str) -> str:
    """Leave out what a keyboard without these letters has not: ş is s, ı is i, ə is e."""
    letters = unicodedata.normalize("NFD", text.translate(_BARE))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _schwa_as_e(text: str) -> str:
    return text.replace("ə", "e").replace("Ə", "E")


def _swapped(text: str) -> str:
    return text.translate(_SWAPPED)


MANNERS: Mapping[str, Callable[[str], str]] = {
    "without diacritics": _bare,
    "in capitals": str.upper,
    "i and ı mixed up": _swapped,
    "ə as e": _schwa_as_e,
}
"""How a text is changed, by what that is called."""
