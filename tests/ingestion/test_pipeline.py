from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document as LangChainDocument

from simplugin.ingestion import Failure, Progress, Splitter, ingest_documents
from simplugin.ingestion.known import Known, Record
from simplugin.measures import FloatArray
from simplugin.records import Chunk, ChunkKey, Document
from simplugin.words import WordVector
from simplugin_qdrant import Collection, Store, open_store, register
from tests.conftest import ROOT
from tests.hashing import HashEncoder


def state(docs: Collection) -> dict[str, tuple[dict[str, Any], list[float], list[int]]]:
    """Return everything stored but the times: ids, payloads and vectors."""
    stored: dict[str, tuple[dict[str, Any], list[float], list[int]]] = {}
    for record in docs.store.scroll(docs.name, with_vectors=True):
        payload = record.payload | {"simplugin": {k: v for k, v in record.payload["simplugin"].items() if k != "at"}}
        row, words = record.vectors["default"], record.vectors.get("simplugin-words")  # a text may have no words
        assert isinstance(row, np.ndarray)
        numbers = words.indices.tolist() if isinstance(words, WordVector) else []
        stored[record.id] = (payload, [round(float(x), 5) for x in row], numbers)
    return stored


def page(number: int, extra: str = "") -> Document:
    body = "\n\n".join(f"Paragraph {part} of page {number}. " + f"word{number * part} " * 30 for part in range(6))
    return Document(f"page-{number}", extra + body, source=f"{number}.txt", metadata={"n": number})


@pytest.fixture
def docs(store: Store, fresh: object) -> Collection:
    return register(store, f"pages-{id(fresh):x}", HashEncoder())


def test_a_second_run_embeds_nothing(docs: Collection) -> None:
    first = docs.ingest(page(n) for n in range(5))
    encoder = docs.encoder
    assert isinstance(encoder, HashEncoder)
    encoded = encoder.texts_encoded

    again = docs.ingest(page(n) for n in range(5))

    assert (first.documents.added, first.chunks.written) == (5, docs.count())
    assert (again.documents.unchanged, again.chunks.written, again.chunks.unchanged) == (5, 0, docs.count())
    assert encoder.texts_encoded == encoded


def test_an_edit_embeds_only_what_it_changed_and_leaves_no_stale_chunk(docs: Collection) -> None:
    docs.ingest(page(n) for n in range(3))
    edited = [page(0), page(1, extra="A new paragraph on top.\n\n"), page(2)]

    report = docs.ingest(edited)

    assert (report.documents.updated, report.documents.unchanged) == (1, 2)
    assert 1 <= report.chunks.written <= 2
    whole = state(docs)
    docs.delete([document.id for document in edited])
    docs.ingest(edited)
    assert state(docs) == whole


def test_a_document_that_shrinks_loses_its_chunks_and_one_that_changes_metadata_is_not_embedded_again(
    docs: Collection,
) -> None:
    docs.ingest([page(1)])

    moved = docs.ingest([Document("page-1", page(1).text, source="1.txt", metadata={"n": 2})])
    shrunk = docs.ingest([Document("page-1", "Only this.", source="1.txt")])

    assert (moved.documents.updated, moved.chunks.written) == (1, 0)
    assert shrunk.chunks.written == 1
    assert shrunk.chunks.deleted == moved.chunks.unchanged
    assert docs.count() == 1


class KilledError(Exception):
    pass


