"""A Hub on this machine: it answers as the Hub does, for the folders it is given."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from tests.conftest import ROOT

REVISION = "a1" * 20
NOBODY = "http://127.0.0.1:9"  # where nobody listens


class LocalHub(ThreadingHTTPServer):
    """Serves folders as repositories, models and data sets alike, by their ids.

    With a ``failure`` every call is answered by that status.
    """

    def __init__(self, repositories: Mapping[str, Path]) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.repositories = repositories
        self.failure: int | None = None

    @property
    def endpoint(self) -> str:
        """What ``HF_ENDPOINT`` is to be."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def local_hub(repositories: Mapping[str, Path]) -> Generator[LocalHub, None, None]:
    """Serve these folders for a while."""
    with LocalHub(repositories) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def run(code: str, cache: Path, **reach: str) -> subprocess.CompletedProcess[str]:
    """Run a program with a cache of its own: the Hub's library reads where the Hub is once, at import."""
    ours = {
        "HF_HUB_CACHE": str(cache),
        "SIMPLUGIN_CACHE": str(cache / "simplugin"),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'integrations'}",
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")} | ours | reach
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=100
    )


class _Answers(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self.wfile.write(self._answer())

    def _answer(self) -> bytes:
        hub = cast("LocalHub", self.server)
        status, body, headers = (hub.failure, b"{}", dict[str, str]()) if hub.failure else self._found(hub)
        self.send_response(status)
        for name, value in {**headers, "X-Repo-Commit": REVISION, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        return body

    def _found(self, hub: LocalHub) -> tuple[int, bytes, dict[str, str]]:
        path = re.sub("^/api/(models|datasets)|^/datasets", "", self.path.partition("?")[0])
        identity = next((name for name in hub.repositories if path[1:].startswith(name)), None)
        if identity is None:
            return 404, b"{}", {"X-Error-Code": "RepoNotFound"}
        folder = hub.repositories[identity]
        files = {str(each.relative_to(folder)): each for each in folder.rglob("*") if each.is_file()}
        if "/resolve/" in path:
            name = path.partition("/resolve/")[2].partition("/")[2]
            if name not in files:
                return 404, b"{}", {"X-Error-Code": "EntryNotFound"}
            body = files[name].read_bytes()
            return 200, body, {"ETag": f'"{hashlib.sha1(body).hexdigest()}"'}
        told: Any = {"id": identity, "sha": REVISION, "siblings": [{"rfilename": name} for name in files]}
        if "/tree/" in path:
            told = [
                {
                    "type": "file",
                    "path": name,
                    "size": each.stat().st_size,
                    "oid": hashlib.sha1(name.encode()).hexdigest(),
                }
                for name, each in files.items()
            ]
        return 200, json.dumps(told).encode(), {"Content-Type": "application/json"}

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""
