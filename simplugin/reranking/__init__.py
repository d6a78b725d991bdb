"""A second, closer look at what a search found."""

from simplugin.reranking.conversion import Conversion, convert_keras
from simplugin.reranking.loading import is_pair_model, load_reranker, open_reranker
from simplugin.reranking.pair import PairReranker, Precision
from simplugin.reranking.ranking import Reranker
from simplugin.reranking.similarity import SimilarityReranker

__all__ = [
    "Conversion",
    "PairReranker",
    "Precision",
    "Reranker",
    "SimilarityReranker",
    "convert_keras",
    "is_pair_model",
    "load_reranker",
    "open_reranker",
]
