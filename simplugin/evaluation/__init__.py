"""Scoring models, indexes and whole stacks against labels."""

from typing import TYPE_CHECKING

from simplugin.calibration import expected_calibration_error
from simplugin.deferral import deferred
from simplugin.evaluation.datasets import LabelledPair, as_scale, read_pairs
from simplugin.evaluation.metrics import pearson, spearman
from simplugin.evaluation.scoring import cosine_of_pairs, scores_of_pairs

if TYPE_CHECKING:
    from simplugin.evaluation.findings import Finding
    from simplugin.evaluation.inspection import inspect_pairs
    from simplugin.evaluation.result import Evaluation, Result, Section
    from simplugin.evaluation.similarity import evaluate_similarity
else:
    __getattr__ = deferred(
        __name__,
        {
            "simplugin.evaluation.findings": ("Finding",),
            "simplugin.evaluation.inspection": ("inspect_pairs",),
            "simplugin.evaluation.result": ("Evaluation", "Result", "Section"),
            "simplugin.evaluation.similarity": ("evaluate_similarity",),
        },
    )

__all__ = [
    "Evaluation",
    "Finding",
    "LabelledPair",
    "Result",
    "Section",
    "as_scale",
    "cosine_of_pairs",
    "evaluate_similarity",
    "expected_calibration_error",
    "inspect_pairs",
    "pearson",
    "read_pairs",
    "scores_of_pairs",
    "spearman",
]
