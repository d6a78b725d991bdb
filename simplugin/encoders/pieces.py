"""Texts to word pieces, each word cut once.

A tokenizer that cuts at every white space gives a text the pieces of its words, one after the other. Languages repeat
their words: looking them up takes a tenth of the time of cutting them again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

__all__ = ["WordCutter"]

_WORDS = 1 << 17
"""Words remembered; some 30 MB. Then memory starts anew, with the words that are in use."""

_TOGETHER = 128
"""Words cut in one text."""

_READ = 256
"""Letters that are cut as one where no other character is among them: a tokenizer takes 20 seconds for 10,000."""

_LETTER = "[\\w\u0300-\u036f\u0591-\u05c7]"  # and what is written above and below it
_TOO_LONG = re.compile(f"{_LETTER}{{{_READ}}}(?={_LETTER})")

_LONGEST = 48
"""Letters of a word worth remembering: a Chinese sentence has no spaces, and does not come again."""


class WordCutter:
    """Cuts texts as its tokenizer does, for tokenizers to which every white space is a border. Threads may share it."""

    def __init__(self, tokenizer: Tokenizer, *, remembered: int = _WORDS) -> None:
        self._tokenizer = tokenizer
        self._remembered = remembered
        self._known: dict[str, list[int]] = {}

    def cut(self, texts: Sequence[str]) -> tuple[list[int], list[int]]:
        """Return the piece ids of all texts in one list, and how many each text has."""
        words = [_words(text) for text in texts]
        known, passing = self._learn(words)
        ids: list[int] = []
        lengths: list[int] = []
        for group in words:
            before = len(ids)
            for word in group:
                ids += known[word] if word in known else passing[word]
            lengths.append(len(ids) - before)
        return ids, lengths

    def _learn(self, texts: Sequence[Sequence[str]]) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
        """Cut the words that are not known yet; return the known ones, and those too long to remember."""
        known = self._known
        unknown = list({word for words in texts for word in words if word not in known})
        passing: dict[str, list[int]] = {}
        if unknown:
            if len(known) + len(unknown) > self._remembered:
                # A fresh dictionary: other threads go on reading the one they have.
                unknown = list({word for words in texts for word in words})
                known = self._known = {}
            known.update(self._cut_together([word for word in unknown if len(word) <= _LONGEST]))
            long = [word for word in unknown if len(word) > _LONGEST]
            encodings = self._tokenizer.encode_batch_fast(long, add_special_tokens=False)
            passing = {word: encoding.ids for word, encoding in zip(long, encodings, strict=True)}
        return known, passing

    def _cut_together(self, words: Sequence[str]) -> dict[str, list[int]]:
        """Cut words, many in a text: calling the tokenizer takes longer than what it does with one of them."""
        groups = [words[start : start + _TOGETHER] for start in range(0, len(words), _TOGETHER)]
        encodings = self._tokenizer.encode_batch([" ".join(group) for group in groups], add_special_tokens=False)
        return {
            word: ids
            for group, encoding in zip(groups, encodings, strict=True)
            for word, ids in zip(group, _by_word(group, encoding), strict=True)
        }


def _words(text: str) -> list[str]:
    """Return the words of a text; one that nobody would write is several."""
    words = text.split()
    if max(map(len, words), default=0) <= _READ:
        return words
    return _TOO_LONG.sub(r"\g<0> ", text).split()


def _by_word(words: Sequence[str], encoding: Encoding) -> list[list[int]]:
    """Share out the pieces of words that were cut in one text, by the letter at which each begins."""
    found: list[list[int]] = [[] for _ in words]
    ends = list(accumulate(len(word) + 1 for word in words))
    place = 0
    for id_, (start, _) in zip(encoding.ids, encoding.offsets, strict=True):
        while start >= ends[place]:
            place += 1
        found[place].append(id_)
    return found
