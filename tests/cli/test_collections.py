"""``simplugin collections``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from simplugin_qdrant import open_store
from simplugin_qdrant.registry import read_indexes
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


def test_single_documents_are_deleted_by_id_and_by_path(simplugin: InProcess, handbook: Path, docs: Path) -> None:
    outcome = simplugin("collections", "delete", "handbook", "--document", "docs/coffee.md")
    assert (outcome.code, outcome.stderr) == (0, "Deleted 1 point of 'handbook'.\n")
    identity = (docs / "deep" / "bus.txt").absolute().as_posix()
    assert simplugin("collections", "delete", "handbook", "--document", identity, "--json").row["points"] == 1
    nothing = simplugin("collections", "delete", "handbook", "--document", identity)
    assert (nothing.code, "there is no document" in nothing.stderr) == (1, True)
    assert simplugin("collections", "show", "handbook", "--json").row["points"] == 1


def test_one_document_that_is_not_there_keeps_no_other_from_going_and_is_told(
    simplugin: InProcess, handbook: Path, docs: Path
) -> None:
    outcome = simplugin(
        "collections", "delete", "handbook", "--document", "typo.md", "--document", "docs/coffee.md", "--json"
    )
    assert outcome.code == 1
    row = json.loads(outcome.stdout)
    assert row == {"name": "handbook", "documents": ["docs/coffee.md"], "missing": ["typo.md"], "points": 1}
    assert "'typo.md'" in outcome.stderr


def test_aliases_are_listed_and_to_delete_one_is_refused(simplugin: InProcess, handbook: Path) -> None:
    with open_store(handbook) as store:
        store.alias("live", "handbook")
    assert simplugin("collections", "list", "--json").row["aliases"] == ["live"]
    assert simplugin("collections", "show", "live", "--json").row["aliases"] == ["live"]
    assert "live" in simplugin("collections", "list").stdout
    refused = simplugin("collections", "delete", "live", "--yes")
    assert (refused.code, "alias of 'handbook'" in refused.stderr) == (1, True)
    assert simplugin("collections", "show", "handbook", "--json").row["points"] == 3


def test_a_damaged_collection_does_not_hide_the_others(
    simplugin: InProcess, handbook: Path, docs: Path, words: Path
) -> None:
    assert simplugin("ingest", docs, "-c", "second", "--model", words).code == 0
    (handbook / "collections" / "second" / "simplugin.json").write_text("{")
    listed = simplugin("collections", "list", "--json")
    assert listed.code == 1
    assert json.loads(listed.stdout)["name"] == "handbook"
    assert "'second'" in listed.stderr


def test_what_a_copy_alone_has_stays_and_is_told_until_it_is_pruned(simplugin: InProcess, handbook: Path) -> None:
    assert simplugin("collections", "copy", "handbook", "--to", "elsewhere").code == 0
    simplugin("collections", "delete", "handbook", "--document", "docs/coffee.md")
    kept = simplugin("collections", "copy", "handbook", "--to", "elsewhere")
    assert "Kept there: 1 points of documents that 'handbook' has not; --prune deletes them." in kept.stderr
    gone = simplugin("collections", "copy", "handbook", "--to", "elsewhere", "--prune")
    assert "Deleted there: 1 points that 'handbook' has not." in gone.stderr
    assert contents(handbook.parent / "elsewhere") == contents(handbook)


def test_a_copy_into_memory_is_refused(simplugin: InProcess, handbook: Path) -> None:
    assert simplugin("collections", "copy", "handbook", "--to", ":memory:").code == 2


def test_documents_that_pass_a_filter_are_listed_and_deleted(simplugin: InProcess, handbook: Path, docs: Path) -> None:
    coffee = (docs / "coffee.md").absolute().as_posix()
    listed = simplugin("collections", "documents", "handbook", "--filter", "document_id=docs/coffee.md", "--json")
    assert [row["document_id"] for row in listed.rows] == [coffee]
    gone = simplugin("collections", "delete", "handbook", "--filter", "document_id=docs/coffee.md", "--json").row
    assert gone == {"name": "handbook", "documents": [coffee], "missing": [], "points": 1}
    nothing = simplugin("collections", "documents", "handbook", "--filter", "document_id=docs/coffee.md")
    assert (nothing.code, nothing.stdout) == (0, "")
    assert "no document that passes the filter" in nothing.stderr
    assert "passes the filter" in simplugin("collections", "delete", "handbook", "--filter", "lang=xx").stderr
    for wrong in ("{}", "lang", "[1]"):
        assert simplugin("collections", "delete", "handbook", "--filter", wrong).code == 1
    refused = simplugin("collections", "documents", "handbook", "docs/coffee.md", "--filter", "lang=tr")
    assert refused.code == 2
    assert simplugin("collections", "show", "handbook", "--json").row["points"] == 2


def test_documents_are_listed_with_their_chunks(simplugin: InProcess, handbook: Path, docs: Path) -> None:
    (docs / "long.txt").write_text("\n\n".join(f"Rule {number}. " + "Be quiet. " * 40 for number in range(20)))
    assert simplugin("ingest", "docs", "-c", "handbook", "--max-tokens", 64).code == 0
    rows = simplugin("collections", "documents", "handbook", "--json").rows
    assert [row["document_id"] for row in rows] == sorted(
        path.absolute().as_posix() for path in docs.rglob("*") if path.suffix in {".md", ".txt"}
    )
    (long,) = [row for row in rows if row["document_id"].endswith("/long.txt")]
    assert long["chunks"] > 3
    assert long["written"] > "2026"
    assert (long["source"], long["tenant"]) == ("docs/long.txt", None)
    printed = simplugin("collections", "documents", "handbook").stdout.splitlines()
    assert printed[0].split() == ["document", "chunks", "written"]
    assert len(printed) == 1 + len(rows)

    chunks = simplugin("collections", "documents", "handbook", "docs/long.txt", "--json").rows
    assert [chunk["number"] for chunk in chunks] == list(range(long["chunks"]))
    assert "".join("".join(chunk["text"].split()) for chunk in chunks) == "".join(
        (docs / "long.txt").read_text().split()
    )
    assert "vector" not in chunks[0]
    shown = simplugin("collections", "documents", "handbook", long["document_id"], "docs/coffee.md").stdout
    assert f"{long['document_id']} [0]" in shown
    assert shown.index("Rule 0") < shown.index("coffee.md [0]")
    missing = simplugin("collections", "documents", "handbook", "docs/nowhere.txt")
    assert missing.code == 1
    assert missing.is_one_sentence("no document 'docs/nowhere.txt'")
    partly = simplugin("collections", "documents", "handbook", "docs/nowhere.txt", "docs/coffee.md")
    assert (partly.code, "coffee.md [0]" in partly.stdout, "'docs/nowhere.txt'" in partly.stderr) == (1, True, True)


def test_documents_of_tenants_are_told_apart(simplugin: InProcess, docs: Path, words: Path) -> None:
    for tenant in ("north", "south"):
        assert simplugin("ingest", docs / "deep", "-c", "both", "--model", words, "--tenant", tenant).code == 0
    rows = simplugin("collections", "documents", "both", "--json").rows
    assert [row["tenant"] for row in rows] == ["north", "south"]
    assert simplugin("collections", "documents", "both").stdout.splitlines()[0].split()[-1] == "tenant"
    assert [
        row["tenant"] for row in simplugin("collections", "documents", "both", "--tenant", "south", "--json").rows
    ] == ["south"]
    none = simplugin("collections", "documents", "both", "--tenant", "west")
    assert (none.code, none.stdout, none.stderr) == (0, "", "Collection 'both' holds no document of 'west'.\n")


def test_a_migration_changes_the_model_and_can_be_taken_back(
    simplugin: InProcess, handbook: Path, other_words: Path, folder: Path
) -> None:
    (folder / "queries.txt").write_text("renew card\n\ncoffee\n", encoding="utf-8")
    held = simplugin("collections", "migrate", "handbook", "--model", other_words, "--hold", "--json").row
    assert (held["before"], held["after"], held["serving"], held["embedded"]) == ("words", "other-words", "words", 3)
    assert simplugin("search", "handbook", "renew card", "--model", other_words).code == 1
    for early in ("--finish", "--rollback"):
        refused = simplugin("collections", "migrate", "handbook", early)
        assert (refused.code, "nothing was cut over" in refused.stderr.lower()) == (1, True)

    done = simplugin("collections", "migrate", "handbook", "--model", other_words, "--queries", "queries.txt", "--json")
    assert (done.row["serving"], done.row["embedded"], done.row["queries"]) == ("other-words", 0, 2)
    assert 0 <= done.row["agreement@10"] <= 1
    assert "answers by 'other-words'" in done.stderr
    assert simplugin("search", "handbook", "renew card", "--json").rows[0]["text"].endswith("Renew your library card.")
    shown = simplugin("collections", "show", "handbook", "--json").row["vectors"]
    assert [(vector["name"], vector["model"], vector["serving"]) for vector in shown] == [
        ("default", "words", False),
        ("other-words", "other-words", True),
    ]

    back = simplugin("collections", "migrate", "handbook", "--rollback", "--json")
    assert (back.row, back.code) == ({"collection": "handbook", "serving": "words"}, 0)
    again = simplugin("collections", "migrate", "handbook", "--model", other_words, "--finish", "--json").row
    assert (again["embedded"], again["finished"]) == (0, True)
    (vector,) = simplugin("collections", "show", "handbook", "--json").row["vectors"]
    assert (vector["name"], vector["model"]) == ("other-words", "other-words")
    assert simplugin("collections", "migrate", "handbook", "--finish", "--json").row["serving"] == "other-words"
    assert simplugin("collections", "migrate", "handbook", "--model", "starter", "--hold", "--finish").code == 2
    refused = simplugin("collections", "migrate", "handbook", "--rollback")
    assert refused.code == 1
    assert refused.is_one_sentence("no vectors to go back to")


def test_a_held_migration_is_abandoned(simplugin: InProcess, handbook: Path, other_words: Path) -> None:
    simplugin("collections", "migrate", "handbook", "--model", other_words, "--hold")
    gone = simplugin("collections", "migrate", "handbook", "--model", other_words, "--abandon", "--json")
    assert (gone.code, gone.row) == (0, {"collection": "handbook", "serving": "words"})
    (vector,) = simplugin("collections", "show", "handbook", "--json").row["vectors"]
    assert vector["model"] == "words"
    assert simplugin("collections", "migrate", "handbook", "--model", other_words, "--abandon", "--hold").code == 2


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--rollback", "--model", "starter"],
        ["--rollback", "--finish"],
        ["--rollback", "--hold"],
        ["--finish", "--queries", "queries.txt"],
    ],
)
def test_a_migration_says_what_it_needs(shelf: Path, options: list[str]) -> None:
    outcome = InProcess(shelf)("collections", "migrate", "handbook", *options)
    assert outcome.code == 2
    assert "--rollback alone" in outcome.stderr


def test_a_copy_holds_the_same_and_is_written_once(simplugin: InProcess, handbook: Path, folder: Path) -> None:
    first = simplugin("collections", "copy", "handbook", "--to", "elsewhere", "--json").row
    assert (first["collection"], first["points"], first["written"], first["to"]) == ("handbook", 3, 3, "elsewhere")
    assert contents(folder / "elsewhere") == contents(handbook)
    again = simplugin("collections", "copy", "handbook", "--to", "elsewhere", "--json").row
    assert (again["written"], again["checksum"]) == (0, first["checksum"])
    beside = simplugin("collections", "copy", "handbook", "--to", handbook, "--name", "beside")
    assert beside.code == 0
    assert "the 3 points of 'handbook', 3 of them written" in beside.stderr
    assert simplugin("collections", "copy", "handbook", "--to", handbook).code == 2
    clustered = simplugin("collections", "copy", "handbook", "--to", "third", "--shards", "2")
    assert clustered.is_one_sentence("not spread over a cluster")


def test_duplicates_are_shown_with_their_documents(simplugin: InProcess, handbook: Path, docs: Path) -> None:
    command = ("collections", "duplicates", "handbook")
    ingest = ("ingest", docs, "-c", "handbook", "--near-duplicates", 0.9)
    assert handbook.is_dir()
    none = simplugin(*command)
    assert (none.code, none.stdout) == (0, "")
    assert none.stderr == "No two texts of 'handbook' have a cosine of 0.95 or more.\n"
    (docs / "again.md").write_text("Renew your library card!\n", encoding="utf-8")

    told = simplugin(*ingest)
    group = simplugin(*command, "--threshold", 0.9, "--json").row
    heading, first, _ = simplugin(*command, "--threshold", 0.9).stdout.splitlines()

    paths = [str(docs / name) for name in ("again.md", "library.md")]
    assert f"): 2 texts in {', '.join(paths)}\n" in told.stderr
    assert [text["document_id"] for text in group["texts"]] == paths
    assert simplugin(*ingest, "--json").row["near_duplicates"] == [group]
    assert heading.split() == ["group", "cosine", "document", "chunk", "text"]
    assert first.split()[0] == "1"
    assert simplugin(*command, "--threshold", 2).code == 2
    refused = simplugin(*ingest, "--dry-run")
    assert refused.code == 2
    assert "stores nothing" in refused.stderr


def test_metadata_is_indexed_for_filters_by_its_kind(simplugin: InProcess, docs: Path, words: Path) -> None:
    rows = [{"id": str(year), "text": f"library card {year}", "year": year, "kind": "card"} for year in (2019, 2024)]
    (docs / "cards.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert simplugin("ingest", docs / "cards.jsonl", "-c", "cards", "--model", words).code == 0
    outcome = simplugin("collections", "index", "cards", "kind", "year=integer", "--json")
    assert outcome.row == {"collection": "cards", "points": 2, "indexes": {"kind": "keyword", "year": "integer"}}
    assert outcome.stderr == "Indexed kind, year of 'cards' (2 points).\n"
    with open_store(str(simplugin.folder / "simplugin_db")) as store:
        recorded = read_indexes(store.metadata("cards"))
    assert recorded == {"metadata.kind": "keyword", "metadata.year": "integer"}
    assert simplugin("collections", "show", "cards", "--json").row["indexes"] == outcome.row["indexes"]
    assert "No text" not in outcome.stderr
    absent = simplugin("collections", "index", "cards", "kidn", "source")
    assert (absent.code, "No text looked at has kidn in its metadata by now." in absent.stderr) == (0, True)
    assert "kind=keyword year=integer" in simplugin("collections", "show", "cards").stdout
    late = '{"kind": "card", "year": {"gte": 2020}}'
    (hit,) = simplugin("search", "cards", "library card", "--filter", late, "--json").rows
    assert hit["document_id"] == "2024"


@pytest.mark.parametrize("key", ["year=number", "=integer", "year=", ""])
def test_a_kind_of_index_that_there_is_not_lists_those_there_are(
    simplugin: InProcess, handbook: Path, key: str
) -> None:
    before = contents(handbook)
    outcome = simplugin("collections", "index", "handbook", "kind", key)
    assert outcome.code == 2
    assert "keyword, integer, float, bool, datetime" in outcome.stderr
    assert contents(handbook) == before


def test_metadata_is_indexed_where_the_model_is_not_to_be_had(
    simplugin: InProcess, docs: Path, words: Path, tmp_path: Path
) -> None:
    model = tmp_path / "moved"
    shutil.copytree(words, model)
    assert simplugin("ingest", docs, "-c", "far", "--model", model).code == 0
    shutil.rmtree(model)
    assert simplugin("search", "far", "library").code == 1
    assert simplugin("collections", "index", "far", "kind", "--json").row["indexes"] == {"kind": "keyword"}


@pytest.mark.parametrize("verb", ["show", "delete", "index"])
def test_an_unknown_collection_lists_those_that_exist(shelf: Path, verb: str) -> None:
    before = contents(shelf / "simplugin_db")
    outcome = Process(shelf)("collections", verb, "novel", *(["kind"] if verb == "index" else []))
    assert outcome.code == 1
    assert outcome.is_one_sentence("'novel'", "It holds 'handbook'")
    assert contents(shelf / "simplugin_db") == before


def test_to_delete_a_tenant_leaves_the_others_theirs(simplugin: InProcess, folder: Path, words: Path) -> None:
    for tenant in ("acme", "other"):
        (folder / f"{tenant}.md").write_text(f"library card of {tenant}", encoding="utf-8")
        simplugin("ingest", f"{tenant}.md", "-c", "mail", "--tenant", tenant, "--model", words)

    gone = simplugin("collections", "delete", "mail", "--tenant", "acme", "--json")

    assert (gone.code, gone.row) == (0, {"name": "mail", "tenant": "acme", "points": 1})
    assert "Deleted what 'acme' had in 'mail'" in gone.stderr
    (left,) = simplugin("search", "mail", "library card", "--tenant", "other", "--json").rows
    assert left["text"] == "library card of other"
    assert simplugin("search", "mail", "library card", "--tenant", "acme", "--json").rows == []
