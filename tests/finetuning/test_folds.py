"""Folds: what belongs together is never on both sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin.errors import DataError
from simplugin.finetuning.folds import Folded, folds_of


@given(st.lists(st.integers(0, 30), min_size=1, max_size=80), st.integers(2, 6), st.integers(0, 5))
def test_a_cluster_lies_in_one_fold_and_every_fold_has_one(clusters: list[int], folds: int, seed: int) -> None:
    given = np.array(clusters)
    if len(set(clusters)) < folds:
        with pytest.raises(DataError, match="cannot be parted"):
            folds_of(given, folds, seed=seed)
        return

    fold = folds_of(given, folds, seed=seed)

    assert set(fold.tolist()) == set(range(folds))
    assert len({(name, part) for name, part in zip(clusters, fold.tolist(), strict=True)}) == len(set(clusters))


def test_single_pairs_are_parted_evenly_and_by_the_seed() -> None:
    clusters = np.arange(103)

    fold = folds_of(clusters, 10, seed=1)

    assert sorted(np.bincount(fold).tolist()) == [10] * 7 + [11] * 3
    assert (folds_of(clusters, 10, seed=1) == fold).all()
    assert (folds_of(clusters, 10, seed=2) != fold).any()


def test_the_mean_and_its_deviation() -> None:
    folded = Folded((0.5, 0.7))

    assert folded.mean == pytest.approx(0.6)
    assert folded.deviation == pytest.approx(0.1414214)
    assert Folded((0.5,)).deviation == 0
