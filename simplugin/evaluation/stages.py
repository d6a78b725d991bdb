"""The stages of a search, each as what answers queries: exact, by an index, by small copies of vectors, reranked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from simplugin.catalog import ModelCard
from simplugin.encoders import Encoder, Fingerprint
from simplugin.encoders.protocol import as_texts
from simplugin.evaluation.datasets.retrieval import RetrievalSet
from simplugin.evaluation.scoring import scores_of_pairs
from simplugin.measures import FloatArray, similarity
from simplugin.records import Hit
from simplugin.reranking import PairReranker, Reranker, SimilarityReranker, candidates

__all__ = ["PairScores", "Remembering", "Search", "Searches", "Stage", "exact", "reranked"]

Search: TypeAlias = Callable[[Sequence[str], int], Sequence[Sequence[Hit]]]
"""Queries, and how many hits each is to have, best first, to the hits."""

PairScores: TypeAlias = Callable[[Sequence[str], Sequence[str]], npt.ArrayLike]
"""Queries and the documents beside them to scores, in the units of a search's hits."""

_ENCODED = 4096  # texts between two reports of progress; enough to sort by length


@dataclass(frozen=True, slots=True)
class Stage:
    """A search by its name, and what it says of single pairs of texts; None where it says nothing of them.

    ``foreign`` hits are of a collection that was not made of the documents of the data: ``documents`` is how many it
    has, and ``missing`` how many of the data it lacks.
    """

    name: str
    search: Search
    scores: PairScores | None = None
    foreign: bool = False
    documents: int | None = None
    missing: int = 0


Searches: TypeAlias = Callable[[Encoder, RetrievalSet], Iterable[Stage]]
"""A model and a set to the stages that search its documents, one after the other; they end with the iteration."""


class Remembering:
    """An encoder that encodes each different text once."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._documents: dict[str, FloatArray] = {}
        prompts = encoder.card.prompts
        self._queries = self._documents if prompts.query == prompts.document else {}

    @property
    def card(self) -> ModelCard:
        """That of the encoder."""
        return self._encoder.card

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        return self._encoder.dimension

    @property
    def fingerprint(self) -> Fingerprint:
        """That of the encoder."""
        return self._encoder.fingerprint

    def encode_query(self, texts: Iterable[str]) -> FloatArray:
        """Encode questions; see ``Encoder``."""
        return self._encode(texts, self._queries, self._encoder.encode_query)

    def encode_document(self, texts: Iterable[str]) -> FloatArray:
        """Encode texts to be found; see ``Encoder``."""
        return self._encode(texts, self._documents, self._encoder.encode_document)

    async def aencode_query(self, texts: Iterable[str]) -> FloatArray:
        """Encode questions; see ``Encoder``."""
        return self.encode_query(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text; see ``Encoder``."""
        return self._encoder.count_tokens(texts)

    def learn(
        self, queries: Iterable[str], documents: Iterable[str], progress: Callable[[int, int], None] | None = None
    ) -> None:
        """Encode what will be asked for, and tell how many texts are done, of how many."""
        sides = [
            (self.encode_query, list(dict.fromkeys(queries))),
            (self.encode_document, list(dict.fromkeys(documents))),
        ]
        total, done = sum(len(texts) for _, texts in sides), 0
        for encode, texts in sides:
            for start in range(0, len(texts), _ENCODED):
                encode(part := texts[start : start + _ENCODED])
                done += len(part)
                if progress is not None:
                    progress(done, total)

    def _encode(
        self, texts: Iterable[str], known: dict[str, FloatArray], encode: Callable[[list[str]], FloatArray]
    ) -> FloatArray:
        listed = as_texts(texts)
        if missing := [text for text in dict.fromkeys(listed) if text not in known]:
            known.update(zip(missing, encode(missing), strict=True))
        return np.stack([known[text] for text in listed]) if listed else np.zeros((0, self.dimension), np.float32)


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
