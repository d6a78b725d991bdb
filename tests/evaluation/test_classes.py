from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from simplugin.evaluation.metrics.classes import confusion, resampled_macro_f1

items = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=30)


def test_macro_f1_is_the_mean_of_the_classes_by_hand() -> None:
    # Of class 0 two are told, one rightly, of two: F1 1/2. Of class 1 two are told, one rightly, of one: 2/3.
    # Class 2 is never told: 0.
    predicted, true = [0, 0, 1, 1], [0, 2, 1, 0]

    assert resampled_macro_f1(predicted, true, np.ones((1, 4)))[0] == pytest.approx((1 / 2 + 2 / 3 + 0) / 3)


@given(items)
def test_macro_f1_of_taken_items_is_that_of_scikit_learn(rows: list[tuple[int, int, int]]) -> None:
    predicted, true, times = (np.array(column) for column in zip(*rows, strict=True))
    (found,) = resampled_macro_f1(predicted, true, times[None, :].astype(np.float64))

    if times.sum() == 0:
        assert np.isnan(found)
        return
    taken = np.repeat(true, times), np.repeat(predicted, times)
    options: Any = {"average": "macro", "zero_division": 0.0}  # typed too narrowly
    assert found == pytest.approx(f1_score(*taken, **options))


def test_the_confusion_counts_who_was_taken_for_whom() -> None:
    names = ("yes", "maybe", "no")

    assert confusion([0, 0, 2, 2], [0, 2, 2, 0], names) == {"yes": {"yes": 1, "no": 1}, "no": {"yes": 1, "no": 1}}
