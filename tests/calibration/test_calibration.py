from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simplugin.calibration import Calibration, expected_calibration_error, fit_calibration
from simplugin.calibration.fitting import ISOTONIC_FROM, LEAST, LEAST_OF_LANGUAGE
from simplugin.encoders import Encoder
from simplugin.errors import DataError
from simplugin.evaluation import read_pairs, scores_of_pairs, spearman
from simplugin.measures import FloatArray

any_scores = st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=50)


def draw(pairs: int, seed: int = 0, bias: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Draw scores, and labels that rise with them, and with ``bias``."""
    random = np.random.default_rng(seed)
    scores = random.uniform(-0.2, 1, pairs)
    labels = np.clip(5 * scores**2 + random.normal(bias, 0.7, pairs), 0, 5)
    return scores.astype(np.float32), labels.astype(np.float32)


@pytest.fixture(scope="module", params=[LEAST, ISOTONIC_FROM - 1, ISOTONIC_FROM, 2000])
def made(request: pytest.FixtureRequest) -> Calibration:
    return fit_calibration(*draw(request.param))


@given(any_scores)
@settings(max_examples=50)
def test_higher_scores_get_no_lower_values_and_all_lie_in_their_range(made: Calibration, scores: list[float]) -> None:
    ordered = np.sort(np.concatenate([scores, np.linspace(-1.1, 1.1, 200)]))

    for values, top in ((made.probability(ordered), 1), (made.grade(ordered), 5)):
        assert values.dtype == np.float32
        assert values.shape == ordered.shape
        assert (np.diff(values) >= 0).all()
        assert values.min() >= 0
        assert values.max() <= top


def test_the_order_of_seen_scores_is_kept_and_few_become_equal() -> None:
    scores, labels = draw(2000)
    grades = fit_calibration(scores, labels).grade(scores)

    assert spearman(grades, scores) > 0.999
    assert len(np.unique(grades)) > 0.9 * len(np.unique(scores))


def test_it_goes_through_json_and_comes_back_the_same(made: Calibration) -> None:
    text = json.dumps(made.to_json(), allow_nan=False)
    again = Calibration.from_json(json.loads(text))

    assert again == made
    assert len(text) < 2000


def test_few_pairs_get_a_logistic_curve_and_many_an_isotonic_one() -> None:
    methods = [fit_calibration(*draw(pairs)).scale().method for pairs in (ISOTONIC_FROM - 1, ISOTONIC_FROM)]

    assert methods == ["platt", "isotonic"]


@pytest.mark.parametrize("pairs", [200, 2000])
def test_probabilities_and_grades_come_out_right_on_unseen_pairs(pairs: int) -> None:
    made = fit_calibration(*draw(pairs))
    scores, labels = draw(4000, seed=1)

    assert expected_calibration_error(np.clip(scores, 0, 1), labels >= 3) > 0.12
    assert expected_calibration_error(made.probability(scores), labels >= 3) < 0.05
    assert np.abs(made.grade(scores).mean() - labels.mean()) < 0.15


def test_the_threshold_moves_the_probabilities_and_leaves_the_grades() -> None:
    scores, labels = draw(600)
    low, high = (fit_calibration(scores, labels, threshold=threshold) for threshold in (2, 4))

    assert (low.probability(scores) >= high.probability(scores)).all()
    assert (low.grade(scores) == high.grade(scores)).all()


def test_nothing_is_certain_where_every_pair_agrees() -> None:
    scores = np.linspace(0, 1, 40)
    made = fit_calibration(scores, np.where(scores < 0.5, 0, 5))

    assert 0 < made.probability(0.0) < 0.1
    assert 0.9 < made.probability(1.0) < 1


def test_a_language_has_its_own_scale_from_a_hundred_pairs_on() -> None:
    parts = {
        "en": draw(300),
        "tr": draw(300, 1, bias=1.5),
        "he": draw(LEAST_OF_LANGUAGE - 1, 2),
        "pt-BR": draw(LEAST_OF_LANGUAGE, 3),
        None: draw(50, 4),
    }
    scores, labels = (np.concatenate([part[place] for part in parts.values()]) for place in (0, 1))
    named = [language for language, part in parts.items() for _ in part[0]]

    made = fit_calibration(scores, labels, languages=named)

    assert made.languages == ("all", "en", "pt-br", "tr")
    assert made.scale("all").pairs == len(scores)
    assert made.grade(0.5, "tr") > made.grade(0.5) > made.grade(0.5, "en")
    for near in ("tr-TR", "TR", "tr_Latn"):
        assert made.scale(near) is made.scale("tr")
    for unknown in (None, "he", "pt", "xx"):
        assert made.scale(unknown) is made.scale("all")


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (*draw(LEAST - 1), "at least 20"),
        (np.linspace(0, 1, 50), np.full(50, 2.0), "below 3"),
        (np.linspace(0, 1, 50), np.linspace(3, 5, 50), "at least 3"),
        (np.linspace(0, 1, 50), np.linspace(5, 0, 50), "do not rise"),
        (np.full(50, 0.5), np.linspace(0, 5, 50), "do not rise"),
        (np.random.default_rng(3).uniform(size=200), np.linspace(0, 5, 200), "do not rise"),
        (np.linspace(0, 1, 50), np.linspace(0, 6, 50), "between 0 and 5"),
        (np.linspace(0, 1, 50), np.linspace(0, 5, 49), "its label"),
        (np.full(50, np.nan), np.linspace(0, 5, 50), "not finite"),
        ([], [], "at least 20"),
    ],
)
def test_pairs_that_say_nothing_are_refused(scores: FloatArray, labels: FloatArray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        fit_calibration(scores, labels)


def test_a_language_that_says_nothing_is_named() -> None:
    scores, labels = draw(400)
    turned = np.concatenate([labels, 5 - labels[:150]])
    named = [None] * 400 + ["he"] * 150

    with pytest.raises(DataError, match=r"150 pairs of 'he' do not rise"):
        fit_calibration(np.concatenate([scores, scores[:150]]), turned, languages=named)


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 99},
        {"scales": {}},
        {"scales": {"all": {"pairs": 9, "relevance": {"slope": -1, "offset": 0}, "label": {"slope": 1, "offset": 0}}}},
        {"scales": {"all": {"pairs": 9, "relevance": {"scores": [1, 0], "values": [0, 1]}, "label": {}}}},
        {"scales": {"all": {"pairs": 9, "relevance": {"scores": [0, 1], "values": [1, 0]}, "label": {}}}},
        {"scales": {"all": {"pairs": 9, "relevance": {"scores": [0, 1], "values": [0, 2]}, "label": {}}}},
    ],
)
def test_a_damaged_record_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Calibration.from_json(fit_calibration(*draw(50)).to_json() | damage)


class TestTheError:
    def test_it_is_the_distance_from_what_happens(self) -> None:
        assert expected_calibration_error([0.8] * 10, [1] * 8 + [0] * 2) == pytest.approx(0)
        assert expected_calibration_error([1.0] * 4, [1, 1, 0, 0]) == pytest.approx(0.5)
        assert expected_calibration_error([0.1, 0.1, 0.9], [0, 1, 1]) == pytest.approx((2 * 0.4 + 0.1) / 3)

    def test_each_counts_by_its_weight(self) -> None:
        given, came = [0.1, 0.1, 0.9, 0.9], [0, 1, 1, 1]
        twice = expected_calibration_error([*given, 0.9, 0.9], [*came, 1, 1])
        assert expected_calibration_error(given, came, weights=[1, 1, 2, 2]) == pytest.approx(twice)

    @pytest.mark.parametrize("weights", [[1.0], [-1.0, 1.0], [0.0, 0.0]])
    def test_weights_that_cannot_be_are_refused(self, weights: list[float]) -> None:
        with pytest.raises(DataError, match="weights"):
            expected_calibration_error([0.2, 0.8], [0, 1], weights=weights)

    def test_it_is_that_of_an_independent_count(self) -> None:
        random = np.random.default_rng(0)
        given_, came = random.uniform(size=500), random.uniform(size=500) < 0.3
        edges = np.linspace(0, 1, 16)
        whole = 0.0
        for low, high in pairwise(edges):
            inside = (given_ >= low) & (given_ < high)
            whole += abs(given_[inside].mean() - came[inside].mean()) * inside.mean()
        assert expected_calibration_error(given_, came, bins=15) == pytest.approx(whole)

    @pytest.mark.parametrize(("given_", "came"), [([], []), ([0.5], [1, 0]), ([1.5], [1]), ([float("nan")], [1])])
    def test_what_is_no_probability_is_refused(self, given_: list[float], came: list[int]) -> None:
        with pytest.raises(DataError):
            expected_calibration_error(given_, came)


@pytest.mark.parametrize("threshold", [3.0, 4.0])
def test_on_real_pairs_the_starters_probabilities_are_right_within_six_hundredths(
    data: Path, starter: Encoder, threshold: float
) -> None:
    dev, test = (read_pairs(data / "stsb" / f"stsb-en-{part}.csv") for part in ("dev", "test"))
    scores = [
        scores_of_pairs(starter, [pair.first for pair in part], [pair.second for pair in part]) for part in (dev, test)
    ]
    relevant = np.array([pair.label >= threshold for pair in test])

    made = fit_calibration(scores[0], [pair.label for pair in dev], threshold=threshold)

    assert expected_calibration_error(np.clip(scores[1], 0, 1), relevant) > 0.13
    assert expected_calibration_error(made.probability(scores[1]), relevant) <= 0.06
