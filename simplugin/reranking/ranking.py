"""From scores to an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, cast

import numpy as np

from simplugin.encoders.protocol import check_listed
from simplugin.measures import FloatArray
from simplugin.records import Hit

__all__ = ["Reranker", "as_hits", "candidates", "check_top", "ranked"]

_POOL = 4  # candidates a reranker sees for each hit that is wanted …
_LEAST = 20  # … and at least this many


class Reranker(Protocol):
    """A second, closer look at what a search found."""

    def rerank(self, query: str, hits: Sequence[Hit | str], top_n: int | None = None) -> list[Hit]:
        """Return the hits, best first, with the reranker's own ``score``."""
        ...


def candidates(limit: int) -> int:
    """Return how many hits a reranker is given, to order those that are wanted."""
    return max(limit * _POOL, _LEAST)


def as_hits(hits: Sequence[Hit | str]) -> list[Hit]:
    """Return hits as they are, and plain texts as hits whose ids are their places, from 0.

    Raises ``TypeError`` for what ``check_listed`` refuses, and for anything else among them.
    """
    check_listed(hits, "hits or texts")
    for number, hit in enumerate(cast("Sequence[object]", hits)):  # callers may be untyped
        if not isinstance(hit, Hit | str):
            message = f"Candidate {number} is a {type(hit).__name__}; give hits, or texts."
            raise TypeError(message)
    return [
        hit if isinstance(hit, Hit) else Hit(id=str(number), document_id=str(number), score=0.0, text=hit)
        for number, hit in enumerate(hits)
    ]


def check_top(top_n: int | None) -> None:
    """Raise ``ValueError`` for a number of hits to keep that is below 1; None keeps all."""
    if top_n is not None and top_n < 1:
        message = f"top_n is {top_n}; it must be at least 1, or None for all."
        raise ValueError(message)


def ranked(hits: Sequence[Hit], scores: FloatArray, top_n: int | None) -> list[Hit]:
    """Return the hits with these scores (n,), highest first; equal scores keep their order."""
    order: list[int] = np.argsort(-scores, kind="stable").tolist()
    # The first stage's probability and grade belong to the first stage's score.
    return [replace(hits[i], score=float(scores[i]), probability=None, grade=None) for i in order[:top_n]]
