from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from simplugin.training.turning import turn

WIDTH = 24
SHORT = 6


@pytest.fixture(scope="module")
def spread() -> NDArray[np.float32]:
    """Rows whose length lies in eight hidden directions, all others a little noise."""
    chance = np.random.default_rng(7)
    hidden = np.linalg.qr(chance.standard_normal((WIDTH, WIDTH)))[0]
    scales = np.where(np.arange(WIDTH) < 8, 1.0, 0.1)
    rows = (chance.standard_normal((600, WIDTH)) * scales) @ hidden
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def _cosines(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.asarray((left * right).sum(axis=1) / lengths, dtype=np.float32)


def test_turning_changes_no_length_and_no_cosine(spread: NDArray[np.float32]) -> None:
    turned = turn(spread, spread[:300], spread[300:], short=SHORT, seed=1)

    np.testing.assert_allclose(turned @ turned.T, spread @ spread.T, atol=1e-5)


def test_the_leading_numbers_give_nearer_cosines_than_they_did_and_than_principal_axes_do(
    spread: NDArray[np.float32],
) -> None:
    first, second = spread[:300], spread[300:]
    turned = turn(spread, first, second, short=SHORT, seed=1)
    wanted = _cosines(first, second)

    def error(vectors: NDArray[np.float32]) -> float:
        leading = vectors[:, :SHORT]
        return float(np.square(_cosines(leading[:300], leading[300:]) - wanted).mean())

    principal = np.linalg.eigh(first.T @ first)[1][:, ::-1].astype(np.float32)
    assert error(turned) < 0.9 * error(spread @ principal) < error(spread)


def test_the_same_seed_turns_the_same_way(spread: NDArray[np.float32]) -> None:
    once, again = (turn(spread, spread[:300], spread[300:], short=SHORT, seed=3) for _ in range(2))

    np.testing.assert_array_equal(once, again)


@pytest.mark.parametrize("short", [WIDTH, WIDTH + 1])
def test_a_table_without_numbers_to_spare_stays_as_it_is(spread: NDArray[np.float32], short: int) -> None:
    assert turn(spread, spread[:300], spread[300:], short=short, seed=1) is spread
