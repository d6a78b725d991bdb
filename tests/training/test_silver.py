"""Pairs that a teacher scored."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simplugin.training.silver import SilverPairs, choose_pairs


def _vectors(count: int, seed: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, 6)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


@given(st.integers(2, 90), st.integers(0, 5))
def test_each_sentence_comes_first_as_often_and_is_scored_by_its_cosine(count: int, seed: int) -> None:
    vectors = _vectors(count, seed)
    pairs = choose_pairs(vectors, seed=seed)

    assert np.bincount(pairs.first, minlength=count).tolist() == [6] * count
    cosines = (vectors[pairs.first] * vectors[pairs.second]).sum(axis=1)
    np.testing.assert_allclose(pairs.scores, np.clip(cosines, 0, 1), atol=1e-5)


@given(st.integers(2, 90), st.integers(0, 5))
def test_all_but_the_last_are_neighbours_and_the_first_is_the_nearest(count: int, seed: int) -> None:
    vectors = _vectors(count, seed)
    pairs = choose_pairs(vectors, seed=seed)

    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    drawn = pairs.second.reshape(6, count)
    for rank, partners in zip((1, 2, 5, 12, 40), drawn, strict=False):
        nearer = (cosines > cosines[np.arange(count), partners][:, None] + 1e-6).sum(axis=1)
        assert (nearer < rank).all()
        assert (partners != np.arange(count)).all()


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_sentences_make_no_pair(count: int) -> None:
    assert len(choose_pairs(_vectors(count, 0), seed=0)) == 0


def test_numbers_are_exchanged_for_others() -> None:
    pairs = SilverPairs(np.array([0, 1]), np.array([1, 0]), np.array([0.5, 0.25], np.float32))
    other = pairs.renumbered(np.array([7, 3]))

    assert (other.first.tolist(), other.second.tolist(), other.scores.tolist()) == ([7, 3], [3, 7], [0.5, 0.25])
