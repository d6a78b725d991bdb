"""``simplugin evaluate compare``."""

from __future__ import annotations

from pathlib import Path

import pytest

from simplugin.evaluation import evaluate_similarity
from tests.cli.running import InProcess
from tests.hashing import HashEncoder
from tests.labelled import labelled_pairs

KEYS = {
    "section", "metric", "a", "b", "a_value", "b_value", "difference", "ci95", "p", "p_holm", "verdict", "better",
}  # fmt: skip


@pytest.fixture
def results(simplugin: InProcess) -> InProcess:
    """Return the command line in a folder with the results of a good model and of two weaker ones."""
    pairs = labelled_pairs(150, seed=5)
    for name, model in {"good": HashEncoder(128), "weak": HashEncoder(6), "other": HashEncoder(6, seed=1)}.items():
        evaluate_similarity(model, {"en": pairs}, resamples=0).save(simplugin.folder / f"{name}.json")
    return simplugin


@pytest.fixture
def data(folder: Path) -> Path:
    """Return pairs of the small models' words, labelled by the words that they share."""
    rows = [
        ("library card", "renew library card", 4),
        ("coffee water", "coffee grams", 2.5),
        ("bees garden", "night bus", 0),
        ("late bus", "late night bus", 4.5),
        ("bus ticket", "bus ticket late", 4),
        ("garden water", "library card", 0.5),
        ("night bees", "bees garden", 2),
        ("renew ticket", "grams water", 0),
    ]
    file = folder / "pairs.tsv"
    file.write_text("".join(f"{one}\t{other}\t{label}\n" for one, other, label in rows), encoding="utf-8")
    return file


def test_json_has_the_keys_of_the_contract(results: InProcess) -> None:
    row = results("evaluate", "compare", "good.json", "weak.json", "--json").row

    assert set(row) == KEYS
    assert (row["section"], row["metric"]) == ("en", "spearman_cosine")
    assert (row["a"], row["b"]) == ("hash-128-0", "hash-6-0")
    assert (row["verdict"], row["better"]) == ("a", "hash-128-0")
    low, high = row["ci95"]
    assert 0 < low < row["difference"] < high
    turned = results("evaluate", "compare", "weak.json", "good.json", "--json").row
    assert (turned["verdict"], turned["better"]) == ("b", "hash-128-0")


def test_three_results_are_compared_by_each_metric_asked_for(results: InProcess) -> None:
    metrics = ("--metric", "pearson_dot", "--metric", "spearman_max")
    rows = results("evaluate", "compare", "good.json", "weak.json", "other.json", *metrics, "--json").rows

    assert [row["metric"] for row in rows] == ["pearson_dot"] * 3 + ["spearman_max"] * 3
    assert all(row["p_holm"] >= row["p"] for row in rows)


def test_people_get_a_table_and_a_closing_sentence(results: InProcess) -> None:
    outcome = results("evaluate", "compare", "good.json", "weak.json", "--resamples", "200", "--seed", "3")

    assert outcome.code == 0
    assert outcome.stdout.split()[0] == "section"
    assert "hash-128-0" in outcome.stdout
    assert outcome.stderr == "Of 1 comparison: hash-128-0 is better in 1 (200 draws, seed 3).\n"
    three = results("evaluate", "compare", "good.json", "weak.json", "other.json")
    assert "Of 3 comparisons: hash-128-0 is better in 2, 1 not separable (1000 draws" in three.stderr
    assert "corrected (Holm) for 3 pairs" in three.stderr


def test_results_of_models_of_one_name_are_named_by_their_files(results: InProcess) -> None:
    copy = results.folder / "copy.json"
    copy.write_bytes((results.folder / "good.json").read_bytes())
    row = results("evaluate", "compare", "good.json", "copy.json", "--json").row

    assert (row["a"], row["b"]) == ("good.json", "copy.json")
    assert (row["verdict"], row["better"], row["p"]) == ("not separable", None, 1.0)


