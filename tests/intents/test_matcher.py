from __future__ import annotations

from typing import Any, cast

import pytest

from simplugin import samples
from simplugin.encoders import Encoder
from simplugin.errors import DataError
from simplugin.intents import IntentMatcher
from tests.hashing import HashEncoder

UTTERANCES = {"pay": ["pay my bill", "pay the invoice"], "lost": ["i lost my bag", "my bag is lost"]}


def test_a_single_string_for_an_intent_is_refused() -> None:
    with pytest.raises(DataError, match=r"write \[utterance\]"):
        IntentMatcher({"pay": "pay my bill"}, HashEncoder(256))


def test_what_is_no_utterance_and_no_text_is_refused_in_words() -> None:
    with pytest.raises(DataError, match=r"Utterances are .* or Utterance objects; got 'a'"):
        IntentMatcher(cast(Any, ["a", "b"]), HashEncoder())
    with pytest.raises(TypeError, match="Expected a list of texts, got None"):
        IntentMatcher({"pay": ["pay my bill"]}, HashEncoder()).match(cast(Any, None))


def test_a_model_may_be_given_by_name() -> None:
    assert IntentMatcher(UTTERANCES, "starter").match("pay my bill").intent == "pay"


def test_one_text_gives_one_match_and_a_list_gives_a_list() -> None:
    matcher = IntentMatcher(UTTERANCES, HashEncoder(256))

    match = matcher.match("pay my bill")

    assert (match.status, match.intent) == ("match", "pay")
    assert match.evidence[0][0] == "pay my bill"
    assert match.alternatives[0][0] == "lost"
    assert [found.intent for found in matcher.match(["pay my bill", "i lost my bag"])] == ["pay", "lost"]
    assert matcher.match([]) == []


def test_what_is_like_no_example_is_out_of_scope_and_still_names_the_best_candidate() -> None:
    match = IntentMatcher(UTTERANCES, HashEncoder(256)).match("penguins tell jokes")

    assert match.status == "out_of_scope"
    assert match.intent in UTTERANCES


def test_two_intents_that_are_equally_close_are_ambiguous() -> None:
    match = IntentMatcher({"a": ["red car"], "b": ["red car"]}, HashEncoder()).match("red car")

    assert match.status == "ambiguous"
    assert match.margin == pytest.approx(0)


@pytest.mark.parametrize("utterances", [{}, {"pay": []}])
def test_intents_without_examples_are_refused(utterances: dict[str, list[str]]) -> None:
    with pytest.raises(DataError):
        IntentMatcher(utterances, HashEncoder())


def test_the_sample_utterances_are_matched_across_languages(starter: Encoder) -> None:
    utterances = samples.intents()
    right = total = 0
    for intent, texts in utterances.items():
        for held_out in texts:
            rest = {name: [text for text in group if text != held_out] for name, group in utterances.items()}
            right += IntentMatcher(rest, starter).match(held_out).intent == intent
            total += 1

    assert right / total > 0.8


async def test_utterances_may_be_matched_without_holding_up_the_event_loop() -> None:
    matcher = IntentMatcher(UTTERANCES, HashEncoder(256))

    assert await matcher.amatch("pay my bill") == matcher.match("pay my bill")
    assert await matcher.amatch(["pay my bill", "i lost my bag"]) == matcher.match(["pay my bill", "i lost my bag"])
    assert await matcher.amatch([]) == []


@pytest.mark.parametrize("threshold", [5, -1.5, float("nan")])
def test_a_threshold_that_no_cosine_reaches_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="are cosines, of -1 to 1"):
        IntentMatcher({"pay": ["pay the bill"], "lost": ["a lost bag"]}, HashEncoder(), threshold=threshold)
