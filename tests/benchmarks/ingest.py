"""Real pages into the embedded store, and again."""

from __future__ import annotations

import tempfile
from pathlib import Path

from simplugin_qdrant import open_store, register

FOLDERS = ("fastapi", "react", "d2l")


def run(data: Path) -> None:
    """Print chunks a second from Markdown on disk, and how much faster a second run over the same files is."""
    with tempfile.TemporaryDirectory() as folder, open_store(folder) as store:
        docs = register(store, "docs", "starter")
        paths = [data / "docs" / name for name in FOLDERS]
        first, second = docs.ingest(paths), docs.ingest(paths)
    for report in (first, second):
        counts = report.documents
        print(
            f"{counts.added} added, {counts.unchanged} unchanged, {counts.failed} failed of {counts.seen}; "
            f"{report.chunks.written} chunks embedded in {report.seconds:.2f} s"
        )
    speed, gain = first.chunks.written / first.seconds, first.seconds / second.seconds
    print(f"{speed:,.0f} chunks/s; second run {gain:.0f} times faster")
