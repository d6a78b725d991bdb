"""``simplugin evaluate retrieval``: stages of a model, and a user's own collection."""

from __future__ import annotations

import json
from pathlib import Path

import ir_measures
import numpy as np
import pytest

from tests.cli.conftest import WORDS
from tests.cli.running import InProcess
from tests.evaluation.trec import read_qrels, read_run

KEYS = {
    "model", "section", "stage", "queries", "documents", "threshold", "selective@10", "AUC", "RR@10", "R@1", "R@10",
    "Judged@10", "nDCG@10", "ci95", "warnings",
}  # fmt: skip


def write_sts(path: Path, count: int = 60, *, seed: int = 0) -> Path:
    """Write pairs of three words of the small model's: the same ones and one more, or others."""
    random = np.random.default_rng(seed)
    lines: list[str] = []
    for _ in range(count):
        words = list(random.permutation(WORDS))
        alike = random.random() < 0.5
        second = words[:4] if alike else words[6:10]
        lines.append(f"{' '.join(words[:3])}\t{' '.join(second)}\t{4.5 if alike else 0.5}\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


def write_beir(folder: Path, ids: list[str]) -> Path:
    (folder / "qrels").mkdir(parents=True)
    texts = {"library": "Renew your library card.", "coffee": "Take 60 grams of coffee.", "bus": "A night ticket."}
    corpus = [{"_id": id_, "title": "", "text": text} for id_, text in zip(ids, texts.values(), strict=True)]
    asked = {"q1": "library card", "q2": "coffee grams", "q3": "night bus"}
    queries = [{"_id": id_, "text": text} for id_, text in asked.items()]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    lines = [f"{query}\t{id_}\t1\n" for query, id_ in zip(asked, ids, strict=True)]
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(lines), encoding="utf-8")
    return folder


def test_each_stage_is_a_line_with_the_keys_of_the_contract(simplugin: InProcess, folder: Path, words: Path) -> None:
    write_sts(folder / "test.tsv")
    write_sts(folder / "dev.tsv", seed=1)
    outcome = simplugin(
        "evaluate", "retrieval", "--data", "en=test.tsv", "--dev", "en=dev.tsv", "--model", words, "--rerank", words,
        "--resamples", 100, "--trec", "runs", "--out", "result.json", "--json",
    )  # fmt: skip

    assert outcome.code == 0, outcome.stderr
    assert [row["stage"] for row in outcome.rows] == ["exact", "index", "quantized", "rerank"]
    for row in outcome.rows:
        assert set(row) >= KEYS
        assert (row["section"], row["model"], row["nDCG@10"]) == ("en", "words", None)
        assert row["selective@10"] > 0.8
        low, high = row["ci95"]["selective@10"]
        assert low <= row["selective@10"] <= high
    assert outcome.rows[1]["loss"]["RR@10"] == pytest.approx(outcome.rows[0]["RR@10"] - outcome.rows[1]["RR@10"])
    assert not (folder / "simplugin_db").exists(), "what was made for it lay elsewhere"

    stages = {row["stage"]: row for row in outcome.rows}
    for stage, row in stages.items():
        found = read_run(folder / "runs" / f"en.{stage}.run")
        judged = read_qrels(folder / "runs" / "en.qrels")
        theirs = ir_measures.calc_aggregate([ir_measures.Judged @ 10], judged, found)
        assert row["Judged@10"] == pytest.approx(theirs[ir_measures.Judged @ 10])
    assert json.loads((folder / "result.json").read_text(encoding="utf-8"))["task"] == "retrieval"


def test_people_see_the_loss_of_each_stage(simplugin: InProcess, folder: Path, words: Path) -> None:
    write_sts(folder / "test.tsv")
    outcome = simplugin("evaluate", "retrieval", "--data", "test.tsv", "--model", words, "--stage", "exact,index")

    heading, exact, index = outcome.stdout.splitlines()
    for column in ("stage", "queries", "documents", "selective@10", "loss", "Judged@10", "threshold"):
        assert column in heading
    assert "nDCG@10" not in heading
    assert "exact" in exact
    assert "0.000" in index
    assert "lower bound" in outcome.stderr


def test_a_collection_is_judged_as_it_is(simplugin: InProcess, handbook: Path, folder: Path) -> None:
    ids = [(folder / "docs" / name).as_posix() for name in ("library.md", "coffee.md", "deep/bus.txt")]
    write_beir(folder / "beir", ids)
    asked = ("evaluate", "retrieval", "--data", "beir", "--collection", "handbook", "--mode", "dense")

    outcome = simplugin(*asked, "--json", "--rerank", "starter", "--fail-under", "nDCG@10=0.9")
    assert outcome.code == 0, outcome.stderr
    assert [(row["section"], row["stage"]) for row in outcome.rows] == [("beir", "index"), ("beir", "rerank")]
    row = outcome.rows[0]
    assert (row["queries"], row["documents"], row["missing"], row["nDCG@10"]) == (3, 3, 0, 1)
    assert (row["selective@10"], row["AUC"], row["threshold"]) == (None, None, None)
    assert row["model"] == "words", "the collection's own"

    assert simplugin(*asked, "--json", SIMPLUGIN_MODEL="starter").row["model"] == "words"
    assert simplugin(*asked, "--model", "starter").is_one_sentence("starter", "words")
    missed = simplugin(*asked, "--fail-under", "Judged@10=0.9")
    assert missed.code == 1
    assert "Judged@10 is 0.3333, under 0.9." in missed.stderr
    assert simplugin("collections", "list", "--json").row["documents"] == 3
    assert handbook.exists()


def test_a_collection_of_other_documents_is_refused(simplugin: InProcess, handbook: Path, folder: Path) -> None:
    write_beir(folder / "beir", ["a", "b", "c"])
    outcome = simplugin("evaluate", "retrieval", "--data", "beir", "--collection", "handbook", "--store", handbook)
    assert outcome.code == 1
    assert outcome.is_one_sentence("Of the 3 documents", "handbook", "ingest them first")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--stage", "fast"),
        ("--collection", "handbook", "--stage", "exact"),
        ("--stage", "exact", "--rerank", "starter"),
        ("--tenant", "a"),
        ("--mode", "loud"),
        ("--fail-under", "nDCG@10"),
        ("--fail-under", "nDCG@5=0.5"),
        ("--resamples", "-1"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_before_anything_is_read(simplugin: InProcess, arguments: tuple[str, ...]) -> None:
    outcome = simplugin("evaluate", "retrieval", "--data", "absent.tsv", *arguments)
    assert (outcome.code, outcome.stdout) == (2, "")


def test_a_broken_file_is_named_with_its_line(simplugin: InProcess, folder: Path) -> None:
    (folder / "x.tsv").write_text("a\tb\t1\na\tb\thigh\n", encoding="utf-8")
    outcome = simplugin("evaluate", "retrieval", "--data", "x.tsv")
    assert outcome.code == 1
    assert outcome.is_one_sentence("x.tsv:2")
    write_sts(folder / "sts.tsv")
    assert simplugin("evaluate", "retrieval", "--data", "sts.tsv", "--trec", "x.tsv").is_one_sentence("x.tsv", "folder")
    assert simplugin("evaluate", "retrieval", "--data", "absent.tsv").is_one_sentence("absent.tsv", "cannot be read")
