"""The command line, run in this process or in one of its own; and what a store holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from simplugin.cli import app
from simplugin_qdrant import open_store

ROOT = Path(__file__).parents[2]
_OURS = ("SIMPLUGIN_STORE", "SIMPLUGIN_MODEL", "QDRANT_API_KEY")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left: its exit code and both streams."""

    code: int
    stdout: str
    stderr: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Every line of stdout as a JSON object; a line that is none fails here."""
        lines = self.stdout.split("\n")
        assert lines.pop() == "", "the last line has no end"
        rows = [json.loads(line) for line in lines]
        assert all(isinstance(row, dict) for row in rows)
        return rows

    @property
    def row(self) -> dict[str, Any]:
        (row,) = self.rows
        return row

    def is_one_sentence(self, *words: str) -> bool:
        """Say whether stderr is one clear sentence that has these words, and stdout is empty."""
        assert self.stdout == ""
        assert self.stderr.startswith("simplugin: "), self.stderr
        assert self.stderr.count("\n") == 1, self.stderr
        assert self.stderr.endswith(".\n"), self.stderr
        for traceback in ("Traceback", "Errno", "Error(", "Exception(", "<class"):
            assert traceback not in self.stderr, self.stderr
        for word in words:
            assert word in self.stderr, self.stderr
        return True


@dataclass(frozen=True, slots=True)
class InProcess:
    """Runs ``simplugin`` in this process, in a folder; quick."""

    folder: Path

    def __call__(self, *arguments: object, stdin: str | bytes = "", **env: str) -> Outcome:
        clean: dict[str, str | None] = dict.fromkeys(_OURS)
        with chdir(self.folder):
            wide = {"COLUMNS": "200", "TERM": "dumb"}
            result = CliRunner().invoke(app, [str(word) for word in arguments], input=stdin, env=clean | wide | env)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)


@dataclass(frozen=True, slots=True)
class Process:
    """Runs ``simplugin`` as users do: in a process of its own, in a folder, with a clean environment."""

    folder: Path

    def __call__(self, *arguments: object, stdin: bytes = b"", **env: str) -> Outcome:
        done = subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            env=self.environment(**env),
            timeout=120,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start a command and do not wait for it."""
        return subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=self.environment(),
            text=True,
        )

    def command(self, *arguments: object) -> list[str]:
        """Return the words that run it."""
        return [sys.executable, "-m", "simplugin", *map(str, arguments)]

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment without what would change the outcome."""
        kept = {name: value for name, value in os.environ.items() if name not in _OURS}
        paths = [str(ROOT), str(ROOT / "integrations")]
        return kept | {"PYTHONPATH": os.pathsep.join(paths), "HF_HUB_OFFLINE": "1"} | more


def contents(store: Path) -> dict[str, list[tuple[str, str, str]]] | None:
    """Return what a store holds, collection by collection: point id, document id and text; None where there is none."""
    if not store.exists():
        return None
    with open_store(store) as opened:
        return {
            name: sorted(
                (record.id, str(record.payload["document_id"]), str(record.payload["text"]))
                for record in opened.scroll(name)
            )
            for name in opened.names()
        }
