"""Rows of floats to bytes and back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from simplugin.training.quantization import QuantizedTable, dequantize, quantize

TABLES = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, max_side=8),
    elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False),
)


@given(TABLES)
def test_no_number_moves_by_more_than_half_a_step(table: NDArray[np.float32]) -> None:
    quantized = quantize(table)
    moved = np.abs(dequantize(quantized).astype(np.float64) - table)
    assert (moved <= 0.501 * quantized.weights[:, None] + 1e-30).all()


@given(TABLES)
def test_quantizing_twice_changes_no_byte(table: NDArray[np.float32]) -> None:
    once = quantize(table)
    assert (quantize(dequantize(once)).embeddings == once.embeddings).all()


@given(TABLES)
def test_bytes_are_symmetric_around_zero(table: NDArray[np.float32]) -> None:
    assert (quantize(-table).embeddings == -quantize(table).embeddings).all()


def test_each_row_has_its_own_scale() -> None:
    quantized = quantize(np.asarray([[127.0, -63.5], [0.127, 0.001], [0.0, 0.0]], dtype=np.float32))
    assert quantized.embeddings.tolist() == [[127, -64], [127, 1], [0, 0]]
    np.testing.assert_allclose(quantized.weights, [1.0, 0.001, 0.0], rtol=1e-6)


def test_a_row_of_zeros_stays_zero_and_finite() -> None:
    quantized = quantize(np.zeros((2, 3), dtype=np.float32))
    assert isinstance(quantized, QuantizedTable)
    assert not dequantize(quantized).any()
