"""Pair models on the command line: small ones, made here."""

from __future__ import annotations

from pathlib import Path

import pytest

import simplugin as sp
from tests.cli.running import InProcess, Process
from tests.reranking.checkpoints import WORDS, embedder_folder, pair_folder, tokenizer_folder

pytestmark = pytest.mark.model

MNLI = {0: "entailment", 1: "neutral", 2: "contradiction"}
LINES = ["kitab", "cat mat", "su yol", "ev ev ev"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pair_folder(tmp_path_factory.mktemp("pairs") / "mnli", MNLI)


def test_lines_are_ranked_by_a_pair_model(process: Process, pair: Path) -> None:
    outcome = process("rerank", "--model", pair, "kitab ev", "--json", stdin="\n".join(LINES).encode())

    expected = sp.load_reranker(pair).rerank("kitab ev", LINES)
    assert outcome.stderr == ""
    assert [row["text"] for row in outcome.rows] == [hit.text for hit in expected]
    assert [row["score"] for row in outcome.rows] == pytest.approx([hit.score for hit in expected], abs=1e-5)


def test_a_search_is_reranked_by_a_pair_model(simplugin: InProcess, handbook: Path, pair: Path) -> None:
    found = simplugin("search", "handbook", "library", "--json").rows
    rows = simplugin("search", "handbook", "library", "--rerank", pair, "--json").rows

    assert handbook.is_dir()
    assert {row["id"] for row in rows} == {row["id"] for row in found}
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    assert all(0 <= row["score"] <= 1 for row in rows)


def test_a_pair_model_is_checked(simplugin: InProcess, pair: Path) -> None:
    outcome = simplugin("models", "check", pair, "--json")
    assert (outcome.code, outcome.row["kind"], outcome.row["max_tokens"]) == (0, "pair", 48)


def test_an_embedder_without_a_pipeline_still_reranks_by_similarity(simplugin: InProcess, folder: Path) -> None:
    embedder_folder(folder / "plain")
    rows = simplugin("rerank", "--model", "plain", "kitab", "--json", stdin="\n".join(LINES)).rows
    assert rows[0]["text"] == "kitab"


def test_classes_without_a_meaning_are_told(process: Process, folder: Path) -> None:
    pair_folder(folder / "nameless")
    outcome = process("rerank", "--model", "nameless", "kitab", stdin=b"ev\n")
    assert outcome.code == 1
    assert outcome.is_one_sentence("LABEL_0", "labels=")


def test_weights_of_tensorflow_name_the_conversion(process: Process, folder: Path) -> None:
    (folder / "old").mkdir()
    (folder / "old" / "model.h5").write_bytes(b"x")
    for model in ("old", "old/model.h5"):
        outcome = process("rerank", "--model", model, "kitab", stdin=b"ev\n")
        assert outcome.code == 1
        assert outcome.is_one_sentence("simplugin models convert", "--out DIR")


def test_a_keras_file_is_converted_and_reranks(simplugin: InProcess, folder: Path, data: Path) -> None:
    file = data / "checkpoints" / "az-keras-miniature" / "model_checkpoint_epoch_20.h5"
    if not file.is_file():
        pytest.skip("the data folder has no Keras miniature")
    tokenizer_folder(folder / "pieces")

    row = simplugin("models", "convert", file, "--out", "az", "--tokenizer", "pieces", "--json").row
    again = simplugin("models", "convert", file, "--out", "az")
    table = simplugin("models", "convert", file, "--out", "other")

    assert (row["folder"], row["tensors"], row["max_tokens"], row["tokenizer"]) == ("az", 47, 128, ".")
    assert row["labels"] == ["contradiction", "entailment", "neutral"]
    assert again.code == 1
    assert again.is_one_sentence("not empty")
    assert (table.code, "bert-base-multilingual-uncased" in table.stdout) == (0, True)
    rows = simplugin("rerank", "--model", "az", WORDS[0], "--json", stdin="\n".join(LINES)).rows
    assert [row["rank"] for row in rows] == [1, 2, 3, 4]


def test_a_file_that_is_no_keras_file_is_refused(process: Process, folder: Path) -> None:
    (folder / "model.h5").write_text("no")
    outcome = process("models", "convert", "model.h5", "--out", "az")
    assert outcome.code == 1
    assert outcome.is_one_sentence("model.h5", "HDF5")
    assert not (folder / "az").exists()
