"""The stages of a search, each as what answers queries: exact, by an index, by small copies of vectors, reranked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from simplugin.collection import Mode
from simplugin.encoders import Encoder
from simplugin.evaluation.datasets.retrieval import RetrievalSet
from simplugin.evaluation.remembering import Remembering
from simplugin.evaluation.scoring import scores_of_pairs
from simplugin.measures import FloatArray, similarity
from simplugin.records import Hit
from simplugin.reranking import PairReranker, Reranker, SimilarityReranker, candidates

__all__ = ["PairScores", "Search", "Searches", "Stage", "exact", "reranked"]

Search: TypeAlias = Callable[[Sequence[str], int], Sequence[Sequence[Hit]]]
"""Queries, and how many hits each is to have, best first, to the hits."""

PairScores: TypeAlias = Callable[[Sequence[str], Sequence[str]], npt.ArrayLike]
"""Queries and the documents beside them to scores, in the units of a search's hits."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A search by its name, and what it says of single pairs of texts; None where it says nothing of them.

    ``foreign`` hits are of a collection that was not made of the documents of the data: ``documents`` is how many it
    has, and ``missing`` how many of the data it lacks. ``mode`` is what it compares, where a store has other modes too.
    """

    name: str
    search: Search
    scores: PairScores | None = None
    foreign: bool = False
    documents: int | None = None
    missing: int = 0
    mode: Mode | None = None


Searches: TypeAlias = Callable[[Encoder, RetrievalSet], Iterable[Stage]]
"""A model and a set to the stages that search its documents, one after the other; they end with the iteration."""


def exact(encoder: Encoder, documents: Mapping[str, str]) -> Stage:
    """Return the search that compares a query with every document, by the model's own measure.

    Documents that score as the last hit does are found too, whatever the limit.
    """
    ids, texts = list(documents), list(documents.values())
    vectors = encoder.encode_document(texts)

    def search(queries: Sequence[str], limit: int) -> list[list[Hit]]:
        scores = similarity(encoder.encode_query(queries), vectors, encoder.card.similarity)
        return [
            [Hit(ids[place], ids[place], float(row[place]), texts[place]) for place in _best(row, limit)]
            for row in scores
        ]

    return Stage("exact", search, lambda left, right: scores_of_pairs(encoder, left, right))


def _best(scores: FloatArray, limit: int) -> list[int]:
    if limit < len(scores):
        places = np.flatnonzero(scores >= np.partition(scores, -limit)[-limit])
    else:
        places = np.arange(len(scores))
    best: list[int] = places[np.argsort(-scores[places], kind="stable")].tolist()
    return best


def reranked(first: Stage, reranker: Reranker) -> Stage:
    """Return the search whose hits a reranker orders: of as many as it is given in a search for ``limit``."""
    closer: Reranker = reranker
    if isinstance(reranker, SimilarityReranker):
        closer = SimilarityReranker(Remembering(reranker.encoder))

    def search(queries: Sequence[str], limit: int) -> list[list[Hit]]:
        found = first.search(queries, candidates(limit))
        return [closer.rerank(query, hits) for query, hits in zip(queries, found, strict=True)]

    return replace(first, name="rerank", search=search, scores=_pair_scores(closer))


def _pair_scores(reranker: Reranker) -> PairScores:
    match reranker:
        case SimilarityReranker():
            return lambda left, right: scores_of_pairs(reranker.encoder, left, right)
        case PairReranker():
            return lambda left, right: reranker.score(zip(left, right, strict=True))
        case _:
            return lambda left, right: [
                reranker.rerank(query, [text])[0].score for query, text in zip(left, right, strict=True)
            ]
