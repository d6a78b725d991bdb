"""``simplugin evaluate report``."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.cli.running import InProcess
from tests.evaluation.report.samples import classes, retrieval, similarity


@pytest.fixture
def kept(folder: Path) -> Path:
    similarity(60).save(folder / "one.json")
    return folder / "one.json"


def test_it_prints_markdown(simplugin: InProcess, kept: Path) -> None:
    outcome = simplugin("evaluate", "report", kept)

    assert outcome.code == 0
    assert outcome.stdout.startswith("# Evaluation of hash-64-0\n")


def test_it_writes_a_page_and_markdown(simplugin: InProcess, kept: Path, folder: Path) -> None:
    retrieval().save(folder / "two.json")

    outcome = simplugin("evaluate", "report", kept, "two.json", "--html", "out/page.html", "--markdown", "page.md")

    assert (outcome.code, outcome.stdout) == (0, "")
    page = (folder / "out" / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "similarity-0-agreement" in page
    assert "## Retrieval" in (folder / "page.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", ["--html", "--markdown"])
def test_a_result_that_is_shown_is_not_written_over(simplugin: InProcess, kept: Path, option: str) -> None:
    before = kept.read_bytes()

    assert simplugin("evaluate", "report", kept, option, kept).is_one_sentence("not written over")
    assert kept.read_bytes() == before


def test_it_prints_the_block_of_a_model_card_alone(simplugin: InProcess, kept: Path) -> None:
    outcome = simplugin("evaluate", "report", kept, "--model-index", "--html", "page.html")

    assert yaml.safe_load(outcome.stdout)["model-index"][0]["name"] == "hash-64-0"


def test_it_prints_rows(simplugin: InProcess, kept: Path, folder: Path) -> None:
    classes().save(folder / "two.json")

    rows = simplugin("evaluate", "report", kept, "two.json", "--json").rows

    assert [row["task"] for row in rows] == ["similarity"] * 4 + ["pairs"]
    assert rows[0]["section"] == "en"
    assert simplugin("evaluate", "report", kept, "--json", "--model-index").code == 2


@pytest.mark.parametrize("content", ["", "{}", "sentence\tother\t3.0\n", '{"task": "similarity"}', "\udcff"])
def test_what_is_no_result_is_one_sentence(simplugin: InProcess, kept: Path, folder: Path, content: str) -> None:
    (folder / "other").write_bytes(content.encode("utf-8", "surrogateescape"))

    outcome = simplugin("evaluate", "report", kept, "other", "--html", "page.html")

    assert outcome.code == 1
    assert outcome.is_one_sentence("other", "no result of an evaluation")
    assert not (folder / "page.html").exists()


def test_items_that_are_gone_leave_the_figures(simplugin: InProcess, kept: Path, folder: Path) -> None:
    (folder / "one.items.jsonl").unlink()

    outcome = simplugin("evaluate", "report", kept, "--html", "page.html")

    assert outcome.code == 0
    assert "one.items.jsonl" in outcome.stderr
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "The items of this result are not there" in page
    assert "Figures by section" in page


def test_items_are_never_read_from_elsewhere(simplugin: InProcess, kept: Path, folder: Path) -> None:
    kept.write_text(kept.read_text(encoding="utf-8").replace("one.items.jsonl", "../one.items.jsonl"), encoding="utf-8")

    outcome = simplugin("evaluate", "report", kept, "--html", "page.html")

    assert outcome.code == 1
    assert outcome.is_one_sentence("one.json", "items")


def test_every_result_that_is_kept_has_markdown_beside_it(simplugin: InProcess, words: Path, folder: Path) -> None:
    lines = ["library card\trenew card\t3.0\n", "bees garden\tbus ticket\t0.0\n", "late night\tlate night\t5.0\n"]
    (folder / "pairs.tsv").write_text("".join(lines), encoding="utf-8")

    made = simplugin("evaluate", "similarity", "--model", words, "--data", "en=pairs.tsv", "--out", "kept/result.json")

    assert made.code == 0
    assert "result.md" in made.stderr
    assert (folder / "kept" / "result.md").read_text(encoding="utf-8").startswith("# Evaluation of words\n")
