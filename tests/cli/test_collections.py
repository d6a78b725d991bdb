"""``simplugin collections``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import InProcess, Process, contents


def test_a_collection_has_the_keys_of_the_contract(shelf: Path) -> None:
    simplugin = InProcess(shelf)
    listed = simplugin("collections", "list", "--json").row
    assert simplugin("collections", "show", "handbook", "--json").row == listed
    assert (listed["name"], listed["points"], listed["documents"]) == ("handbook", 3, 3)
    (vector,) = listed["vectors"]
    assert (vector["name"], vector["model"], vector["dimension"]) == ("default", "words", 32)
    assert len(vector["fingerprint"]) == 64


def test_people_get_tables(shelf: Path) -> None:
    process = Process(shelf)
    listed = process("collections", "list")
    assert (listed.code, listed.stderr) == (0, "")
    assert listed.stdout.splitlines()[1].split() == ["handbook", "3", "3", "words"]
    shown = process("collections", "show", "handbook")
    assert shown.code == 0
    assert "words" in shown.stdout


def test_names_of_every_script_are_kept(simplugin: InProcess, docs: Path, words: Path) -> None:
    for name in ("El kitabı/图书", "ספר"):
        assert simplugin("ingest", docs / "deep", "-c", name, "--model", words).code == 0
    assert {row["name"] for row in simplugin("collections", "list", "--json").rows} == {"El kitabı/图书", "ספר"}


def test_delete_takes_the_collection_and_nothing_else(
    simplugin: InProcess, handbook: Path, docs: Path, words: Path
) -> None:
    assert simplugin("ingest", docs, "-c", "second", "--model", words).code == 0
    outcome = simplugin("collections", "delete", "second", "--yes")
    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "", "Deleted 'second' (3 points).\n")
    assert list(contents(handbook) or {}) == ["handbook"]
    assert simplugin("collections", "delete", "handbook", "--json").row["points"] == 3
    emptied = simplugin("collections", "list")
    assert (emptied.code, emptied.stdout) == (0, "")
    assert "no collection" in emptied.stderr
    assert simplugin("collections", "list", "--json").rows == []


@pytest.mark.parametrize("verb", ["show", "delete"])
def test_an_unknown_collection_lists_those_that_exist(shelf: Path, verb: str) -> None:
    before = contents(shelf / "simplugin_db")
    outcome = Process(shelf)("collections", verb, "novel")
    assert outcome.code == 1
    assert outcome.is_one_sentence("'novel'", "It holds 'handbook'")
    assert contents(shelf / "simplugin_db") == before
