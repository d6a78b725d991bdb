"""Answering or keeping silent: selective retrieval, and the threshold that it needs.

What a search with a least score does is judged: for a query that can be answered a relevant document is to be among
the ten best and accepted, for one that cannot no judged document is to be accepted. Systems are told apart by it that
a known item does not tell apart, since it uses low labels as well as high ones.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simplugin.evaluation.bootstrap import Floats, Ints
from simplugin.evaluation.metrics.ranking import resampled_mean

__all__ = ["UNANSWERABLE", "answerable", "best_threshold", "kept", "resampled_selective", "thresholds_of_folds"]

UNANSWERABLE = 2.0
"""Below this highest label of 0 to 5 a query has no answer; from 2 to 3 it is left out."""


def answerable(highest: Floats, relevant: float) -> Floats:
    """Return 1 for a query that can be answered, 0 for one that cannot, nan for one in between.

    ``highest`` (n,) are the queries' highest labels, ``relevant`` is the label from which a document answers.
    """
    return np.where(highest >= relevant, 1.0, np.where(highest < UNANSWERABLE, 0.0, np.nan))


def kept(labels: Floats, scores: Floats, thresholds: Floats, answers: Floats, relevant: float) -> Floats:
    """Return 1 where a query went well, 0 where it did not, nan where it counts for nothing.

    ``labels`` and ``scores`` (n, k) are those of the documents found, the labels nan where one was not judged;
    ``thresholds`` (n,) is the least score of each query, ``answers`` (n,) what ``answerable`` says.
    """
    accepted = scores >= thresholds[:, None]
    answered = (accepted & (labels >= relevant)).any(axis=1)
    silent = ~(accepted & np.isfinite(labels)).any(axis=1)
    went = np.where(answers == 1, answered, silent).astype(np.float64)
    return np.where(np.isfinite(answers) & np.isfinite(thresholds), went, np.nan)


def best_threshold(scores: npt.ArrayLike, relevant: npt.ArrayLike, *, missed: int = 0) -> float | None:
    """Return the least score by which judged pairs are accepted with the best F1; None where none is relevant.

    ``scores`` and ``relevant`` are (n,); ``missed`` counts relevant pairs that have no score, and are never accepted.
    It lies midway between the lowest score that is accepted and the highest that is not, so that it depends on no last
    bit of a score.
    """
    values, true = np.asarray(scores, dtype=np.float64), np.asarray(relevant, dtype=bool)
    if not true.any():
        return None
    different, place = np.unique(-values, return_inverse=True)  # highest first
    hits = np.cumsum(np.bincount(place, weights=true, minlength=len(different)))
    accepted = np.cumsum(np.bincount(place, minlength=len(different)))
    best = int(np.argmax(2 * hits / (accepted + true.sum() + missed)))
    lowest = -different[best]
    return float(lowest if best + 1 == len(different) else (lowest - different[best + 1]) / 2)


def thresholds_of_folds(
    clusters: Ints, owners: Ints, scores: Floats, relevant: npt.NDArray[np.bool_], missed: Ints
) -> tuple[float | None, float | None]:
    """Return the thresholds for queries of even and of odd clusters, each fitted on the others.

    ``clusters`` (n,) are those of the queries and ``missed`` (n,) how many relevant documents of each have no score;
    ``owners``, ``scores`` and ``relevant`` (pairs,) are the judged pairs.
    """
    folds = clusters % 2
    even, odd = (
        best_threshold(
            scores[folds[owners] != fold], relevant[folds[owners] != fold], missed=int(missed[folds != fold].sum())
        )
        for fold in (0, 1)
    )
    return even, odd


def resampled_selective(went: Floats, answers: Floats, weights: Floats) -> Floats:
    """Return the mean (draws,) of the shares of queries that went well, of those with an answer and those without."""
    return (
        resampled_mean(np.where(answers == 1, went, np.nan), weights)
        + resampled_mean(np.where(answers == 0, went, np.nan), weights)
    ) / 2
