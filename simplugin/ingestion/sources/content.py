"""Bytes with a name: what a source hands to the readers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["Content"]


@dataclass(frozen=True, slots=True)
class Content:
    """Something to read, wherever it lies.

    ``id`` is the id of the document it becomes, or the beginning of the ids where it holds many. ``source`` says
    where it came from: a path or a URL. ``name`` ends as its format usually does. ``size`` is in bytes, None where it
    is not known before reading; ``modified`` is an ISO time; ``media_type`` is what a server said it is.
    """

    id: str
    source: str
    name: str
    open: Callable[[], BinaryIO]
    size: int | None = None
    modified: str | None = None
    media_type: str | None = None
