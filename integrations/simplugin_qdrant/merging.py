"""One ranking from those of several models, by what their scores stand for. Pure.

Scores of two models are not comparable: .6 is close for one and far for another. Their probabilities are. What words
add to a hybrid score is the same whatever the model, and is added to the probability as it was to the similarity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simplugin.encoders import Fingerprint
from simplugin.records import Hit

__all__ = ["Ranking", "are_comparable", "merge"]


@dataclass(frozen=True, slots=True)
class Ranking:
    """What one model found for a query, and what words add to the score of each hit."""

    model: Fingerprint
    hits: Sequence[Hit]
    words: Sequence[float]


def are_comparable(rankings: Sequence[Ranking]) -> bool:
    """Say whether hits of all rankings can be put in one order: by their probability, or as those of one model."""
    return _have_probabilities(rankings) or len({_name(ranking) for ranking in rankings if ranking.hits}) < 2


def merge(rankings: Sequence[Ranking]) -> list[Hit]:
    """Return the hits of all rankings, best first; where probabilities are equal, by grade.

    Those that are not comparable come as they were, one ranking after the other: for a reranker.
    """
    listed = [(hit, words) for ranking in rankings for hit, words in zip(ranking.hits, ranking.words, strict=True)]
    if _have_probabilities(rankings):
        listed.sort(key=lambda pair: _strength(*pair), reverse=True)
    elif are_comparable(rankings):
        listed.sort(key=lambda pair: pair[0].score, reverse=True)
    return [hit for hit, _ in listed]


def _strength(hit: Hit, words: float) -> tuple[float, float, float]:
    return (hit.probability or 0.0) + words, hit.grade or 0.0, hit.score


def _have_probabilities(rankings: Sequence[Ranking]) -> bool:
    return all(hit.probability is not None for ranking in rankings for hit in ranking.hits)


def _name(ranking: Ranking) -> tuple[object, ...]:
    """Return what tells one model from another."""
    card = ranking.model.card
    return card.id, card.revision, card.dimension, ranking.model.weights
