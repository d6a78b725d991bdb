from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from simplugin.ingestion import Failure, Progress, ingest_documents
from simplugin.records import Document
from simplugin_qdrant import Collection, Store, open_store, register
from tests.conftest import ROOT
from tests.hashing import HashEncoder


def state(docs: Collection) -> dict[str, object]:
    """Return everything stored but the times: ids, payloads and vectors."""
    stored: dict[str, object] = {}
    for record in docs.store.scroll(docs.name, with_vectors=True):
        payload = record.payload | {"simplugin": {k: v for k, v in record.payload["simplugin"].items() if k != "at"}}
        stored[record.id] = (payload, [round(float(x), 5) for x in record.vectors["default"]])
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


@pytest.mark.parametrize("harm", ["half of the chunks", "stale chunks", "both"])
def test_a_run_that_was_cut_short_is_finished_by_the_next(docs: Collection, harm: str) -> None:
    docs.ingest([page(1), page(2)])
    clean = state(docs)
    ids = sorted(clean)
    if harm != "stale chunks":
        docs.store.delete(docs.name, ids[: len(ids) // 2])
    if harm != "half of the chunks":
        other = register(docs.store, docs.name, HashEncoder())
        other.ingest([page(1, extra="An older beginning. ")])
        old = list(docs.store.scroll(docs.name, with_vectors=True))
        docs.ingest([page(1)])
        from simplugin_qdrant.stores import Point

        lost = [r for r in old if r.id not in clean]
        vectors = [np.asarray(r.vectors["default"], dtype=np.float32) for r in lost]
        docs.store.upsert(
            docs.name, [Point(r.id, {"default": v}, r.payload) for r, v in zip(lost, vectors, strict=True)]
        )
        assert lost

    docs.ingest([page(1), page(2)])

    assert state(docs) == clean


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
