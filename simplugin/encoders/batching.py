"""Batches by token budget.

A transformer computes every row of a batch to the length of its longest. Rows of one length, and no more tokens at
once than the device is good at, give the same vectors sooner than a fixed number of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from simplugin.encoders.protocol import as_texts, check_listed

__all__ = ["CPU", "GPU", "WINDOW", "Budget", "plan", "windows"]

WINDOW = 1024
"""Texts looked at together. More would sort better still, and hold more in memory."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much goes through a device at once: tokens with their padding, rows, and how many tokens may be padding."""

    tokens: int
    rows: int
    padding: int


CPU = Budget(tokens=2048, rows=256, padding=16)
"""A core multiplies matrices at its peak from about 128 tokens on, and a batch more costs it as much as computing 20
tokens of a small network, fewer of a large one: 64 questions take a quarter less time than in one batch."""
GPU = Budget(tokens=16_384, rows=1024, padding=16_384)


def windows(texts: Iterable[str], size: int = WINDOW) -> Iterator[list[str]]:
    """Cut any iterable of texts into lists of ``size``, reading no further than the list that is asked for.

    Raises ``TypeError`` for a bare string and for anything that is not a string.
    """
    check_listed(texts)
    iterator, taken = iter(texts), 0
    while window := as_texts(islice(iterator, size), first=taken):
        yield window
        taken += len(window)


def plan(lengths: Sequence[int], budget: Budget) -> list[list[int]]:
    """Group texts of these lengths into batches; returns the places of each batch's texts, longest first.

    Rows times the longest stay within the budget, except for a single text that is longer than all of it.
    """
    batches: list[list[int]] = []
    width = padding = 0
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        last = batches[-1] if batches else []
        padding += width - lengths[place]
        tokens = (len(last) + 1) * max(1, width)
        if last and len(last) < budget.rows and tokens <= budget.tokens and padding <= budget.padding:
            last.append(place)
        else:
            width, padding = lengths[place], 0
            batches.append([place])
    return batches
