"""Scoring models against labels."""

from simplugin.calibration import expected_calibration_error
from simplugin.evaluation.similarity import cosine_of_pairs, pearson, scores_of_pairs, spearman
from simplugin.evaluation.sts import LabelledPair, as_scale, read_pairs

__all__ = [
    "LabelledPair",
    "as_scale",
    "cosine_of_pairs",
    "expected_calibration_error",
    "pearson",
    "read_pairs",
    "scores_of_pairs",
    "spearman",
]
