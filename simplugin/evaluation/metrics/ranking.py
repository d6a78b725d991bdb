"""How good a ranking is: the measures of retrieval at a cutoff, one figure a query.

``labels`` (n, k) are those of the documents found for n queries, best first: nan where one was not judged, and where
nothing was found. A query without a relevant document has no figure, nan, where a measure asks how much of that was
found. Definitions are those of trec_eval (https://github.com/usnistgov/trec_eval): nDCG's gain is the label itself.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["judged", "mean", "ndcg", "pessimistic", "recall", "reciprocal_rank", "resampled_mean", "success"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def pessimistic(scores: npt.ArrayLike, labels: npt.ArrayLike) -> Ints:
    """Return the order (n,) of documents by score, best first; of equal scores the worse label comes first.

    A document that was not judged, nan, comes before those that were. Scores are equal that share six digits: two
    engines differ in the last bits of a float32.
    """
    worth = np.nan_to_num(np.asarray(labels, dtype=np.float64), nan=-np.inf)
    return np.asarray(np.lexsort((worth, -_six_digits(np.asarray(scores, dtype=np.float64)))), dtype=np.int64)


def _six_digits(values: Floats) -> Floats:
    size = np.floor(np.log10(np.where(values == 0, 1.0, np.abs(values))))
    step = 10.0 ** (size - 5)
    return np.asarray(np.round(values / step) * step, dtype=np.float64)


def reciprocal_rank(labels: Floats, relevant: float, total: Ints) -> Floats:
    """Return one over the rank of the first document with at least the label ``relevant``, 0 where none was found.

    ``total`` (n,) is how many such documents there are.
    """
    found = labels >= relevant
    ranks = np.where(found.any(axis=1), 1 / (1 + found.argmax(axis=1)), 0.0)
    return np.where(total > 0, ranks, np.nan)


def recall(labels: Floats, relevant: float, total: Ints) -> Floats:
    """Return the share of the ``total`` (n,) relevant documents that was found."""
    return np.where(total > 0, (labels >= relevant).sum(axis=1) / np.maximum(total, 1), np.nan)


def success(labels: Floats, relevant: float, total: Ints) -> Floats:
    """Return 1 where a relevant document was found, 0 where none was."""
    return np.where(total > 0, (labels >= relevant).any(axis=1).astype(np.float64), np.nan)


def ndcg(labels: Floats, ideal: Floats) -> Floats:
    """Return the discounted cumulative gain, as a share of that of the best order (Järvelin & Kekäläinen 2002).

    ``ideal`` (n, k) are the highest labels of each query's judgements, highest first, 0 or nan where there are fewer.
    """
    best = _gain(ideal)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(best > 0, _gain(labels) / best, np.nan)


def _gain(labels: Floats) -> Floats:
    ranks: Ints = np.arange(1, labels.shape[1] + 1, dtype=np.int64)
    discount = 1 / np.log2(ranks + 1)
    return np.asarray(np.where(labels > 0, labels, 0.0) @ discount, dtype=np.float64)


def judged(labels: Floats, found: Ints) -> Floats:
    """Return which share of the documents found was judged, 0 where there are none; ``found`` (n,) counts them."""
    return np.asarray(np.isfinite(labels).sum(axis=1) / np.maximum(found, 1), dtype=np.float64)


def mean(values: Floats) -> float | None:
    """Return the mean over the queries that have a figure; None where none has."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else None


def resampled_mean(values: Floats, weights: Floats) -> Floats:
    """Return that mean (draws,), query i taken ``weights[draw, i]`` times; nan for a draw without a figure."""
    given = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(weights[:, given] @ values[given] / weights[:, given].sum(axis=1), dtype=np.float64)
