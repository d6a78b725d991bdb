from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin.words import AVERAGE, COMMON, K1, B, terms, weigh_document, weigh_query


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("IŞIKLAR", "ışıklar"),
        ("İstanbul", "istanbul"),
        ("kitapları", "kitap"),
        ("Kitabxanaya", "kitabxana"),
        ("canción", "canciones"),
        ("הספרייה", "ספרייה"),
        ("וְהַסֵּפֶר", "ספר"),
        ("שלום", "שלומ"),
        ("ﬁle", "file"),
    ],
)
def test_forms_of_a_word_share_a_term(one: str, other: str) -> None:
    assert terms(one) == terms(other)


def test_chinese_and_japanese_are_cut_into_pairs() -> None:
    assert terms("東京タワー2025年") == ["東京", "京タ", "タワ", "ワー", "2025", "年"]
    assert terms("图书馆几点开门？") == ["图书", "书馆", "馆几", "几点", "点开", "开门"]


def test_punctuation_emoji_and_blanks_are_no_words() -> None:
    assert terms("  — 😀!? ___ ") == []
    assert len(weigh_document("")) == 0


def test_a_document_is_weighed_by_the_formula_of_bm25() -> None:
    vector = weigh_document("fish fish bird")

    held_back = K1 * (1 - B + B * 3 / AVERAGE)
    assert sorted(vector.values.tolist()) == pytest.approx(
        sorted([2 * (K1 + 1) / (2 + held_back), (K1 + 1) / (1 + held_back)])
    )
    assert weigh_query("fish fish bird").values.tolist() == [1.0, 1.0]


@given(st.text(max_size=200))
def test_any_text_gives_ascending_indices_and_positive_weights_below_the_limit(text: str) -> None:
    vector = weigh_document(text)

    assert vector.indices.dtype == np.uint32
    assert vector.values.dtype == np.float32
    assert (np.diff(vector.indices.astype(np.int64)) > 0).all()
    assert ((vector.values > 0) & (vector.values < K1 + 1)).all()


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_terms_of_two_texts_are_those_of_both_joined_by_a_blank(one: str, other: str) -> None:
    assert terms(f"{one} {other}") == terms(one) + terms(other)


def test_words_that_say_nothing_of_a_question_count_a_fifth() -> None:
    asked = weigh_query("when does the library open")
    library = weigh_query("library").indices[0]

    assert asked.values[asked.indices == library] == 1
    assert asked.total == pytest.approx(2 + 3 * COMMON)
    assert weigh_document("the library").values.min() > COMMON


@pytest.mark.parametrize(
    "text",
    [
        "və bu",
        "und der",
        "and the",
        "que los",
        "dans une",
        "של את",
        "che non",
        "した です",
        "het een",
        "jest się",
        "não uma",
        "что это",
        "için ve",
        "我们 这个",
    ],
)
def test_every_language_has_such_words(text: str) -> None:
    assert weigh_query(text).total == pytest.approx(COMMON * len(weigh_query(text)))
