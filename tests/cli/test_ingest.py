"""``simplugin ingest``."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from simplugin_qdrant import open_store
from tests.cli.running import InProcess, Process, contents

SENTENCES = {
    "turkish.md": "İstanbul'da ışıklı bir IŞIK, ılık bir İÇECEK içildi.",
    "hebrew.md": "היכן אפשר לחדש את כרטיס הספרייה שלי?",
    "azerbaijani.md": "Şəhərdə gecə avtobusu saat üçədək işləyir.",
    "chinese.md": "图书馆周一闭馆,其他日子九点开门。",
    "combining.md": "Le cafe\u0301 du matin est servi a\u0300 huit heures.",
}


def test_the_report_has_the_keys_of_the_contract(simplugin: InProcess, docs: Path) -> None:
    report = simplugin("ingest", docs, "--collection", "handbook", "--json").row
    assert report["collection"] == "handbook"
    assert report["model"].startswith("starter-")
    assert report["documents"] == {"seen": 3, "added": 3, "updated": 0, "unchanged": 0, "deleted": 0, "failed": 0}
    assert report["chunks"] == {"written": 3, "reused": 0, "unchanged": 0, "deleted": 0}
    assert report["tokens"]["encoded"] > 0
    assert report["tokens"]["truncated"] == 0
    assert report["seconds"] > 0
    assert report["failures"] == []


def test_without_json_the_report_is_for_people_and_stdout_stays_empty(simplugin: InProcess, docs: Path) -> None:
    outcome = simplugin("ingest", docs, "-c", "handbook")
    assert (outcome.code, outcome.stdout) == (0, "")
    assert outcome.stderr.startswith("3 added, 0 updated")


def test_a_second_run_embeds_nothing(simplugin: InProcess, handbook: Path, docs: Path) -> None:
    before = contents(handbook)
    report = simplugin("ingest", docs, "-c", "handbook", "--json").row
    assert report["documents"]["unchanged"] == 3
    assert report["chunks"]["written"] == report["tokens"]["encoded"] == 0
    assert contents(handbook) == before


def test_only_the_document_that_changed_is_embedded(simplugin: InProcess, handbook: Path, docs: Path) -> None:
    (docs / "coffee.md").write_text("# Coffee\n\nUse less water.\n", encoding="utf-8")
    report = simplugin("ingest", docs, "-c", "handbook", "--json").row
    assert report["documents"] == {"seen": 3, "added": 0, "updated": 1, "unchanged": 2, "deleted": 0, "failed": 0}
    assert report["chunks"] == {"written": 1, "reused": 0, "unchanged": 2, "deleted": 1}
    texts = [text for _, _, text in (contents(handbook) or {})["handbook"]]
    assert any("less water" in text for text in texts)
    assert not any("60 grams" in text for text in texts)


def test_texts_of_every_script_come_back_unharmed(simplugin: InProcess, folder: Path) -> None:
    for kind, mark in (("plain", ""), ("marked", "\ufeff")):
        (folder / "texts" / kind).mkdir(parents=True)
        for name, sentence in SENTENCES.items():
            (folder / "texts" / kind / name).write_text(mark + sentence, encoding="utf-8")
    assert simplugin("ingest", "texts", "-c", "many", "--root", "texts").code == 0
    for name, sentence in SENTENCES.items():
        hits = simplugin("search", "many", sentence, "--limit", 2, "--json").rows
        assert {hit["document_id"] for hit in hits} == {f"plain/{name}", f"marked/{name}"}
        assert [hit["text"] for hit in hits] == [sentence, sentence]


def test_a_document_is_named_by_its_absolute_path_or_by_its_path_under_the_root(
    simplugin: InProcess, handbook: Path, docs: Path, words: Path
) -> None:
    assert simplugin("ingest", "docs", "-c", "rooted", "--root", "docs", "--model", words).code == 0
    stored = contents(handbook) or {}
    names = ("library.md", "coffee.md", "deep/bus.txt")
    assert {id_ for _, id_, _ in stored["handbook"]} == {(docs / name).as_posix() for name in names}
    assert {id_ for _, id_, _ in stored["rooted"]} == set(names)


def test_prune_deletes_the_documents_whose_file_is_gone(simplugin: InProcess, handbook: Path, docs: Path) -> None:
    (docs / "coffee.md").unlink()
    assert simplugin("ingest", docs, "-c", "handbook", "--json").row["documents"]["deleted"] == 0
    report = simplugin("ingest", docs, "-c", "handbook", "--prune", "--json").row
    assert report["documents"]["deleted"] == report["chunks"]["deleted"] == 1
    assert len((contents(handbook) or {})["handbook"]) == 2


def test_a_dry_run_lists_what_pruning_would_delete(simplugin: InProcess, handbook: Path, docs: Path) -> None:
    (docs / "coffee.md").unlink()

    told = simplugin("ingest", docs, "-c", "handbook", "--prune", "--dry-run").stderr
    report = simplugin("ingest", docs, "-c", "handbook", "--prune", "--json").row

    assert f"would be deleted: {(docs / 'coffee.md').as_posix()}\n" in told
    assert report["pruned"] == [(docs / "coffee.md").as_posix()]


def test_what_is_left_out_of_a_folder_is_told(simplugin: InProcess, handbook: Path, docs: Path) -> None:
    (docs / "photo.png").write_bytes(b"\x89PNG")

    assert "left out, of no format that is read: 1 .png" in simplugin("ingest", docs, "-c", "handbook").stderr


def test_prune_looks_only_within_the_given_paths(simplugin: InProcess, handbook: Path, docs: Path) -> None:
    (docs / "coffee.md").unlink()
    report = simplugin("ingest", docs / "deep", "-c", "handbook", "--prune", "--json").row
    assert report["documents"]["deleted"] == 0
    assert len((contents(handbook) or {})["handbook"]) == 3


def test_prune_understands_a_path_with_dots(simplugin: InProcess, handbook: Path, docs: Path) -> None:
    (docs / "coffee.md").unlink()
    report = simplugin("ingest", docs / "deep" / "..", "-c", "handbook", "--prune", "--json").row
    assert report["documents"]["deleted"] == 1
    assert len((contents(handbook) or {})["handbook"]) == 2


def test_a_dry_run_makes_no_store(simplugin: InProcess, docs: Path, folder: Path) -> None:
    report = simplugin("ingest", docs, "-c", "handbook", "--dry-run", "--json").row
    assert report["documents"]["added"] == report["chunks"]["written"] == 3
    assert report["tokens"]["encoded"] == 0
    assert [entry.name for entry in folder.iterdir()] == ["docs"]


def test_a_dry_run_tells_what_would_change_and_changes_nothing(
    simplugin: InProcess, handbook: Path, docs: Path
) -> None:
    (docs / "coffee.md").unlink()
    (docs / "library.md").write_text("The library moved.", encoding="utf-8")
    (docs / "garden.md").write_text("Bees in the garden.", encoding="utf-8")
    before = contents(handbook)
    outcome = simplugin("ingest", docs, "-c", "handbook", "--prune", "--dry-run", "--json")
    counts = {"seen": 3, "added": 1, "updated": 1, "unchanged": 1, "deleted": 1, "failed": 0}
    assert outcome.row["documents"] == counts
    assert outcome.stderr == ""
    assert simplugin("ingest", docs, "-c", "fresh", "--dry-run").stderr.startswith("Would be: 3 added")
    assert contents(handbook) == before


def test_metadata_given_is_noted_and_found_by_a_filter(simplugin: InProcess, docs: Path, words: Path) -> None:
    noted = ("team=legal", "year=2024", "draft=false", "plan=a=b", "zip=01234", "huge=99999999999999999999")
    given = [word for pair in noted for word in ("--metadata", pair)]
    assert simplugin("ingest", docs / "coffee.md", "-c", "handbook", "--model", words, *given).code == 0
    assert simplugin("ingest", docs / "deep", "-c", "handbook", "--metadata", "year=1999").code == 0
    (hit,) = simplugin("search", "handbook", "coffee", "--filter", '{"year": {"gte": 2020}}', "--json").rows
    expected = {"team": "legal", "year": 2024, "draft": False, "plan": "a=b", "zip": "01234", "huge": "9" * 20}
    assert hit["metadata"].items() >= expected.items()


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--include", "*.txt"], {"deep/bus.txt"}),
        (["--include", "deep/*"], {"deep/bus.txt"}),
        (["--exclude", "coffee.*"], {"library.md", "deep/bus.txt"}),
        (["--include", "*.md", "--exclude", "c*", "--exclude", "x*"], {"library.md"}),
    ],
)
def test_include_and_exclude_choose_files(
    simplugin: InProcess, docs: Path, words: Path, folder: Path, options: list[str], names: set[str]
) -> None:
    assert simplugin("ingest", docs, "-c", "some", "--root", docs, "--model", words, *options).code == 0
    assert {id_ for _, id_, _ in (contents(folder / "simplugin_db") or {})["some"]} == names


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["docs/*.md"], {"library.md", "coffee.md"}),
        (["docs/**/*.txt"], {"deep/bus.txt"}),
        (["docs/library.md", "docs/lib*", "docs/deep"], {"library.md", "deep/bus.txt"}),
    ],
)
def test_files_folders_and_globs_are_taken_each_once(
    simplugin: InProcess, docs: Path, words: Path, folder: Path, paths: list[str], names: set[str]
) -> None:
    report = simplugin("ingest", *paths, "-c", "some", "--root", docs, "--model", words, "--json").row
    assert report["documents"]["seen"] == len(names)
    assert {id_ for _, id_, _ in (contents(folder / "simplugin_db") or {})["some"]} == names


def test_store_and_model_come_from_the_environment(simplugin: InProcess, docs: Path, words: Path, folder: Path) -> None:
    env = {"SIMPLUGIN_STORE": "elsewhere", "SIMPLUGIN_MODEL": str(words)}
    assert simplugin("ingest", docs, "-c", "handbook", "--json", **env).row["model"] == "words"
    assert simplugin("collections", "show", "handbook", "--json", **env).row["points"] == 3
    assert not (folder / "simplugin_db").exists()


def test_a_model_in_the_environment_is_not_one_named_for_a_collection_that_exists(
    simplugin: InProcess, handbook: Path, docs: Path, other_words: Path
) -> None:
    env = {"SIMPLUGIN_MODEL": str(other_words)}
    report = simplugin("ingest", docs, "-c", "handbook", "--json", **env).row
    assert (report["model"], report["documents"]["unchanged"]) == ("words", 3)
    assert simplugin("search", "handbook", "library card", "--json", **env).code == 0


def test_a_model_named_by_a_relative_folder_is_found_again_from_elsewhere(docs: Path, words: Path) -> None:
    store = docs.parent / "simplugin_db"
    assert InProcess(words.parent)("ingest", docs, "-c", "handbook", "--store", store, "--model", "words").code == 0
    hits = InProcess(docs)("search", "handbook", "coffee water", "--store", store, "--limit", 1, "--json").rows
    assert Path(hits[0]["source"]).name == "coffee.md"


def test_max_tokens_bounds_the_chunks(simplugin: InProcess, folder: Path, words: Path) -> None:
    (folder / "long.txt").write_text("library card. " * 40, encoding="utf-8")
    report = simplugin("ingest", "long.txt", "-c", "long", "--model", words, "--max-tokens", 16, "--json").row
    assert report["chunks"]["written"] >= 120 // 16
    assert report["documents"]["added"] == 1


def test_what_fails_is_listed_and_the_rest_goes_through(process: Process, docs: Path, words: Path) -> None:
    (docs / "broken.md").write_bytes(bytes(range(256)) * 20)
    (docs / "empty.md").touch()
    (docs / "blank.md").write_text(" \n", encoding="utf-8")
    (docs / "folder.md").mkdir()
    outcome = process("ingest", "docs", "nowhere", "-c", "handbook", "--model", words, "--json")
    assert outcome.code == 3
    assert outcome.row["documents"] == {"seen": 7, "added": 3, "updated": 0, "unchanged": 0, "deleted": 0, "failed": 4}
    failed = {Path(failure["source"]).name: failure["reason"] for failure in outcome.row["failures"]}
    assert set(failed) == {"broken.md", "empty.md", "blank.md", "nowhere"}
    assert "no text" in failed["broken.md"]
    assert all(f"{name}: " in outcome.stderr for name in failed)
    assert "Traceback" not in outcome.stderr


def test_a_file_name_that_is_no_text_fails_by_itself(process: Process, docs: Path, words: Path) -> None:
    try:
        (docs / "caf\udce9.md").write_text("coffee", encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes only names that are text")
    outcome = process("ingest", "docs", "-c", "handbook", "--model", words, "--json")
    assert (outcome.code, outcome.row["documents"]["added"]) == (3, 3)
    assert "rename" in outcome.row["failures"][0]["reason"]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "terminated"])
def test_stopped_it_says_how_to_go_on_and_going_on_ends_in_the_same_state(
    process: Process, folder: Path, words: Path, sent: signal.Signals, code: int
) -> None:
    (folder / "many").mkdir()
    for number in range(3000):
        (folder / "many" / f"{number}.txt").write_text(f"library card {number} coffee", encoding="utf-8")
    command = ["ingest", "many", "-c", "many", "--model", str(words), "--store"]
    running = process.start(*command, "stopped")
    while not (folder / "stopped" / "collections" / "many").exists():
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(sent)
    stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == code
    assert stdout == ""
    said = r"simplugin: Stopped(?: after [\d,]+ documents)?; run the same command again to go on\.\n"
    assert re.fullmatch(said, stderr)
    assert len((contents(folder / "stopped") or {})["many"]) < 3000
    assert process(*command, "stopped").code == 0
    assert process(*command, "undisturbed").code == 0
    assert contents(folder / "stopped") == contents(folder / "undisturbed")


def test_json_lines_come_on_stdin(simplugin: InProcess, folder: Path, words: Path) -> None:
    lines = '{"id": "a", "text": "library card", "lang": "en"}\nbroken\n{"text": "coffee"}\n'
    outcome = simplugin("ingest", "-", "-c", "piped", "--model", words, "--json", stdin=lines)
    assert outcome.code == 3
    assert outcome.row["documents"]["added"] == 2
    assert outcome.row["failures"][0]["reason"].startswith("line 2")
    assert {id_ for _, id_, _ in (contents(folder / "simplugin_db") or {})["piped"]} == {"a", "stdin#3"}
    hit = simplugin("search", "piped", "library", "--filter", "lang=en", "--json").row
    assert hit["metadata"] == {"lang": "en"}


def test_columns_of_a_table_are_named(simplugin: InProcess, folder: Path, words: Path) -> None:
    (folder / "faq.csv").write_text("nr,question,answer\n7,where,library card\n8,what,coffee\n", encoding="utf-8")
    unnamed = simplugin("ingest", "faq.csv", "-c", "faq", "--model", words)
    assert unnamed.code == 1
    assert "'nr', 'question', 'answer'" in unnamed.stderr
    options = ["--text-column", "answer", "--id-column", "nr"]
    assert simplugin("ingest", "faq.csv", "-c", "faq", "--model", words, *options).code == 0
    hit = simplugin("search", "faq", "coffee", "--limit", 1, "--json").row
    assert (hit["document_id"], hit["text"], hit["metadata"]["question"]) == ("8", "coffee", "what")


def test_cells_are_numbers_where_they_are_said_to_be(simplugin: InProcess, folder: Path, words: Path) -> None:
    (folder / "hours.csv").write_text("text,year,note\nnine,2020,1\nten,2026.5,2\neleven,,3\nnoon,x,4\n")
    wanted = ("--number-column", "year", "-c", "t", "--model", words)

    outcome = simplugin("ingest", "hours.csv", *wanted)
    found = simplugin("search", "t", "nine ten eleven", "--filter", '{"year": {"gte": 2021}}', "--json").rows

    assert outcome.code == 3
    assert "line 5: 'year' is 'x', which is no number" in outcome.stderr
    assert [hit["metadata"]["year"] for hit in found] == [2026.5]
    assert found[0]["metadata"]["note"] == "2"


def test_rows_of_two_tables_that_count_from_one_are_kept_apart(simplugin: InProcess, folder: Path, words: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text(f"id,text\n1,coffee {name}\n2,bus {name}\n", encoding="utf-8")

    refused = simplugin("ingest", "a.csv", "b.csv", "-c", "t", "--model", words)
    kept = simplugin("ingest", "a.csv", "b.csv", "-c", "u", "--model", words, "--id-column", "", "--json").row

    assert refused.code == 3
    assert "the id '1' came before; an id is one document in the whole collection" in refused.stderr
    assert (kept["documents"]["added"], kept["documents"]["failed"]) == (4, 0)


def test_how_an_old_encoding_was_read_is_told(simplugin: InProcess, folder: Path, words: Path) -> None:
    text = "Şişli'de güneş ışığı altında öğle yemeği yendi; çığ düşmedi. " * 4
    (folder / "old.txt").write_bytes(text.encode("cp1254"))
    outcome = simplugin("ingest", "old.txt", "-c", "old", "--model", words, "--language", "tr", "--json")
    assert outcome.code == 0
    (guess,) = outcome.row["guessed"]
    assert (guess["source"], 0 < guess["confidence"] < 1) == ("old.txt", True)
    assert outcome.row["encodings"] == {guess["encoding"]: 1}
    hit = simplugin("search", "old", "güneş", "--limit", 1, "--json").row
    assert hit["text"].startswith("Şişli'de güneş ışığı")
    assert hit["metadata"]["lang"] == "tr"


def test_nothing_is_made_for_an_address_that_gives_nothing(simplugin: InProcess, folder: Path, words: Path) -> None:
    refused = simplugin("ingest", "http://127.0.0.1:9/page.html", "-c", "web", "--model", words)
    assert refused.code == 1
    assert simplugin("collections", "list", "--json").rows == []


def test_what_a_user_may_have_expected_otherwise_is_told(simplugin: InProcess, handbook: Path, docs: Path) -> None:
    outcome = simplugin("ingest", docs, "-c", "handbook", "--number-column", "prize")
    assert "nothing that was read has a column 'prize', which was to hold numbers.\n" in outcome.stderr
    assert simplugin("ingest", docs, "-c", "handbook", "--number-column", "prize", "--json").row["notes"]
    assert simplugin("ingest", docs, "-c", "handbook", "--json").row["notes"] == []


def test_runs_share_the_work_by_parts(simplugin: InProcess, folder: Path, words: Path) -> None:
    (folder / "many").mkdir()
    for number in range(30):
        (folder / "many" / f"{number}.txt").write_text(f"library card {number}", encoding="utf-8")
    added = [
        simplugin("ingest", "many", "-c", "many", "--model", words, "--part", f"{part}/2", "--json").row["documents"]
        for part in (1, 2)
    ]
    assert sum(counts["added"] for counts in added) == 30
    assert all(counts["seen"] == counts["added"] for counts in added)
    assert simplugin("ingest", "many", "-c", "many", "--json").row["documents"]["unchanged"] == 30


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["docs", "--part", "3/2"], "i/n"),
        (["docs", "--overlap", 100], "a quarter"),
        (["docs", "--language", "turkish"], "no code of a language"),
        (["-", "--prune"], "--prune"),
        (["docs", "--metadata", "legal"], "not key=value"),
        (["docs", "--metadata", "team=legal", "--metadata", "team=sales"], "twice"),
        (["-", "docs"], "stands alone"),
    ],
)
def test_options_that_cannot_be_are_wrong_usage(
    simplugin: InProcess, docs: Path, words: Path, options: list[object], said: str
) -> None:
    outcome = simplugin("ingest", *options, "-c", "handbook", "--model", words)
    assert outcome.code == 2
    assert said in outcome.stderr


def test_a_page_at_an_address_that_is_not_public_is_refused_unless_allowed(
    simplugin: InProcess, docs: Path, words: Path
) -> None:
    handler = partial(QuietFiles, directory=str(docs))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/coffee.md"
        refused = simplugin("ingest", url, "-c", "pages", "--model", words, "--json")
        allowed = simplugin("ingest", url, "-c", "pages", "--model", words, "--allow-private", "--json")
        server.shutdown()
    assert refused.code == 1
    assert "not public" in refused.stderr
    assert allowed.row["documents"]["added"] == 1
    assert simplugin("search", "pages", "coffee", "--json").row["source"] == url


class QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def test_tenants_never_see_each_other(simplugin: InProcess, folder: Path, words: Path) -> None:
    for tenant in ("one", "two"):
        (folder / tenant).mkdir()
        (folder / tenant / "note.md").write_text(f"library card of {tenant}", encoding="utf-8")
        options = ["-c", "shared", "--tenant", tenant, "--root", tenant, "--model", words]
        assert simplugin("ingest", tenant, *options).code == 0
    for tenant in ("one", "two"):
        hits = simplugin("search", "shared", "library card", "--tenant", tenant, "--json").rows
        assert [hit["text"] for hit in hits] == [f"library card of {tenant}"]
    (folder / "one" / "note.md").unlink()
    (folder / "one" / "next.md").write_text("coffee", encoding="utf-8")
    pruned = simplugin("ingest", "one", "-c", "shared", "--tenant", "one", "--root", "one", "--prune", "--json").row
    assert pruned["documents"]["deleted"] == 1
    assert simplugin("search", "shared", "library card", "--tenant", "two", "--json").row["document_id"] == "note.md"
    assert simplugin("search", "shared", "library card", "--tenant", "three", "--json").rows == []


def test_the_collection_records_the_model_and_its_card(simplugin: InProcess, handbook: Path) -> None:
    with open_store(handbook) as store:
        recorded = json.dumps(store.describe("handbook").metadata)
    assert '"words"' in recorded


def test_a_first_run_takes_what_is_good_however_much_before_it_is_not(
    simplugin: InProcess, folder: Path, words: Path
) -> None:
    (folder / "many").mkdir()
    for number in range(150):
        (folder / "many" / f"{number:03}.txt").touch()
    assert simplugin("ingest", "many", "-c", "new", "--model", words).code == 1
    assert simplugin("collections", "list", "--json").rows == []
    (folder / "many" / "z.txt").write_text("library card", encoding="utf-8")

    outcome = simplugin("ingest", "many", "-c", "new", "--model", words, "--json")

    assert outcome.code == 3
    assert (outcome.row["documents"]["added"], outcome.row["documents"]["failed"]) == (1, 150)
