"""The second process, as the ingest sees it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from simplugin.encoders import Encoder
from simplugin.encoders.static import StaticEncoder
from simplugin.errors import SimpluginError
from simplugin.ingestion.options import Options
from simplugin.ingestion.second.wire import pack_texts, receive, send
from simplugin.ingestion.splitting import Part
from simplugin.measures import FloatArray
from simplugin.records import Document

__all__ = ["SecondProcess", "SecondProcessError", "may_have_second"]

_COMMAND = ("-P", "-m", "simplugin.ingestion.second.serving")  # without the folder one happens to be in


class SecondProcessError(SimpluginError):
    """The second process cannot do what it was asked for; the ingest does it itself."""


def may_have_second(encoder: Encoder) -> TypeGuard[StaticEncoder]:
    """Say whether a second process would help, and can be had.

    A static model takes as long as the writing, and neither lets the other's thread run. A transformer takes all
    processors as it is.
    """
    name = Path(sys.executable or "").name
    is_python = name.startswith("python") and not getattr(sys, "frozen", False)  # and no program that holds one
    is_static = type(encoder) is StaticEncoder  # what a user makes of it is unknown to the other process
    return is_static and is_python and _processors() > 1


class SecondProcess:
    """A second process with the same model. It is asked by one thread, and closed by any."""

    def __init__(self, encoder: StaticEncoder, options: Options) -> None:
        """Say what it is for; ``start`` starts it."""
        self._encoder = encoder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._was_started = False
        self._greeting: threading.Thread | None = None
        self._is_ready = False

    @property
    def is_ready(self) -> bool:
        """Whether it can be asked: it was started, has opened the model, and it is the same one."""
        return self._is_ready

    def start(self) -> None:
        """Start it where it was not. Returns at once; that it cannot be started shows in its never being ready."""
        if self._was_started:
            return
        self._was_started = True
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        with suppress(OSError):
            self._process = subprocess.Popen(
                [sys.executable, *_COMMAND],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
            self._greeting = threading.Thread(target=self._greet, name="simplugin-second", daemon=True)
            self._greeting.start()

    def begin_split(self, documents: Sequence[Document]) -> None:
        """Have documents split; ``finish_split`` has to come next. Raises ``SecondProcessError``."""
        sizes, body = pack_texts([document.text for document in documents])
        self._ask({"do": "split", "sizes": sizes, "formats": [document.format for document in documents]}, body)

    def finish_split(self) -> list[list[Part]]:
        """Wait for the parts of each document. Raises ``SecondProcessError``."""
        values, _ = self._answer()
        return [
            [
                Part(start, end, first, tokens, tuple(path), context)
                for start, end, first, tokens, path, context in parts
            ]
            for parts in values["parts"]
        ]

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return the vectors (n, dimension) of documents, as they are to be read. Raises ``SecondProcessError``."""
        sizes, body = pack_texts(texts)
        self._ask({"do": "encode", "sizes": sizes}, body)
        values, found = self._answer()
        return np.frombuffer(found, dtype=np.float32).reshape(values["shape"])

    def close(self) -> None:
        """End it. It holds nothing that could be lost."""
        self._is_ready = False
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # what was on its way when it ended
                        pipe.close()

    def _greet(self) -> None:
        """Tell it what it is for, and wait until it has opened the model."""
        settings = {
            "folder": str(self._encoder.folder),
            "card": self._encoder.card.to_json(),
            "max_tokens": self._options.max_tokens,
            "overlap": self._options.overlap,
            "headings": self._options.headings,
        }
        with suppress(OSError, EOFError, ValueError):
            self._send(settings)
            answer, _ = self._receive()
            # The model's folder may hold another one by now.
            self._is_ready = answer.get("fingerprint") == self._encoder.fingerprint.to_json()

    def _ask(self, values: dict[str, Any], body: bytes) -> None:
        with self._losing():
            self._send(values, body)

    def _answer(self) -> tuple[dict[str, Any], bytes]:
        with self._losing():
            values, body = self._receive()
        if "failed" in values:
            message = f"the second process failed with {values['failed']}"
            raise SecondProcessError(message)
        return values, body

    @contextmanager
    def _losing(self) -> Generator[None, None, None]:
        """Ask it no more once it is gone."""
        try:
            yield
        except (OSError, EOFError, ValueError) as error:
            self._is_ready = False
            raise SecondProcessError("the second process is gone") from error

    def _send(self, values: dict[str, Any], body: bytes = b"") -> None:
        if self._process is None or self._process.stdin is None:
            raise EOFError("there is no second process")
        send(self._process.stdin, values, body)

    def _receive(self) -> tuple[dict[str, Any], bytes]:
        if self._process is None or self._process.stdout is None:
            raise EOFError("there is no second process")
        return receive(self._process.stdout)


def _processors() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
