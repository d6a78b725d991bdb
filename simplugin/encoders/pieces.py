"""Texts to word pieces, each word cut once.

A tokenizer that cuts at every white space gives a text the pieces of its words, one after the other. Languages repeat
their words: looking them up takes a tenth of the time of cutting them again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from typing import TYPE_CHECKING, TypeAlias

from simplugin.words import look_up

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

__all__ = ["WordCutter"]

_Pieces: TypeAlias = dict[str, list[int]]
"""The piece ids of words."""

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
        self._known: _Pieces = {}

    def cut(self, texts: Sequence[str]) -> tuple[list[int], list[int]]:
        """Return the piece ids of all texts in one list, and how many each text has."""
        ids: list[int] = []
        lengths: list[int] = []
        for pieces in self._by_word(texts):
            before = len(ids)
            ids.extend(chain.from_iterable(pieces))
            lengths.append(len(ids) - before)
        return ids, lengths

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return how many pieces each text has, without gathering them."""
        return [sum(map(len, pieces)) for pieces in self._by_word(texts)]

    def _by_word(self, texts: Sequence[str]) -> Iterator[list[list[int]]]:
        """Go through the texts: the piece ids of each word of a text."""
        known, words, passing = self._learn([text.split() for text in texts])
        return (look_up(group, known, passing) for group in words)

    def _learn(self, texts: list[list[str]]) -> tuple[_Pieces, list[list[str]], _Pieces]:
        """Cut the words that are not known yet.

        Return the known ones, the words of each text, and the pieces of those too long to remember.
        """
        known = self._known
        unknown = [*{word for words in texts for word in words if word not in known}]
        if any(len(word) > _READ for word in unknown):
            texts = [_shorten(words) for words in texts]
            unknown = [*{word for words in texts for word in words if word not in known}]
        passing: _Pieces = {}
        if unknown:
            if len(known) + len(unknown) > self._remembered:
                # A fresh dictionary: other threads go on reading the one they have.
                unknown = [*{word for words in texts for word in words}]
                known = self._known = {}
            known.update(self._cut_together([word for word in unknown if len(word) <= _LONGEST]))
            long = [word for word in unknown if len(word) > _LONGEST]
            encodings = self._tokenizer.encode_batch_fast(long, add_special_tokens=False)
            passing = {word: encoding.ids for word, encoding in zip(long, encodings, strict=True)}
        return known, texts, passing

    def _cut_together(self, words: Sequence[str]) -> _Pieces:
        """Cut words, many in a text: calling the tokenizer takes longer than what it does with one of them."""
        groups = [words[start : start + _TOGETHER] for start in range(0, len(words), _TOGETHER)]
        encodings = self._tokenizer.encode_batch([" ".join(group) for group in groups], add_special_tokens=False)
        return {
            word: ids
            for group, encoding in zip(groups, encodings, strict=True)
            for word, ids in zip(group, _share_out(group, encoding), strict=True)
        }


def _shorten(words: list[str]) -> list[str]:
    """Return the words of a text; one that nobody would write is several."""
    if max(map(len, words), default=0) <= _READ:
        return words
    return _TOO_LONG.sub(r"\g<0> ", " ".join(words)).split()


def _share_out(words: Sequence[str], encoding: Encoding) -> list[list[int]]:
    """Share out the pieces of words that were cut in one text, by the letter at which each begins."""
    found: list[list[int]] = [[] for _ in words]
    ends = list(accumulate(len(word) + 1 for word in words))
    place = 0
    for id_, (start, _) in zip(encoding.ids, encoding.offsets, strict=True):
        while start >= ends[place]:
            place += 1
        found[place].append(id_)
    return found
