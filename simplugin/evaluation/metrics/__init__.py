"""Figures of merit, each over columns of items, and over many resamples of them at once."""

from simplugin.evaluation.metrics.correlation import pearson, spearman

__all__ = ["pearson", "spearman"]
