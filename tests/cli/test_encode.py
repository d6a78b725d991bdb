"""``simplugin encode``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simplugin import load
from tests.cli.running import InProcess, Process


def test_a_line_becomes_its_text_and_vector(process: Process) -> None:
    rows = process("encode", stdin="ışık\nספרייה\n".encode()).rows
    assert [row["text"] for row in rows] == ["ışık", "ספרייה"]
    assert all(set(row) == {"text", "vector"} for row in rows)
    wanted = load("starter").encode_document(["ışık", "ספרייה"])
    np.testing.assert_allclose([row["vector"] for row in rows], wanted, atol=1e-6)


@pytest.mark.parametrize("options", [[], ["--json"], ["--query"], ["-"]], ids=" ".join)
def test_stdin_is_read_and_json_lines_are_printed_either_way(
    simplugin: InProcess, words: Path, options: list[str]
) -> None:
    outcome = simplugin("encode", "--model", words, *options, stdin="library\n")
    assert (outcome.row["text"], len(outcome.row["vector"])) == ("library", 32)
    assert outcome.stderr == ""


def test_out_writes_one_array(simplugin: InProcess, words: Path, folder: Path) -> None:
    (folder / "lines.txt").write_text("\ufefflibrary\r\n\r\ncoffee\r\n", encoding="utf-8", newline="")
    outcome = simplugin("encode", "lines.txt", "--model", words, "--out", "lines.npy")
    assert (outcome.code, outcome.stdout) == (0, "")
    assert "3 vectors of 32 numbers" in outcome.stderr
    array = np.load(folder / "lines.npy")
    assert (array.shape, array.dtype) == ((3, 32), np.float32)
    np.testing.assert_allclose(array[[0, 2]], load(words).encode_document(["library", "coffee"]))


def test_only_line_ends_end_a_line(simplugin: InProcess, words: Path) -> None:
    rows = simplugin("encode", "--model", words, stdin="one\u2028library\x0bcard\x85\ntwo").rows
    assert [row["text"] for row in rows] == ["one\u2028library\x0bcard\x85", "two"]


def test_the_model_of_the_environment_is_used(simplugin: InProcess, words: Path) -> None:
    assert len(simplugin("encode", stdin="library", SIMPLUGIN_MODEL=str(words)).row["vector"]) == 32


def test_lines_of_a_format_are_encoded_as_they_stand_and_it_is_said(
    simplugin: InProcess, words: Path, folder: Path
) -> None:
    (folder / "rows.jsonl").write_text('{"text": "a cat"}\n', encoding="utf-8")

    outcome = simplugin("encode", "rows.jsonl", "--model", words)

    assert outcome.rows[0]["text"] == '{"text": "a cat"}'
    assert "rows.jsonl: each line is encoded as it stands" in outcome.stderr
    assert "stands" not in simplugin("encode", "-", "--model", words, stdin="a cat\n").stderr
