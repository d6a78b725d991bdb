"""Texts to word pieces, each word cut once.

A tokenizer that cuts at every white space gives a text the pieces of its words, one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING

import numpy as np

from simplugin.numbering import LETTERS, NUMBER, Numbering

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

__all__ = ["word_pieces"]

_TOGETHER = 128
"""Words cut in one text: calling the tokenizer takes longer than what it does with one of them."""

_READ = 256
"""Letters that are cut as one where no other character is among them: a tokenizer takes 20 seconds for 10,000."""

_LETTER = "[\\w\u0300-\u036f\u0591-\u05c7]"  # and what is written above and below it
_TOO_LONG = re.compile(f"{_LETTER}{{{_READ}}}(?={_LETTER})")


def word_pieces(tokenizer: Tokenizer, *, remembered: int = LETTERS) -> Numbering:
    """Return what numbers texts by the ids of their pieces, for a tokenizer to which every white space is a border."""
    return Numbering(partial(_cut, tokenizer), remembered=remembered)


def _cut(tokenizer: Tokenizer, words: Sequence[str]) -> Iterator[bytes]:
    parted = [_TOO_LONG.sub(r"\g<0> ", word).split(" ") if len(word) > _READ else [word] for word in words]
    parts = list(dict.fromkeys(chain.from_iterable(parted)))
    groups = [parts[start : start + _TOGETHER] for start in range(0, len(parts), _TOGETHER)]
    encodings = tokenizer.encode_batch([" ".join(group) for group in groups], add_special_tokens=False)
    found = dict(zip(parts, chain.from_iterable(map(_share_out, groups, encodings)), strict=True))
    return (b"".join([found[part] for part in own]) for own in parted)


def _share_out(words: Sequence[str], encoding: Encoding) -> Iterator[bytes]:
    """Yield the pieces of each of the words that were cut in one text, by the letter at which each piece begins."""
    pieces = np.array(encoding.ids, NUMBER).tobytes()
    ends = list(accumulate(len(word) + 1 for word in words))
    borders = NUMBER.itemsize * np.searchsorted([start for start, _ in encoding.offsets], [0, *ends])
    for start, end in pairwise(borders.tolist()):
        yield pieces[start:end]