class CutShort:
    """A collection whose process dies in the middle of its nth write: half of that write is done, then nothing."""

    def __init__(self, docs: Collection, after: int) -> None:
        self.docs = docs
        self.left = after
        self.name, self.encoder = docs.name, docs.encoder
        self.heads, self.chunk_keys, self.recorded = docs.heads, docs.chunk_keys, docs.recorded
        self.size, self.vectors, self.bulk, self.flush = docs.size, docs.vectors, docs.bulk, docs.flush

    def dies(self) -> bool:
        self.left -= 1
        return self.left < 0

    def write(self, chunks: Sequence[Chunk], vectors: FloatArray) -> None:
        if self.dies():
            half = len(chunks) // 2
            self.docs.write(chunks[:half], vectors[:half])
            raise KilledError
        self.docs.write(chunks, vectors)

    def restate(self, chunks: Sequence[Chunk]) -> None:
        if self.dies():
            self.docs.restate(chunks[: len(chunks) // 2])
            raise KilledError
        self.docs.restate(chunks)

    def discard(self, stale: Iterable[tuple[str, Iterable[ChunkKey]]]) -> None:
        listed = [(document_id, [key]) for document_id, keys in stale for key in keys]
        if self.dies():
            self.docs.discard(listed[: len(listed) // 2])
            raise KilledError
        self.docs.discard(listed)


def test_a_run_cut_short_at_any_write_is_finished_by_the_next(docs: Collection) -> None:
    old = [page(1), page(2, extra="An older beginning. "), page(3)]
    new = [page(1, extra="Changed on top.\n\n"), page(2), page(4), Document("page-3", page(3).text[:400])]
    docs.ingest(new)
    expected = state(docs)
    deaths = 0
    for after in range(20):
        docs.delete([document.id for document in (*old, *new)])
        docs.ingest(old)
        cut = CutShort(docs, after)
        try:
            ingest_documents(cut, new)
        except KilledError:
            deaths += 1
            docs.ingest(new)
        assert state(docs) == expected, f"cut short at write {after}"
    assert 4 <= deaths < 20, "every write of the run was the last one once"


def encoded(docs: Collection) -> int:
    assert isinstance(docs.encoder, HashEncoder)
    return docs.encoder.texts_encoded


def test_a_renamed_document_keeps_its_vectors(docs: Collection) -> None:
    docs.ingest([page(1), page(2)], max_tokens=64)
    before, already = state(docs), encoded(docs)

    renamed = replace(page(1), id="renamed", source="renamed.txt")
    report = docs.ingest([renamed], max_tokens=64)

    assert encoded(docs) == already
    assert report.chunks.reused == report.chunks.written == 6
    assert len(state(docs)) == len(before) + 6
    vectors = sorted(vector for payload, vector, _ in state(docs).values() if payload["document_id"] == "renamed")
    assert vectors == sorted(vector for payload, vector, _ in before.values() if payload["document_id"] == "page-1")


def test_a_text_that_comes_in_many_documents_is_embedded_once(docs: Collection) -> None:
    documents = [Document(f"d{n}", f"Its own text, number {n}.\n\n" + "The same licence. " * 40) for n in range(300)]

    report = docs.ingest(documents, max_tokens=120)

    assert report.chunks.written == 600
    assert report.chunks.reused == 299
    assert encoded(docs) >= 301
    again = docs.ingest([*documents, Document("new", "The same licence. " * 40)], max_tokens=120)
    assert (again.chunks.written, again.chunks.reused) == (1, 1)


def test_what_nobody_sees_is_not_read_by_the_model_and_is_counted(docs: Collection) -> None:
    shown, plain = "\ufeffgu\u200bnes\u0327 \u202eters\u202c a\u00ad\0", "guneş ters a"

    report = docs.ingest([Document("shown", shown)])

    assert report.invisible == {"zero_width": 3, "bidi": 2, "nul": 1}
    (hit,) = docs.search(plain, limit=1, mode="dense")
    assert hit.text == shown.strip("\ufeff\0") or hit.text == shown
    assert hit.score == pytest.approx(1, abs=1e-5)


def test_parts_share_the_work_and_come_to_the_same(docs: Collection, tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number}.txt").write_text(page(number).text)
    (tmp_path / "rows.jsonl").write_text("".join(f'{{"text": "row {n}"}}\n' for n in range(20)))

    reports = [docs.ingest([tmp_path], root=tmp_path, part=(part, 3)) for part in (1, 2, 3)]

    assert sum(report.documents.added for report in reports) == 60
    assert all(10 < report.documents.added < 30 for report in reports)
    assert docs.ingest([tmp_path], root=tmp_path).documents.unchanged == 60
    with pytest.raises(ValueError, match="part is 4/3"):
        docs.ingest([tmp_path], part=(4, 3))


def test_a_record_that_is_read_whole_says_the_same_as_one_looked_up(docs: Collection) -> None:
    documents = [Document(f"d{n}", f"text {n}") for n in range(600)]
    docs.ingest(documents)
    pending = [replace(chunk, content="") for chunk in Splitter(docs.encoder).split(documents[5])]
    docs.write(pending, np.ones((1, 64), "f4"))

    looked_up, whole = Record(docs, None), Record(docs, 600)
    whole.read()

    ids = [*(document.id for document in documents[:20]), "unknown"]
    assert whole.look_up(ids) == looked_up.look_up(ids)
    assert whole.look_up(["d5", "unknown"]) == [Known(0, 1, pending[0].key.hash), None]


def test_documents_of_langchain_and_its_loaders_are_taken(docs: Collection) -> None:
    class Pages(BaseLoader):
        def lazy_load(self) -> Iterator[LangChainDocument]:
            for number in range(3):
                yield LangChainDocument(f"page {number}", metadata={"source": "book.pdf", "page": number})

    report = docs.ingest(Pages())

    assert report.documents.added == 3
    assert docs.ingest(list(Pages().lazy_load())).documents.unchanged == 3
    (hit,) = docs.search("page 2", limit=1)
    assert (hit.document_id, hit.source, hit.metadata["page"]) == ("book.pdf#page=2", "book.pdf", 2)


def test_rows_that_are_gone_from_a_table_are_pruned_and_none_where_a_row_is_broken(
    docs: Collection, tmp_path: Path
) -> None:
    table = tmp_path / "rows.jsonl"
    table.write_text('{"id": "a", "text": "one"}\n{"id": "b", "text": "two"}\n')
    docs.ingest([table])

    table.write_text('{"id": "a", "text": "one"}\nbroken\n')
    kept = docs.ingest([table], prune=True)
    table.write_text('{"id": "a", "text": "one"}\n')
    pruned = docs.ingest([tmp_path], prune=True)

    assert (kept.documents.deleted, kept.documents.failed) == (0, 1)
    assert kept.notes == [f"kept, since {table} could not be read whole: 1 of its rows that did not come"]
    assert pruned.notes == []
    assert (pruned.documents.deleted, pruned.documents.unchanged) == (1, 1)
    assert docs.count() == 1


def test_what_has_its_name_from_another_root_or_from_none_is_not_pruned(docs: Collection, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, names in ((one, ("a.md", "b.md", "rows.csv")), (two, ("c.md", "d.md"))):
        folder.mkdir()
        for name in names:
            (folder / name).write_text("id,text\nx,a row\n,another row\n" if name == "rows.csv" else f"Page {name}.")
    docs.ingest([Document("named", "From Python.", source="stdin"), Document("stdin#2", "A row.", source="stdin")])
    docs.ingest([one], root=one, id_column="")
    docs.ingest([two], root=two)
    before = {each.document_id for each in docs.documents()}
    (two / "d.md").unlink()

    report = docs.ingest([two], root=two, prune=True)

    assert report.pruned == ["d.md"]
    assert {each.document_id for each in docs.documents()} == before - {"d.md"}
    assert len(report.notes) == 1
    assert "it is not of this root, where it is still there" in report.notes[0]


def test_prune_tells_where_it_had_no_folder_to_look_in(docs: Collection, tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text(f"Page {name}.")
    docs.ingest([tmp_path])
    (tmp_path / "b.md").unlink()

    for paths in ([tmp_path / "*.md"], [tmp_path / "a.md"]):
        report = docs.ingest(paths, prune=True)
        assert (report.documents.deleted, len(report.notes)) == (0, 1)
        assert "a file that is gone is found by its folder" in report.notes[0]
    report = docs.ingest([tmp_path], include=["*.md"], prune=True)
    assert (report.documents.deleted, report.notes) == (1, [])


def test_a_column_of_numbers_that_is_nowhere_is_told(docs: Collection, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("text,price\nTea,2\nCake,3\n")
    (tmp_path / "two.jsonl").write_text('{"text": "Coffee", "stock": "7"}\n')

    assert docs.ingest([tmp_path], number_columns=["price", "stock"]).notes == []
    (note,) = docs.ingest([tmp_path], number_columns=["prize", "stock"]).notes

    assert "'prize'" in note


def test_metadata_that_is_no_dictionary_is_refused(docs: Collection, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="give a dictionary"):
        docs.ingest([tmp_path], metadata="a=b")  # type: ignore[arg-type]


@pytest.mark.parametrize("row", ['{"id": "a", "body": "one"}', '{"body": "one"}'])
def test_rows_are_kept_where_their_table_cannot_be_read_from_whichever_folder_it_is_named(
    docs: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: str
) -> None:
    table = tmp_path / "corpus" / "rows.jsonl"
    table.parent.mkdir()
    table.write_text(f"{row}\n")
    monkeypatch.chdir(tmp_path)
    assert docs.ingest(["corpus"], text_column="body").documents.added == 1

    monkeypatch.chdir(table.parent)
    for place in (".", "./", "../corpus", str(table.parent)):
        kept = docs.ingest([place], prune=True, text_column="other")
        assert (kept.documents.deleted, kept.documents.failed) == (0, 1), place
    table.unlink()
    assert docs.ingest([tmp_path], prune=True).documents.deleted == 1


def test_headings_that_were_read_are_read_again_by_another_model(docs: Collection) -> None:
    text = "# Guide\n\n" + "\n\n".join(f"Step {n}: " + f"word{n} " * 30 for n in range(4))
    docs.ingest([Document("guide", text, format="markdown")], max_tokens=64, headings=True)
    other = HashEncoder(32, seed=3)

    job = docs.migrate(other)
    job.run()
    job.cutover()

    expected = {record.id: record for record in docs.store.scroll(docs.name, with_vectors=True)}
    for record in expected.values():
        read = record.payload["simplugin"].get("context", "") + record.payload["text"]
        row = record.vectors[other.card.name]
        assert isinstance(row, np.ndarray)
        assert np.allclose(row, other.encode_document([read])[0], atol=1e-6)
    assert any("context" in record.payload["simplugin"] for record in expected.values())


def test_an_unknown_option_and_what_is_no_document_are_refused(docs: Collection) -> None:
    with pytest.raises(TypeError, match="no option 'prun'"):
        docs.ingest([page(1)], prun=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError, match="there is a int"):
        docs.ingest([page(1), 5])
    with pytest.raises(TypeError, match="got a int"):
        docs.ingest(5)


def test_an_error_in_the_model_is_raised_and_what_was_written_stays(docs: Collection) -> None:
    class FailingError(Exception):
        pass

    class Failing(HashEncoder):
        def encode_document(self, texts: Iterable[str]) -> FloatArray:
            if self.texts_encoded > 1500:
                raise FailingError
            return super().encode_document(texts)

    documents = [Document(f"d{n}", f"text {n}") for n in range(4000)]
    failing = register(docs.store, docs.name, Failing())

    with pytest.raises(FailingError):
        failing.ingest(documents)
    stored = docs.count()
    report = docs.ingest(documents)

    assert 1000 <= stored < 4000
    assert (report.documents.unchanged, report.documents.added) == (stored, 4000 - stored)


def test_failures_are_listed_and_the_rest_goes_through(docs: Collection) -> None:
    report = ingest_documents(
        docs, [page(1), Failure(source="x.md", reason="broken"), Document("blank", "  "), page(1), page(2)]
    )

    assert (report.documents.seen, report.documents.added, report.documents.failed) == (5, 2, 3)
    assert [failure.source for failure in report.failures] == ["x.md", "blank", "1.txt"]
    assert "came before" in report.failures[2].reason


def test_a_dry_run_says_what_a_run_would_do_and_does_nothing(docs: Collection) -> None:
    docs.ingest([page(1), page(2)])
    before = state(docs)

    wanted = [page(1, extra="New. "), page(3)]
    promised = docs.ingest(wanted, dry_run=True)

    assert state(docs) == before
    done = docs.ingest(wanted)
    assert (promised.documents, promised.chunks) == (done.documents, done.chunks)


def test_pruning_deletes_the_documents_under_the_given_paths_whose_files_are_gone(
    docs: Collection, tmp_path: Path
) -> None:
    for name in ("in/a.md", "in/b.md", "out/c.md"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"# {name}")
    docs.ingest([tmp_path])
    docs.add(["added by hand"], ids=[str(tmp_path / "in" / "gone.md")])
    for name in ("in/b.md", "out/c.md"):
        (tmp_path / name).unlink()

    assert docs.ingest([tmp_path / "in"], exclude=["a.md"], prune=True, dry_run=True).documents.deleted == 1
    report = docs.ingest([tmp_path / "in"], prune=True)

    assert (report.documents.deleted, report.documents.unchanged) == (1, 1)
    left = {Path(hit.document_id).name for hit in docs.search("md", limit=9)}
    assert left == {"a.md", "c.md", "gone.md"}


def test_documents_are_pulled_in_windows_and_progress_is_told(docs: Collection) -> None:
    pulled = 0
    seen: list[tuple[int, int]] = []

    def pages() -> Iterator[Document]:
        nonlocal pulled
        for number in range(700):
            pulled += 1
            yield Document(str(number), f"text {number}")

    def tell(progress: Progress) -> None:
        if not progress.indexing:
            seen.append((progress.documents, pulled))

    docs.ingest(pages(), progress=tell)

    assert [documents for documents, _ in seen] == [256, 512, 700]
    assert [at_that_time for _, at_that_time in seen] == [256, 512, 700]


@pytest.mark.slow
def test_an_ingest_killed_at_any_moment_ends_like_a_clean_one(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(400):
        (folder / f"{number}.md").write_text(page(number).text)
    with open_store(tmp_path / "clean") as opened:
        clean = register(opened, "docs", HashEncoder())
        clean.ingest([folder])
        expected = state(clean)

    code = """
import sys
from simplugin_qdrant import open_store, register
from tests.hashing import HashEncoder
with open_store(sys.argv[1]) as store:
    docs = register(store, "docs", HashEncoder())
    print("ready", flush=True)
    docs.ingest([sys.argv[2]])
"""
    random = np.random.default_rng(3)
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'integrations'}"}
    for _ in range(5):
        command = [sys.executable, "-c", code, str(tmp_path / "killed"), str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(random.uniform(0.02, 0.5))
            process.send_signal(signal.SIGKILL)
    with open_store(tmp_path / "killed") as opened:
        docs = register(opened, "docs", HashEncoder())
        docs.ingest([folder])
        assert state(docs) == expected


def test_one_pattern_and_one_language_need_no_list(docs: Collection, tmp_path: Path) -> None:
    for name in ("a.md", "b.txt"):
        (tmp_path / name).write_text(f"The page {name}.", encoding="utf-8")

    report = docs.ingest(tmp_path, include="*.md", languages="tr")

    assert (report.documents.seen, report.documents.added) == (1, 1)


def test_metadata_is_noted_beside_every_document_and_embeds_nothing_when_it_changes(docs: Collection) -> None:
    assert docs.ingest((page(n) for n in range(3)), metadata={"team": "legal", "n": 7}).documents.added == 3
    assert {(text.metadata["team"], text.metadata["n"]) for text in docs.stored()} == {("legal", 7)}
    assert docs.ingest((page(n) for n in range(3)), metadata={"n": 7, "team": "legal"}).documents.unchanged == 3

    changed = docs.ingest((page(n) for n in range(3)), metadata={"team": "sales"})

    assert (changed.documents.updated, changed.chunks.written, changed.tokens.encoded) == (3, 0, 0)
    assert {text.metadata["team"] for text in docs.stored()} == {"sales"}
    assert {text.metadata["n"] for text in docs.stored()} == {0, 1, 2}
    docs.ingest(page(n) for n in range(3))
    assert not any("team" in text.metadata for text in docs.stored())


def test_metadata_that_no_store_holds_is_refused_before_anything_is_read(docs: Collection) -> None:
    with pytest.raises(ValueError, match=r"'metadata.at' is a date, which is no JSON value"):
        docs.ingest((pytest.fail("read") for _ in "x"), metadata={"at": date(2026, 1, 2)})


def nested(depth: int) -> dict[str, Any]:
    inner: Any = 1
    for _ in range(depth):
        inner = {"a": inner}
    return {"deep": inner}


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"hash": 2**64 - 1}, r"'metadata.hash' is 18446744073709551615, which no engine can store"),
        ({"n": float("inf")}, "'metadata.n' is inf"),
        ({"x": "\ud800"}, "half a surrogate pair"),
        (nested(200), "nested deeper than 64 levels"),
    ],
)
def test_a_value_that_no_engine_holds_is_a_failure_of_its_document_alone(
    docs: Collection, metadata: dict[str, Any], reason: str
) -> None:
    documents = [page(1), Document("poison", "some text", source="p.jsonl", metadata=metadata), page(2)]

    told = docs.ingest(documents, dry_run=True)
    report = docs.ingest(documents)

    for each in (told, report):
        assert (each.documents.added, each.documents.failed) == (2, 1)
        assert each.failures[0].source == "p.jsonl"
        assert re.search(reason, each.failures[0].reason)
    assert docs.get("poison") == []


def test_what_is_nested_as_deep_as_may_be_is_there_after_opening_again(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        report = register(store, "docs", HashEncoder()).ingest([Document("deep", "text", metadata=nested(62))])
        assert report.failures == []
    with open_store(tmp_path) as store:
        (found,) = register(store, "docs", HashEncoder()).get("deep")
        assert found.metadata == nested(62)


@pytest.mark.parametrize("shut", ["empty", "unreadable"])
def test_pruning_leaves_a_folder_alone_in_which_nothing_is_to_be_seen(
    docs: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shut: str
) -> None:
    share = tmp_path / "share"
    share.mkdir()
    for place in (tmp_path / "here.md", share / "a.md", share / "b.md"):
        place.write_text(f"# {place.name}")
    docs.ingest([tmp_path])
    if shut == "empty":
        share.rename(tmp_path.parent / f"{tmp_path.name}-away")
        share.mkdir()
        paths = [tmp_path / "here.md", share]
    else:
        scandir = os.scandir

        def refuse(path: Any = ".") -> Any:
            if os.fspath(path) == str(share):
                raise PermissionError(13, "Permission denied", str(share))
            return scandir(path)

        monkeypatch.setattr(os, "scandir", refuse)
        paths = [tmp_path]

    report = docs.ingest(paths, prune=True)

    assert (report.documents.deleted, docs.count()) == (0, 3)
    (failure,) = report.failures
    assert failure.source == str(share)
    assert failure.reason == (
        "the folder holds no file of a known format."
        if shut == "empty"
        else "the folder cannot be read (Permission denied)."
    )


def test_the_seconds_of_a_report_hold_those_of_the_index(docs: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Collection, "optimize", lambda _: time.sleep(0.3))

    assert docs.ingest([page(1)]).seconds >= 0.3
    assert docs.ingest([page(1)]).seconds < 0.3


def test_a_row_keeps_what_it_says_of_itself_and_a_failure_names_the_row(docs: Collection, tmp_path: Path) -> None:
    rows = [
        {"id": "kept", "text": "A row with a date of its own.", "modified": "2021-05-05"},
        {"id": "without", "text": "A row without one."},
        {"id": "endless", "text": "A number that no engine holds.", "n": 10**400},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")

    report = docs.ingest(tmp_path / "rows.jsonl")

    (kept,) = docs.get(["kept"])
    (without,) = docs.get(["without"])
    assert kept.metadata["modified"] == "2021-05-05"
    assert without.metadata["modified"] > "2026"
    assert docs.count({"modified": "2021-05-05"}) == 1
    (failure,) = report.failures
    assert failure.source == (tmp_path / "rows.jsonl").as_posix()
    assert failure.reason.startswith("'endless': 'metadata.n' is 1000")
