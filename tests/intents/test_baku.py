"""The bank in Baku, on which ``make bench-intents`` measures, is what its README says."""

from __future__ import annotations

import unicodedata
from collections import Counter
from difflib import SequenceMatcher

from tests.benchmarks.intents_sets import BAKU, OUT, by_intent, draw, rows_of
from tests.benchmarks.intents_sets import baku as read_baku

LANGUAGES = ("az", "ru", "tr")
UTTERANCES = rows_of(BAKU / "utterances.jsonl")
QUERIES = rows_of(BAKU / "queries.jsonl")
INTENTS = {row["intent"] for row in UTTERANCES}


def folded(text: str) -> str:
    """Return the letters and digits, without case and accents; ə is e and ı is i, as they are typed."""
    parts = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i").replace("ə", "e"))
    return " ".join("".join(c if c.isalnum() else " " for c in parts if not unicodedata.combining(c)).split())


def test_every_intent_has_eight_utterances_in_each_language() -> None:
    counts = Counter((row["intent"], row["language"]) for row in UTTERANCES)

    assert len(INTENTS) == 12
    assert counts == {(intent, language): 8 for intent in INTENTS for language in LANGUAGES}


def test_every_intent_is_asked_in_each_language_and_condition() -> None:
    asked = Counter((row["intent"], row["condition"], row["language"]) for row in QUERIES if row["intent"] != OUT)
    twice = [("plain", language) for language in LANGUAGES]
    twice += [("no_diacritics", "az"), ("no_diacritics", "tr"), ("transliterated", "ru"), ("mixed", "az-ru")]

    expected = {(intent, *key): 2 for intent in INTENTS for key in twice}
    assert asked == expected | {(intent, "transliterated", "az"): 1 for intent in INTENTS}


def test_what_is_out_of_scope_is_near_and_far_and_typed_in_every_way() -> None:
    asked = Counter((row["condition"], row["language"]) for row in QUERIES if row["intent"] == OUT)

    expected = {(condition, language): 12 for condition in ("adjacent", "far") for language in LANGUAGES}
    typed = [("no_diacritics", "az"), ("no_diacritics", "tr"), ("transliterated", "az"), ("transliterated", "ru")]
    assert asked == expected | dict.fromkeys([*typed, ("mixed", "az-ru")], 8)


def test_no_text_is_there_twice_and_no_query_is_nearly_an_utterance() -> None:
    taught, asked = [folded(row["text"]) for row in UTTERANCES], [folded(row["text"]) for row in QUERIES]

    assert len({*taught, *asked}) == len(taught) + len(asked)
    for query in asked:
        matcher = SequenceMatcher(b=query)
        for utterance in taught:
            matcher.set_seq1(utterance)
            assert matcher.quick_ratio() <= 0.85 or matcher.ratio() <= 0.85, (utterance, query)


def test_queries_are_typed_as_their_condition_says() -> None:
    for row in QUERIES:
        letters = {character for character in row["text"].casefold() if character.isalpha()}
        cyrillic = {letter for letter in letters if "CYRILLIC" in unicodedata.name(letter)}
        if row["condition"] == "no_diacritics" or (row["condition"], row["language"]) == ("transliterated", "ru"):
            assert letters <= set("abcdefghijklmnopqrstuvwxyz"), row
        if (row["condition"], row["language"]) == ("transliterated", "az"):
            assert letters - cyrillic <= {"ə"}, row
        if row["condition"] == "plain" and row["language"] != "ru":
            assert not cyrillic, row


def test_a_draw_has_each_language_as_often() -> None:
    for said in by_intent(draw(read_baku().utterances, 6, seed=1)).values():
        assert Counter(each.kind for each in said) == dict.fromkeys(LANGUAGES, 2)
