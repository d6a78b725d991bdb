"""Ingesting on Ray: two workers of this machine end where one process does."""

from __future__ import annotations

import json
import os
import signal
import warnings
from collections.abc import Generator, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simplugin.encoders import RemoteEncoder
from simplugin.errors import DataError, ModelMismatchError
from simplugin.ingestion import IngestReport
from simplugin.ingestion.distributed.desk import flattened, restored
from simplugin.measures import FloatArray
from simplugin.records import Document
from simplugin_qdrant import Collection, Store, open_store, register
from simplugin_qdrant.stores.edge import EdgeStore
from tests.cli.running import InProcess, contents
from tests.encoders.remote_server import EmbeddingServer
from tests.hashing import HashEncoder
from tests.ingestion.test_pipeline import state
from tests.qdrant.loopback import LoopbackServer

ray = pytest.importorskip("ray", reason="needs the extra ray")

# Ray's own: it leaves pipes and sockets of its processes to the garbage collector, and announces what it will change.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray.*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.*"),
]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Generator[None, None, None]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(address="local", num_cpus=2, log_to_driver=False, include_dashboard=False, logging_level="ERROR")
    yield
    ray.shutdown()


@pytest.fixture(params=["edge", "wire"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Store, None, None]:
    """Return a store that only this process has, of both kinds, and one that workers reach by themselves."""
    if request.param == "wire":
        with LoopbackServer() as loopback, open_store(loopback.url) as opened:
            yield opened
    else:
        with open_store(tmp_path / "edge") as opened:
            yield opened


def write_page(folder: Path, number: int, extra: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    parts = (f"## Part {part} of page {number}\n\n" + f"word{number} part{number * part} " * 80 for part in range(4))
    path = folder / f"{number}.md"
    path.write_text(f"# Page {number}\n\n{extra}" + "\n\n".join(parts), encoding="utf-8")
    return path


def counted(report: IngestReport) -> IngestReport:
    return replace(report, collection="", seconds=0.0)


def both(alone: Collection, shared: Collection, folder: Path, *, dies: bool = False, **options: Any) -> IngestReport:
    """Ingest in one process and on Ray, and return the report that both have given.

    What a worker had written when it died is unchanged to the one that comes after it.
    """
    expected = alone.ingest([folder], **options)
    report = shared.ingest([folder], ray=True, workers=2, **options)
    assert report.documents.seen == expected.documents.seen
    assert dies or counted(report) == counted(expected)
    assert state(shared) == state(alone)
    return expected


class Dying(HashEncoder):
    """Its first worker dies while it embeds."""

    def __init__(self, marker: Path) -> None:
        super().__init__()
        self.marker, self.home = marker, os.getpid()

    def encode_document(self, texts: Iterable[str]) -> FloatArray:
        listed = list(texts)
        if os.getpid() != self.home and any("page 7" in text for text in listed):
            try:
                self.marker.touch(exist_ok=False)
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().encode_document(listed)


def test_workers_end_where_one_process_does_and_one_that_dies_is_replaced(stores: Store, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    for number in range(12):
        write_page(folder, number)
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.4 and no more")
    (folder / "blank.txt").write_text(" \n")
    (folder / "picture.png").write_bytes(b"")
    dies = not isinstance(stores, EdgeStore)  # once is enough: it costs the start of a process
    alone = register(stores, "alone", HashEncoder())
    shared = register(stores, "shared", Dying(tmp_path / "died") if dies else HashEncoder())

    first = both(alone, shared, folder, dies=dies)
    assert (tmp_path / "died").exists() == dies
    assert (first.documents.added, first.documents.failed, first.skipped) == (12, 2, {".png": 1})

    write_page(folder, 3, extra="A new paragraph on top.\n\n")
    (folder / "4.md").rename(folder / "moved.md")
    (folder / "5.md").unlink()
    second = both(alone, shared, folder, prune=True)
    assert (second.documents.updated, second.documents.deleted, second.documents.unchanged) == (1, 2, 9)
    assert second.chunks.reused > 0


def test_workers_ask_a_remote_encoder_themselves(tmp_path: Path) -> None:
    server = EmbeddingServer(HashEncoder(48))
    try:
        with open_store(":memory:") as store:
            encoder = RemoteEncoder(server.url)
            alone, shared = register(store, "alone", encoder), register(store, "shared", encoder)
            both(alone, shared, write_page(tmp_path / "docs", 1).parent)
    finally:
        server.close()


def test_what_cannot_be_done_on_ray_is_said(tmp_path: Path) -> None:
    with open_store(":memory:") as store:
        docs = register(store, "docs", HashEncoder())
        with pytest.raises(TypeError, match="give paths"):
            docs.ingest([Document("a", "A text.")], ray=True)
        with pytest.raises(DataError, match="stdin"):
            docs.ingest(["-"], ray=True)
        with pytest.raises(ValueError, match="workers is 0"):
            docs.ingest([write_page(tmp_path, 1)], ray=True, workers=0)


def test_an_error_in_a_worker_is_raised_as_what_it_is() -> None:
    error = ModelMismatchError("docs", "one", "two", ["width"])
    again = restored(flattened(error))
    assert isinstance(again, ModelMismatchError)
    assert (str(again), again.stored) == (str(error), "one")


def test_the_command_line_says_what_failed_and_writes_an_id_that_comes_twice_once(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("one", "two"):
        rows = [{"id": f"row-{number}", "text": f"Row {number} of table {name}."} for number in range(9)]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "docs" / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    (tmp_path / "docs" / "damaged.pdf").write_bytes(b"%PDF-1.4 and no more")
    outcome = InProcess(tmp_path)("ingest", "--ray", "docs", "-c", "handbook", "--json")
    assert outcome.code == 3
    documents = outcome.row["documents"]
    assert (documents["seen"], documents["added"], documents["failed"]) == (19, 9, 10)
    assert "damaged.pdf" in outcome.stderr
    assert outcome.stderr.count("came before") == 9
    assert len((contents(tmp_path / "simplugin_db") or {})["handbook"]) == 9
