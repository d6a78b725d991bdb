"""The second process of an ingest: the same collection as without, whatever becomes of it."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin.encoders import Encoder, load
from simplugin.encoders.static import StaticEncoder
from simplugin.ingestion import Options, Splitter, pipeline
from simplugin.ingestion.second import SecondProcess, SecondProcessError, may_have_second
from simplugin.ingestion.second.wire import pack_texts, receive, send, unpack_texts
from simplugin.measures import FloatArray
from simplugin.records import Document
from simplugin.texts import as_read
from simplugin_qdrant import open_store, register
from tests.conftest import ROOT
from tests.hashing import HashEncoder
from tests.ingestion.test_pipeline import state

PAGES = [
    Document("az", "# Kitabxana\n\n" + "Kitabxana səhər saat doqquzda açılır. " * 60, format="markdown"),
    Document("he", "הספרייה נפתחת בשעה תשע בבוקר. " * 90 + "\n\n" + "בית ספר " * 40, source="he.txt"),
    Document("zh", "图书馆早上九点开门。" * 200, metadata={"lang": "zh", "tags": ["a", "b"]}),
    Document("pages", "One page. " * 80 + "\n\n" + "Another page. " * 80, pages=(0, 802)),
    Document("invisible", "A nought\0 and a right-to-left \u202emark\u202c. " * 30),
    *(
        Document(f"en-{n}", f"## Section {n}\n\n" + f"Opening hours, part {n}. " * 80, format="markdown")
        for n in range(40)
    ),
]

Waiting = Callable[[], list[SecondProcess]]


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    """Have an ingest of any size start a second process and wait for it; return those that were started."""
    started: list[SecondProcess] = []
    start = SecondProcess.start

    def start_and_wait(self: SecondProcess) -> None:
        if self not in started:
            started.append(self)
            start(self)
            until(lambda: self.is_ready)

    monkeypatch.setattr(SecondProcess, "start", start_and_wait)
    monkeypatch.setattr(pipeline, "_WORTH_STARTING", 1)
    monkeypatch.setattr(pipeline, "_SHARE", 10_000)
    monkeypatch.setattr(pipeline, "_WINDOW", 16)
    return lambda: started


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def ingest(folder: Path, encoder: Encoder, **chosen: Any) -> Any:
    with open_store(folder) as store:
        docs = register(store, "docs", encoder)
        report = docs.ingest(PAGES, **chosen)
        assert report.documents.added == len(PAGES)
        return state(docs)


@pytest.mark.parametrize("chosen", [{}, {"max_tokens": 64, "overlap": 10, "headings": True}], ids=["plain", "headings"])
def test_two_processes_store_what_one_stores(
    tmp_path: Path, starter: Encoder, waiting: Waiting, monkeypatch: pytest.MonkeyPatch, chosen: dict[str, Any]
) -> None:
    assert starter.fingerprint
    monkeypatch.setattr(StaticEncoder, "encode_document", refuse)  # from here on, and in this process

    together = ingest(tmp_path / "two", starter, **chosen)
    monkeypatch.undo()

    assert len(waiting()) == 1
    assert together == ingest(tmp_path / "one", starter, one_process=True, **chosen)


def test_files_get_the_language_that_one_process_gives_them(tmp_path: Path, starter: Encoder, waiting: Waiting) -> None:
    for page in PAGES[:3]:
        (tmp_path / f"{page.id}.md").write_text(page.text, "utf-8")
    found: list[set[tuple[str, str | None]]] = []
    for one in (False, True):
        with open_store(":memory:") as store:
            docs = register(store, "docs", starter)
            docs.ingest([tmp_path], one_process=one, root=tmp_path)
            payloads = [record.payload for record in store.scroll("docs")]
            found.append({(each["document_id"], each["metadata"].get("lang")) for each in payloads})

    assert len(waiting()) == 1
    assert found[0] == found[1] > {("az.md", "az"), ("he.md", "he")}


def test_a_second_process_that_is_killed_leaves_nothing_out(
    tmp_path: Path, starter: Encoder, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, asked = SecondProcess._ask, list[str]()

    def ask_and_kill(self: SecondProcess, values: dict[str, Any], body: bytes) -> None:
        asked.append(values["do"])
        if len(asked) == 3 and self._process is not None:
            self._process.kill()
        ask(self, values, body)

    monkeypatch.setattr(SecondProcess, "_ask", ask_and_kill)

    together = ingest(tmp_path / "two", starter)

    assert len(asked) == 3  # the one that failed is the last
    assert not waiting()[0].is_ready
    assert together == ingest(tmp_path / "one", starter, one_process=True)


def test_what_the_second_process_fails_at_the_first_does(
    tmp_path: Path, starter: Encoder, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = SecondProcess._ask

    def spoil(self: SecondProcess, values: dict[str, Any], body: bytes) -> None:
        ask(self, {**values, "formats": None} if values["do"] == "split" else values, body)

    monkeypatch.setattr(SecondProcess, "_ask", spoil)

    together = ingest(tmp_path / "two", starter)

    assert len(waiting()) == 1
    assert together == ingest(tmp_path / "one", starter, one_process=True)


def test_a_model_that_was_exchanged_on_the_disk_is_not_asked(tmp_path: Path, starter: StaticEncoder) -> None:
    folder = Path(shutil.copytree(starter.folder, tmp_path / "model"))
    encoder = load(folder)
    assert isinstance(encoder, StaticEncoder)
    assert encoder.fingerprint.weights
    config = folder / "model.safetensors"
    content = bytearray(config.read_bytes())
    content[-1000:] = bytes(1000)
    config.write_bytes(content)

    second = SecondProcess(encoder, Options())
    try:
        second.start()
        assert second._greeting is not None
        second._greeting.join(60)
        assert not second._greeting.is_alive()
        assert not second.is_ready
    finally:
        second.close()


def test_it_splits_and_embeds_as_the_first_does(starter: StaticEncoder) -> None:
    second = SecondProcess(starter, Options(max_tokens=64))
    try:
        second.start()
        until(lambda: second.is_ready)
        second.begin_split(PAGES)
        texts = [page.text for page in PAGES]

        assert second.finish_split() == Splitter(starter, 64).parts([(page.text, page.format) for page in PAGES])
        assert np.array_equal(second.encode(texts), starter.encode_document([as_read(text) for text in texts]))
    finally:
        second.close()
    with pytest.raises(SecondProcessError, match="gone"):
        second.encode(["too late"])


def test_little_to_do_starts_nothing(tmp_path: Path, starter: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", refuse)

    assert ingest(tmp_path / "little", starter)


def test_one_process_stays_one(tmp_path: Path, starter: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(pipeline, "_WORTH_STARTING", 1)

    assert ingest(tmp_path / "one", starter, one_process=True)


def test_where_none_can_be_started_there_is_one(
    tmp_path: Path, starter: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python-that-is-not-there"))
    monkeypatch.setattr(pipeline, "_WORTH_STARTING", 1)

    assert ingest(tmp_path / "one", starter)


def test_only_a_static_model_has_a_second_process_and_only_under_python(
    starter: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    assert may_have_second(starter)
    assert not may_have_second(HashEncoder())
    assert isinstance(starter, StaticEncoder)
    assert not may_have_second(Shouting(starter.folder))

    for program in (None, "", "/usr/sbin/uwsgi"):
        monkeypatch.setattr(sys, "executable", program)
        assert not may_have_second(starter)
    monkeypatch.undo()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert not may_have_second(starter)
    monkeypatch.undo()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert not may_have_second(starter)


CHILD = """
import sys, time
from pathlib import Path
from simplugin.encoders import load
from simplugin.ingestion import Options
from simplugin.ingestion.second import SecondProcess
second = SecondProcess(load("starter"), Options())
second.start()
while not second.is_ready:
    time.sleep(0.01)
