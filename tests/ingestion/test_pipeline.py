from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from simplugin.ingestion import Failure, Progress, ingest_documents
from simplugin.measures import FloatArray
from simplugin.records import Chunk, ChunkKey, Document
from simplugin.words import WordVector
from simplugin_qdrant import Collection, Store, open_store, register
from tests.conftest import ROOT
from tests.hashing import HashEncoder


def state(docs: Collection) -> dict[str, object]:
    """Return everything stored but the times: ids, payloads and vectors."""
    stored: dict[str, object] = {}
    for record in docs.store.scroll(docs.name, with_vectors=True):
        payload = record.payload | {"simplugin": {k: v for k, v in record.payload["simplugin"].items() if k != "at"}}
        row, words = record.vectors["default"], record.vectors["simplugin-words"]
        assert isinstance(row, np.ndarray)
        assert isinstance(words, WordVector)
        stored[record.id] = (payload, [round(float(x), 5) for x in row], words.indices.tolist())
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
        self.heads, self.chunk_keys, self.document_ids = docs.heads, docs.chunk_keys, docs.document_ids
        self.flush = docs.flush

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

    def discard(self, document_id: str, keys: Iterable[ChunkKey]) -> None:
        listed = list(keys)
        if self.dies():
            self.docs.discard(document_id, listed[: len(listed) // 2])
            raise KilledError
        self.docs.discard(document_id, listed)


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
