"""Rows of like length, as many at once as a token budget allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["batches"]

_ROWS = 256  # more rows than this gain nothing, however short


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Yield the places of rows, longest first, so that rows × longest stays within ``budget`` tokens.

    A row that is longer than the budget is a batch of its own. Every place comes exactly once.
    """
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    start = 0
    while start < len(order):
        rows = min(_ROWS, max(1, budget // max(1, lengths[order[start]])))
        yield order[start : start + rows]
        start += rows
