"""A second, closer look at what a search found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simplugin.encoders import Encoder
from simplugin.measures import similarity
from simplugin.records import Hit

__all__ = ["SimilarityReranker"]


class SimilarityReranker:
    """Ranks by the similarity of query and text under a model, usually a better one than the search used."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def rerank(self, query: str, hits: Sequence[Hit | str], top_n: int | None = None) -> list[Hit]:
        """Return the hits, closest first, with the model's similarity as ``score``.

        Plain texts are taken too and come back as hits whose ids are their places, from 0. Equal scores keep their
        order. ``top_n`` keeps that many; None keeps all. Raises ``ValueError`` for a ``top_n`` below 1.
        """
        if top_n is not None and top_n < 1:
            message = f"top_n is {top_n}; it must be at least 1, or None for all."
            raise ValueError(message)
        given = [_as_hit(number, hit) for number, hit in enumerate(hits)]
        if not given:
            return []
        scores = similarity(
            self.encoder.encode_query([query]),
            self.encoder.encode_document([hit.text for hit in given]),
            self.encoder.card.similarity,
        )[0]
        order: list[int] = np.argsort(-scores, kind="stable").tolist()
        # The first stage's probability and grade belong to the first stage's score.
        return [replace(given[i], score=float(scores[i]), probability=None, grade=None) for i in order[:top_n]]


def _as_hit(number: int, hit: Hit | str) -> Hit:
    if isinstance(hit, Hit):
        return hit
    return Hit(id=str(number), document_id=str(number), score=0.0, text=hit)
