"""PDF: its text layer, page by page.

pypdf is slower than bindings of pdfium, and puts Arabic and Hebrew in the order in which they are read.
"""

from __future__ import annotations

import logging
import re
from io import BytesIO
from typing import Any

from simplugin.errors import DataError, MissingExtraError
from simplugin.ingestion.sources.content import Content
from simplugin.records import Document

__all__ = ["read_pdf"]

_PAGES = 20_000  # of one file, and …
_LETTERS = 64_000_000  # … characters: beyond, it is no document that people wrote
_TRAILERS = 200  # one each time that it was saved; of a damaged file each is looked for from each
_BREAK = "\n\n"
# The end of a line with or without a hyphen, and how the next one begins.
_END = re.compile(r"((?<=[^\W\d_])[-\u00ad\u2010])?(?<![ \t])[ \t]*\n(\w)")
# Some fonts write these as one letter, which no word that is searched has.
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})


def read_pdf(content: Content, raw: bytes) -> Document:
    """Return a PDF's text, with where its pages begin.

    Raises ``DataError`` for one without a text layer, with a password, and damaged beyond reading.
    """
    try:
        from pypdf import PdfReader
        from pypdf.errors import DependencyError
    except ImportError as error:
        raise MissingExtraError("documents", "Reading PDF") from error

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells every flaw that it could live with
    if raw.count(b"trailer") > _TRAILERS:
        raise DataError(f"the PDF is damaged (it ends more than {_TRAILERS} times).")
    try:
        reader = PdfReader(BytesIO(raw))
        if reader.is_encrypted and not reader.decrypt(""):
            raise DataError("the PDF is protected by a password.")
        pages = _pages(reader)
        title = _title(reader)
    except DataError:
        raise
    except DependencyError as error:
        raise DataError("the PDF is encrypted; to read it: pip install cryptography.") from error
    except Exception as error:  # pypdf lets what damaged files do to it come through as it is
        raise DataError(f"the PDF is damaged ({type(error).__name__}: {error}).") from error
    if not any(text.strip() for text in pages):
        raise DataError(f"the PDF has no text layer ({len(pages)} pages); run OCR over it first.")
    starts: list[int] = []
    at = 0
    for text in pages:
        starts.append(at)
        at += len(text) + len(_BREAK)
    return Document(
        id=content.id,
        text=_BREAK.join(pages),
        source=content.source,
        metadata={"title": title} if title else {},
        pages=tuple(starts),
        modified=content.modified,
    )


def _pages(reader: Any) -> list[str]:
    if len(reader.pages) > _PAGES:
        raise DataError(f"the PDF has {len(reader.pages):,} pages; at most {_PAGES:,} are read.")
    pages: list[str] = []
    letters = 0
    for page in reader.pages:
        text = _join(page.extract_text() or "")
        letters += len(text)
        if letters > _LETTERS:
            raise DataError(f"the PDF has more than {_LETTERS:,} characters.")
        pages.append(text)
    return pages


def _join(text: str) -> str:
    """Put together what was parted to fit the width of a page: where the next line goes on with a small letter."""
    return _END.sub(_joint, text.translate(_LIGATURES)).strip()


def _joint(end: re.Match[str]) -> str:
    if not end[2].islower():
        return end[0]
    return end[2] if end[1] else f" {end[2]}"


def _title(reader: Any) -> str | None:
    found = reader.metadata.title if reader.metadata else None
    return " ".join(str(found or "").replace("\0", " ").split()) or None
