"""The lines of files that may be too long to be held."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, cast

from simplugin.errors import DataError
from simplugin.ingestion.readers.encodings import decode
from simplugin.records import Encoding

__all__ = ["read_lines"]

_SAMPLE = 1 << 20  # bytes by which the encoding of a long file is judged; a multiple of four
_WIDE = frozenset({"utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"})
_UNICODE = "utf-8"
_PASSAGE = 65_536  # bytes that are read together where lines of another encoding follow


def read_lines(opened: BinaryIO, languages: Sequence[str], longest: int) -> tuple[Iterator[str], Encoding]:
    """Return the lines of a file, each with its line feed, and the encoding in which its beginning is.

    Raises ``DataError`` for what is no text; while going through the lines, for one of more than ``longest`` bytes.
    """
    sample = _fill(opened)
    if len(sample) < _SAMPLE:
        text, encoding = decode(sample, languages)
        return iter(io.StringIO(text)), encoding
    encoding = _judge(sample, languages)
    again = cast("BinaryIO", io.BufferedReader(_Joined(sample, opened)))
    if encoding.name in _WIDE:
        return _wide(again, encoding.name, longest), encoding
    return _narrow(again, encoding.name, languages, longest), encoding


class _Joined(io.RawIOBase):
    """A stream whose beginning was read already, as it was before: not every stream can be wound back."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start = memoryview(start)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        into = memoryview(buffer)
        if self._start:
            taken = self._start[: len(into)]
            self._start = self._start[len(taken) :]
        else:
            taken = memoryview(self._rest.read(len(into)))
        into[: len(taken)] = taken
        return len(taken)


def _fill(opened: BinaryIO) -> bytes:
    """Read the sample, or all there is; a pipe gives what it has, which may be less than was asked for."""
    parts: list[bytes] = []
    size = 0
    while size < _SAMPLE and (part := opened.read(_SAMPLE - size)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _judge(sample: bytes, languages: Sequence[str]) -> Encoding:
    """Return the encoding of a sample, whose end may cut a letter in two."""
    if b"\0" in sample:
        try:
            return decode(sample, languages)[1]
        except DataError:
            return decode(sample[:-2], languages)[1]
    return decode(sample[: sample.rfind(b"\n") + 1] or sample, languages)[1]


def _wide(again: BinaryIO, name: str, longest: int) -> Iterator[str]:
    text = io.TextIOWrapper(again, encoding=name, errors="replace")
    number = 0
    while line := text.readline(longest + 1):
        number += 1
        _check(len(line), number, longest)
        yield line.removeprefix("\ufeff") if number == 1 else line


def _narrow(again: BinaryIO, name: str, languages: Sequence[str], longest: int) -> Iterator[str]:
    raws = _raw_lines(again, longest)
    for raw in raws:
        if not name.startswith(_UNICODE) or _is_utf8(raw):
            yield from io.StringIO(_line(raw, name, languages))
            continue
        # In which page others wrote what follows, many lines show better than one.
        passage, trouble = [raw], None
        try:
            for following in _until(_PASSAGE, raws):
                passage.append(following)
        except DataError as error:
            trouble = error
        yield from io.StringIO(_passage(passage, languages))
        if trouble:
            raise trouble


def _raw_lines(again: BinaryIO, longest: int) -> Iterator[bytes]:
    number = 0
    while raw := again.readline(longest + 1):
        number += 1
        _check(len(raw), number, longest)
        yield raw


def _until(most: int, raws: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    while size < most and (raw := next(raws, b"")):
        yield raw
        size += len(raw)


def _passage(lines: Sequence[bytes], languages: Sequence[str]) -> str:
    try:
        return decode(b"".join(lines), languages)[0]
    except DataError:
        return "".join(_line(line, _UNICODE, languages) for line in lines)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode(_UNICODE)
    except UnicodeDecodeError:
        return False
    return True


def _check(size: int, number: int, longest: int) -> None:
    if size > longest:
        raise DataError(f"line {number} is longer than {longest:,} bytes; it and what follows is not read.")


def _line(raw: bytes, name: str, languages: Sequence[str]) -> str:
    """Return a line of a file that begins in this encoding; UTF-8 may be followed by what others appended."""
    if not name.startswith(_UNICODE):
        return raw.decode(name, "replace").replace("\r\n", "\n").replace("\r", "\n")
    try:
        return decode(raw, languages)[0] if name != _UNICODE or b"\r" in raw else raw.decode(name)
    except UnicodeDecodeError:
        return decode(raw, languages)[0]
    except DataError:
        return raw.decode(_UNICODE, "replace")
