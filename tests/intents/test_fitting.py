"""What is learned from utterances: by hand, as laws, and on real data that was not seen."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin.calibration import expected_calibration_error
from simplugin.encoders import Encoder
from simplugin.errors import DataError
from simplugin.evaluation.remembering import Remembering
from simplugin.intents import IntentMatcher, Utterance, read_utterances, report_on
from simplugin.intents.confidence import Confidence, fit_confidence
from simplugin.intents.crossvalidation import ask, folds
from simplugin.intents.fitting import OUT_OF_SCOPE_SHARE
from simplugin.intents.head import fit_head
from simplugin.intents.scoring import best_two, scores_of, shares_of, spread_of
from simplugin.intents.thresholds import (
    Target,
    as_target,
    best_ambiguity,
    best_threshold,
    drawn,
    shrunk,
    target_threshold,
)
from tests.hashing import HashEncoder


def test_the_spread_of_closeness_is_what_it_is_by_hand() -> None:
    closeness = np.array([[0.1, 0.5, 0.3, 0.9, 0.2, 0.2]], dtype=np.float32)

    spread = spread_of(closeness, np.array([0, 3, 4]))  # utterances 0 to 2, 3, and 4 to 5

    np.testing.assert_allclose(spread.mean, [[0.3, 0.9, 0.2]], rtol=1e-6)
    np.testing.assert_allclose(spread.best, [[0.5, 0.9, 0.2]], rtol=1e-6)
    np.testing.assert_allclose(spread.two, [[0.4, 0.9, 0.2]], rtol=1e-6)  # one utterance, and two equal ones
    np.testing.assert_allclose(scores_of("blend", spread, None), [[0.35, 0.9, 0.2]], rtol=1e-6)
    assert [each.tolist() for each in best_two(spread.two)] == [[1], [0]]


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=6))
def test_shares_sum_to_one_and_follow_the_logits(logits: list[float]) -> None:
    row = np.array([logits], dtype=np.float32)

    shares = shares_of(row)

    assert float(shares.sum()) == pytest.approx(1, abs=1e-5)
    assert shares[0, row.argmax()] == shares.max()


def test_a_head_tells_directions_apart_whatever_the_numbers_of_utterances() -> None:
    random = np.random.default_rng(0)
    owners = np.repeat([0, 1, 2], [60, 6, 6])
    vectors = (np.eye(3)[owners] + 0.1 * random.standard_normal((72, 3))).astype(np.float32)

    head = fit_head(vectors, owners, strength=10.0)

    assert (head(vectors).argmax(axis=1) == owners).all()
    even = shares_of(head(np.full((1, 3), 1 / 3, dtype=np.float32)))
    assert even.max() < 0.5  # not drawn to the intent with ten times the utterances


def test_an_intent_counts_by_the_square_root_of_its_utterances() -> None:
    owners = np.repeat([0, 1, 2], [64, 16, 4])
    vectors = np.random.default_rng(0).standard_normal((84, 3)).astype(np.float32)

    head = fit_head(vectors, owners, strength=1e-4)  # so weak that vectors say nothing

    np.testing.assert_allclose(shares_of(head(vectors[:1])), [[8 / 14, 4 / 14, 2 / 14]], atol=1e-3)


def test_a_confidence_is_the_share_that_is_right() -> None:
    right = np.tile([True, True, True, False], 250)
    measures = np.zeros((1000, 1))

    confidence = fit_confidence(measures, right, np.ones(1000))

    np.testing.assert_allclose(confidence(measures), 0.75, atol=0.005)


@given(st.floats(1, 5), st.integers(0, 5))
def test_a_higher_score_is_never_less_sure(steepness: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.standard_normal(200)
    right = random.random(200) < 1 / (1 + np.exp(-steepness * scores))

    found = fit_confidence(scores[:, None], right, np.ones(200))(np.linspace(-3, 3, 20)[:, None])

    assert (np.diff(found) >= 0).all()
    assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.parametrize("matches", [24, 4000])
def test_a_confidence_is_no_flatter_where_few_were_judged(matches: int) -> None:
    random = np.random.default_rng(0)
    right = np.arange(matches) % 2 == 0
    telling = np.where(right, 1.0, -1.0) + 0.8 * random.standard_normal(matches)
    measures = np.column_stack([telling, telling + 0.5 * random.standard_normal(matches)])

    confidence = fit_confidence(measures, right, np.ones(matches))(measures)

    assert confidence[right].mean() > 0.75
    assert confidence[~right].mean() < 0.25


def test_of_few_matches_no_measure_turns_against_those_that_say_nearly_the_same() -> None:
    turned = 0
    for seed in range(50):
        random = np.random.default_rng(seed)
        right = np.arange(30) % 2 == 0
        telling = np.where(right, 1.0, -1.0) + random.standard_normal(30)
        measures = np.column_stack([telling + 0.3 * random.standard_normal(30) for _ in range(3)])
        turned += min(fit_confidence(measures, right, np.ones(30)).weights) < 0

    assert turned == 0


@given(st.floats(0.01, 0.99), st.integers(0, 10_000))
def test_a_threshold_of_few_queries_is_drawn_towards_one_half_and_never_past_it(threshold: float, queries: int) -> None:
    found = drawn(threshold, queries)

    low, high = sorted([threshold, 0.5])
    assert low - 1e-9 <= found <= high + 1e-9
    assert abs(drawn(threshold, 10 * queries + 1) - threshold) <= abs(found - threshold) + 1e-9


@pytest.mark.parametrize(("intents", "each", "rounds"), [(12, 3, 5), (50, 10, 3), (60, 50, 1)])
def test_few_utterances_are_asked_in_more_rounds_and_each_round_asks_all(intents: int, each: int, rounds: int) -> None:
    owners = np.repeat(np.arange(intents), each)
    random = np.random.default_rng(0)
    vectors, negatives = (random.standard_normal((count, 4)).astype(np.float32) for count in (len(owners), 7))

    asked = list(ask(vectors, owners, negatives, function="dot", strength=None))

    assert {fold.round for fold in asked} == set(range(rounds))
    deals = set[tuple[int, ...]]()
    for number in range(rounds):
        outside = np.concatenate([fold.places[fold.meant < 0] for fold in asked if fold.round == number])
        assert sorted(outside.tolist()) == list(range(len(owners) + 7))
        deals.add(tuple(outside.tolist()))
    assert len(deals) == rounds


def test_matches_that_are_judged_in_five_rounds_weigh_the_measures_like_those_of_one() -> None:
    random = np.random.default_rng(0)
    right = random.random(40) < 0.6
    told = random.standard_normal((40, 3)) + right[:, None] * [1, 0.5, 0]
    often, all_right = np.tile(told, (5, 1)), np.tile(right, 5)

    def direction(confidence: Confidence) -> npt.NDArray[np.float64]:
        weights = np.array(confidence.weights)
        return np.asarray(weights / np.linalg.norm(weights))

    once = direction(fit_confidence(told, right, np.ones(40)))
    rounds = direction(fit_confidence(often, all_right, np.ones(200), rounds=5))
    mistaken = direction(fit_confidence(often, all_right, np.ones(200)))

    np.testing.assert_allclose(rounds, once, atol=0.01)
    assert np.abs(mistaken - once).max() > 0.02


def test_folds_ask_each_utterance_once_and_never_by_itself_or_its_left_out_intent() -> None:
    owners = np.repeat(np.arange(7), [1, 2, 3, 4, 5, 9, 12])

    dealt = folds(owners)

    asked = np.concatenate([fold.inside for fold in dealt])
    assert len(set(asked.tolist())) == len(asked)
    outside = np.concatenate([fold.outside for fold in dealt])
    assert sorted(outside.tolist()) == list(range(len(owners)))  # each intent is left out once
    for fold in dealt:
        assert not set(fold.inside.tolist()) & set(fold.kept.tolist())
        assert not set(owners[fold.outside].tolist()) & set(owners[fold.kept].tolist())
        assert set(owners[fold.inside].tolist()) <= set(owners[fold.kept].tolist())


def test_the_best_threshold_lies_between_what_is_meant_and_what_is_not() -> None:
    odds = np.array([-3.0, -2.5, -2.0, 2.0, 2.5, 3.0])
    inside = odds > 0

    threshold, balanced = best_threshold(1 / (1 + np.exp(-odds)), inside, inside)

    assert threshold == pytest.approx(0.5, abs=0.02)
    assert balanced > 0.9


@given(st.integers(0, 20), st.floats(-2, 2))
def test_of_many_queries_it_is_where_the_two_kinds_are_as_frequent(seed: int, middle: float) -> None:
    random = np.random.default_rng(seed)
    inside = np.repeat([True, False], 2000)
    odds = random.standard_normal(4000) + np.where(inside, middle + 1, middle - 1)

    threshold, balanced = best_threshold(1 / (1 + np.exp(-odds)), inside, inside)

    assert np.log(threshold / (1 - threshold)) == pytest.approx(middle, abs=0.35)
    assert balanced == pytest.approx(0.8413, abs=0.03)  # of the normal distribution, one deviation away


def test_where_none_is_right_all_is_refused() -> None:
    confidence = np.array([0.2, 0.9, 0.5])

    threshold, _ = best_threshold(confidence, np.zeros(3, dtype=bool), np.array([True, False, True]))

    assert threshold > 0.9


def test_a_target_is_reached_with_as_many_as_can_be_and_one_out_of_reach_is_told() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6])
    right = np.array([True, True, False, True])
    inside = np.ones(4, dtype=bool)
    even = np.ones(4)

    assert target_threshold(Target("precision", 0.7), confidence, right, inside, even) == 0.6
    assert target_threshold(Target("precision", 0.9), confidence, right, inside, even) == 0.8
    assert target_threshold(Target("accept", 0.75), confidence, right, inside, even) == pytest.approx(0.675)
    with pytest.raises(DataError, match=r"a precision of 0.9 .* the best is 0\.33"):
        target_threshold(Target("precision", 0.9), confidence, ~right & (confidence < 0.8), inside, even)


@pytest.mark.parametrize(
    "target",
    [{}, {"recall": 0.9}, {"accept": 1.5}, {"accept": 0.9, "precision": 0.9}, "precision=0.9", 0.9, {"accept": "x"}],
)
def test_another_target_is_refused(target: Any) -> None:
    with pytest.raises(ValueError, match=r"[Tt]he target"):
        as_target(target)


def test_a_lead_is_asked_about_where_the_second_is_right_often_enough() -> None:
    margins = np.array([0.01, 0.02, 0.03, 0.2, 0.3])

    helped = best_ambiguity(margins, np.array([0, 1, 0, 1, 1], bool), np.array([1, 0, 1, 0, 0], bool))
    never = best_ambiguity(margins, np.ones(5, dtype=bool), np.zeros(5, dtype=bool))

    assert helped == pytest.approx(0.115)
    assert never == 0


def test_the_threshold_of_a_small_group_stays_near_that_of_all() -> None:
    confidence = np.tile([0.9, 0.8, 0.3, 0.2], 500)
    right = np.tile([True, True, False, False], 500)
    few = np.full(2000, -1)
    few[:4] = 0

    (small,) = shrunk(0.95, few, confidence, right, right).values()
    (large,) = shrunk(0.95, np.zeros(2000, dtype=np.int64), confidence, right, right).values()

    assert large < 10 * small < 0  # both go down, the large group most of the way


def rooms(count: int) -> dict[str, list[str]]:
    """Return intents whose utterances share words that no other has."""
    names = ("bus", "coffee", "library", "garden", "ticket")
    return {
        name: [" ".join(f"{name}{(number + each) % 6}" for each in range(3)) + f" {name}" for number in range(count)]
        for name in names
    }


def test_a_matcher_learns_by_itself_from_enough_utterances_and_what_is_given_wins() -> None:
    few, many = IntentMatcher(rooms(3), HashEncoder(256)), IntentMatcher(rooms(6), HashEncoder(256))
    given_ = IntentMatcher(rooms(6), HashEncoder(256), threshold=1.0)

    assert (few.knowledge["*"].learned, few.knowledge["*"].threshold) == (None, 0.45)
    assert many.knowledge["*"].learned is not None
    assert many.match("bus1 bus2 bus").status == "match"
    assert (given_.knowledge["*"].learned, given_.match("bus1 bus2 bus").status) == (None, "out_of_scope")
    assert given_.fit().knowledge["*"].learned is not None
    assert given_.match("bus1 bus2 bus").status == "out_of_scope"
    assert many.match("penguins tell jokes").status == "out_of_scope"


def test_another_target_gives_what_learning_it_from_the_start_gives() -> None:
    again = IntentMatcher(rooms(6), HashEncoder(256)).fit(target={"accept": 0.7}).knowledge["*"].learned
    first = IntentMatcher(rooms(6), HashEncoder(256)).knowledge["*"]

    from_start = replace(first, learned=None, judged=None).learn(as_target({"accept": 0.7}), OUT_OF_SCOPE_SHARE).learned

    assert again is not None
    assert from_start is not None
    assert (again.threshold, again.ambiguity, again.target) == (
        from_start.threshold,
        from_start.ambiguity,
        from_start.target,
    )
    assert again.threshold != first.threshold


def test_what_cannot_be_fitted_is_told() -> None:
    with pytest.raises(DataError, match="2 utterances of 2 intents cannot be fitted"):
        IntentMatcher({"a": ["x"], "b": ["y"]}, HashEncoder()).fit()
    with pytest.raises(DataError, match="cannot be fitted"):
        IntentMatcher({"a": ["x", "y"]}, HashEncoder()).fit()
    with pytest.raises(ValueError, match="out_of_scope is 1"):
        IntentMatcher(rooms(6), HashEncoder()).fit(out_of_scope=1)


def test_labelled_negatives_move_the_threshold_to_where_they_are() -> None:
    near = [f"bus{number} strange{number}" for number in range(60)]
    without = IntentMatcher(rooms(6), HashEncoder(256))
    told = IntentMatcher(rooms(6), HashEncoder(256), negatives=near)

    asked = [f"bus{number} odd{number}" for number in range(20)]
    refused = [sum(each.status == "out_of_scope" for each in matcher.match(asked)) for matcher in (without, told)]

    assert len(told.negatives) == 60
    assert refused[1] >= refused[0]
    assert refused[1] > 15


@pytest.fixture(scope="module")
def clinc(data: Path) -> dict[str, list[Utterance]]:
    """Return utterances of 40 intents, and queries in scope and out of it that nothing was learned from."""
    sets = {
        part: list(read_utterances(data / "intents" / f"clinc150-{part}.jsonl").utterances)
        for part in ("train", "val", "oos_val")
    }
    names = sorted({str(each.intent) for each in sets["train"]})[::4][:40]
    by_intent = {name: [each for each in sets["train"] if each.intent == name][::5] for name in names}
    return {
        "taught": [each for group in by_intent.values() for each in group],
        "asked": [each for each in sets["val"] if each.intent in names] + sets["oos_val"],
    }


def test_confidences_are_what_comes_true_on_queries_that_were_not_seen(
    clinc: dict[str, list[Utterance]], starter: Encoder
) -> None:
    matcher = IntentMatcher(clinc["taught"], starter)

    found = matcher.match([each.text for each in clinc["asked"]])

    right = [match.intent == each.intent for match, each in zip(found, clinc["asked"], strict=True)]
    assert expected_calibration_error([match.confidence for match in found], right) < 0.08
    inside = [each.intent is not None for each in clinc["asked"]]
    good = np.array([(m.status != "out_of_scope") == i for m, i in zip(found, inside, strict=True)])
    assert good[inside].mean() > 0.6
    assert good[~np.array(inside)].mean() > 0.8


def test_an_utterance_itself_matches_its_intent_in_any_case(
    clinc: dict[str, list[Utterance]], starter: Encoder
) -> None:
    matcher = IntentMatcher(clinc["taught"], starter)
    once = {each.text.casefold(): each for each in clinc["taught"]}

    found = matcher.match([text.upper() for text in once])

    assert [each.intent for each in found] == [each.intent for each in once.values()]
    assert {each.status for each in found} == {"match"}
    assert min(each.confidence for each in found) >= 0.99
    assert all(each.intent not in dict(each.alternatives) for each in found)


@pytest.mark.parametrize(("kind", "value"), [("precision", 0.9), ("accept", 0.8)])
def test_a_target_is_reached_on_queries_that_were_not_seen(
    kind: str, value: float, clinc: dict[str, list[Utterance]], starter: Encoder
) -> None:
    matcher = IntentMatcher(clinc["taught"], starter).fit(target={kind: value})

    found = list(zip(matcher.match([each.text for each in clinc["asked"]]), clinc["asked"], strict=True))

    if kind == "precision":
        accepted = [match.intent == each.intent for match, each in found if match.status != "out_of_scope"]
        assert len(accepted) > 300
    else:
        accepted = [match.status != "out_of_scope" for match, each in found if each.intent is not None]
    assert np.mean(accepted) == pytest.approx(value, abs=0.07)


def test_a_query_takes_less_than_a_millisecond_among_ten_thousand_utterances() -> None:
    random = np.random.default_rng(0)
    words = [f"w{number}" for number in range(2000)]
    utterances = [Utterance(" ".join(random.choice(words, 5)), f"intent{number % 100}") for number in range(10_000)]
    matcher = IntentMatcher(utterances, Remembering(HashEncoder(384)))
    queries = [f"w{number} w{number + 1} w3" for number in range(200)]
    matcher.match(queries)

    def seconds() -> float:
        started = time.perf_counter()
        matcher.match(queries)
        return (time.perf_counter() - started) / len(queries)

    assert min(seconds() for _ in range(5)) < 0.001  # the least: others use the machine too


def test_all_of_it_is_json_that_says_what_it_is(tmp_path: Path) -> None:
    matcher = IntentMatcher(rooms(6), HashEncoder(256))
    matcher.save(tmp_path / "j.json")

    values = json.loads((tmp_path / "j.json").read_text(encoding="utf-8"))

    assert values["kind"] == "simplugin intents"
    assert values["models"]["*"]["learned"]["threshold"] == matcher.knowledge["*"].threshold
    assert len(values["utterances"]) == 30


def test_the_balanced_accuracy_is_that_of_the_target(clinc: dict[str, Any], starter: Encoder) -> None:
    matcher = IntentMatcher(clinc["taught"], starter)
    learned = matcher.knowledge["*"].learned
    assert learned is not None
    assert learned.balanced == learned.tried[learned.scoring]
    for target in ({"precision": 0.5}, {"accept": 0.5}):
        aimed = matcher.fit(target=target).knowledge["*"].learned
        assert aimed is not None
        assert aimed.balanced == pytest.approx(report_on(matcher).figures.balanced, abs=0.02)
    again = matcher.fit().knowledge["*"].learned
    assert again is not None
    assert again.balanced == learned.balanced
