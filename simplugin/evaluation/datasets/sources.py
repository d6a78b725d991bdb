"""The ways of naming labelled data: a file, files by language, or what was read before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

from simplugin.errors import DataError

__all__ = ["Source", "read_all"]

Read = TypeVar("Read")

Source: TypeAlias = str | Path | Mapping[str, str | Path] | Sequence[Read]
"""A file, files by language, or records that were read before."""


def read_all(data: Source[Read], read: Callable[[str | Path, str | None], Read]) -> tuple[Read, ...]:
    """Read each file with its language, None where it has none; what was read before stays as it is.

    Raises ``DataError`` where there is nothing, and what ``read`` raises.
    """
    match data:
        case str() | Path():
            return (read(data, None),)
        case Mapping():
            found = tuple(read(path, language) for language, path in data.items())
        case _:
            found = tuple(data)
    if not found:
        raise DataError("There is no data to judge by.")
    return found
