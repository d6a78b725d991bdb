from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from simplugin.encoders import Encoder
from simplugin.ingestion import Options, Splitter, find_sources, read_sources
from simplugin.records import Document
from simplugin_qdrant import open_store, register
from tests.ingestion.test_pipeline import state

PAGES = 600


def chunk_hashes(splitter: Splitter, folder: Path) -> set[str]:
    found = read_sources(find_sources([folder], Options()), Options())
    return {chunk.key.hash for page in found if isinstance(page, Document) for chunk in splitter.split(page)}


@pytest.mark.slow
def test_of_600_real_pages_only_the_chunks_that_changed_are_embedded_again(
    data: Path, starter: Encoder, tmp_path: Path
) -> None:
    folder = tmp_path / "pages"
    sources = [page for name in ("fastapi", "react") for page in sorted((data / "docs" / name).rglob("*.md"))]
    pages = [page for page in sources if page.stat().st_size > 1000][:PAGES]
    for page in pages:
        there = folder / page.relative_to(data / "docs")
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(page, there)
    files = sorted(folder.rglob("*.md"))
    splitter = Splitter(starter)
    with open_store(tmp_path / "store") as store:
        docs = register(store, "pages", starter)
        assert docs.ingest([folder], root=folder).documents.added == len(files) == PAGES
        before = chunk_hashes(splitter, folder)

        for page in files[10:40:10]:
            page.write_text("A paragraph that was not there before.\n\n" + page.read_text())
        for page in files[100:102]:
            page.unlink()
        for page in files[200:240:10]:
            page.rename(page.with_name(f"renamed-{page.name}"))
        (folder / "new.md").write_text("# New\n\nA page that is new in every word of it.")
        report = docs.ingest([folder], root=folder, prune=True)

        fresh = chunk_hashes(splitter, folder) - before
        counts = report.documents
        assert (counts.added, counts.updated, counts.deleted) == (5, 3, 6)
        assert counts.unchanged == PAGES - 3 - 2 - 4
        assert report.chunks.written - report.chunks.reused == len(fresh)
        assert 2 <= len(fresh) <= 12
        clean = register(store, "clean", starter)
        clean.ingest([folder], root=folder)
        assert state(docs) == state(clean)
