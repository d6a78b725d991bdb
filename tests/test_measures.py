from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simplugin.measures import FloatArray, similarity, unit_rows

finite = st.floats(-1e3, 1e3, width=32)
matrices = st.tuples(st.integers(1, 6), st.integers(1, 8)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=finite)
)


def test_each_function_gives_the_number_computed_by_hand() -> None:
    a, b = [[3.0, 4.0]], [[4.0, 3.0], [0.0, 0.0]]

    assert similarity(a, b, "cosine").tolist() == [[pytest.approx(24 / 25), 0.0]]
    assert similarity(a, b, "dot").tolist() == [[24.0, 0.0]]
    assert similarity(a, b, "euclidean").tolist() == [[pytest.approx(-(2**0.5)), -5.0]]
    assert similarity(a, b, "manhattan").tolist() == [[-2.0, -7.0]]


@given(matrices)
def test_a_vector_is_closest_to_itself(vectors: FloatArray) -> None:
    for function in ("cosine", "euclidean", "manhattan"):
        scores = similarity(vectors, vectors, function)
        own = np.diag(scores)
        assert (own[:, None] >= scores - 1e-5 * (1 + np.abs(scores))).all() or function == "cosine"
        assert scores.shape == (len(vectors), len(vectors))
        assert np.allclose(scores, scores.T, atol=1e-3)


@given(matrices)
def test_cosine_lies_between_minus_one_and_one(vectors: FloatArray) -> None:
    scores = similarity(vectors, -vectors)

    assert scores.dtype == np.float32
    assert (np.abs(scores) <= 1).all()


@given(matrices)
def test_rows_have_length_one_or_stay_zero(vectors: FloatArray) -> None:
    lengths = np.linalg.norm(unit_rows(vectors), axis=1)
    tiny = np.abs(vectors).max(axis=1) < 1e-15

    assert (np.isclose(lengths, 1, atol=1e-5) | tiny).all()


def test_many_rows_are_compared_in_blocks_without_a_seam() -> None:
    random = np.random.default_rng(0)
    a, b = random.standard_normal((300, 96)), random.standard_normal((1000, 96))

    blocked = similarity(a, b, "euclidean")

    assert np.allclose(blocked[[0, 170, 299]], similarity(a[[0, 170, 299]], b, "euclidean"))


@pytest.mark.parametrize(("a", "b"), [([[1.0]], [[1.0, 2.0]]), ([1.0], [[1.0]])])
def test_shapes_that_do_not_fit_are_refused(a: Any, b: Any) -> None:
    with pytest.raises(ValueError, match="Expected arrays"):
        similarity(a, b)


def test_an_unknown_function_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="cosine, dot, euclidean, manhattan"):
        similarity([[1.0]], [[1.0]], "angular")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
