"""Bytes to text.

UTF-8 first, since a text in an old encoding is hardly ever valid UTF-8 by chance; then what marks and NULs say; then
what the source itself names; then a detector over the code pages in use. Latin-1 decodes anything, so a loop that takes
the first encoding that fits would always end there.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from simplugin.errors import DataError
from simplugin.ingestion.readers.guessing import guess
from simplugin.ingestion.readers.wide import recognise_dense, recognise_wide
from simplugin.records import Encoding

__all__ = ["decode"]

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_GLANCE = 4096  # bytes that show whether something is text at all: looking at all of them would cost more than decoding
_CONTROLS = bytes({*range(1, 32), 127} - set(b"\t\n\r\f\x1b"))
_FEW = 0.05  # part of the bytes that may be such controls, and …
_STRAY = 3  # … how many in a short text
_SURE = 1.0
_LIKELY = 0.95  # of what was repaired
_ESCAPES = (b"\x1b$B", b"\x1b$@", b"\x1b(J")  # by which Japanese mail switches alphabets; all of it looks like ASCII

# What pages call one thing and mean another by, as browsers have it.
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "tis-620": "cp874",
}
# Python has codecs that are no encodings of texts, and some that take forever.
_ENCODINGS = re.compile(
    r"(?:cp\d+|iso8859-\d+|iso2022_\w+|koi8-\w|cp932|euc_\w+|big5\w*|gb18030|mac-\w+|utf-(?:8|16|32).*)$"
)

_BEYOND = re.compile(r"[^\x00-\x7f]")
_TWICE = re.compile("[Â-ôĞŞ×ğ][\u0080-\u00bf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ€]")
_PAIRS = 3  # fewer may be meant
_THROUGH = ("cp1252", "cp1254")
# Letters whose second byte those pages leave open: a careful program writes U+FFFD there. Of what these two can have
# been, one each is in use (Ə and ”); the others are lost.
_LOST = (("Æ\ufffd", "Æ\x8f"), ("â€\ufffd", "â€\x9d"))
_GONE = re.compile("[Â-ßĞŞ]\ufffd|[à-ïğ](?:.\ufffd|\ufffd.)")
_HOLES = re.compile("[\x80-\x9f]")  # controls that are in no text
_SUBSTITUTE = "\x1a"
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")


def decode(raw: bytes, languages: Sequence[str] = (), *, declared: str | None = None) -> tuple[str, Encoding]:
    """Return the text, with line ends as line feeds, and how it was encoded.

    ``languages`` are those expected (ISO 639-1), ``declared`` the encoding that the source itself names. Raises
    ``DataError`` for what is no text.
    """
    try:
        text, encoding = _decode(raw, languages, declared)
    except DataError:
        if (dense := recognise_dense(raw)) is None:
            raise
        text, encoding = dense
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text, encoding


def _decode(raw: bytes, languages: Sequence[str], declared: str | None) -> tuple[str, Encoding]:
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return _strict(raw[len(mark) :], name), Encoding(name, _SURE)
    if (wide := recognise_wide(raw)) is not None:
        return wide
    _check_is_text(raw)
    if (text := _try(raw, "utf-8-sig")) is not None:
        return _switching(raw) or _once(text, "utf-8-sig" if raw.startswith(codecs.BOM_UTF8) else "utf-8")
    if declared and (named := _declared(raw, declared)):
        return named
    return _by_line(raw, languages) or guess(raw, languages)


def _strict(raw: bytes, name: str) -> str:
    try:
        return raw.decode(name)
    except UnicodeDecodeError as error:
        raise DataError(f"the text begins as {name.upper()} and is damaged at byte {error.start:,}.") from error


def _try(raw: bytes, name: str) -> str | None:
    try:
        return raw.decode(name)
    except UnicodeError:
        return None


def _check_is_text(raw: bytes) -> None:
    sample = raw[:_GLANCE]
    if len(sample) - len(sample.translate(None, _CONTROLS)) > max(_STRAY, _FEW * len(sample)):
        raise DataError("this is no text.")


def _switching(raw: bytes) -> tuple[str, Encoding] | None:
    if b"\x1b" in raw and any(escape in raw for escape in _ESCAPES) and (text := _try(raw, "iso2022_jp_2")) is not None:
        return text, Encoding("iso2022_jp_2", _LIKELY)
    return None


def _once(text: str, name: str) -> tuple[str, Encoding]:
    """Undo a second encoding: UTF-8 that was taken for a Western code page and written as UTF-8 again.

    Only where the whole text goes back to valid UTF-8, which a text that merely shows such letters does not.
    """
    first = None if text.isascii() else _BEYOND.search(text)
    if first is not None and _TWICE.match(text, first.start()) and len(_TWICE.findall(text)) >= _PAIRS:
        for page in _THROUGH:
            again = _try(_back(text, page), "utf-8-sig")
            if again is not None and not _HOLES.search(again):
                return again.replace(_SUBSTITUTE, "\ufffd"), Encoding(f"utf-8 (twice, through {page})", _LIKELY)
    return text, Encoding(name, _SURE)


def _back(text: str, page: str) -> bytes:
    """Write a text in a code page; the few bytes the page leaves open stand for themselves, as browsers have it.

    What does not fit gives a byte that is in no UTF-8.
    """
    if "\ufffd" in text:
        for lost, was in _LOST:
            text = text.replace(lost, was)
        text = _GONE.sub(_SUBSTITUTE, text)
    table = {letter: _byte(letter, page) for letter in set(text)}
    return b"".join(map(table.__getitem__, text))


def _byte(letter: str, page: str) -> bytes:
    try:
        return letter.encode(page)
    except UnicodeEncodeError:
        return letter.encode("latin-1") if "\x80" <= letter <= "\x9f" else b"\xff"


def _declared(raw: bytes, declared: str) -> tuple[str, Encoding] | None:
    try:
        name = codecs.lookup(declared.strip()).name
    except (LookupError, ValueError):
        return None
    name = _MEANT.get(name, name)
    text = _try(raw, name) if _ENCODINGS.match(name) else None
    return None if text is None else (text, Encoding(name, _SURE))


def _by_line(raw: bytes, languages: Sequence[str]) -> tuple[str, Encoding] | None:
    """Decode line by line where many lines are UTF-8: files grow by what several programs append.

    A line with more letters in valid UTF-8 than other bytes was damaged, and what is lost becomes U+FFFD.
    """
    lines = raw.splitlines(keepends=True)
    texts = [_damaged(line) if (text := _try(line, "utf-8-sig")) is None else text for line in lines]
    good = sum(text is not None and not line.isascii() for line, text in zip(lines, texts, strict=True))
    bad = [line for line, text in zip(lines, texts, strict=True) if text is None]
    if good < max(1, len(bad) / 2):
        return None
    if not bad:
        return "".join(filter(None, texts)), Encoding("utf-8 (damaged)", _LIKELY)
    _, page = guess(b"".join(bad), languages)
    whole = [
        line.decode(page.name, "replace") if text is None else text for line, text in zip(lines, texts, strict=True)
    ]
    return "".join(whole), Encoding(f"utf-8+{page.name}", page.confidence)


def _damaged(line: bytes) -> str | None:
    rest, letters = _MULTIBYTE.subn(b"", line)
    return line.decode("utf-8", "replace") if letters > len(_HIGH.findall(rest)) else None
