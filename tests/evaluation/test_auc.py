"""The area under the curve against a count of pairs, and against scikit-learn."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from simplugin.errors import DataError
from simplugin.evaluation.metrics.auc import auc, resampled_auc

_items = st.lists(st.tuples(st.integers(-3, 3), st.booleans(), st.integers(0, 3)), min_size=2, max_size=30).filter(
    lambda items: len({outcome for _, outcome, weight in items if weight}) == 2
)


def test_half_of_the_pairs_of_a_tie_are_won() -> None:
    assert auc([0.1, 0.5, 0.5, 0.9], [False, False, True, True]) == pytest.approx((1 + 0.5 + 1 + 1) / 4)


def test_a_perfect_order_is_one_and_its_inverse_nothing() -> None:
    assert auc([1, 2, 3, 4], [0, 0, 1, 1]) == 1
    assert auc([4, 3, 2, 1], [0, 0, 1, 1]) == 0


@given(items=_items)
def test_a_weight_repeats_an_item(items: list[tuple[int, bool, int]]) -> None:
    scores, outcomes, weights = (np.array(column) for column in zip(*items, strict=True))
    often = [(score, outcome) for score, outcome, weight in items for _ in range(weight)]
    won = [
        1.0 if one > other else 0.5 if one == other else 0.0
        for (one, true), (other, false) in product(often, often)
        if true and not false
    ]

    found = resampled_auc(scores, outcomes, weights[None].astype(np.float64))[0]

    assert found == pytest.approx(np.mean(won))
    repeated = np.array(often)
    assert found == pytest.approx(roc_auc_score(repeated[:, 1], repeated[:, 0]))


def test_outcomes_of_one_kind_are_refused() -> None:
    with pytest.raises(DataError, match="both kinds"):
        auc([1, 2], [True, True])
    with pytest.raises(DataError, match="2 and 3"):
        auc([1, 2, 3], [True, False])


def test_a_draw_of_one_kind_has_no_figure() -> None:
    assert np.isnan(resampled_auc([1, 2], [True, False], np.array([[2.0, 0.0]]))[0])
