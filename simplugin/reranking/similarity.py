"""Reranking by the similarity of two vectors."""

from __future__ import annotations

from collections.abc import Sequence

from simplugin.encoders import Encoder, as_encoder
from simplugin.encoders.protocol import check_query
from simplugin.measures import similarity
from simplugin.records import Hit
from simplugin.reranking.ranking import as_hits, check_top, ranked
from simplugin.texts import as_read

__all__ = ["SimilarityReranker"]


class SimilarityReranker:
    """Ranks by the similarity of query and text under a model, usually a better one than the search used."""

    def __init__(self, encoder: Encoder | str) -> None:
        """Rank with an encoder, or with what ``simplugin.load`` takes."""
        self.encoder = as_encoder(encoder)

    def rerank(self, query: str, hits: Sequence[Hit | str], top_n: int | None = None) -> list[Hit]:
        """Return the hits, closest first, with the model's similarity as ``score``.

        Plain texts are taken too and come back as hits whose ids are their places, from 0. Equal scores keep their
        order. ``top_n`` keeps that many; None keeps all. Raises ``ValueError`` for a ``top_n`` below 1.
        """
        check_query(query)
        check_top(top_n)
        given = as_hits(hits)
        if not given:
            return []
        scores = similarity(
            self.encoder.encode_query([as_read(query)]),
            self.encoder.encode_document([as_read(hit.text) for hit in given]),
            self.encoder.card.similarity,
        )[0]
        return ranked(given, scores, top_n)
