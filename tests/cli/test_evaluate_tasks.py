"""``simplugin evaluate bitext``, ``pairs`` and ``intents``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simplugin.evaluation import Evaluation
from tests.cli.running import InProcess

WORDS = ("library card", "renew card", "coffee grams", "water grams", "bees garden", "bus ticket", "late night")


@pytest.fixture
def files(folder: Path) -> Path:
    bitext = [{"en": words, "tr": " ".join(reversed(words.split()))} for words in WORDS]
    nli = [
        {"premise": f"{words} late", "hypothesis": other, "label": label}
        for words in WORDS[:6]
        for other, label in ((words, 0), ("night", 2))
    ]
    said = [
        {"text": text, "intent": intent}
        for intent, texts in {
            "lend": ("library card", "renew library card", "renew card", "card library late", "renew library"),
            "drink": ("coffee grams", "coffee water", "water grams", "coffee late", "coffee night"),
        }.items()
        for text in texts
    ]
    for name, rows in (("bitext", bitext), ("nli", nli), ("said", said)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "strange.txt").write_text("bees garden\nbus ticket\nbees\n", encoding="utf-8")
    return folder


def test_bitext_prints_its_figures_and_keeps_them(simplugin: InProcess, files: Path, words: Path) -> None:
    outcome = simplugin(
        "evaluate", "bitext", "--data", "en-tr=bitext.jsonl", "--model", words, "--out", "found.json", "--json"
    )

    assert (outcome.code, outcome.stderr) == (0, "Written: found.json, found.items.jsonl and found.md\n")
    row = outcome.row
    assert (row["model"], row["section"], row["pairs"], row["warnings"]) == ("words", "en-tr", 7, [])
    assert row["accuracy"] == row["accuracy_forward"] == row["accuracy_backward"] == row["mrr"] == row["auc"] == 1.0
    assert row["ci95"]["accuracy"] == [1.0, 1.0]
    kept = Evaluation.load(files / "found.json")
    assert kept.result.task == "bitext"
    assert kept.parts[0].texts["second"][0] == "card library"


def test_bitext_prints_a_table_for_people(simplugin: InProcess, files: Path, words: Path) -> None:
    outcome = simplugin("evaluate", "bitext", "--data", "bitext.jsonl", "--model", words)

    assert outcome.code == 0
    assert outcome.stdout.split("\n")[0].split() == [
        "section", "pairs", "accuracy", "95", "%", "forward", "backward", "MRR", "AUC",
    ]  # fmt: skip
    assert outcome.stdout.split("\n")[1].split() == [
        "en-tr", "7", "1.000", "1.000", "to", "1.000", "1.000", "1.000", "1.000", "1.000",
    ]  # fmt: skip
    assert "how often the nearest text is the translation" in outcome.stderr


def test_bitext_fails_under_a_bound(simplugin: InProcess, files: Path, words: Path) -> None:
    (files / "wrong.csv").write_text("en,tr\nlibrary card,bees\nbees garden,card\ncoffee,night\n", encoding="utf-8")

    outcome = simplugin("evaluate", "bitext", "--data", "wrong.csv", "--model", words, "--fail-under", "accuracy=0.5")

    assert outcome.code == 1
    assert "en-tr: accuracy is 0." in outcome.stderr
    assert "warning: en-tr: " in outcome.stderr or "error: en-tr: " in outcome.stderr


def test_pairs_print_their_figures(simplugin: InProcess, files: Path, words: Path) -> None:
    arguments = ("evaluate", "pairs", "--data", "az=nli.jsonl", "--model", words)
    labels = ("--labels", "entailment,neutral,contradiction")

    row = simplugin(*arguments, *labels, "--json").row
    table = simplugin(*arguments, *labels)

    assert (row["section"], row["pairs"], row["skipped"], row["auc_entailment"]) == ("az", 12, 0, 1.0)
    assert row["accuracy"] is row["macro_f1"] is row["confusion"] is None
    assert row["spearman_ceiling"] == pytest.approx(0.866, abs=0.01)
    assert set(row["mean_score"]) == {"entailment", "contradiction"}
    assert "az: mean score entailment " in table.stderr
    assert "Spearman takes classes for a scale: entailment 1, contradiction 0.\n" in table.stderr


def test_a_map_of_classes_is_said_and_told(simplugin: InProcess, files: Path, words: Path) -> None:
    outcome = simplugin(
        "evaluate", "pairs", "--data", "nli.jsonl", "--model", words,
        "--labels", "0=entailment,2=contradiction", "--map", "contradiction=0.25",
    )  # fmt: skip

    assert outcome.code == 0
    assert "contradiction 0.25.\n" in outcome.stderr


def test_intents_print_their_figures(simplugin: InProcess, files: Path, words: Path) -> None:
    arguments = ("evaluate", "intents", "--data", "tr=said.jsonl", "--model", words)

    folded = simplugin(*arguments, "--json").row
    across = simplugin(*arguments, "--train", "en=said.jsonl", "--out-of-scope", "strange.txt", "--json").row
    table = simplugin(*arguments, "--train", "en=said.jsonl", "--out-of-scope", "strange.txt")

    assert (folded["section"], folded["utterances"], folded["out_of_scope"], folded["intents"]) == ("tr", 10, 0, 2)
    assert folded["auc_out_of_scope"] is None
    assert (across["section"], across["utterances"], across["out_of_scope"]) == ("en-tr", 13, 3)
    assert across["accuracy"] == across["auc_out_of_scope"] == 1.0
    assert "AUC of scope" in table.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("bitext", "--data", "tr=bitext.jsonl"), "'tr' does not name two languages"),
        (("pairs", "--data", "nli.jsonl", "--labels", "yes,no"), "does not name classes"),
        (("pairs", "--data", "nli.jsonl", "--map", "neutral=much"), "'neutral=much' is not CLASS=VALUE"),
        (("pairs", "--data", "nli.jsonl", "--map", "maybe=1"), "'maybe=1' is not CLASS=VALUE"),
        (("pairs", "--data", "nli.jsonl", "--columns", "premise"), "not the names of two columns"),
        (("intents", "--data", "said.jsonl", "--fail-under", "accuracy"), "is not METRIC=VALUE"),
        (("intents", "--data", "said.jsonl", "--fail-under", "acuracy=0.5"), "no figure 'acuracy'"),
        (("bitext", "--data", "en-tr=bitext.jsonl", "--fail-under", "map=0.5"), "there are accuracy, accuracy_forward"),
        (("pairs", "--data", "nli.jsonl", "--fail-under", "f1=0.5"), "no figure 'f1'"),
        (("intents", "--train", "said.jsonl"), "Missing option '--data'"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_read(
    simplugin: InProcess, files: Path, arguments: tuple[str, ...], told: str
) -> None:
    outcome = simplugin("evaluate", *arguments, "--model", "no such model")

    assert outcome.code == 2
    assert told in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("bitext", "--data", "said.jsonl"), ("said.jsonl:1: ", "en-tr=FILE")),
        (("pairs", "--data", "nli.jsonl"), ("nli.jsonl:1: ", "--labels entailment,neutral,contradiction")),
        (("pairs", "--data", "said.jsonl"), ("said.jsonl:1: ", "premise and hypothesis")),
        (("intents", "--data", "bitext.jsonl"), ("bitext.jsonl:1: ", "such as text")),
        (("intents", "--data", "said.jsonl", "--train", "none.yml"), ("none.yml: ", "cannot be read")),
    ],
)
def test_broken_data_is_one_sentence_before_the_model_is_opened(
    simplugin: InProcess, files: Path, arguments: tuple[str, ...], told: tuple[str, ...]
) -> None:
    outcome = simplugin("evaluate", *arguments, "--model", "no such model")

    assert outcome.code == 1
    assert outcome.is_one_sentence(*told)
