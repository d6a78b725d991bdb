"""``simplugin finetune``: what it prints, leaves and refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import simplugin as sp
from simplugin.evaluation import evaluate_similarity
from tests.cli.running import InProcess, Process
from tests.encoders.checkpoints import static_folder
from tests.finetuning.sets import write_inferences, write_scored


@pytest.fixture
def pairs(folder: Path) -> Path:
    """Return the folder, with a small static model and pairs to learn from and to judge by."""
    static_folder(folder / "table")
    for number, (name, count) in enumerate((("train", 160), ("dev", 60), ("test", 60))):
        write_scored(folder / f"{name}.tsv", count, seed=number, fillers=5)
        write_inferences(folder / f"{name}.jsonl", count, seed=number)
    return folder


FAST = ("--learning-rate", 0.05, "--epochs", 6, "--batch-size", 16)
LINE = ("finetune", "cosine", "--train", "en=train.tsv", "--dev", "en=dev.tsv", "--model", "table", "--out", "mine")


def test_json_is_one_object_with_the_keys_of_the_contract(simplugin: InProcess, pairs: Path) -> None:
    outcome = simplugin(*LINE, "--test", "en=test.tsv", *FAST, "--resamples", 100, "--json")

    assert outcome.code == 0, outcome.stderr
    told = outcome.row
    assert (told["recipe"], told["steps"], told["base"]) == ("cosine", 60, "table")
    for when in ("before", "after"):
        for role in ("dev", "test"):
            low, high = told[when][role]["en"]["ci95"]
            assert low < told[when][role]["en"]["spearman_cosine"] < high
    judged = evaluate_similarity(pairs / "mine", {"en": pairs / "test.tsv"}, resamples=0).result.section("en")
    assert told["after"]["test"]["en"]["spearman_cosine"] == judged.metrics["spearman_cosine"]
    (difference,) = told["difference"]["test"]
    assert difference["better"] == "after"
    assert json.loads((pairs / "mine" / "finetuning.json").read_text(encoding="utf-8")) == told


def test_a_table_stands_on_stdout_and_how_to_open_it_on_stderr(simplugin: InProcess, pairs: Path) -> None:
    outcome = simplugin(*LINE, "--max-steps", 2, "--resamples", 100)

    heading, row = outcome.stdout.splitlines()
    assert heading.split() == ["data", "section", "pairs", "before", "after", "95", "%", "difference"]
    assert row.split()[:3] == ["dev", "en", "60"]
    assert "160 pairs in steps of 64: 3 an epoch, 9 for epochs 3. It stops after 2 (--max-steps).\n" in outcome.stderr
    assert "after 2 steps. Open it with simplugin.load('mine')" in outcome.stderr
    assert sp.load(pairs / "mine").dimension == 16


def test_a_label_off_the_scale_names_the_option(simplugin: InProcess, pairs: Path) -> None:
    assert simplugin(*LINE, "--scale", "0-4").is_one_sentence("train.tsv:", "is outside 0 to 4", "(--scale 0-5)")


def test_classes_that_are_numbers_are_named(simplugin: InProcess, pairs: Path) -> None:
    for name in ("train", "dev"):
        write_inferences(pairs / f"{name}-n.jsonl", 60, seed=len(name), numbered=True)
    line = ("finetune", "nli-cosine", "--train", "train-n.jsonl", "--dev", "dev-n.jsonl", "--model", "table")

    unnamed = simplugin(*line, "--out", "a")
    labels = ("--labels", "entailment,neutral,contradiction")
    raw = simplugin(*line, "--out", "a", *labels, "--map", "entailment=0,neutral=1,contradiction=2")
    named = simplugin(*line, "--out", "a", *labels, "--json")

    assert unnamed.code == raw.code == 1
    assert unnamed.is_one_sentence("train-n.jsonl:1", "the class is a number, 0", "--labels")
    assert raw.is_one_sentence("contradiction 2", "No cosine is above 1")
    assert named.code == 0, named.stderr
    assert named.row["run"]["worth"]["neutral"] == 0.5


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"cosine": "cosin"}, 2, "there is no recipe 'cosin'; there are cosine, crossing, nli-cosine, nli-pair, sts."),
        ({"en=dev.tsv": "en=train.tsv"}, 1, "both learned from and judged by (--train and --dev)"),
        ({"en=dev.tsv": "none.tsv"}, 1, "none.tsv: the file cannot be read"),
        ({"table": "no-such-model"}, 1, "There is no model 'no-such-model'"),
        ({"cosine": "crossing"}, 1, "at least two languages"),
        ({"mine": "table"}, 1, "table: the model to begin with lies in this folder"),
    ],
)
def test_what_cannot_be_done_is_told_before_any_work(
    simplugin: InProcess, pairs: Path, change: dict[str, str], code: int, words: str
) -> None:
    outcome = simplugin(*(change.get(word, word) for word in LINE))

    assert outcome.code == code
    assert words in outcome.stderr
    assert outcome.stdout == ""
    assert not (pairs / "mine").exists()


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--epochs", 0, "epochs is 0"),
        ("--learning-rate", -1, "learning_rate is -1"),
        ("--learning-rate", "inf", "learning_rate is inf"),
        ("--learning-rate", 100, "nothing is left of what it knew. The recipe has 2e-05, and for static models 0.001."),
        ("--batch-size", 0, "--batch-size"),
        ("--max-steps", 0, "--max-steps"),
        ("--folds", -1, "--folds"),
        ("--scale", "five", "no scale"),
        ("--labels", "yes,no", "--labels"),
        ("--columns", "one", "--columns"),
    ],
)
def test_wrong_usage_ends_with_two(simplugin: InProcess, pairs: Path, option: str, value: object, words: str) -> None:
    outcome = simplugin(*LINE, option, value)

    assert outcome.code == 2
    assert words in outcome.stderr
    assert not (pairs / "mine").exists()


def test_without_the_extra_it_is_named_in_a_sentence(pairs: Path, process: Process) -> None:
    # To Python a module that is None is one that is not there.
    code = "import sys; sys.modules['datasets'] = None; from simplugin.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *LINE], cwd=pairs, env=process.environment(), capture_output=True, text=True
    )

    assert done.returncode == 1
    assert done.stderr == "simplugin: Fine-tuning needs the extra 'train': pip install 'simplugin[train]'.\n"
    assert not (pairs / "mine").exists()


def test_help_shows_a_call(simplugin: InProcess) -> None:
    assert "Example: simplugin finetune sts" in simplugin("finetune", "--help").stdout


def test_distill_learns_from_one_folder_and_says_what_it_lacks(simplugin: InProcess, folder: Path) -> None:
    outcome = simplugin("finetune", "distill", "--train", "nowhere", "--out", "mine")
    assert outcome.code == 1
    assert "nowhere" in outcome.stderr
    assert "absent" in outcome.stderr
    assert not (folder / "mine").exists()

    twice = simplugin("finetune", "distill", "--train", "one", "--train", "two", "--out", "mine")
    assert twice.code == 2
    assert "one folder" in twice.stderr


def test_a_recipe_that_is_judged_by_dev_asks_for_it(simplugin: InProcess, pairs: Path) -> None:
    outcome = simplugin("finetune", "cosine", "--train", "en=train.tsv", "--out", "mine")
    assert outcome.code == 2
    assert "--dev" in outcome.stderr
    assert pairs.is_dir()
