"""Pieces of the texts in all languages."""

import pytest
from tokenizers import Tokenizer

from simplugin.training.vocabulary import Pieces, build_tokenizer, train_pieces, weaken

TEXTS = [
    "İstanbul'da ılık bir gün, ışık IŞIK.",
    "Şəhərdə işıq var.",
    "שלום לכולם וברוכים הבאים.",
    "Información sobre el camión.",
    "这是一个测试。 一个好的测试。",
    "東京でパーティーがあります。",
    "Ёлка стоит в городе.",
    "A man is playing a guitar.",
]


@pytest.fixture(scope="module")
def pieces() -> Pieces:
    return train_pieces(TEXTS * 4, size=300)


@pytest.fixture(scope="module")
def tokenizer(pieces: Pieces) -> Tokenizer:
    return build_tokenizer(pieces)


def _tokens(tokenizer: Tokenizer, text: str) -> list[str]:
    tokens: list[str] = tokenizer.encode(text, add_special_tokens=False).tokens
    return tokens


@pytest.mark.parametrize("word", ["ışık", "IŞIK", "Işık", "işik", "İŞİK", "i̇şi̇k"])
def test_turkish_case_and_dots_do_not_matter(tokenizer: Tokenizer, word: str) -> None:
    assert _tokens(tokenizer, word) == _tokens(tokenizer, "isik")


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("información", "informacio\u0301n"),
        ("INFORMACIÓN", "informacion"),
        ("שָׁלוֹם", "שלום"),
        ("ｇｕｉｔａｒ", "guitar"),
        ("ﬁ", "fi"),
        ("qəhvə", "kehve"),
        ("xəbər", "heber"),
        ("שלום", "שלומ"),
    ],
)
def test_spellings_of_the_same_word_have_the_same_pieces(tokenizer: Tokenizer, written: str, same: str) -> None:
    assert _tokens(tokenizer, written) == _tokens(tokenizer, same)


def test_the_voicing_marks_of_kana_are_kept(tokenizer: Tokenizer) -> None:
    assert _tokens(tokenizer, "が") != _tokens(tokenizer, "か")
    assert _tokens(tokenizer, "か\u3099") == _tokens(tokenizer, "が")


@pytest.mark.parametrize("text", ["guitar", "שלום", "测试", "gün"])
def test_final_punctuation_adds_one_piece_and_changes_no_other(tokenizer: Tokenizer, text: str) -> None:
    assert _tokens(tokenizer, text + ".") == [*_tokens(tokenizer, text), "."]


def test_a_chinese_word_has_the_same_pieces_wherever_it_stands(tokenizer: Tokenizer) -> None:
    assert _tokens(tokenizer, "测试") == _tokens(tokenizer, "。测试")[1:]


def test_no_text_is_cut_or_padded(tokenizer: Tokenizer) -> None:
    assert len(_tokens(tokenizer, "man " * 5000)) >= 5000
    assert tokenizer.padding is None
    assert tokenizer.truncation is None


def test_letters_never_met_leave_nothing_and_harm_no_neighbour(tokenizer: Tokenizer) -> None:
    assert _tokens(tokenizer, "ሰላም") == []
    assert _tokens(tokenizer, "测试龘测试") == _tokens(tokenizer, "测试 测试")
    assert _tokens(tokenizer, "guitar😀") == _tokens(tokenizer, "guitar")


def test_the_longest_piece_is_taken_first() -> None:
    letters = [(letter, -9.0) for letter in "guitar"]
    tokenizer = build_tokenizer([("[UNK]", 0.0), *letters, ("gu", -1.0), ("guit", -9.0), ("itar", -1.0), ("ar", -1.0)])
    assert _tokens(tokenizer, "guitar") == ["guit", "ar"]


def test_a_weakened_tokenizer_keeps_the_ids_and_splits_further(tokenizer: Tokenizer, pieces: Pieces) -> None:
    weakened = weaken(pieces, share=0.9, seed=1)
    ids = {piece: number for number, (piece, _) in enumerate(pieces)}
    assert weakened.get_vocab().items() <= ids.items()
    assert len(_tokens(weakened, TEXTS[7])) > len(_tokens(tokenizer, TEXTS[7]))
    assert _tokens(weaken(pieces, share=0.0, seed=1), TEXTS[0]) == _tokens(tokenizer, TEXTS[0])
