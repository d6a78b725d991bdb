"""Texts as a terminal may show them: nothing in them acts, and each keeps its direction to itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from unicodedata import bidirectional

__all__ = ["isolated", "plain", "width_of", "wrapped"]

_SPACES = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_ACTING = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TURNING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = {"R", "AL", "AN"}
_JOINTS = "-/\\_.,:;="  # after which a long word is broken rather than anywhere


def plain(text: str) -> str:
    """Return a text as one line that only shows: control characters as escapes, marks that turn the direction left out.

    An escape sequence from a document or a file's name could move the cursor, or set the window's title.
    """
    return _TURNING.sub("", _ACTING.sub(lambda found: f"\\x{ord(found[0]):02x}", _SPACES.sub(" ", text)))


def isolated(line: str) -> str:
    """Return a line so that right-to-left text in it does not reorder what stands beside it.

    FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE, of the Unicode bidirectional algorithm (UAX #9, 2.4).
    """
    return f"\u2068{line}\u2069" if any(bidirectional(letter) in _RIGHT_TO_LEFT for letter in line) else line


def width_of(text: str) -> int:
    """Return how many columns a text takes: two for a wide character, none for a combining one."""
    from rich.cells import cell_len

    return cell_len(text)


def wrapped(text: str, width: int) -> list[str]:
    """Break a text into lines of at most this many columns, at spaces, and inside of a word that is longer."""
    lines: list[str] = []
    for word in text.split():
        if lines and width_of(lines[-1]) + 1 + width_of(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines += _pieces(word, width)
    return lines or [""]


def _pieces(word: str, width: int) -> Iterator[str]:
    while width_of(word) > width:
        at = _cut(word, width)
        yield word[:at]
        word = word[at:]
    yield word


def _cut(word: str, width: int) -> int:
    """Return where a piece of a word ends: after a joint in its second half, or else where it is full."""
    taken, end = 0, 0
    for letter in word:
        taken += _width_of_letter(letter)
        if taken > width:
            break
        end += 1
    joint = max(word.rfind(sign, 0, end) for sign in _JOINTS) + 1
    return joint if joint > end // 2 else max(end, 1)


@lru_cache(maxsize=4096)
def _width_of_letter(letter: str) -> int:
    return width_of(letter)
