"""Lines of text from files and stdin."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from simplugin.errors import DataError

__all__ = ["read_lines"]


def read_lines(paths: Sequence[str]) -> Iterator[str]:
    """Go through the lines of these UTF-8 files, without their ends; ``-`` and no path at all are stdin.

    Raises ``DataError`` naming file and line for what cannot be read.
    """
    for path in paths or ["-"]:
        try:
            raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        except OSError as error:
            raise DataError(f"the file cannot be read ({error.strerror}).", path=path) from error
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise DataError("the text is not UTF-8.", path=path, line=line) from error
        # Not splitlines(): to that, U+2028 and other characters of a text end lines too.
        yield from (line.removesuffix("\n") for line in io.StringIO(text, newline=None))
