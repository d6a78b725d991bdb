"""Bags of pieces, the student's table, and the teacher's narrowed vectors."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simplugin.training.bags import Bags
from simplugin.training.student import FREQUENT, create_student
from simplugin.training.teacher import reduce_width
from simplugin.training.vocabulary import UNKNOWN

RARE = FREQUENT - 1.0
PIECES = [
    (UNKNOWN, 0.0),
    ("a", -2.0),
    ("kitap", RARE),
    ("kitabı", RARE),
    ("kit", FREQUENT + 1.0),
    ("мир", RARE),
]


def _to_bags(texts: list[list[int]]) -> Bags:
    starts = np.cumsum([0] + [len(text) for text in texts])
    return Bags(np.asarray([piece for text in texts for piece in text], dtype=np.int64), starts.astype(np.int64))


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=6), st.data())
def test_taking_rows_of_bags_gives_the_same_pieces(texts: list[list[int]], drawn: st.DataObject) -> None:
    rows = drawn.draw(st.lists(st.integers(0, len(texts) - 1), max_size=8))
    taken = _to_bags(texts).take(np.asarray(rows, dtype=np.int64))
    parts = [taken.ids[taken.starts[row] : taken.starts[row + 1]].tolist() for row in range(len(taken))]
    assert parts == [texts[row] for row in rows]


def test_the_finished_table_embeds_as_the_student_does() -> None:
    student = create_student(PIECES, width=4, seed=1)
    with torch.no_grad():
        student.runs.normal_(generator=torch.Generator().manual_seed(2))
        found = student.embed(_to_bags([[2, 3], [4], [5, 2, 2]])).numpy()
    table = student.fold()
    np.testing.assert_allclose(found, [table[[2, 3]].mean(0), table[4], table[[5, 2, 2]].mean(0)], atol=1e-6)


def test_the_unknown_piece_alone_is_a_row_of_zeros() -> None:
    assert create_student(PIECES, width=4, seed=1).fold().any(axis=1).tolist() == [False, True, True, True, True, True]


def test_rare_relatives_share_letter_runs_and_a_frequent_piece_learns_alone() -> None:
    spelling = create_student(PIECES, width=4, seed=1).spelling
    runs = [set(spelling.ids[spelling.starts[row] : spelling.starts[row + 1]].tolist()) for row in range(len(PIECES))]
    assert runs[2] & runs[3]
    assert runs[4] == runs[5] == set()


def test_narrowing_to_the_full_rank_keeps_every_cosine() -> None:
    chance = np.random.default_rng(0)
    vectors = chance.standard_normal((20, 3)).astype(np.float32) @ chance.standard_normal((3, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    narrowed = reduce_width(vectors, 3)
    np.testing.assert_allclose(narrowed @ narrowed.T, vectors @ vectors.T, atol=1e-5)


def test_narrowed_vectors_begin_with_the_strongest_direction() -> None:
    narrowed = reduce_width(np.asarray([[0.1, 1.0, 0.0], [0.0, 1.0, 0.1], [0.1, -1.0, 0.0]], np.float32), 2)
    assert (np.abs(narrowed[:, 0]) > np.abs(narrowed[:, 1])).all()
    assert np.linalg.norm(narrowed, axis=1) == pytest.approx([1.0, 1.0, 1.0], abs=1e-6)
