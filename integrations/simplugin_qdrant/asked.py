"""A search: its arguments as they were given, and what they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import cast

from simplugin.calibration import Calibration
from simplugin.collection import Mode
from simplugin.languages import as_code
from simplugin.records import Hit
from simplugin.reranking import Reranker
from simplugin_qdrant import points
from simplugin_qdrant.calibrating import graded
from simplugin_qdrant.searching import Answers, Question
from simplugin_qdrant.stores.protocol import Scored

__all__ = ["Asked", "Wanted"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The arguments of a search, as they were given."""

    limit: int
    mode: Mode | None
    filter: object
    min_score: float | None
    group: bool
    rerank: Reranker | str | None = None
    min_probability: float | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(cast("object", self.limit), Integral):  # callers may be untyped, and have numpy's numbers
            message = f"limit is {self.limit!r}; give a whole number."
            raise TypeError(message)
        if self.limit < 1:
            message = f"limit is {self.limit}; it must be at least 1."
            raise ValueError(message)
        for name, least in (("min_score", self.min_score), ("min_probability", self.min_probability)):
            if least is not None and not isinstance(cast("object", least), Real):
                message = f"{name} is {least!r}; give a number."
                raise TypeError(message)
        if self.language is not None:
            as_code(self.language)
        if not (self.rerank is None or isinstance(self.rerank, str) or callable(getattr(self.rerank, "rerank", None))):
            message = (
                f"rerank is {self.rerank!r}; give a reranker, such as SimilarityReranker(model), or a model's name."
            )
            raise TypeError(message)


@dataclass(frozen=True, slots=True)
class Asked:
    """A search, read."""

    question: Question
    reranker: Reranker | None
    limit: int
    min_score: float | None
    text_key: str
    min_probability: float | None = None
    calibration: Calibration | None = None
    language: str | None = None

    def hits(self, queries: Sequence[str], found: Answers) -> list[list[Hit]]:
        """Make hits of the rankings, one a query."""
        listed = [self.graded(ranking) for ranking in found]
        if self.min_probability is not None:
            least = self.min_probability
            listed = [[hit for hit in hits if (hit.probability or 0.0) >= least] for hits in listed]
        if self.min_score is not None:
            listed = [[hit for hit in hits if hit.score >= self.min_score] for hits in listed]
        if self.reranker is None:
            return listed
        return [
            self.reranker.rerank(query, hits, top_n=self.limit) for query, hits in zip(queries, listed, strict=True)
        ]

    def graded(self, ranking: Sequence[Scored]) -> list[Hit]:
        """Make hits of a ranking, with probabilities where there is a calibration."""
        hits = [points.to_hit(point, self.text_key) for point in ranking]
        if self.calibration is None:
            return hits
        similarities = [self.question.similarity(point) for point in ranking]
        return graded(hits, similarities, self.calibration, self.language)
