from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin.words import K1
from simplugin_qdrant.fusion import POWER, WEIGHT, coverage, fuse
from simplugin_qdrant.stores import Scored


def ranked(*scores: float) -> list[Scored]:
    """Return points with the ids 0, 1, …, in the order of their scores."""
    points = [Scored(str(number), score, {}) for number, score in enumerate(scores)]
    return sorted(points, key=lambda point: -point.score)


def ids(found: Sequence[Scored]) -> list[str]:
    return [point.id for point in found]


def test_a_point_that_both_sides_like_comes_first() -> None:
    found = fuse(ranked(0.5, 0.6, 0.1), ranked(9, 1), pool=10, terms=3, points=100, limit=3)

    assert ids(found) == ["0", "1", "2"]
    covered = coverage(9, terms=3, points=100)
    assert found[0].score == pytest.approx(0.5 + WEIGHT * covered**POWER)


def test_without_a_shared_word_order_and_scores_are_those_of_the_vectors() -> None:
    found = fuse(ranked(0.1, 0.9, 0.5), [], pool=10, terms=2, points=50, limit=2)

    assert [(point.id, point.score) for point in found] == [("1", 0.9), ("2", 0.5)]


def test_a_point_beyond_one_sides_pool_gets_what_the_last_one_in_it_has() -> None:
    dense = [Scored("a", 0.8, {}), Scored("b", 0.4, {})]
    words = [Scored("c", 6.0, {}), Scored("a", 3.0, {})]

    by_id = {point.id: point.score for point in fuse(dense, words, pool=2, terms=2, points=9, limit=9)}

    cover = {name: coverage(score, terms=2, points=9) for name, score in (("c", 6.0), ("a", 3.0))}
    assert by_id["c"] == pytest.approx(0.4 + WEIGHT * cover["c"] ** POWER)
    assert by_id["b"] == pytest.approx(0.4 + WEIGHT * cover["a"] ** POWER)


def test_every_word_often_in_one_point_among_all_is_full_coverage() -> None:
    rarest = 2 * (K1 + 1) * 4.20965  # ln(1 + 99.5 / 1.5)

    assert coverage(rarest, terms=2, points=100) == pytest.approx(1, abs=1e-4)
    assert coverage(0, terms=2, points=100) == 0


@given(st.floats(0, 1e6), st.integers(0, 50), st.integers(0, 10**10))
def test_coverage_is_a_share(score: float, terms: int, points: int) -> None:
    assert 0 <= coverage(score, terms=terms, points=points) <= 1
