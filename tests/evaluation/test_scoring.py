from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from simplugin.errors import DataError
from simplugin.evaluation import cosine_of_pairs, pearson, spearman
from tests.hashing import HashEncoder

columns = st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=3, max_size=40)


def varied(rows: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    x, y = [a for a, _ in rows], [b for _, b in rows]
    assume(len(set(x)) > 1)
    assume(len(set(y)) > 1)
    return x, y


@given(columns)
def test_correlations_are_those_of_scipy_ties_included(rows: list[tuple[int, int]]) -> None:
    x, y = varied(rows)

    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y)[0], abs=1e-12)
    assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y)[0], abs=1e-12)


@given(columns)
def test_spearman_ignores_a_change_that_keeps_the_order(rows: list[tuple[int, int]]) -> None:
    x, y = varied(rows)

    assert spearman([value**3 + 2 * value for value in x], y) == pytest.approx(spearman(x, y))


@pytest.mark.parametrize(("x", "y"), [([1], [2]), ([1, 2], [1, 2, 3]), ([1, 1, 1], [1, 2, 3])])
def test_correlations_that_are_not_defined_are_refused(x: list[float], y: list[float]) -> None:
    with pytest.raises(DataError, match="correlation"):
        spearman(x, y)


def test_the_cosine_of_a_pair_is_one_for_equal_texts_and_lower_for_others() -> None:
    same, other = cosine_of_pairs(HashEncoder(256), ["a red car", "a red car"], ["a red car", "the sea at night"])

    assert same == pytest.approx(1.0)
    assert other < 0.5


def test_sides_of_different_length_are_refused() -> None:
    with pytest.raises(DataError, match="equal length"):
        cosine_of_pairs(HashEncoder(), ["a"], [])
