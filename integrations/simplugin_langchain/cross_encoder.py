"""A pair model as a LangChain cross-encoder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from langchain_core.cross_encoders import BaseCrossEncoder

from simplugin.encoders import RemoteReranker
from simplugin.reranking import PairReranker, load_reranker

__all__ = ["SimpluginCrossEncoder"]


class SimpluginCrossEncoder(BaseCrossEncoder):
    """A pair model where LangChain asks for a cross-encoder: ``SimpluginCrossEncoder("az-mbert-pair")``."""

    def __init__(self, model: PairReranker | RemoteReranker | str | Path) -> None:
        """Take a pair model, here or on a server, or open what ``simplugin.load_reranker`` takes."""
        self.pairs = load_reranker(model) if isinstance(model, str | Path) else model

    def score(self, text_pairs: Iterable[tuple[str, str]]) -> list[float]:
        """Score pairs of texts in [0, 1], higher is closer, in input order."""
        scores: list[float] = self.pairs.score((first, second) for first, second in text_pairs).tolist()
        return scores
