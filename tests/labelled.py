"""Labelled pairs without people: texts share so many of their words, and the label follows, with some noise."""

from __future__ import annotations

import numpy as np

from simplugin.evaluation import LabelledPair

__all__ = ["labelled_pairs"]

_WORDS = 6


def labelled_pairs(count: int, *, seed: int = 0, language: str | None = None, bias: float = 0.0) -> list[LabelledPair]:
    """Return pairs with labels of 0 to 5 that rise with the words shared, ``bias`` higher than they would be."""
    random = np.random.default_rng(seed)
    pairs: list[LabelledPair] = []
    for number in range(count):
        shared = int(random.integers(0, _WORDS + 1))
        common = [f"c{number}x{place}" for place in range(shared)]
        first, second = ([f"{side}{number}x{place}" for place in range(shared, _WORDS)] for side in "ab")
        label = float(np.clip(5 * shared / _WORDS + random.normal(bias, 0.8), 0, 5))
        pairs.append(LabelledPair(" ".join(common + first), " ".join(common + second), label, language))
    return pairs
