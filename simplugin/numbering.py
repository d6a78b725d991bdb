"""Texts to numbers, word by word, where what a word comes to is worked out once.

Languages repeat their words: looking them up takes a tenth of the time of working them out again. The numbers of a word
are kept as bytes. Put together that way, those of a text are an array at once; lists took three times as long, and the
garbage collector looked through each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["LETTERS", "NUMBER", "Numbering"]

NUMBER = np.dtype(np.uint32)
"""What a number is among the bytes of a word."""

LETTERS = 3_000_000
"""Letters of the words remembered; some 40 MB. Then memory starts anew, with the words that are in use."""

_LONGEST = 256
"""Letters of a word worth remembering. A Chinese sentence has no spaces; it comes again when its text is counted."""


class Numbering:
    """Numbers texts by the words between their white space. Threads may share it."""

    def __init__(self, work_out: Callable[[Sequence[str]], Iterable[bytes]], *, remembered: int = LETTERS) -> None:
        """Number words as ``work_out`` does, which gives the bytes of each word's numbers, as ``NUMBER``.

        Words of ``remembered`` letters altogether are kept.
        """
        self._work_out = work_out
        self._most = remembered
        self._known: dict[str, bytes] = {}
        self._letters = 0

    def number(self, texts: Iterable[str]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.intp]]:
        """Return the numbers of all texts, one after the other, and how many each text has."""
        parts = [text.split() for text in texts]
        rows = self._rows(parts)
        sizes = np.fromiter(map(len, rows), np.intp, len(rows)) // NUMBER.itemsize
        return np.frombuffer(b"".join(rows), NUMBER), sizes

    def _rows(self, parts: Sequence[Sequence[str]]) -> list[bytes]:
        known = self._known
        rows = [_look_up(words, known) for words in parts]
        unknown = [words for words, row in zip(parts, rows, strict=True) if row is None]
        found = self._learn(set[str]().union(*unknown)) if unknown else known
        return [
            b"".join(map(found.__getitem__, words)) if row is None else row
            for words, row in zip(parts, rows, strict=True)
        ]

    def _learn(self, words: set[str]) -> dict[str, bytes]:
        """Return the numbers of these words; those of a usual length are remembered."""
        known, letters = self._known, self._letters
        new = words.difference(known)
        if (letters := letters + _letters(new)) > self._most:
            # A fresh dictionary: other threads go on reading the one they have.
            known, new, letters = {}, words, _letters(words)
        listed = list(new)
        found = dict(zip(listed, self._work_out(listed), strict=True)) if listed else {}
        known.update((word, numbers) for word, numbers in found.items() if len(word) <= _LONGEST)
        self._known, self._letters = known, letters
        return found | {word: known[word] for word in words.difference(found)}


def _look_up(words: Sequence[str], known: Mapping[str, bytes]) -> bytes | None:
    """Return the numbers of a text; None where one of its words is not known."""
    try:
        return b"".join(map(known.__getitem__, words))
    except KeyError:
        return None


def _letters(words: Iterable[str]) -> int:
    return sum(size for size in map(len, words) if size <= _LONGEST)
