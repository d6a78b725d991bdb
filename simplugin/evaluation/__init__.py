"""Scoring models against labels."""

from simplugin.evaluation.similarity import cosine_of_pairs, pearson, spearman

__all__ = ["cosine_of_pairs", "pearson", "spearman"]
