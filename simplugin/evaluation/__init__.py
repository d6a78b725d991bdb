"""Scoring models, indexes and whole stacks against labels."""

from typing import TYPE_CHECKING

from simplugin.calibration import expected_calibration_error
from simplugin.deferral import deferred
from simplugin.evaluation.datasets import LabelledPair, as_scale, read_pairs
from simplugin.evaluation.metrics import pearson, spearman
from simplugin.evaluation.scoring import cosine_of_pairs, scores_of_pairs

if TYPE_CHECKING:
    from simplugin.evaluation.bitext import evaluate_bitext
    from simplugin.evaluation.comparing import Comparison, Difference, compare
    from simplugin.evaluation.datasets.retrieval import RetrievalSet, read_retrieval
    from simplugin.evaluation.findings import Finding
    from simplugin.evaluation.inspection import inspect_pairs
    from simplugin.evaluation.intents import evaluate_intents
    from simplugin.evaluation.pairs import evaluate_pairs
    from simplugin.evaluation.report import write_html
    from simplugin.evaluation.result import Evaluation, Result, Section
    from simplugin.evaluation.retrieval import evaluate_retrieval
    from simplugin.evaluation.similarity import evaluate_similarity
    from simplugin.evaluation.verifying import Verification, verify
else:
    __getattr__ = deferred(
        __name__,
        {
            "simplugin.evaluation.bitext": ("evaluate_bitext",),
            "simplugin.evaluation.intents": ("evaluate_intents",),
            "simplugin.evaluation.pairs": ("evaluate_pairs",),
            "simplugin.evaluation.comparing": ("Comparison", "Difference", "compare"),
            "simplugin.evaluation.report": ("write_html",),
            "simplugin.evaluation.datasets.retrieval": ("RetrievalSet", "read_retrieval"),
            "simplugin.evaluation.findings": ("Finding",),
            "simplugin.evaluation.inspection": ("inspect_pairs",),
            "simplugin.evaluation.result": ("Evaluation", "Result", "Section"),
            "simplugin.evaluation.retrieval": ("evaluate_retrieval",),
            "simplugin.evaluation.similarity": ("evaluate_similarity",),
            "simplugin.evaluation.verifying": ("Verification", "verify"),
        },
    )

__all__ = [
    "Comparison",
    "Difference",
    "Evaluation",
    "Finding",
    "LabelledPair",
    "Result",
    "RetrievalSet",
    "Section",
    "Verification",
    "as_scale",
    "compare",
    "cosine_of_pairs",
    "evaluate_bitext",
    "evaluate_intents",
    "evaluate_pairs",
    "evaluate_retrieval",
    "evaluate_similarity",
    "expected_calibration_error",
    "inspect_pairs",
    "pearson",
    "read_pairs",
    "read_retrieval",
    "scores_of_pairs",
    "spearman",
    "verify",
    "write_html",
]
