"""``simplugin models``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import InProcess, Process

KEYS = {"name", "id", "kind", "dimension", "max_tokens", "pooling", "languages", "warnings"}


@pytest.mark.parametrize("command", [["models"], ["models", "list"]], ids=" ".join)
def test_the_list_has_a_row_for_every_model(simplugin: InProcess, command: list[str]) -> None:
    rows = simplugin(*command, "--json").rows
    assert all(set(row) >= KEYS for row in rows)
    names = [row["name"] for row in rows]
    assert names == sorted(set(names))
    assert {"starter-3", "bge-m3-ml-tr", "stsb-es-distiluse", "he-mbert-nli", "az-mbert-pair"} <= set(names)


def test_the_whole_cross_lingual_family_is_there(simplugin: InProcess) -> None:
    rows = [row for row in simplugin("models", "list", "--json").rows if row["name"].startswith("cross-")]
    assert len(rows) == 17
    for row in rows:
        a, b = row["languages"]
        assert row["name"] == f"cross-{a}-{b}-roberta"
        assert row["id"] == f"T-Systems-onsite/cross-{a}-{b}-roberta-sentence-transformer"
        assert row["dimension"] == 768


def test_people_get_a_table_on_stdout_and_advice_on_stderr(process: Process) -> None:
    outcome = process("models")
    assert outcome.code == 0
    assert outcome.stdout.split()[:2] == ["model", "kind"]
    assert "cross-en-zh-roberta" in outcome.stdout
    assert "models show" in outcome.stderr


def test_one_card_is_shown_by_name_and_by_hub_id(simplugin: InProcess) -> None:
    by_name = simplugin("models", "show", "stsb-es-distiluse", "--json").row
    assert set(by_name) >= KEYS
    assert simplugin("models", "show", by_name["id"], "--json").row == by_name
    shown = simplugin("models", "show", "stsb-es-distiluse").stdout
    assert "spearman_cosine 0.8207 on stsb-es-test" in shown
    assert "{" not in shown


def test_a_name_with_a_width_is_the_model_with_its_vectors_cut(simplugin: InProcess) -> None:
    card = simplugin("models", "show", "starter@64", "--json").row
    assert (card["name"], card["dimension"], card["truncate_dim"]) == ("starter-3", 64, 64)
    assert simplugin("models", "show", "starter@999").is_one_sentence("starter@999", "256 numbers")
    assert simplugin("models", "show", "startre@64").is_one_sentence("There is no model 'startre'")


def test_the_starter_is_what_its_card_says(process: Process) -> None:
    outcome = process("models", "check", "starter", "--json")
    assert (outcome.code, outcome.stderr) == (0, "")
    assert set(outcome.row) >= KEYS
    assert outcome.row["differences"] == []


def test_a_relative_folder_is_checked(simplugin: InProcess, words: Path, folder: Path) -> None:
    (folder / "mine").symlink_to(words)
    outcome = simplugin("models", "check", "mine")
    assert (outcome.code, outcome.stderr) == (0, "It opens.\n")
    assert simplugin("models", "check", "./mine", "--json").row["dimension"] == 32


@pytest.mark.parametrize("verb", ["show", "check"])
def test_an_unknown_name_lists_those_that_exist(process: Process, verb: str) -> None:
    outcome = process("models", verb, "nobody")
    assert outcome.code == 1
    assert outcome.is_one_sentence("'nobody'", "bge-m3-ml-tr", "starter")


def test_a_folder_has_no_card_and_is_looked_at_by_check(simplugin: InProcess, words: Path) -> None:
    outcome = simplugin("models", "show", words)
    assert outcome.code == 1
    assert f"simplugin models check {words}" in outcome.stderr


def test_json_before_the_verb_is_refused_and_not_ignored(simplugin: InProcess) -> None:
    outcome = simplugin("models", "--json", "show", "starter")
    assert (outcome.code, outcome.stdout) == (2, "")
