"""``simplugin evaluate similarity``: what it prints, keeps and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simplugin.evaluation import Evaluation
from simplugin.evaluation.similarity import METRICS
from tests.cli.running import InProcess, Process
from tests.cli.test_calibrate import write_pairs

KEYS = {"model", "section", "pairs", *METRICS, "ci95", "warnings"}


@pytest.fixture
def pairs(folder: Path) -> Path:
    """Return the folder, with pairs in two languages: the same ones, but for a word of the second text."""
    path = write_pairs(folder / "en.tsv", 80)
    lines = path.read_text(encoding="utf-8").splitlines()
    (folder / "de.tsv").write_text("".join(line.replace("\t", " der\t", 1) + "\n" for line in lines), encoding="utf-8")
    write_pairs(folder / "other.tsv", 80, seed=1)
    return folder


def test_json_has_a_line_for_each_section_and_the_keys_of_the_contract(
    simplugin: InProcess, pairs: Path, words: Path
) -> None:
    outcome = simplugin(
        "evaluate", "similarity", "--model", words, "--data", "en=en.tsv", "--data", "de=de.tsv", "--cross", "--json"
    )

    assert outcome.code == 0
    assert [(row["section"], row["pairs"]) for row in outcome.rows] == [
        ("en", 80),
        ("de", 80),
        ("cross", 160),
        ("all", 320),
    ]
    for row in outcome.rows:
        assert set(row) >= KEYS
        assert row["model"] == "words"
        low, high = row["ci95"]
        assert low < row["spearman_cosine"] < high
        assert row["spearman_max"] == max(row[metric] for metric in METRICS if metric.startswith("spearman"))


def test_a_table_has_the_sections_and_stderr_the_rest(simplugin: InProcess, pairs: Path, words: Path) -> None:
    outcome = simplugin("evaluate", "similarity", "--model", words, "--data", "en=en.tsv")

    heading, row = outcome.stdout.splitlines()
    assert heading.split() == [
        "section", "pairs", "Spearman", "95", "%", "Pearson", "Manhattan", "Euclidean", "dot",
    ]  # fmt: skip
    assert row.split()[:2] == ["en", "80"]
    assert "correlation" in outcome.stderr


def test_the_result_is_kept_and_the_same_line_gives_the_same_result(
    simplugin: InProcess, pairs: Path, words: Path
) -> None:
    line = ("evaluate", "similarity", "--model", words, "--data", "en.tsv", "--resamples", 100, "--json")

    first, again = (simplugin(*line, "--out", pairs / "results" / f"{n}.json") for n in range(2))

    assert first.stdout == again.stdout
    assert "0.items.jsonl" in first.stderr
    judged = Evaluation.load(pairs / "results" / "0.json")
    assert list(judged.result.to_rows()) == first.rows
    assert judged.result.data[0].name == "en"
    assert judged.result.settings == {"resamples": 100, "seed": 0, "cross": False}
    assert len(judged.parts[0]) == 80
    other = simplugin(*line, "--seed", 1).row
    assert other["ci95"] != first.row["ci95"]
    assert other["spearman_cosine"] == first.row["spearman_cosine"]


@pytest.mark.parametrize(
    ("data", "out", "named"),
    [
        ("en.tsv", "en.tsv", "en.tsv"),
        ("kept.items.jsonl", "kept.json", "kept.items.jsonl"),
        ("en.tsv", "kept.json", "kept.items.jsonl"),
        ("en.tsv", "notes.json", "notes.md"),
    ],
)
def test_what_is_no_result_of_ours_is_not_written_over(
    simplugin: InProcess, pairs: Path, words: Path, data: str, out: str, named: str
) -> None:
    (pairs / "kept.items.jsonl").write_bytes((pairs / "en.tsv").read_bytes())
    (pairs / "notes.md").write_text("my notes")
    before = {path.name: path.read_bytes() for path in pairs.iterdir() if path.is_file()}

    outcome = simplugin("evaluate", "similarity", "--model", words, "--data", data, "--out", out)

    assert outcome.code == 1
    assert outcome.is_one_sentence(named, "name another")
    assert {path.name: path.read_bytes() for path in pairs.iterdir() if path.is_file()} == before


def test_a_figure_under_its_bound_ends_with_one(simplugin: InProcess, pairs: Path, words: Path) -> None:
    line = ("evaluate", "similarity", "--model", words, "--data", "en=en.tsv", "--data", "xx=other.tsv", "--json")

    assert simplugin(*line, "--fail-under", "spearman_cosine=-1").code == 0
    missed = simplugin(*line, "--fail-under", "spearman_cosine=0.2", "--fail-under", "xx:pearson_dot=1.1")
    assert missed.code == 1
    assert len(missed.rows) == 3, "the figures are printed all the same"
    assert "xx: pearson_dot is" in missed.stderr
    assert "under 1.1" in missed.stderr
    absent = simplugin(*line, "--fail-under", "fr:spearman_cosine=0.1")
    assert absent.code == 1
    assert "no figure 'spearman_cosine' in 'fr', of en, xx, " in absent.stderr


@pytest.mark.parametrize(
    ("options", "words_of_it"),
    [
        (["--fail-under", "spearman_cosine"], "METRIC=VALUE"),
        (["--fail-under", "spearman_cosin=0.1"], "spearman_cosin"),
        (["--fail-under", "spearman_cosine=nan"], "METRIC=VALUE"),
        (["--scale", "five"], "no scale"),
        (["--resamples", "-1"], "--resamples"),
        (["--seed", "x"], "--seed"),
    ],
)
def test_wrong_usage_ends_with_two(
    simplugin: InProcess, pairs: Path, words: Path, options: list[str], words_of_it: str
) -> None:
    outcome = simplugin("evaluate", "similarity", "--model", words, "--data", "en.tsv", *options)

    assert outcome.code == 2
    assert words_of_it in outcome.stderr
    assert outcome.stdout == ""


def test_without_data_it_is_wrong_usage(simplugin: InProcess) -> None:
    assert simplugin("evaluate", "similarity").code == 2


@pytest.mark.parametrize(
    ("rows", "options", "parts"),
    [
        ("a b\tc d\t1\na b\tc d\tlots\n", [], ["broken.tsv:2", "'lots' is no number"]),
        ("a b\tc d\t1\na b\tc d\t6\n", ["--scale", "0-5"], ["broken.tsv:2", "outside 0 to 5"]),
        ("sentence1\tsentence2\tscore\na b\tc d\n", [], ["broken.tsv:2", "2 cells"]),
        ("a b\tc d\t1\na c\tc d\t1\n", [], ["All labels of 'broken'"]),
        ("a b\tc d\t1\n", [], ["There is one pair in 'broken'"]),
        ("a b\tc d\t1\na c\tc d\t2\n", ["--cross"], ["at least two languages"]),
        ("a b\tc d\t1\na c\tc d\t2\n", ["--out", "."], ["cannot be written"]),
        ("a b\tc d\t1\na c\tc d\t2\n", ["--data", "none.tsv"], ["none.tsv", "cannot be read"]),
        ("a b\tc d\t1\na c\tc d\t2\n", ["--model", "no-such-model"], ["no-such-model"]),
    ],
)
def test_what_cannot_be_judged_is_one_sentence_before_any_work(
    simplugin: InProcess, folder: Path, words: Path, rows: str, options: list[str], parts: list[str]
) -> None:
    (folder / "broken.tsv").write_text(rows, encoding="utf-8")

    outcome = simplugin("evaluate", "similarity", "--model", words, "--data", "broken.tsv", *options)

    assert outcome.code == 1
    assert outcome.is_one_sentence(*parts)


def test_languages_that_do_not_match_are_refused(simplugin: InProcess, pairs: Path, words: Path) -> None:
    line = ("evaluate", "similarity", "--model", words, "--cross", "--data", "en=en.tsv", "--data", "fr=other.tsv")

    outcome = simplugin(*line)

    assert outcome.code == 1
    assert outcome.is_one_sentence("'en'", "'fr'", "row by row")


def test_what_is_wrong_with_the_labels_is_told_once_and_first(simplugin: InProcess, folder: Path, words: Path) -> None:
    rows = [f"coffee water {n}\tbees garden {n}\t{n % 2}" for n in range(20)]
    (folder / "classes.tsv").write_text("\n".join(rows), encoding="utf-8")
    line = ("evaluate", "similarity", "--model", words, "--data", "classes.tsv")

    table, as_json = simplugin(*line), simplugin(*line, "--json")

    assert table.code == 0
    assert table.stderr.startswith("error: classes.tsv: the labels 0, 1 look like numbers of classes")
    assert table.stderr.count("classes.tsv") == 1
    assert as_json.row["warnings"][0]["code"] == "class_labels"
    given = simplugin(*line, "--scale", "0-1", "--json")
    assert given.row["warnings"][0]["severity"] == "note"
    assert "classes.tsv" not in given.stderr


def test_labels_are_judged_without_a_model_before_one_is_opened(simplugin: InProcess, folder: Path) -> None:
    rows = [f"coffee water {n}\tbees garden {n}\t{n % 2}" for n in range(20)]
    (folder / "classes.tsv").write_text("\n".join(rows), encoding="utf-8")

    outcome = simplugin("evaluate", "similarity", "--model", "no-such-model", "--data", "classes.tsv")

    assert outcome.code == 1
    first, second = outcome.stderr.splitlines()
    assert first.startswith("error: classes.tsv")
    assert "no-such-model" in second


def test_help_shows_a_call(simplugin: InProcess) -> None:
    assert "Example: simplugin evaluate similarity" in simplugin("evaluate", "similarity", "--help").stdout


def test_it_runs_as_users_run_it(process: Process, pairs: Path, words: Path) -> None:
    outcome = process("evaluate", "similarity", "--model", words, "--data", "tr=en.tsv", "--json")

    assert outcome.code == 0, outcome.stderr
    assert json.loads(outcome.stdout)["section"] == "tr"
