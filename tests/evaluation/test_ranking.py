"""The measures of a ranking, by hand and against ir_measures."""

from __future__ import annotations

from typing import Any

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, Judged, R, ScoredDoc, Success, nDCG

from simplugin.evaluation.metrics.ranking import (
    judged,
    mean,
    ndcg,
    pessimistic,
    recall,
    reciprocal_rank,
    resampled_mean,
    success,
)

K = 10
NAN = np.nan


def test_figures_by_hand() -> None:
    labels = np.array([[NAN, 2.0, 0.0, 1.0], [NAN, NAN, NAN, NAN], [0.0, NAN, NAN, NAN]])
    total = np.array([3, 1, 0])
    ideal = np.array([[2.0, 1.0, 1.0, 0.0], [1.0, 0, 0, 0], [0.0, 0, 0, 0]])

    assert reciprocal_rank(labels, 1, total)[:2].tolist() == [0.5, 0.0]
    assert recall(labels, 1, total)[:2].tolist() == [2 / 3, 0.0]
    assert success(labels, 1, total)[:2].tolist() == [1.0, 0.0]
    assert judged(labels, np.array([4, 0, 2])).tolist() == [0.75, 0.0, 0.5]
    gain = 2 / np.log2(3) + 1 / np.log2(5)
    assert ndcg(labels, ideal)[0] == pytest.approx(gain / (2 + 1 / np.log2(3) + 1 / 2))
    for measure in (reciprocal_rank, recall, success):
        assert np.isnan(measure(labels, 1, total)[2]), "nothing could be found"
    assert np.isnan(ndcg(labels, ideal)[2])


def test_of_equal_scores_the_worse_comes_first() -> None:
    labels = [5.0, NAN, 1.0, 4.0]
    assert pessimistic([0.5, 0.5, 0.5, 0.9], labels).tolist() == [3, 1, 2, 0]
    assert pessimistic([0.5, 0.5 - 1e-9, 0.4, -0.1], labels).tolist() == [1, 0, 2, 3], "the last bits of a float32"
    assert pessimistic([0.0, -1e-5, 1e-5, 0.0], labels).tolist() == [2, 3, 0, 1]


def test_a_mean_is_over_the_queries_that_have_a_figure() -> None:
    assert mean(np.array([1.0, NAN, 0.0])) == 0.5
    assert mean(np.array([NAN])) is None
    weights = np.array([[3.0, 5.0, 1.0], [0.0, 1.0, 0.0]])
    found = resampled_mean(np.array([1.0, NAN, 0.0]), weights)
    assert found[0] == 0.75
    assert np.isnan(found[1])


_query = st.tuples(
    st.dictionaries(st.integers(0, 14), st.integers(0, 3), max_size=14),
    st.lists(st.integers(0, 14), unique=True, max_size=15),
)


@given(queries=st.lists(_query, min_size=1, max_size=5))
def test_the_measures_are_those_of_ir_measures(queries: list[tuple[dict[int, int], list[int]]]) -> None:
    """Its means run over all queries that are judged, so those with nothing to be found are taken out first."""
    with_answers = [
        (judgements, found) for judgements, found in queries if any(label > 0 for label in judgements.values())
    ]
    qrels = [
        ir_measures.Qrel(str(number), str(document), label)
        for number, (judgements, _) in enumerate(with_answers)
        for document, label in judgements.items()
    ]
    ranked = [
        ScoredDoc(str(number), str(document), float(-rank))
        for number, (_, found) in enumerate(with_answers)
        for rank, document in enumerate(found)
    ]
    labels, ideal = np.full((len(queries), K), NAN), np.zeros((len(queries), K))
    for row, (judgements, found) in enumerate(queries):
        top = [judgements.get(document, NAN) for document in found[:K]]
        labels[row, : len(top)] = top
        best = sorted(judgements.values(), reverse=True)[:K]
        ideal[row, : len(best)] = best
    total = np.array([sum(label > 0 for label in judgements.values()) for judgements, _ in queries])

    lengths = np.array([len(found[:K]) for _, found in queries])
    ours = {
        RR @ K: reciprocal_rank(labels, 1, total),
        R @ 1: recall(labels[:, :1], 1, total),
        R @ K: recall(labels, 1, total),
        Success @ 1: success(labels[:, :1], 1, total),
        nDCG @ K: ndcg(labels, ideal),
        Judged @ K: np.where(total > 0, judged(labels, lengths), NAN),
    }

    if not with_answers or not ranked:
        assert all((mean(values) or 0) == 0 for values in ours.values())
        return
    theirs: dict[Any, float] = ir_measures.calc_aggregate(list(ours), qrels, ranked)
    for measure, values in ours.items():
        assert mean(values) == pytest.approx(theirs[measure]), str(measure)