def test_models_are_judged_and_compared_at_once(
    simplugin: InProcess, words: Path, other_words: Path, data: Path
) -> None:
    named = f"en={data}"
    rows = simplugin("evaluate", "compare", words, other_words, "--data", named, "--json").rows
    assert [row["section"] for row in rows] == ["en"]

    for name, model in (("one", words), ("two", other_words)):
        simplugin("evaluate", "similarity", "--model", model, "--data", named, "--out", f"{name}.json")
    assert simplugin("evaluate", "compare", "one.json", "two.json", "--json").rows == rows
    assert simplugin("evaluate", "compare", "one.json", other_words, "--data", named, "--json").rows == rows


def test_models_are_compared_across_languages(simplugin: InProcess, words: Path, other_words: Path, data: Path) -> None:
    both = ("--data", f"en={data}", "--data", f"de={data}", "--cross", "--scale", "0-5")
    rows = simplugin("evaluate", "compare", words, other_words, *both, "--json").rows
    assert [row["section"] for row in rows] == ["en", "de", "cross", "all"]


def test_stages_of_one_result_are_named_after_a_colon(results: InProcess) -> None:
    outcome = results("evaluate", "compare", "good.json:exact", "good.json:quantized")
    assert outcome.code == 1
    assert outcome.is_one_sentence("no stage 'exact'", "none")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["good.json"], "two or more"),
        (["good.json", "good.json"], "named twice"),
        (["good.json", "starter"], "'starter' is no file of a result"),
        (["good.json", "weak.json", "--data", "pairs.tsv"], "--data is for models"),
        (["starter", "words", "--data", "pairs.tsv", "--scale", "five"], "no scale"),
        ([], "Missing argument"),
    ],
)
def test_wrong_usage_ends_with_2(results: InProcess, arguments: list[str], told: str) -> None:
    outcome = results("evaluate", "compare", *arguments)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert told in " ".join(outcome.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["good.json", "absent.json"], "absent.json: the result cannot be read"),
        (["good.json", "good.items.jsonl"], "no result of an evaluation"),
        (["good.json", "weak.json", "--metric", "bleu"], "no metric 'bleu'"),
        (["good.json", "weak.json", "--resamples", "10"], "ask for at least 39"),
        (["startre", "starter", "--data", "pairs.tsv"], "'startre'"),
        (["good.json", "starter", "--data", "absent.tsv"], "absent.tsv"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    results: InProcess, data: Path, arguments: list[str], told: str
) -> None:
    assert data.name == "pairs.tsv"
    outcome = results("evaluate", "compare", *arguments)
    assert outcome.code == 1
    assert outcome.is_one_sentence(told)


def test_results_of_other_data_are_refused(results: InProcess) -> None:
    pairs = labelled_pairs(150, seed=6)
    evaluate_similarity(HashEncoder(6), {"en": pairs}, resamples=0).save(results.folder / "else.json")
    outcome = results("evaluate", "compare", "good.json", "else.json")
    assert outcome.code == 1
    assert outcome.is_one_sentence("were not judged by the same data", "item 1")


def test_results_whose_items_are_gone_are_refused(results: InProcess) -> None:
    (results.folder / "weak.items.jsonl").unlink()
    outcome = results("evaluate", "compare", "good.json", "weak.json")
    assert outcome.code == 1
    assert outcome.is_one_sentence("weak.items.jsonl", "cannot be read")


def test_sections_that_one_lacks_are_told_on_stderr(results: InProcess) -> None:
    pairs = labelled_pairs(150, seed=5)
    evaluate_similarity(HashEncoder(6), {"en": pairs, "de": pairs}, resamples=0).save(results.folder / "two.json")
    outcome = results("evaluate", "compare", "good.json", "two.json", "--json")
    assert [row["section"] for row in outcome.rows] == ["en"]
    assert outcome.stderr == "Left out, since not in 'hash-128-0': 'de', 'all'.\n"
