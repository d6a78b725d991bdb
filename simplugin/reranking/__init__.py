"""A second, closer look at what a search found."""

from typing import TYPE_CHECKING

from simplugin.deferral import deferred
from simplugin.reranking.ranking import Reranker, candidates
from simplugin.reranking.similarity import SimilarityReranker

if TYPE_CHECKING:
    from simplugin.reranking.conversion import Conversion, convert_keras
    from simplugin.reranking.loading import is_pair_model, load_reranker, open_reranker
    from simplugin.reranking.pair import PairReranker
else:
    __getattr__ = deferred(
        __name__,
        {
            "simplugin.reranking.conversion": ("Conversion", "convert_keras"),
            "simplugin.reranking.loading": ("is_pair_model", "load_reranker", "open_reranker"),
            "simplugin.reranking.pair": ("PairReranker",),
        },
    )

__all__ = [
    "Conversion",
    "PairReranker",
    "Reranker",
    "SimilarityReranker",
    "candidates",
    "convert_keras",
    "is_pair_model",
    "load_reranker",
    "open_reranker",
]
