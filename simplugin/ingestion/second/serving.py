"""What runs in the second process: ``python -m simplugin.ingestion.second.serving``, spoken to through its pipes.

It ends when its input does, so it never outlives the ingest, however that ends.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from simplugin.catalog import ModelCard
from simplugin.encoders import Encoder
from simplugin.encoders.static import StaticEncoder
from simplugin.ingestion.second.wire import receive, send, unpack_texts
from simplugin.ingestion.splitting import Splitter
from simplugin.texts import as_read

__all__ = ["serve"]


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Open the model that the first message names, say which it is, and then answer until nobody asks."""
    settings, _ = receive(requests)
    card = ModelCard.from_json(settings["card"])
    encoder = StaticEncoder(Path(settings["folder"]), card, card.truncate_dim)
    splitter = Splitter(encoder, settings["max_tokens"], overlap=settings["overlap"], headings=settings["headings"])
    send(answers, {"fingerprint": encoder.fingerprint.to_json()})
    with suppress(EOFError):
        while True:
            values, body = receive(requests)
            try:
                texts = unpack_texts(values["sizes"], body)
                answer = _split(splitter, values, texts) if values["do"] == "split" else _encode(encoder, texts)
            except Exception as error:  # noqa: BLE001  # the ingest does it again itself, and raises what there is to raise
                answer = {"failed": type(error).__name__}, b""
            send(answers, *answer)


def _split(splitter: Splitter, values: dict[str, Any], texts: list[str]) -> tuple[dict[str, Any], bytes]:
    return {"parts": splitter.parts(list(zip(texts, values["formats"], strict=True)))}, b""


def _encode(encoder: Encoder, texts: list[str]) -> tuple[dict[str, Any], bytes]:
    vectors = encoder.encode_document([as_read(text) for text in texts])
    return {"shape": vectors.shape}, np.ascontiguousarray(vectors, dtype=np.float32).tobytes()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the ingest, which then closes the pipe
    with suppress(BrokenPipeError), os.fdopen(os.dup(1), "wb") as pipe:
        os.dup2(2, 1)  # what a library prints is no answer
        serve(sys.stdin.buffer, pipe)
