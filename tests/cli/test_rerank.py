"""``simplugin rerank``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import InProcess, Process

LINES = "a coffee with water\nlibrary card\nlibrary\n"


def test_lines_come_back_closest_first(process: Process, words: Path) -> None:
    rows = process("rerank", "--model", words, "library card", "--json", stdin=LINES.encode()).rows
    assert rows[0]["text"] == "library card"
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    assert rows[0]["score"] == pytest.approx(1)


def test_people_get_rank_score_and_text(simplugin: InProcess, folder: Path, words: Path) -> None:
    (folder / "lines.txt").write_text("\ufeff" + LINES, encoding="utf-8")
    outcome = simplugin("rerank", "--model", words, "library card", "lines.txt", "--top", 1)
    assert (outcome.stdout, outcome.stderr) == ("  1. 1.000  library card\n", "")


def test_the_starter_is_the_default(simplugin: InProcess) -> None:
    rows = simplugin("rerank", "ışık", "--json", stdin="水在一百度时沸腾\nışık\n").rows
    assert rows[0]["text"] == "ışık"


def test_json_lines_keep_their_other_keys(simplugin: InProcess, words: Path) -> None:
    lines = [{"text": "coffee\u2028water", "id": 7}, {"text": "library", "id": 8, "rank": 5}]
    stdin = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    rows = simplugin("rerank", "--model", words, "library", "--json", stdin=stdin).rows
    assert [(row["rank"], row["id"]) for row in rows] == [(1, 8), (2, 7)]
    assert rows[1]["text"] == "coffee\u2028water"


def test_hits_of_a_search_can_be_reranked(simplugin: InProcess, shelf: Path, words: Path) -> None:
    hits = InProcess(shelf)("search", "handbook", "library", "--json").stdout
    rows = simplugin("rerank", "--model", words, "coffee water", "--json", stdin=hits).rows
    assert rows[0]["metadata"]["title"] == "Coffee"
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("line", "reason"),
    [('{"txt": "x"}', "no 'text'"), ('{"text": 3}', "no 'text'"), ('{"text": "\\ud800"}', "surrogate")],
)
def test_a_json_line_without_text_is_named(simplugin: InProcess, words: Path, line: str, reason: str) -> None:
    outcome = simplugin("rerank", "--model", words, "library", stdin=f"library\n{line}\n")
    assert outcome.code == 1
    assert outcome.is_one_sentence("-:2: ", reason)


def test_a_sentence_may_begin_with_a_brace(simplugin: InProcess, words: Path) -> None:
    assert simplugin("rerank", "--model", words, "library", "--json", stdin="{library").row["text"] == "{library"
