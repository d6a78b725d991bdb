"""``simplugin search``."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.running import InProcess, Process, contents

KEYS = {"rank", "score", "probability", "id", "document_id", "source", "text", "metadata"}


@pytest.fixture
def simplugin(shelf: Path) -> InProcess:
    return InProcess(shelf)


@pytest.fixture
def process(shelf: Path) -> Process:
    return Process(shelf)


def test_a_hit_has_the_keys_of_the_contract(simplugin: InProcess, shelf: Path) -> None:
    hits = simplugin("search", "handbook", "renew a library card", "--json").rows
    assert all(set(hit) >= KEYS for hit in hits)
    assert [hit["rank"] for hit in hits] == [1, 2, 3]
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    best = hits[0]
    assert best["document_id"] == (shelf / "docs" / "library.md").as_posix()
    assert best["text"] == "# Library\n\nRenew your library card."
    assert best["metadata"]["title"] == "Library"
    assert best["probability"] is None


def test_people_get_score_source_and_the_beginning_of_the_text(process: Process) -> None:
    outcome = process("search", "handbook", "late bus ticket", "--limit", "1")
    assert (outcome.code, outcome.stderr) == (0, "")
    first, second = outcome.stdout.splitlines()
    assert first.startswith(" 1. ")
    assert first.endswith("bus.txt")
    assert second.strip() == "The late bus needs a night ticket."


def test_nothing_found_is_no_error(simplugin: InProcess) -> None:
    outcome = simplugin("search", "handbook", "bees", "--filter", "title=Nowhere")
    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "", "Nothing found.\n")
    assert simplugin("search", "handbook", "bees", "--filter", "title=Nowhere", "--json").rows == []


def test_a_filter_by_what_no_text_has_says_so_and_what_there_is(simplugin: InProcess) -> None:
    outcome = simplugin("search", "handbook", "bees", "--filter", "titel=Coffee")

    assert (outcome.code, outcome.stdout) == (0, "")
    assert "no text looked at has titel in its metadata" in outcome.stderr
    assert "title" in outcome.stderr.partition("which has")[2]


def test_the_rows_of_a_table_are_told_apart_and_found_by_numbers_that_a_cell_holds_as_text(
    folder: Path,
) -> None:
    simplugin = InProcess(folder)
    (folder / "hours.csv").write_text("text,year\nOpen at nine.,2020\nOpen at ten.,2026\n", encoding="utf-8")
    (folder / "named.csv").write_text("id,text\npool,The pool is closed.\n", encoding="utf-8")
    simplugin("ingest", "hours.csv", "--collection", "rows")
    simplugin("ingest", "named.csv", "--collection", "names")

    nothing = simplugin("search", "rows", "when is it open?", "--filter", '{"year": {"gte": 2020}}').stderr
    assert "year is compared with a number, and holds texts such as '20" in nothing
    assert "--number-column" in nothing
    found = simplugin("search", "rows", "when is it open?", "--filter", "year=2026").stdout

    assert found.splitlines()[0].endswith("hours.csv#2")
    assert "Open at ten." in found
    assert "Open at nine." not in found
    first = simplugin("search", "names", "the pool").stdout.splitlines()[0]
    assert "  pool in " in first
    assert first.endswith("named.csv")


def test_a_value_on_the_command_line_finds_what_it_looks_like_text_integer_or_not(folder: Path) -> None:
    simplugin = InProcess(folder)
    long = "00340123450000000018"  # a parcel's number: of more than 64 bits
    rows = [{"id": str(n), "text": f"Parcel {n}.", "price": price} for n, price in enumerate([30, 30.0, "30", 31])]
    rows.append({"id": "long", "text": "Parcel of many digits.", "number": long})
    (folder / "parcels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    simplugin("ingest", "parcels.jsonl", "--collection", "parcels")

    def found(chosen: str) -> set[str]:
        return {hit["text"] for hit in simplugin("search", "parcels", "parcel", "--filter", chosen, "--json").rows}

    assert found("price=30") == found("price=30.0") | {"Parcel 2."} == {"Parcel 0.", "Parcel 1.", "Parcel 2."}
    assert found(f"number={long}") == {"Parcel of many digits."}


@pytest.mark.parametrize(
    ("filters", "titles"),
    [
        (["title=Coffee"], ["Coffee"]),
        (['{"title": ["Coffee", "Library"]}'], ["Coffee", "Library"]),
        (['{"not": {"title": "Coffee"}}', '{"title": ["Coffee", "Library"]}'], ["Library"]),
        (["title=Coffee", '{"year": {"gte": 2020}}'], []),
        (["title=NaN"], []),
    ],
)
def test_filters_narrow_the_hits(simplugin: InProcess, filters: list[str], titles: list[str]) -> None:
    options = [word for text in filters for word in ("--filter", text)]
    hits = simplugin("search", "handbook", "coffee", *options, "--json").rows
    assert sorted(hit["metadata"]["title"] for hit in hits) == titles


def test_a_filter_by_document_id_finds_that_document(simplugin: InProcess, shelf: Path) -> None:
    wanted = (shelf / "docs" / "deep" / "bus.txt").as_posix()
    assert simplugin("search", "handbook", "coffee", "--filter", f"document_id={wanted}", "--json").row["source"]


def test_limit_and_min_score_leave_hits_out(simplugin: InProcess) -> None:
    everything = simplugin("search", "handbook", "library card", "--json").rows
    assert simplugin("search", "handbook", "library card", "--limit", 2, "--json").rows == everything[:2]
    bar = everything[1]["score"] - 1e-6
    assert simplugin("search", "handbook", "library card", "--min-score", bar, "--json").rows == everything[:2]


def test_a_reranker_gives_its_own_scores_in_its_own_order(simplugin: InProcess) -> None:
    first = simplugin("search", "handbook", "library card", "--json").rows
    again = simplugin("search", "handbook", "library card", "--rerank", "starter", "--limit", 2, "--json").rows
    assert len(again) == 2
    assert [hit["rank"] for hit in again] == [1, 2]
    assert again[0]["score"] >= again[1]["score"]
    assert {hit["id"] for hit in again} <= {hit["id"] for hit in first}
    assert {hit["score"] for hit in again}.isdisjoint(hit["score"] for hit in first)


def test_the_collections_own_model_may_be_named(simplugin: InProcess, words: Path) -> None:
    assert simplugin("search", "handbook", "library", "--model", words, "--json").code == 0


def test_a_model_that_was_moved_is_let_in_by_its_new_folder(simplugin: InProcess, words: Path, folder: Path) -> None:
    (folder / "moved").symlink_to(words)
    assert simplugin("search", "handbook", "library", "--model", folder / "moved", "--json").code == 0


def test_a_search_makes_no_collection(simplugin: InProcess, shelf: Path, words: Path) -> None:
    before = contents(shelf / "simplugin_db")
    outcome = simplugin("search", "novel", "library", "--model", words)
    assert outcome.code == 1
    assert outcome.is_one_sentence("'novel'", "It holds 'handbook'")
    assert contents(shelf / "simplugin_db") == before


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["people", "json"])
def test_a_reader_that_has_seen_enough_is_no_error(process: Process, options: list[str]) -> None:
    running = process.start("search", "handbook", "library", *options)
    assert running.stdout
    running.stdout.close()
    assert running.wait(timeout=60) == 0
    assert running.stderr
    assert running.stderr.read() == ""
    running.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_disk_is_one_sentence(process: Process) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            process.command("search", "handbook", "library"),
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=process.folder,
            env=process.environment(),
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "simplugin: The system: No space left on device.\n"


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_a_closed_stdout_is_no_error(process: Process) -> None:
    command = ["sh", "-c", 'exec "$@" >&-', "sh", *process.command("search", "handbook", "library")]
    done = subprocess.run(
        command, stderr=subprocess.PIPE, cwd=process.folder, env=process.environment(), text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_answer_is_utf8_whatever_the_locale(process: Process, words: Path) -> None:
    options = ["--model", words, "--json"]
    outcome = process("rerank", "图书馆", *options, stdin="图书馆 library".encode(), PYTHONIOENCODING="latin-1")
    assert outcome.row["text"] == "图书馆 library"
