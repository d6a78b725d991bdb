"""The starter's tokenizer: word pieces shared by every language.

The pieces are chosen as Unigram chooses them, and found in a text as WordPiece finds them, the longest first: nearly
the same splitting, in half the time, and a tokenizer that is read from its file in a quarter of it.
"""

import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

UNKNOWN = "[UNK]"
UNKNOWN_ID = 0
LONGEST = 16
"""Letters of the longest piece."""
LONGEST_WORD = 10_000
"""Letters of the longest run without a space or punctuation that is split: Chinese and Japanese have long ones."""
ACCENTS = "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]+"
SISTERS = {"ə": "e", "q": "k", "x": "h", "ם": "מ", "ן": "נ", "ץ": "צ", "ף": "פ", "ך": "כ"}
"""Letters that become another one.

Azerbaijani writes ə, q and x where its sister Turkish, with far more training data, mostly writes e, k and h.
Hebrew has another shape for five letters at the end of a word, which an ending makes the usual one again.
"""

Pieces = Sequence[tuple[str, float]]
"""Rows of a piece and its log probability, the unknown piece first: the number of a row is the piece's id."""


def build_tokenizer(pieces: Pieces, *, avoided: frozenset[str] = frozenset()) -> Tokenizer:
    """Build a tokenizer that splits words into the longest pieces there are, from the left.

    ``avoided`` pieces keep their ids and are not used. It has no padding and no truncation, so that a text of any
    length keeps all its pieces.
    """
    vocabulary = {piece: number for number, (piece, _) in enumerate(pieces) if piece not in avoided}
    tokenizer = Tokenizer(
        models.WordPiece(
            vocabulary, unk_token=UNKNOWN, continuing_subword_prefix="", max_input_chars_per_word=LONGEST_WORD
        )
    )
    _prepare(tokenizer, _ranges(piece for piece, _ in pieces if len(piece) == 1))
    return tokenizer


def train_pieces(texts: Sequence[str], *, size: int, words: int = 0) -> list[tuple[str, float]]:
    """Choose at most ``size`` pieces, the ``words`` most frequent words that would be split among them.

    The rest is chosen as Unigram does (Kudo 2018, https://arxiv.org/abs/1804.10959), which saves letters, not meaning:
    it would rather split a word met ten times than lose an ending.
    """
    tokenizer = Tokenizer(models.Unigram())
    _prepare(tokenizer)
    trainer = trainers.UnigramTrainer(
        vocab_size=size - words,
        special_tokens=[UNKNOWN],
        unk_token=UNKNOWN,
        show_progress=False,
        max_piece_length=LONGEST,
    )
    tokenizer.train_from_iterator(texts, trainer)
    rows: list[tuple[str, float]] = json.loads(tokenizer.to_str())["model"]["vocab"]
    unknown, *chosen = [(piece, probability) for piece, probability in rows]
    # The trainer puts pieces of one probability into another order each time, and rows are known by their number.
    pieces = [unknown, *sorted(chosen, key=lambda row: (-round(row[1], 9), row[0]))]
    return pieces + _frequent_words(tokenizer, texts, {piece for piece, _ in pieces}, words)


def weaken(pieces: Pieces, *, share: float, seed: int) -> Tokenizer:
    """Build a tokenizer with the same ids that avoids a random ``share`` of the longer pieces.

    Texts split by several of these teach the short pieces too, as subword regularisation does
    (Kudo 2018, https://arxiv.org/abs/1804.10959).
    """
    chance = random.Random(seed)
    return build_tokenizer(
        pieces,
        avoided=frozenset(
            piece for piece, _ in pieces if len(piece) > 1 and piece != UNKNOWN and chance.random() < share
        ),
    )


def _prepare(tokenizer: Tokenizer, alphabet: str = "") -> None:
    """Set how a text is brought into the shape of the pieces; letters beyond the alphabet, if there is one, go."""
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKD(),
            normalizers.Lowercase(),
            # Accents, and the vowel points of Hebrew, are often left out when people type. U+3099 and U+309A,
            # which tell kana apart, are not among these. The dot that lower-casing leaves of İ is.
            normalizers.Replace(Regex(ACCENTS), ""),
            normalizers.NFC(),
            # Lower case depends on the language for one letter only: Turkish and Azerbaijani pair I with ı and
            # İ with i. All four become one letter, so a text in capitals meets the same pieces whatever language
            # it is in.
            normalizers.Replace("ı", "i"),
            *(normalizers.Replace(letter, sister) for letter, sister in SISTERS.items()),
            # One letter without a piece would make its whole word unknown, in Chinese half a sentence.
            *([normalizers.Replace(Regex(rf"[^\s{alphabet}]+"), " ")] if alphabet else []),
        ]
    )
    # Splits at spaces and at punctuation, in one pass.
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()


def _ranges(letters: Iterable[str]) -> str:
    """Write letters as the inside of a regular expression's class, neighbours as a range."""
    ranges: list[tuple[str, str]] = []
    for letter in sorted(letters):
        if ranges and ord(letter) == ord(ranges[-1][1]) + 1:
            ranges[-1] = (ranges[-1][0], letter)
        else:
            ranges.append((letter, letter))
    return "".join(re.escape(a) if a == b else f"{re.escape(a)}-{re.escape(b)}" for a, b in ranges)


def _frequent_words(tokenizer: Tokenizer, texts: Iterable[str], known: set[str], count: int) -> list[tuple[str, float]]:
    """Give the most frequent words that are no pieces yet, with the log probability of each among all words."""
    found: Counter[str] = Counter()
    for text in texts:
        normal = tokenizer.normalizer.normalize_str(text)
        found.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))
    total = found.total()
    new = (word for word, times in found.most_common() if times > 1 and word not in known and _is_word(word))
    return [(word, math.log(found[word] / total)) for word in islice(new, count)]


def _is_word(piece: str) -> bool:
    return piece.isalpha() and 2 < len(piece) <= LONGEST and piece[0] < "\u3000"
