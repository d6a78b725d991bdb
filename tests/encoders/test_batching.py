from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin.encoders.batching import Budget, plan, windows


@given(st.lists(st.integers(0, 600), max_size=300), st.integers(1, 2048), st.integers(1, 300), st.integers(0, 99))
def test_every_text_is_in_one_batch_and_no_batch_passes_the_budget(
    lengths: list[int], tokens: int, rows: int, padding: int
) -> None:
    batches = plan(lengths, Budget(tokens, rows, padding))

    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) <= rows
        longest = max(lengths[place] for place in batch)
        assert len(batch) == 1 or len(batch) * max(1, longest) <= tokens
        assert sum(longest - lengths[place] for place in batch) <= padding


@given(st.lists(st.integers(0, 600), max_size=300))
def test_batches_go_from_the_longest_to_the_shortest(lengths: list[int]) -> None:
    order = [lengths[place] for batch in plan(lengths, Budget(1024, 256, 16)) for place in batch]

    assert order == sorted(lengths, reverse=True)


def test_texts_of_like_length_share_a_batch() -> None:
    assert plan([3, 100, 4, 90], Budget(tokens=200, rows=8, padding=200)) == [[1, 3], [2, 0]]


def test_a_batch_ends_where_another_costs_less_than_its_padding() -> None:
    assert plan([9, 9, 12, 6, 9], Budget(tokens=1024, rows=256, padding=6)) == [[2, 0, 1], [4, 3]]
    assert plan([9, 9, 12, 6, 9], Budget(tokens=1024, rows=256, padding=0)) == [[2], [0, 1, 4], [3]]


def test_a_window_is_read_when_it_is_asked_for() -> None:
    read: list[int] = []

    def texts() -> Iterator[str]:
        for number in range(10):
            read.append(number)
            yield str(number)

    cut = windows(texts(), size=4)

    assert next(cut) == ["0", "1", "2", "3"]
    assert read == [0, 1, 2, 3]
    assert [len(window) for window in cut] == [4, 2]


def test_a_text_that_is_no_string_is_named_by_its_number_in_the_whole() -> None:
    with pytest.raises(TypeError, match="Text 5 is int"):
        list(windows(["a"] * 5 + [5], size=4))  # type: ignore[list-item]  # what untyped callers do
    with pytest.raises(TypeError, match="single text"):
        list(windows("abc"))
    with pytest.raises(TypeError, match="got a dict"):
        list(windows({"a": "text"}))
