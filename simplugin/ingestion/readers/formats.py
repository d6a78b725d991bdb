"""Which format something has: by its content first, then by its name."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Mapping
from typing import BinaryIO, Literal, TypeAlias

from simplugin.errors import DataError
from simplugin.ingestion.sources.content import Content

__all__ = ["FORMATS", "ROWS", "TEXTS", "Format", "detect", "expect"]

Format: TypeAlias = Literal["text", "markdown", "rst", "html", "pdf", "docx", "odt", "csv", "tsv", "jsonl", "parquet"]

FORMATS: Mapping[str, Format] = {
    ".csv": "csv",
    ".docx": "docx",
    ".htm": "html",
    ".html": "html",
    ".jsonl": "jsonl",
    ".markdown": "markdown",
    ".md": "markdown",
    ".mdx": "markdown",
    ".ndjson": "jsonl",
    ".odt": "odt",
    ".parquet": "parquet",
    ".pdf": "pdf",
    ".rst": "rst",
    ".text": "text",
    ".tsv": "tsv",
    ".txt": "text",
    ".xhtml": "html",
}
"""The file endings that are looked for in folders, and what they usually mean."""

ROWS: frozenset[Format] = frozenset({"csv", "tsv", "jsonl", "parquet"})
"""The formats of which one file holds many documents; they are streamed, whatever their size."""

_HEAD = 8192  # bytes that show what something is
_PDF = b"%PDF-"
_ODT = b"application/vnd.oasis.opendocument.text"

TEXTS: frozenset[Format] = frozenset({"text", "markdown", "rst", "html", "csv", "tsv", "jsonl"})
_MEDIA_TYPES: Mapping[str, Format] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/markdown": "markdown",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "text/x-rst": "rst",
    "application/pdf": "pdf",
}
_MAGIC: Mapping[bytes, str] = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
    b"\x1f\x8b": "compressed by gzip",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"SQLite format 3": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "a document of an old Office; save it as .docx",
    b"{\\rtf": "a document in RTF; save it as .docx",
}
_WORDS = frozenset({b"GIF8", b"BZh", b"Rar!"})  # a text may begin with them
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_HTML = re.compile(
    rb"^\s*(?:<\?xml[^>]*>\s*)?(?>(?:<!--.*?-->\s*)*)(?:<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>])", re.I | re.S
)
_BOM = re.compile(rb"^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)")


def expect(content: Content) -> Format:
    """Return the format that the media type, or else the ending of the name, speaks of."""
    ending = content.name[content.name.rfind(".") :].lower() if "." in content.name else ""
    media = (content.media_type or "").partition(";")[0].strip().lower()
    return _MEDIA_TYPES.get(media) or FORMATS.get(ending) or "text"


def detect(content: Content, opened: BinaryIO) -> Format:
    """Return the format of something that can be searched, and leave it at its start.

    Raises ``DataError`` for what is no document, saying what it is.
    """
    head = opened.read(_HEAD)
    opened.seek(0)
    expected = expect(content)
    if _is_pdf(head, expected):
        return "pdf"
    if head[:4] == b"PAR1" and (expected not in TEXTS or _is_binary(head)):
        return "parquet"
    if head[:4] == b"PK\x03\x04":
        return _in_zip(opened)
    for magic, what in _MAGIC.items():
        if head.startswith(magic) and (magic not in _WORDS or _is_binary(head)):
            raise DataError(f"this is {what}, not a document that can be read.")
    if _HTML.match(_BOM.sub(b"", head)):
        return "html"
    # A text under the name of another format: people rename files.
    return expected if expected in TEXTS else "text"


def _is_binary(head: bytes) -> bool:
    return _CONTROLS.search(head) is not None


def _is_pdf(head: bytes, expected: Format) -> bool:
    """Say whether it is a PDF: some have junk before their mark, and a text may speak of the mark."""
    return head.lstrip().startswith(_PDF) or (expected not in TEXTS and _PDF in head[:1024])


def _in_zip(opened: BinaryIO) -> Format:
    try:
        with zipfile.ZipFile(opened) as archive:
            names = set(archive.namelist())
            if "word/document.xml" in names:
                return "docx"
            if any(name.startswith(("xl/", "ppt/")) for name in names):
                raise DataError("this is an Excel or PowerPoint file; export it as CSV or PDF.")
            if "mimetype" in names:
                with archive.open("mimetype") as member:
                    if member.read(len(_ODT)) == _ODT:
                        return "odt"
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise DataError(f"the archive is damaged ({error}).") from error
    finally:
        opened.seek(0)
    raise DataError("this is a ZIP archive that is neither DOCX nor ODT; unpack it first.")
