"""Rows of floats to rows of bytes and back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGEST = 127
"""Largest magnitude of a stored number; -128 stays unused, so that the range is symmetric."""


@dataclass(frozen=True, slots=True)
class QuantizedTable:
    """A table as `embeddings` (V, d) and `weights` (V,): row i is `weights[i] * embeddings[i]`."""

    embeddings: NDArray[np.int8]
    weights: NDArray[np.float32]


def quantize(table: NDArray[np.float32]) -> QuantizedTable:
    """Quantize each row with its own scale; no number moves by more than half of that scale.

    A row of zeros keeps the scale 0.
    """
    weights = (np.abs(table).max(axis=1, initial=0.0) / LARGEST).astype(np.float32)
    # The smallest floats vanish when divided by 127; such a row counts as zeros.
    divisors = np.where(weights > 0.0, weights, np.float32(1.0))
    steps = np.rint(table.astype(np.float64) / divisors.astype(np.float64)[:, None])
    steps = np.where(weights[:, None] > 0.0, np.clip(steps, -LARGEST, LARGEST), 0.0)
    return QuantizedTable(steps.astype(np.int8), weights)


def dequantize(quantized: QuantizedTable) -> NDArray[np.float32]:
    """Give the rows as floats, (V, d)."""
    return np.asarray(quantized.embeddings.astype(np.float32) * quantized.weights[:, None], dtype=np.float32)
