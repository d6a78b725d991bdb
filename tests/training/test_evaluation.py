"""The measures of the finished folder."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import simplugin
from simplugin.training.careless import MANNERS
from simplugin.training.evaluation import Figure, accuracy, cosines, evaluate, main, spearman, to_json_lines, to_table
from simplugin.training.folder import read_model

FIGURES = [
    Figure("spearman", "stsb-test", "en", 256, 0.8, 1379),
    Figure("spearman", "stsb-test", "tr", 256, 0.7, 1379),
    Figure("spearman", "stsb-test", "en-tr", 256, 0.6, 1379),
    Figure("accuracy@1", "tatoeba", "he", 256, 0.25, 1000),
]


def test_spearman_by_hand_with_a_tie() -> None:
    # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5).
    assert spearman(np.asarray([0.1, 0.4, 0.4, 0.9]), [0.0, 1.0, 2.0, 5.0]) == pytest.approx(0.948683, abs=1e-6)


@given(st.lists(st.integers(-1000, 1000), min_size=3, max_size=30, unique=True))
def test_spearman_ignores_a_monotone_change(values: list[int]) -> None:
    found = np.asarray(values, dtype=np.float64)
    assert spearman(found**3, found.tolist()) == pytest.approx(1.0)
    assert spearman(-found, found.tolist()) == pytest.approx(-1.0)


def test_a_zero_vector_has_cosine_zero() -> None:
    first = np.asarray([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32)
    second = np.asarray([[4.0, 3.0], [1.0, 0.0]], dtype=np.float32)
    np.testing.assert_allclose(cosines(first, second), [0.96, 0.0], atol=1e-7)


def test_accuracy_counts_texts_whose_own_sentence_is_nearest() -> None:
    english = np.eye(3, dtype=np.float32)
    assert accuracy(english[[0, 1, 0]], english) == pytest.approx(2 / 3)


def test_the_table_keeps_crossings_apart_and_averages_each_row() -> None:
    table = to_table(FIGURES)
    assert "stsb-test spearman, mean 0.750:\n\n| en | tr |\n|---|---|\n| 0.800 | 0.700 |" in table
    assert "stsb-test spearman, across, mean 0.600:" in table
    assert "tatoeba accuracy@1, mean 0.250:" in table


def test_what_was_typed_without_care_stands_below_what_was_typed_with_it() -> None:
    careless = [Figure("accuracy@1", "tatoeba", "he", 256, 0.125, 1000, "in capitals")]

    assert to_table([*FIGURES, *careless]).endswith(
        "| how | tatoeba accuracy@1, he |\n|---|---|\n| with care | 0.250 |\n| in capitals | 0.125 |"
    )


@pytest.mark.parametrize(
    ("manner", "typed"),
    [
        ("without diacritics", "Isik sacan bir agac, e E"),
        ("in capitals", "IŞIK SAÇAN BIR AĞAÇ, Ə Ə"),
        ("i and ı mixed up", "İşik saçan bır ağaç, ə Ə"),
        ("ə as e", "Işık saçan bir ağaç, e E"),
    ],
)
def test_a_text_is_typed_in_another_manner(manner: str, typed: str) -> None:
    assert MANNERS[manner]("Işık saçan bir ağaç, ə Ə") == typed


def test_the_starter_understands_what_was_typed_without_care(data: Path) -> None:
    figures = evaluate(read_model(Path(simplugin.__file__).parent / "starter"), data)
    with_care = {(each.dataset, each.language): each.value for each in figures if not each.manner and each.width > 64}
    careless = [each for each in figures if each.manner]

    assert len(careless) == 3 * len(MANNERS)
    assert all(with_care[each.dataset, each.language] - each.value <= 0.05 for each in careless)


def test_json_lines_hold_every_figure() -> None:
    lines = [json.loads(line) for line in to_json_lines(FIGURES).splitlines()]
    assert [line["language"] for line in lines] == ["en", "tr", "en-tr", "he"]
    assert lines[3]["measure"] == "accuracy@1"


def test_an_absent_data_folder_ends_the_command_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="absent"):
        main([str(Path(simplugin.__file__).parent / "starter"), "--data", str(tmp_path)])
