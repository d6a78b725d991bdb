"""Answering or keeping silent, and the threshold between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin.evaluation.selective import (
    answerable,
    best_threshold,
    kept,
    resampled_selective,
    thresholds_of_folds,
)

NAN = np.nan


def test_a_query_is_answerable_unanswerable_or_in_between() -> None:
    assert answerable(np.array([3.0, 5.0, 1.9, 0.0]), 3).tolist() == [1, 1, 0, 0]
    assert np.isnan(answerable(np.array([2.0, 2.9]), 3)).all()


def test_an_answer_is_relevant_and_accepted_and_silence_accepts_nothing_judged() -> None:
    labels = np.array([[4.0, NAN], [4.0, NAN], [NAN, 1.0], [NAN, 1.0], [NAN, NAN], [2.5, NAN]])
    scores = np.array([[0.9, 0.8], [0.6, 0.5], [0.9, 0.8], [0.9, 0.6], [0.9, 0.9], [0.9, 0.9]])
    answers = np.array([1.0, 1.0, 0.0, 0.0, 0.0, NAN])

    went = kept(labels, scores, np.full(6, 0.7), answers, 3)

    assert went[:5].tolist() == [1, 0, 0, 1, 1]
    assert np.isnan(went[5])
    # The mean of 1 of 2 that have an answer and 2 of 3 that have none.
    assert resampled_selective(went, answers, np.ones((1, 6)))[0] == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_a_threshold_lies_midway_and_one_above_all_is_none() -> None:
    assert best_threshold([0.9, 0.8, 0.4, 0.2], [True, True, False, False]) == pytest.approx(0.6)
    assert best_threshold([0.9, 0.8], [True, True]) == pytest.approx(0.8)
    assert best_threshold([0.9], [False]) is None


@given(
    pairs=st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=1, max_size=25).filter(
        lambda pairs: any(relevant for _, relevant in pairs)
    ),
    missed=st.integers(0, 4),
)
def test_no_other_threshold_has_a_better_f1(pairs: list[tuple[int, bool]], missed: int) -> None:
    scores, relevant = (np.array(column) for column in zip(*pairs, strict=True))
    total = relevant.sum() + missed

    def f1(least: float) -> float:
        accepted = scores >= least
        hits = float(relevant[accepted].sum())
        if not hits:
            return 0.0
        precision, recall = hits / accepted.sum(), hits / total
        return float(2 * precision * recall / (precision + recall))

    found = best_threshold(scores, relevant, missed=missed)

    assert found is not None
    assert f1(found) == pytest.approx(max(f1(least) for least in np.arange(-5.5, 6.0, 0.5)))


def test_each_fold_has_the_threshold_of_the_other() -> None:
    clusters = np.array([0, 1, 2, 3])
    owners = np.array([0, 1, 2, 3])
    scores = np.array([0.9, 0.5, 0.7, 0.3])
    relevant = np.array([True, True, False, False])
    even, odd = thresholds_of_folds(clusters, owners, scores, relevant, np.zeros(4, dtype=np.int64))
    assert even == pytest.approx(0.4)
    assert odd == pytest.approx(0.8)
