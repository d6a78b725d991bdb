"""Where a matcher errs, utterances in conflict, and texts that say nearly the same."""

from __future__ import annotations

import numpy as np
import pytest

from simplugin import near_duplicates
from simplugin.duplicates import clusters, near_pairs
from simplugin.encoders import Encoder
from simplugin.errors import DataError
from simplugin.intents import IntentMatcher, Utterance, conflicts_of, report_on
from tests.hashing import HashEncoder
from tests.intents.test_fitting import rooms


def test_pairs_are_the_close_ones_best_first_whatever_the_blocks() -> None:
    random = np.random.default_rng(0)
    vectors = random.standard_normal((2500, 8)).astype(np.float32)
    vectors[2400] = vectors[3]
    vectors[7] = 0

    found = near_pairs(vectors, 0.95)

    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    cosines = np.triu(unit @ unit.T, 1)
    assert {(pair.i, pair.j) for pair in found} == set(
        zip(*(c.tolist() for c in np.nonzero(cosines >= 0.95)), strict=True)
    )
    assert (found[0].i, found[0].j) == (3, 2400)
    assert [pair.cosine for pair in found] == sorted((pair.cosine for pair in found), reverse=True)
    assert near_pairs(vectors, 0.95, limit=5) == found[:5]


def test_near_duplicates_are_found_across_languages_and_make_groups(starter: Encoder) -> None:
    texts = ["The library opens at nine.", "Kütüphane dokuzda açılır.", "The cat sleeps.", "the library opens at nine"]

    found = near_duplicates(texts, starter, 0.5)

    assert (found[0].i, found[0].j) == (0, 3)
    assert (0, 1) in {(pair.i, pair.j) for pair in found}
    assert clusters(found)[0] == (0, 1, 3)
    assert near_duplicates(["a"], starter) == []
    with pytest.raises(ValueError, match="a cosine lies"):
        near_duplicates(texts, starter, 2)
    with pytest.raises(TypeError, match="single text"):
        near_duplicates("abc", starter)


def test_clusters_are_what_pairs_connect() -> None:
    assert clusters([(1, 2), (5, 6), (2, 9), (6, 7), (9, 3)]) == [(1, 2, 3, 9), (5, 6, 7)]
    assert clusters([]) == []


def test_conflicts_are_named_with_what_to_do() -> None:
    utterances = [
        Utterance("pay my bill", "pay", "en"),
        Utterance("Pay my  bill", "cost"),
        Utterance("a b c d e f g h i j", "x", "en"),
        Utterance("a b c d e f g h i k", "y", "tr"),
        Utterance("m n o p q r s t u v", "x"),
        Utterance("m n o p q r s t u w", "y"),
        Utterance("m n o p q r s t u z", "y"),
    ]
    vectors = HashEncoder(256).encode_query([each.text for each in utterances])

    found = conflicts_of(utterances, vectors, close=0.8)

    assert [each.kind for each in found] == ["same_text", "translations", "too_close", "too_close"]
    assert all(each.remedy.endswith(".") for each in found)
    assert all(each.first.intent != each.second.intent for each in found)


def test_every_conflict_is_reported() -> None:
    utterances = [Utterance(f"room {number}", intent) for number in range(150) for intent in ("book", "cancel")]

    matcher = IntentMatcher(utterances, HashEncoder(256))

    assert len(report_on(matcher, utterances[:2], close=0.999).conflicts) == 150


def test_a_text_that_is_an_utterance_and_means_none_of_the_intents_is_a_conflict() -> None:
    matcher = IntentMatcher(rooms(6), HashEncoder(256))
    twice = next(each.text for each in matcher.utterances if each.intent == "bus")

    (conflict,) = report_on(IntentMatcher(rooms(6), HashEncoder(256), negatives=[twice.upper()])).conflicts

    assert (conflict.kind, conflict.first.text, conflict.second.intent) == ("same_text", twice, None)


def test_a_report_tells_what_is_confused_and_what_is_right() -> None:
    matcher = IntentMatcher(rooms(6), HashEncoder(256))
    data = [
        Utterance("bus1 bus2 bus", "bus"),
        Utterance("coffee1 coffee2 coffee", "library"),
        Utterance("penguins tell jokes", "unknown"),
        Utterance("garden1 garden2 garden", None),
    ]

    found = report_on(matcher, data)

    assert (found.held_out, found.figures.queries, found.figures.out_of_scope) == (False, 4, 2)
    assert (found.figures.accuracy, found.figures.accepted, found.figures.refused) == (0.5, 0.5, 0.5)
    assert found.figures.balanced == 0.5
    assert {(each.meant, each.matched, each.queries) for each in found.confused} == {
        ("library", "coffee", 1),
        (None, "garden", 1),
    }
    assert found.wrong[0].text.startswith(("coffee", "garden"))
    assert found.wrong[0].evidence
    assert found.curve[-1].coverage == 1
    assert found.curve[-1].precision == 0.25


def test_a_matcher_is_judged_by_its_own_utterances_also_when_it_was_opened(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "j.json"
    encoder = HashEncoder(256)
    matcher = IntentMatcher(rooms(6), encoder, negatives=["tell me a joke"])
    matcher.save(path)

    found = report_on(matcher)

    assert found.held_out
    # Each utterance without its intent, four of five also by the others of it, and the negative.
    assert found.figures.queries == 30 + 24 + 1
    assert (found.figures.accuracy or 0) > 0.9
    assert found.figures.ece is None
    assert report_on(IntentMatcher.load(path, encoder)) == found


def test_what_cannot_be_reported_is_told() -> None:
    matcher = IntentMatcher({"a": ["x"]}, HashEncoder())

    with pytest.raises(DataError, match="Nothing was learned"):
        report_on(matcher)
    with pytest.raises(DataError, match="no queries"):
        report_on(matcher, [])
