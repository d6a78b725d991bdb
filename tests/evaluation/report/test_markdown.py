from __future__ import annotations

from pathlib import Path

import pytest

from simplugin.errors import DataError
from simplugin.evaluation.report import to_markdown, write_markdown
from tests.evaluation.report.samples import ATTACK, classes, retrieval, similarity


def table(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, its own headings first."""
    lines = page.split(f"### {heading}\n\n")[1].split("\n\n")[0].strip().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert all(len(row) == len(rows[0]) for row in rows), rows
    return [rows[0], *rows[2:]]


def test_it_tells_what_was_judged_with_what() -> None:
    page = to_markdown([retrieval().result])

    assert page.startswith("# Evaluation of hash-64-0\n\n## Retrieval\n")
    assert table(page, "Models")[1] == ["hash-64-0", "embedder", "64", f"`{'ab' * 32}`"]
    assert table(page, "Data")[1:] == [
        ["questions-en-dev", "en", "630", f"`{'cd' * 32}`"],
        ["questions-de-dev", "de", "630", "–"],
    ]
    assert table(page, "Settings")[1] == ["hash-64-0", "1,000", "7", "1.5 s"]
    assert table(page, "Packages")[1:] == [["python", "3.11.7"], ["numpy", "2.4.6"]]


def test_figures_stand_by_section_and_stage_the_main_one_first() -> None:
    heads, *rows = table(to_markdown([retrieval().result]), "Figures of hash-64-0")

    assert heads == ["section", "stage", "queries", "documents", "selective@10", "95 %", "AUC", "RR@10", "threshold"]
    assert rows[2] == ["en", "quantized", "630", "8,019", "0.8800", "0.860 to 0.900", "0.9000", "0.8200", "0.5000"]
    assert len(rows) == 8


def test_what_is_pooled_has_its_mean_beside_it() -> None:
    result = similarity().result
    heads, *rows = table(to_markdown([result]), f"Figures of {result.model.name}")

    (row,) = [row for row in rows if row[0] == "all"]
    assert row[heads.index("mean of parts")] == f"{result.section('all').macro['spearman_cosine']:.4f}"
    assert row[heads.index("Spearman cosine")] == f"{result.section('all').metrics['spearman_cosine']:.4f}"


def test_findings_come_first_the_worst_before_others() -> None:
    rows = table(to_markdown([classes().result]), "Findings")

    assert [row[0] for row in rows[1:]] == ["error", "note"]
    assert rows[2][2] == r"Few pairs \| are judged."


def test_a_confusion_matrix_is_a_table() -> None:
    page = to_markdown([classes().result])

    title = next(line for line in page.splitlines() if line.startswith("### confusion"))
    assert table(page, title.removeprefix("### "))[1:] == [["entailment", "2", "0"], ["neutral", "1", "–"]]


def test_numbers_by_name_are_one_table_of_all_sections() -> None:
    heads, *rows = table(to_markdown([retrieval().result]), "worth")

    assert heads == ["section", "low", "high"]
    assert rows[0] == ["en, exact", "1", "2.5000"]


def test_several_models_stand_side_by_side_by_name() -> None:
    one, other = similarity(seed=0).result, similarity(seed=1).result
    twice = to_markdown([one, other, one])

    heads, *rows = table(twice, "spearman_cosine, with 95 % intervals")
    assert heads == ["section", "hash-64-0 (1)", "hash-64-1", "hash-64-0 (2)"]
    english = rows[0]
    assert english[0] == "en"
    assert english[1] == english[3] != english[2]
    low, high = one.section("en").ci95["spearman_cosine"]
    assert english[1] == f"{one.section('en').metrics['spearman_cosine']:.4f} ({low:.3f} to {high:.3f})"


def test_results_of_different_tasks_get_a_section_each() -> None:
    page = to_markdown([retrieval().result, classes().result])

    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        "## Retrieval",
        "## Natural language inference",
    ]


def test_no_text_becomes_markup() -> None:
    page = to_markdown([classes().result])

    assert ATTACK not in page
    assert r"\<script\>" in page


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written"):
        write_markdown([classes().result], tmp_path)