print(second._process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT], ids=["killed", "Ctrl-C"])
def test_it_imports_nothing_from_the_folder_it_is_in_and_does_not_outlive_the_first(
    tmp_path: Path, sent: signal.Signals
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the folder it is in is none of its business')", "utf-8")
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'integrations'}"}
    command = [sys.executable, "-P", "-c", CHILD]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True, **pipes) as first:
        assert first.stdout is not None
        second = int(first.stdout.readline())
        if sent == signal.SIGINT:
            os.killpg(first.pid, sent)  # as a terminal does: to both
        else:
            first.kill()
        _, errors = first.communicate(timeout=60)
    assert errors.count("Traceback") == (1 if sent == signal.SIGINT else 0)  # that of the first alone

    until(lambda: not is_running(second))


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # Where nobody takes over orphans it stays listed.
    return "State:\tZ" not in Path(f"/proc/{process}/status").read_text("utf-8")


@given(texts=st.lists(st.text(st.characters(codec=None))))
def test_texts_and_values_arrive_as_they_were_sent(texts: list[str]) -> None:
    pipe = io.BytesIO()
    sizes, body = pack_texts(texts)
    send(pipe, {"sizes": sizes, "texts": texts}, body)
    pipe.seek(0)

    values, found = receive(pipe)

    assert values["texts"] == texts
    assert unpack_texts(values["sizes"], found) == texts


@pytest.mark.parametrize("kept", [0, 3, 16, 20, -1])
def test_a_message_that_breaks_off_is_told(kept: int) -> None:
    pipe = io.BytesIO()
    send(pipe, {"sizes": [3]}, b"abc")

    with pytest.raises(EOFError, match="gone"):
        receive(io.BytesIO(pipe.getvalue()[:kept]))


def test_what_is_no_message_is_told() -> None:
    pipe = io.BytesIO()
    send(pipe, ["no", "message"])  # type: ignore[arg-type]

    with pytest.raises(ValueError, match="not a message"):
        receive(io.BytesIO(pipe.getvalue()))


class Shouting(StaticEncoder):
    def encode_document(self, texts: Iterable[str]) -> FloatArray:
        return super().encode_document(text.upper() for text in texts)


def refuse(*_: object, **__: object) -> None:
    pytest.fail("this was not to be called")
