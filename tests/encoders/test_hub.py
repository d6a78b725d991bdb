"""Models by their id on the Hub: a small one of ours, on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import simplugin
from simplugin.encoders.hub import _wanted
from simplugin.errors import CheckpointError
from tests.conftest import ROOT

STARTER = Path(simplugin.__file__).parent / "starter"
REVISION = "a1" * 20
LOAD = """
import simplugin
model = simplugin.load('me/mine')
print(model.card.id, model.card.revision, *model.encode_query(['hello'])[0, :2])
"""


class Hub(BaseHTTPRequestHandler):
    """Answers like the Hub for one model, ``me/mine``, which is the starter and a file that nobody wants."""

    files = {path.name: path.read_bytes() for path in STARTER.iterdir() if path.is_file()} | {"banner.png": b"png"}

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self.wfile.write(self._answer())

    def _answer(self) -> bytes:
        path = self.path.partition("?")[0]
        headers = {"X-Repo-Commit": REVISION}
        if path.startswith("/me/mine/resolve/"):
            body = self.files[path.rpartition("/")[2]]
            headers["ETag"] = f'"{hashlib.sha1(body).hexdigest()}"'
        elif path.startswith("/api/models/me/mine"):
            body = json.dumps(self._tree() if "/tree/" in path else self._model()).encode()
            headers["Content-Type"] = "application/json"
        else:
            body, headers = b"{}", {"X-Error-Code": "RepoNotFound"}
        self.send_response(404 if "X-Error-Code" in headers else 200)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        return body

    def _model(self) -> dict[str, Any]:
        return {"id": "me/mine", "sha": REVISION, "siblings": [{"rfilename": name} for name in self.files]}

    def _tree(self) -> list[dict[str, Any]]:
        return [
            {"type": "file", "path": name, "size": len(body), "oid": hashlib.sha1(body).hexdigest()}
            for name, body in self.files.items()
        ]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture(scope="module")
def hub() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def load(cache: Path, code: str = LOAD, **reach: str) -> subprocess.CompletedProcess[str]:
    """Run a program that opens the model, with a cache of its own; the Hub's library reads these once, at import."""
    paths = {"HF_HUB_CACHE": str(cache), "PYTHONPATH": f"{ROOT}:{ROOT / 'integrations'}"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")} | paths | reach
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_model_is_downloaded_once_and_opens_without_a_network_after_that(
    tmp_path: Path, hub: ThreadingHTTPServer
) -> None:
    first = load(tmp_path, HF_ENDPOINT=f"http://127.0.0.1:{hub.server_port}")

    assert first.returncode == 0, first.stderr
    assert first.stdout.split()[:2] == ["me/mine", REVISION]
    kept = {path.name for path in tmp_path.glob("models--me--mine/snapshots/*/*")}
    assert kept >= {"config.json", "model.safetensors", "tokenizer.json"}
    assert not kept & {"banner.png", "README.md"}
    for reach in ({"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}):
        again = load(tmp_path, **reach)
        assert again.stdout == first.stdout, again.stderr
        assert "Retrying" not in again.stderr


def test_what_was_cut_short_is_no_model(tmp_path: Path, hub: ThreadingHTTPServer) -> None:
    assert load(tmp_path, HF_ENDPOINT=f"http://127.0.0.1:{hub.server_port}").returncode == 0
    next(tmp_path.glob("models--me--mine/snapshots/*/model.safetensors")).unlink()

    refused = load(tmp_path, HF_HUB_OFFLINE="1")

    assert "CheckpointError: The model in 'me/mine' cannot be opened" in refused.stderr.splitlines()[-1]


def test_a_model_that_there_is_not_is_told(tmp_path: Path, hub: ThreadingHTTPServer) -> None:
    endpoint = f"http://127.0.0.1:{hub.server_port}"
    refused = load(tmp_path, "import simplugin; simplugin.load('me/none')", HF_ENDPOINT=endpoint)

    assert "the Hub has no such model" in refused.stderr.splitlines()[-1]


@pytest.mark.parametrize("reach", [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}], ids=str)
def test_a_model_that_is_nowhere_is_told_at_once(tmp_path: Path, reach: dict[str, str]) -> None:
    refused = load(tmp_path, **reach)

    assert "CheckpointError: The model in 'me/mine' cannot be opened" in refused.stderr.splitlines()[-1]
    assert "not in the cache" in refused.stderr.splitlines()[-1]
    assert "Retrying" not in refused.stderr


def test_only_what_torch_runs_is_wanted() -> None:
    names = [
        "README.md",
        "config.json",
        "1_Pooling/config.json",
        "2_Dense/pytorch_model.bin",
        "model.safetensors",
        "onnx/model.onnx",
        "onnx/config.json",
        "pytorch_model.bin",
        "sentencepiece.bpe.model",
        "vocab.txt",
    ]
    assert _wanted("me/mine", names) == [
        "config.json",
        "1_Pooling/config.json",
        "2_Dense/pytorch_model.bin",
        "model.safetensors",
        "sentencepiece.bpe.model",
        "vocab.txt",
    ]
    with pytest.raises(CheckpointError, match="a TensorFlow or Keras file"):
        _wanted("me/mine", ["config.json", "tf_model.h5"])
