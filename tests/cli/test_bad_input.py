"""What is refused: with one sentence, the right exit code, and the store as it was."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from qdrant_client import QdrantClient
from safetensors.numpy import load_file, save_file

from simplugin.encoders import load
from tests.cli.running import InProcess, Process, contents

COMMANDS = {
    "ingest": ["ingest", "docs", "-c", "handbook"],
    "search": ["search", "handbook", "library"],
    "list": ["collections", "list"],
    "show": ["collections", "show", "handbook"],
    "delete": ["collections", "delete", "handbook", "--yes"],
}
READING = [name for name in COMMANDS if name != "ingest"]

Broken = Callable[[Path], object]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def shorten_table(path: Path) -> None:
    save_file({name: tensor[:-1] for name, tensor in load_file(path).items()}, path)


UNREADABLE: dict[str, tuple[Broken, str]] = {
    "missing": (lambda path: None, "no such file"),
    "empty": (lambda path: path.touch(), "empty"),
    "blank": (lambda path: path.write_text(" \n\t\n", encoding="utf-8"), "empty"),
    "only-a-byte-order-mark": (lambda path: path.write_bytes(b"\xef\xbb\xbf"), "empty"),
    "no-text": (lambda path: path.write_bytes(bytes(range(256)) * 20), "no text"),
    "empty-folder": (lambda path: path.mkdir(), "no file of a known format"),
    "forbidden": (lambda path: os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0)), "cannot be read"),
    "pipe": (lambda path: os.mkfifo(path), "no regular file"),
    "link-to-nothing": (lambda path: path.symlink_to("nowhere"), "no such file"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_input_that_cannot_be_read_leaves_the_store_as_it_was(
    simplugin: InProcess, folder: Path, shelf: Path, kind: str
) -> None:
    if kind == "forbidden" and os.geteuid() == 0:
        pytest.skip("nothing is forbidden to root")
    make, reason = UNREADABLE[kind]
    make(folder / "bad.md")
    store = shelf / "simplugin_db"
    before = contents(store)
    refused = simplugin("ingest", "bad.md", "-c", "fresh", "--store", store)
    assert refused.code == 1
    assert refused.is_one_sentence("bad.md", reason)
    elsewhere = simplugin("ingest", "bad.md", "-c", "fresh", "--store", "elsewhere", "--json")
    assert (elsewhere.code, elsewhere.stdout) == (1, "")
    assert not (folder / "elsewhere").exists()
    known = simplugin("ingest", "bad.md", "-c", "handbook", "--store", store, "--json")
    assert known.code == 1
    assert known.row["documents"]["failed"] == 1
    assert reason in known.row["failures"][0]["reason"]
    assert contents(store) == before


@pytest.mark.parametrize("kind", ["missing", "pipe"])
def test_an_input_that_cannot_be_read_is_one_sentence_of_the_process(process: Process, folder: Path, kind: str) -> None:
    UNREADABLE[kind][0](folder / "bad.md")
    outcome = process("ingest", "bad.md", "-c", "handbook")
    assert outcome.code == 1
    assert outcome.is_one_sentence("bad.md", UNREADABLE[kind][1])


@pytest.mark.parametrize(
    ("paths", "options", "said"),
    [
        (["nothing/*.md"], [], ["no file matches"]),
        (["dir*"], [], ["no file matches"]),
        (["docs"], ["--include", "*.pdf"], ["no file of a known format that is included"]),
        (["docs"], ["--root", "directory"], ["root", "'directory'"]),
        (["data.csv"], [], ["which column", "'a'", "'b'"]),
        ([f"{number}.md" for number in range(9)], [], ["0.md", "and 4 more"]),
    ],
)
def test_nothing_to_ingest_makes_no_store(
    simplugin: InProcess, docs: Path, folder: Path, paths: list[str], options: list[str], said: list[str]
) -> None:
    assert docs.is_dir()
    (folder / "directory").mkdir()
    (folder / "data.csv").write_text("a,b", encoding="utf-8")
    outcome = simplugin("ingest", *paths, "-c", "handbook", *options)
    assert outcome.code == 1
    assert outcome.is_one_sentence(*said)
    assert not (folder / "simplugin_db").exists()


@pytest.mark.parametrize("name", ["", ".hidden", "x" * 300])
def test_a_name_that_no_collection_can_have_makes_no_store(simplugin: InProcess, docs: Path, name: str) -> None:
    outcome = simplugin("ingest", docs, "-c", name)
    assert outcome.code == 1
    assert outcome.is_one_sentence("cannot name a collection")
    assert not (docs.parent / "simplugin_db").exists()


def test_an_unknown_model_lists_those_that_exist(process: Process, docs: Path, folder: Path) -> None:
    outcome = process("ingest", docs, "-c", "handbook", "--model", "nobody")
    assert outcome.code == 1
    assert outcome.is_one_sentence("'nobody'", "bge-m3-ml-tr", "starter", "stsb-es-distiluse")
    assert not (folder / "simplugin_db").exists()


def test_a_pair_model_fills_no_collection(simplugin: InProcess, docs: Path, folder: Path) -> None:
    outcome = simplugin("ingest", docs, "-c", "handbook", "--model", "az-mbert-pair")
    assert outcome.code == 1
    assert outcome.is_one_sentence("'az-mbert-pair'", "no vector")
    assert not (folder / "simplugin_db").exists()


DAMAGES: dict[str, tuple[Broken, str]] = {
    "weights-cut": (lambda model: truncate(model / "model.safetensors"), "model.safetensors is damaged"),
    "weights-gone": (lambda model: (model / "model.safetensors").unlink(), "model.safetensors cannot be read"),
    "tokenizer-cut": (lambda model: truncate(model / "tokenizer.json"), "tokenizer.json is damaged"),
    "tokenizer-gone": (lambda model: (model / "tokenizer.json").unlink(), "tokenizer.json cannot be read"),
    "config-cut": (lambda model: truncate(model / "config.json"), "config.json is damaged"),
    "config-a-list": (lambda model: (model / "config.json").write_text("[]"), "config.json is no JSON object"),
    "sizes-differ": (lambda model: shorten_table(model / "model.safetensors"), "pieces and its table"),
    "empty": (empty, "the folder is empty"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_refused_before_anything_is_made(
    simplugin: InProcess, docs: Path, folder: Path, words: Path, damage: str
) -> None:
    shutil.copytree(words, folder / "model")
    make, reason = DAMAGES[damage]
    make(folder / "model")
    for command in (["ingest", docs, "-c", "handbook", "--model", "model"], ["models", "check", "model"]):
        outcome = simplugin(*command)
        assert outcome.code == 1
        assert outcome.is_one_sentence("'model'", reason)
    assert not (folder / "simplugin_db").exists()


def test_a_damaged_model_is_one_sentence_of_the_process(process: Process, folder: Path, words: Path) -> None:
    shutil.copytree(words, folder / "model")
    truncate(folder / "model" / "model.safetensors")
    outcome = process("encode", "--model", "model", stdin=b"library\n")
    assert outcome.code == 1
    assert outcome.is_one_sentence("model.safetensors is damaged")


def test_another_model_of_the_same_width_is_refused_and_both_are_named(shelf: Path, other_words: Path) -> None:
    before = contents(shelf / "simplugin_db")
    for command in (["ingest", "docs", "-c", "handbook"], ["search", "handbook", "library"]):
        outcome = Process(shelf)(*command, "--model", other_words)
        assert outcome.code == 1
        assert outcome.is_one_sentence("made with 'words'", "not with 'other-words'")
    assert contents(shelf / "simplugin_db") == before


def test_another_model_is_refused_for_a_dry_run_too(shelf: Path) -> None:
    before = contents(shelf / "simplugin_db")
    outcome = InProcess(shelf)("ingest", "docs", "-c", "handbook", "--model", "starter", "--dry-run")
    assert outcome.code == 1
    assert outcome.is_one_sentence("'words'", "'starter-")
    assert contents(shelf / "simplugin_db") == before


def test_a_store_in_use_by_another_process_is_refused(shelf: Path) -> None:
    process, store = Process(shelf), shelf / "simplugin_db"
    before = contents(store)
    code = "import sys; from simplugin_qdrant import open_store; store = open_store(sys.argv[1]); "
    code += "print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(store)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=process.environment(),
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"open\n"
        for command in (COMMANDS["ingest"], COMMANDS["search"], COMMANDS["list"]):
            outcome = process(*command)
            assert outcome.code == 1
            assert outcome.stderr.startswith("simplugin: The store in 'simplugin_db' is in use by another process")
            assert "Traceback" not in outcome.stderr
    assert contents(store) == before


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize("location", ["nowhere", "docs"])
def test_a_folder_that_is_no_store_is_left_alone(
    simplugin: InProcess, docs: Path, folder: Path, location: str, command: str
) -> None:
    before = sorted(docs.rglob("*"))
    outcome = simplugin(*COMMANDS[command], "--store", location)
    assert outcome.code == 1
    assert outcome.is_one_sentence(f"'{location}'", "no store")
    assert sorted(docs.rglob("*")) == before
    assert [entry.name for entry in folder.iterdir()] == ["docs"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_is_no_store(simplugin: InProcess, docs: Path, command: str) -> None:
    outcome = simplugin(*COMMANDS[command], "--store", docs / "coffee.md")
    assert outcome.code == 1
    assert outcome.is_one_sentence("coffee.md", "a store is a folder")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_of_the_clients_own_is_told_apart(
    simplugin: InProcess, docs: Path, folder: Path, command: str
) -> None:
    assert docs.is_dir()
    client = QdrantClient(path=str(folder / "theirs"))
    client.create_collection("handbook", vectors_config={})
    client.close()
    before = sorted((folder / "theirs").rglob("*"))
    outcome = simplugin(*COMMANDS[command], "--store", "theirs")
    assert outcome.code == 1
    assert outcome.is_one_sentence("'theirs'", "QdrantClient(path=")
    assert sorted((folder / "theirs").rglob("*")) == before


@pytest.mark.parametrize(
    "location",
    ["docs/coffee.md/store", "/dev/null/store", "ftp://host", "http//host:6333", "https:/host", "localhost:6333", ""],
)
def test_a_store_that_cannot_be_made_is_refused(simplugin: InProcess, docs: Path, location: str) -> None:
    outcome = simplugin("ingest", docs, "-c", "handbook", "--store", location)
    assert outcome.code == 1
    assert outcome.is_one_sentence("store")


def test_a_server_that_does_not_answer_is_told(process: Process) -> None:
    outcome = process("collections", "list", "--store", "http://127.0.0.1:1")
    assert (outcome.code, outcome.stdout) == (1, "")
    assert "http://127.0.0.1:1" in outcome.stderr
    assert all(line.startswith("simplugin: ") for line in outcome.stderr.splitlines())


def without_probes(sidecar: str) -> str:
    content = json.loads(sidecar)
    content["metadata"]["simplugin:default"]["fingerprint"]["probe_queries"] = "AAAA"
    return json.dumps(content)


SIDECARS: dict[str, Callable[[str], str]] = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: "",
    "a-list": lambda content: "[]",
    "without-keys": lambda content: "{}",
    "vectors-of-another-shape": lambda content: content.replace('"vectors": {', '"vectors": {"more": [1], '),
    "without-a-fingerprint": lambda content: content.replace('"fingerprint"', '"other"'),
    "without-probes": without_probes,
}


@pytest.mark.parametrize("damage", SIDECARS)
def test_a_damaged_record_of_a_collection_is_told(simplugin: InProcess, docs: Path, shelf: Path, damage: str) -> None:
    assert docs.is_dir()
    store = shutil.copytree(shelf / "simplugin_db", docs.parent / "simplugin_db")
    sidecar = store / "collections" / "handbook" / "simplugin.json"
    good = sidecar.read_text(encoding="utf-8")
    before = contents(store)
    bad = SIDECARS[damage](good)
    assert bad != good
    sidecar.write_text(bad, encoding="utf-8")
    for command in ("ingest", "search", "show"):
        outcome = simplugin(*COMMANDS[command])
        assert outcome.code == 1
        assert outcome.is_one_sentence("'handbook'")
    assert sidecar.read_text(encoding="utf-8") == bad
    if damage.startswith("without-") and damage != "without-keys":  # what else is there can be listed, and this deleted
        assert simplugin("collections", "list", "--json").row["vectors"][0]["model"] == "unreadable"
    sidecar.write_text(good, encoding="utf-8")
    assert contents(store) == before


def test_a_collection_without_its_data_is_told(simplugin: InProcess, shelf: Path, folder: Path) -> None:
    store = shutil.copytree(shelf / "simplugin_db", folder / "simplugin_db")
    shutil.rmtree(store / "collections" / "handbook" / "shard")
    outcome = simplugin("search", "handbook", "library")
    assert outcome.code == 1
    assert outcome.is_one_sentence("'handbook'")


@pytest.mark.parametrize(
    "filters",
    [
        ["nonsense"],
        ["=x"],
        ['{"lang": '],
        ['{"lang": NaN}'],
        ['{"": 1}'],
        ['{"lang": null}'],
        ['{"lang": {"above": 3}}'],
        ['{"year": {"gte": "soon"}}'],
        ['{"not": 3}'],
        ['{"not": {}}'],
        ["lang=tr", "lang=az"],
        ['{"number": 99999999999999999999999}'],
        ["lang=\udcff"],
    ],
    ids=" ".join,
)
def test_a_filter_that_is_nonsense_is_refused(shelf: Path, filters: list[str]) -> None:
    options = [word for text in filters for word in ("--filter", text)]
    outcome = InProcess(shelf)("search", "handbook", "library", *options)
    assert outcome.code == 1
    assert outcome.is_one_sentence()


def test_a_filter_that_is_nonsense_is_one_sentence_of_the_process(shelf: Path) -> None:
    outcome = Process(shelf)("search", "handbook", "library", "--filter", "nonsense", "--json")
    assert outcome.code == 1
    assert outcome.is_one_sentence("'nonsense'", "key=value")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["search", "handbook", " \n"], ["blank"]),
        (["search", "handbook", "library", "--min-probability", "0.5"], ["no calibration", "collections calibrate"]),
        (["search", "handbook", "library", "--rerank", "nobody"], ["'nobody'", "starter"]),
        (["search", "novel", "library"], ["'novel'", "It holds 'handbook'"]),
        (["rerank", "", "docs/coffee.md"], ["blank"]),
        (["rerank", "library", "nowhere.txt"], ["nowhere.txt", "No such file"]),
        (["rerank", "library", "blank.txt"], ["blank.txt", "no line"]),
        (["encode", "nowhere.txt"], ["nowhere.txt", "No such file"]),
        (["encode", "docs"], ["docs", "directory"]),
        (["encode", "blank.txt"], ["blank.txt", "no line"]),
        (["encode"], ["stdin", "no line"]),
        (["encode", "latin.txt"], ["latin.txt:2: ", "UTF-8"]),
        (["encode", "docs/coffee.md", "--out", "nowhere/x.npy"], ["x.npy", "no such folder"]),
        (["encode", "docs/coffee.md", "--out", "folder.npy"], ["folder.npy", "directory"]),
    ],
    ids=lambda given: " ".join(given),
)
def test_bad_arguments_of_the_other_verbs_are_one_sentence(
    simplugin: InProcess, docs: Path, shelf: Path, arguments: list[str], said: list[str]
) -> None:
    (docs.parent / "blank.txt").write_text("\n  \n", encoding="utf-8")
    (docs.parent / "latin.txt").write_bytes(b"one\ncaf\xe9\n")
    (docs.parent / "folder.npy").mkdir()
    before = contents(shelf / "simplugin_db")
    outcome = simplugin(*arguments, SIMPLUGIN_STORE=str(shelf / "simplugin_db"))
    assert outcome.code == 1
    assert outcome.is_one_sentence(*said)
    assert contents(shelf / "simplugin_db") == before


def test_a_collection_whose_model_is_gone_names_it(simplugin: InProcess, docs: Path, folder: Path, words: Path) -> None:
    shutil.copytree(words, folder / "mine")
    assert simplugin("ingest", docs, "-c", "handbook", "--model", "mine").code == 0
    shutil.rmtree(folder / "mine")
    outcome = simplugin("search", "handbook", "library")
    assert outcome.code == 1
    assert outcome.is_one_sentence((folder / "mine").as_posix())
    assert load(words).card.name == "words"
