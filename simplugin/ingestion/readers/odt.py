"""ODT to Markdown."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from typing import Any

from simplugin.errors import DataError, MissingExtraError
from simplugin.ingestion.readers.archives import check_archive, to_document
from simplugin.ingestion.sources.content import Content
from simplugin.records import Document

__all__ = ["read_odt"]


def read_odt(content: Content, raw: bytes) -> Document:
    """Return the text of an ODT, with headings, lists and tables. Raises ``DataError`` where it cannot be read."""
    try:
        import odfdo
    except ImportError as error:
        raise MissingExtraError("documents", "Reading ODT") from error

    check_archive(raw, ("content.xml", "styles.xml", "meta.xml", "META-INF/manifest.xml"))
    if _is_encrypted(raw):
        raise DataError("the ODT is protected by a password.")
    try:
        opened: Any = odfdo.Document(BytesIO(raw))
        text = re.sub(r"\n{3,}", "\n\n", str(opened.to_markdown())).strip()
        title = " ".join(str(opened.meta.title or "").split())
    except Exception as error:  # odfdo lets what damaged files do to it come through as it is
        raise DataError(f"the ODT is damaged ({type(error).__name__}: {error}).") from error
    if not text:
        raise DataError("the ODT has no text.")
    return to_document(content, text, title)


def _is_encrypted(raw: bytes) -> bool:
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        names = archive.namelist()
        return "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml")
