"""``simplugin evaluate verify``."""

from __future__ import annotations

from pathlib import Path

import pytest

from simplugin.catalog import find
from tests.cli.running import InProcess, Process
from tests.evaluation.test_verifying import STARTER, write
from tests.labelled import labelled_pairs

KEYS = {"model", "data", "metric", "claimed", "measured", "difference", "ci95", "verdict", "source"}


def test_the_starter_reaches_what_its_card_claims(simplugin: InProcess, data: Path) -> None:
    files = [f"--data={data / 'stsb' / f'stsb-{code}-test.csv'}" for code in ("en", "de")]
    outcome = simplugin("evaluate", "verify", "starter", *files, "--resamples", "50", "--json")

    assert (outcome.code, outcome.stderr) == (0, "")
    assert all(set(row) == KEYS for row in outcome.rows)
    assert len(outcome.rows) == len(find("starter").claims)
    agree = {row["data"] for row in outcome.rows if row["verdict"] == "agrees"}
    assert agree == {"stsb-en-test", "stsb-de-test", "stsb-en-de-test across"}
    assert {row["verdict"] for row in outcome.rows} == {"agrees", "no data"}
    for row in outcome.rows:
        if row["verdict"] == "agrees":
            assert row["difference"] == pytest.approx(row["measured"] - row["claimed"])
            assert row["ci95"][0] < row["measured"] < row["ci95"][1]
            assert row["source"] == "model card"


def test_other_data_under_the_name_of_a_claim_differs(simplugin: InProcess) -> None:
    file = write(simplugin.folder / "mine.tsv", labelled_pairs(60))
    outcome = simplugin("evaluate", "verify", "starter", "--data", f"stsb-en-test={file}")

    assert outcome.code == 1
    assert "differs" in outcome.stdout
    assert "differs 1, no data" in outcome.stderr
    lenient = simplugin("evaluate", "verify", "starter", "--data", f"stsb-en-test={file}", "--tolerance", "1")
    assert lenient.code == 0
    assert "agrees 1, no data" in lenient.stderr


def test_a_folder_is_held_to_the_card_that_is_named(simplugin: InProcess) -> None:
    write(simplugin.folder / "sts" / "stsb-es-test.tsv", labelled_pairs(200))
    outcome = simplugin("evaluate", "verify", STARTER, "--card", "stsb-es-distiluse", "--data", "sts", "--json")

    assert outcome.code == 1
    assert {row["model"] for row in outcome.rows} == {"starter"}
    assert [row["claimed"] for row in outcome.rows] == [each.value for each in find("stsb-es-distiluse").claims]
    assert {row["verdict"] for row in outcome.rows} == {"differs"}


def test_where_nothing_can_be_measured_it_ends_with_1(simplugin: InProcess) -> None:
    write(simplugin.folder / "sts" / "else.tsv", labelled_pairs(60))
    outcome = simplugin("evaluate", "verify", "starter", "--data", "sts", "--json")
    assert outcome.code == 1
    assert {row["verdict"] for row in outcome.rows} == {"no data"}
    assert "Not used" not in outcome.stderr  # a folder may hold much else
    named = ("--data", "sts/else.tsv", "--data", "els=sts/else.tsv")
    unused = simplugin("evaluate", "verify", "starter", *named).stderr.splitlines()
    assert [line.split(";")[0] for line in unused if line.startswith("Not used")] == [
        "Not used, since no claim is on it: sts/else.tsv",
        "Not used, since no claim is on it: els=sts/else.tsv",
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (str(STARTER), "Nothing is claimed of"),
        ("owner/model", "Nothing is claimed of 'owner/model'"),
        ("cross-de-es-roberta", "Nothing is claimed of 'cross-de-es-roberta'"),
        ("startre", "'startre'"),
    ],
)
def test_a_model_without_claims_is_one_sentence(simplugin: InProcess, name: str, told: str) -> None:
    outcome = simplugin("evaluate", "verify", name, "--data", ".")
    assert outcome.code == 1
    assert outcome.is_one_sentence(told)


def test_data_that_is_not_there_is_one_sentence(simplugin: InProcess) -> None:
    assert simplugin("evaluate", "verify", "starter", "--data", "absent").is_one_sentence("absent: there is no such")
    named = simplugin("evaluate", "verify", "starter", "--data", "stsb-en-test=absent.csv")
    assert named.code == 1
    assert named.is_one_sentence("absent.csv", "cannot be read")


def test_a_model_whose_weights_are_not_here_is_the_loaders_own_sentence(process: Process, folder: Path) -> None:
    write(folder / "stsb-es-test.tsv", labelled_pairs(30))
    outcome = process("evaluate", "verify", "stsb-es-distiluse", "--data", ".", HF_HOME=str(folder / "hub"))
    assert outcome.code == 1
    assert outcome.is_one_sentence("stsb-m-mt-es-distiluse", "cannot be opened")


def test_data_and_a_name_must_be_given(simplugin: InProcess) -> None:
    assert simplugin("evaluate", "verify", "starter").code == 2
    assert simplugin("evaluate", "verify").code == 2
    assert simplugin("evaluate", "verify", "starter", "--data", ".", "--tolerance", "-1").code == 2
