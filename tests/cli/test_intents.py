"""``simplugin intents`` with a small model that knows a dozen words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import InProcess, Process

UTTERANCES = {
    "book": ["renew library card", "library card", "renew card late"],
    "drink": ["coffee grams water", "coffee water", "grams coffee"],
    "grow": ["bees garden", "garden water bees", "late bees garden"],
    "ride": ["bus ticket night", "night bus", "late bus ticket"],
}
QUERIES = "text,intent\nrenew library,book\ngrams water coffee,drink\ncoffee grams,ride\n"


@pytest.fixture
def intents(folder: Path) -> Path:
    path = folder / "intents.yml"
    lines = [f"{intent}:\n" + "".join(f"- {text}\n" for text in texts) for intent, texts in UTTERANCES.items()]
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def fitted(simplugin: InProcess, intents: Path, words: Path, folder: Path) -> Path:
    assert simplugin("intents", "fit", intents, "--out", "j.json", "--model", words).code == 0
    return folder / "j.json"


def test_fit_tells_what_it_made(simplugin: InProcess, intents: Path, words: Path) -> None:
    row = simplugin("intents", "fit", intents, "--out", "j.json", "--model", words, "--json").row
    wide = simplugin("intents", "fit", intents, "--out", "j.json", "--model", words)

    assert (row["intents"], row["utterances"], row["out"]) == (4, 12, "j.json")
    assert "24 utterances are enough" in wide.stderr
    assert simplugin("intents", "fit", intents, "--out", "j.json", "--model", words, "--target", "accept=0.9").code == 0


def test_a_file_that_is_read_is_not_written_over(simplugin: InProcess, intents: Path, words: Path) -> None:
    before = intents.read_bytes()

    for arguments in ([intents, "--out", intents], [intents, "--negatives", "no.txt", "--out", "no.txt"]):
        (intents.parent / "no.txt").write_text("bees\n", encoding="utf-8")
        done = simplugin("intents", "fit", *arguments, "--model", words)
        assert done.code == 1
        assert "not written over" in done.stderr

    assert intents.read_bytes() == before
    assert (intents.parent / "no.txt").read_text(encoding="utf-8") == "bees\n"


def test_an_intent_that_the_matcher_does_not_have_is_told(simplugin: InProcess, fitted: Path, folder: Path) -> None:
    (folder / "queries.csv").write_text("text,intent\nlibrary card,boook\nnight bus,ride\n", encoding="utf-8")

    done = simplugin("intents", "report", fitted, "--data", "queries.csv")

    assert done.code == 0
    assert "no intent 'boook'" in done.stderr


def test_match_has_the_keys_of_the_contract(simplugin: InProcess, fitted: Path) -> None:
    rows = simplugin("intents", "match", fitted, "night bus ticket", "penguins", "--json").rows

    assert list(rows[0]) == [
        "text", "status", "intent", "score", "confidence", "margin", "alternatives", "evidence",
    ]  # fmt: skip
    assert (rows[0]["status"], rows[0]["intent"]) == ("match", "ride")
    assert set(rows[0]["evidence"][0]) == {"text", "score", "language"}
    assert len(rows[0]["alternatives"]) == 3
    assert "night bus" in simplugin("intents", "match", fitted, "night bus").stdout


def test_lines_of_stdin_are_matched(simplugin: InProcess, fitted: Path) -> None:
    rows = simplugin("intents", "match", fitted, "-", "--json", stdin="coffee water\n\nnight bus\n").rows

    assert [row["intent"] for row in rows if row["status"] == "match"] == ["drink", "ride"]
    assert [row["status"] for row in rows][1] == "out_of_scope"


def test_report_tells_where_it_errs(simplugin: InProcess, fitted: Path, folder: Path) -> None:
    (folder / "queries.csv").write_text(QUERIES, encoding="utf-8")

    rows = simplugin("intents", "report", fitted, "--data", "queries.csv", "--json").rows
    told = simplugin("intents", "report", fitted, "--data", "queries.csv")

    by_kind = {kind: [row for row in rows if row["kind"] == kind] for kind in ("figures", "confused", "wrong")}
    assert by_kind["figures"][0]["accuracy"] == pytest.approx(2 / 3)
    assert {key: by_kind["confused"][0][key] for key in ("meant", "matched")} == {"meant": "ride", "matched": "drink"}
    assert [row["text"] for row in by_kind["wrong"]] == ["coffee grams"]
    assert told.code == 0
    assert "Wrong queries" in told.stderr
    assert "coffee grams" in told.stdout


def test_conflicts_are_told(simplugin: InProcess, intents: Path, words: Path, folder: Path) -> None:
    (folder / "queries.csv").write_text(QUERIES, encoding="utf-8")
    intents.write_text(intents.read_text(encoding="utf-8") + "again:\n- night bus\n", encoding="utf-8")
    assert simplugin("intents", "fit", intents, "--out", "j.json", "--model", words).code == 0

    rows = simplugin("intents", "report", "j.json", "--data", "queries.csv", "--json").rows

    (conflict,) = [row for row in rows if row["kind"] == "conflict" and row["conflict"] == "same_text"]
    assert {conflict["first"]["intent"], conflict["second"]["intent"]} == {"ride", "again"}
    assert conflict["remedy"].startswith("Keep it under the intent")


def test_errors_are_one_sentence(process: Process, fitted: Path, other_words: Path, folder: Path) -> None:
    (folder / "bad.csv").write_text("text,intent\nhello,\n", encoding="utf-8")

    assert process("intents", "match", "missing.json", "x").is_one_sentence("missing.json", "cannot be read")
    assert process("intents", "fit", "bad.csv", "--out", "k.json").is_one_sentence("bad.csv:2", "intent is blank")
    assert process("intents", "report", fitted).is_one_sentence("Nothing was learned")
    refused = process("intents", "match", fitted, "x", "--model", other_words)
    assert (refused.code, "was made with" in refused.stderr) == (1, True)
    assert "Traceback" not in refused.stderr
    assert not (folder / "k.json").exists()


@pytest.mark.parametrize("target", ["precision", "recall=0.9", "accept=2", "accept=x"])
def test_a_target_that_is_none_is_wrong_usage(simplugin: InProcess, intents: Path, target: str) -> None:
    assert simplugin("intents", "fit", intents, "--out", "j.json", "--target", target).code == 2


def test_the_file_is_json(fitted: Path) -> None:
    assert json.loads(fitted.read_text(encoding="utf-8"))["kind"] == "simplugin intents"
