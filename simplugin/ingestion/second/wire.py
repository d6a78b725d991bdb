"""What two processes say to each other through pipes: JSON values, with texts or vectors behind them as bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import IO, Any, cast

__all__ = ["pack_texts", "receive", "send", "unpack_texts"]

_SIZES = struct.Struct("<QQ")


def send(pipe: IO[bytes], values: Mapping[str, Any], body: bytes = b"") -> None:
    """Send one message. Raises ``OSError`` where nobody reads any more."""
    head = json.dumps(values).encode("ascii")
    pipe.write(_SIZES.pack(len(head), len(body)))
    pipe.write(head)
    pipe.write(body)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """Wait for a message. Raises ``EOFError`` where it does not come, or not whole; ``ValueError`` for what is none."""
    head, body = _SIZES.unpack(_read(pipe, _SIZES.size))
    values: object = json.loads(_read(pipe, head))
    if not isinstance(values, dict):
        raise ValueError("not a message")
    return cast("dict[str, Any]", values), _read(pipe, body)


def pack_texts(texts: Sequence[str]) -> tuple[list[int], bytes]:
    """Return the sizes of texts in bytes, and all of them together; half of a surrogate pair is kept as it is."""
    packed = [text.encode("utf-8", "surrogatepass") for text in texts]
    return [len(text) for text in packed], b"".join(packed)


def unpack_texts(sizes: Sequence[int], body: bytes) -> list[str]:
    """Return the texts that ``pack_texts`` put together."""
    texts: list[str] = []
    end = 0
    for size in sizes:
        start, end = end, end + size
        texts.append(body[start:end].decode("utf-8", "surrogatepass"))
    return texts


def _read(pipe: IO[bytes], size: int) -> bytes:
    found = pipe.read(size)
    if len(found) < size:
        raise EOFError("the other process is gone")
    return found
