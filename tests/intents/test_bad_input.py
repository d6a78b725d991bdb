"""What people get wrong, and what users say that means nothing: a clear error, or a sensible status."""

from __future__ import annotations

import pytest

from simplugin.encoders import Encoder
from simplugin.errors import DataError
from simplugin.intents import IntentMatcher, Utterance
from simplugin.records import Match
from tests.hashing import HashEncoder
from tests.intents.test_fitting import rooms

PAY = {"pay": ["I want to pay my bill", "pay the invoice"], "lost": ["I lost my bag", "my wallet is gone"]}


@pytest.mark.parametrize(
    ("utterances", "message"),
    [
        ({}, "no intents"),
        ({"pay": []}, "'pay' has no example"),
        ({"pay": {}}, "'pay' has no example"),
        ({"pay": {"en": "pay my bill"}}, "one string"),
        ({"pay": ["pay", " "]}, "'pay' is blank"),
        ({"pay": ["\u200b"]}, "'pay' is blank"),
        ({"pay": [3]}, "no text: 3"),
        ([Utterance("hello", None)], "no intents"),
    ],
)
def test_intents_that_are_none_are_refused(utterances: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        IntentMatcher(utterances, HashEncoder())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_negatives_as_one_string_are_refused() -> None:
    with pytest.raises(DataError, match=r"write \[text\]"):
        IntentMatcher(PAY, HashEncoder(), negatives="tell me a joke")


def test_half_a_character_is_out_of_scope_and_no_error(starter: Encoder) -> None:
    assert IntentMatcher(PAY, starter).match("\ud800").status == "out_of_scope"


def test_one_intent_and_one_utterance_an_intent_are_enough_to_match() -> None:
    one = IntentMatcher({"pay": ["pay my bill"]}, HashEncoder(256))
    each = IntentMatcher({"a": ["red car"], "b": ["blue boat"], "c": ["green tree"]}, HashEncoder(256))

    assert one.match("pay my bill").status == "match"
    assert one.match("penguins tell jokes").status == "out_of_scope"
    assert one.match("pay my bill").alternatives == ()
    assert (each.match("blue boat").status, each.match("blue boat").intent) == ("match", "b")


def test_the_same_text_under_two_intents_is_ambiguous_and_no_error() -> None:
    assert IntentMatcher({"a": ["red car"], "b": ["red car"]}, HashEncoder()).match("red car").status == "ambiguous"

    twice = rooms(6)
    twice["coffee"] = [*twice["coffee"], twice["bus"][0]]
    match = IntentMatcher(twice, HashEncoder(256)).match(twice["bus"][0])

    assert {match.intent, match.alternatives[0][0]} == {"bus", "coffee"}


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u200e", "\0"])
def test_a_blank_query_is_out_of_scope(text: str, starter: Encoder) -> None:
    for matcher in (IntentMatcher(PAY, starter), IntentMatcher(rooms(6), HashEncoder(256))):
        match = matcher.match(text)

        assert (match.text, match.status, match.confidence) == (text, "out_of_scope", 0.0)
        assert match.intent in matcher.intents
        assert matcher.match([text, "I want to pay my bill", text])[0] == match


@pytest.mark.parametrize("text", ["x" * 10_000, "pay my bill " * 1000, "🎉🎉🎉", "ཨོཾ་མ་ཎི་པདྨེ་ཧཱུྃ", "?!…", "12345"])
def test_whatever_is_said_has_a_status(text: str, starter: Encoder) -> None:
    match: Match = IntentMatcher(PAY, starter).match(text)

    assert match.status in {"match", "ambiguous", "out_of_scope"}
    assert 0 <= match.confidence <= 1
    assert match.intent in PAY


def test_what_the_model_knows_nothing_of_is_out_of_scope(starter: Encoder) -> None:
    assert IntentMatcher(PAY, starter).match("🎉🎉🎉").status == "out_of_scope"
    assert IntentMatcher(PAY, starter).match("ཨོཾ་མ་ཎི་པདྨེ་ཧཱུྃ").status == "out_of_scope"


async def test_blank_queries_among_others_are_matched_at_once() -> None:
    matcher = IntentMatcher(rooms(6), HashEncoder(256))

    assert await matcher.amatch(["", "bus1 bus2 bus"]) == matcher.match(["", "bus1 bus2 bus"])
    assert (await matcher.amatch("")).status == "out_of_scope"


@pytest.mark.parametrize(
    ("said", "calm"),
    [("!!!", "!"), ("??", "?"), ("!?!", "?"), ("...", "."), ("؟؟", "؟"), ("!!。", "!"), ("!", "!"), (" ! !", " ! !")],
)
def test_who_says_it_loudly_means_the_same(said: str, calm: str, starter: Encoder) -> None:
    matcher = IntentMatcher(PAY, starter)

    loud, quiet = matcher.match([f"I lost my bag{said}", f"I lost my bag{calm}"])

    assert (loud.intent, loud.score, loud.confidence) == (quiet.intent, quiet.score, quiet.confidence)
    assert IntentMatcher({"lost": [f"I lost my bag{said}"]}, starter).match(f"I lost my bag{calm}").score > 0.999
