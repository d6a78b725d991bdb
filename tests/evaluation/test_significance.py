from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin.evaluation.bootstrap import interval
from simplugin.evaluation.significance import holm, least_p, p_value

PS = st.lists(st.floats(0.001, 1), min_size=1, max_size=8)


def test_holm_is_what_one_computes_by_hand() -> None:
    # .01 x 4, .02 x 3, .03 x 2 and .04 x 1, where the last is lifted to the one before it.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx((0.06, 0.04, 0.06, 0.06))
    assert holm([0.5, 0.6]) == (1.0, 1.0)
    assert holm([0.3]) == (0.3,)
    assert holm([]) == ()


@given(PS)
def test_holm_keeps_the_order_and_lowers_nothing(values: list[float]) -> None:
    corrected = holm(values)
    assert all(p <= q <= min(1, len(values) * p) + 1e-12 for p, q in zip(values, corrected, strict=True))
    order = np.argsort(values, kind="stable")
    assert (np.diff(np.array(corrected)[order]) >= 0).all()


def test_p_counts_the_draws_on_the_rarer_side() -> None:
    draws = np.array([-1.0] * 2 + [1.0] * 97)
    assert p_value(draws) == pytest.approx(2 * 3 / 100)
    assert p_value(-draws) == p_value(draws)
    assert p_value(np.ones(99)) == pytest.approx(least_p(99)) == pytest.approx(0.02)


def test_draws_without_a_difference_are_on_both_sides() -> None:
    assert p_value(np.zeros(50)) == 1
    assert p_value(np.full(50, 1e-15)) == 1  # the order of a sum is no difference
    assert p_value(np.array([0.0] * 3 + [1.0] * 96)) == pytest.approx(2 * 4 / 100)


def test_there_is_no_p_where_most_draws_gave_no_figure() -> None:
    assert p_value(np.array([np.nan, np.nan, np.nan, 1.0])) is None
    assert p_value(np.array([np.nan, 1.0, 2.0, 3.0])) == pytest.approx(0.5)
    assert p_value(np.empty(0)) is None


@given(st.integers(0, 2**32 - 1), st.floats(-3, 3))
def test_p_and_the_interval_say_the_same_away_from_the_border(seed: int, middle: float) -> None:
    draws = np.random.default_rng(seed).normal(middle, 1, 999)
    found, p = interval(draws), p_value(draws)
    assert found is not None
    assert p is not None
    if p < 0.045:
        assert not found[0] <= 0 <= found[1]
    if p > 0.055:
        assert found[0] <= 0 <= found[1]
