"""ODT to Markdown."""

from __future__ import annotations

import re
import zipfile
from importlib import import_module
from io import BytesIO
from typing import Any

from simplugin.errors import DataError, MissingExtraError
from simplugin.ingestion.readers.archives import check_archive, to_document
from simplugin.ingestion.sources.content import Content
from simplugin.records import Document

__all__ = ["read_odt"]

_REPEATING = ("c", "number-rows-repeated", "number-columns-repeated")  # attributes: of text:s, and of tables
_MOST_REPEATED = 1_000_000


def read_odt(content: Content, raw: bytes) -> Document:
    """Return the text of an ODT, with headings, lists and tables. Raises ``DataError`` where it cannot be read."""
    try:
        import odfdo
    except ImportError as error:
        raise MissingExtraError("documents", "Reading ODT") from error

    check_archive(raw, ("content.xml", "styles.xml", "meta.xml", "META-INF/manifest.xml"))
    try:
        names = _check_members(raw)
        opened: Any = odfdo.Document(BytesIO(raw))
        text = re.sub(r"\n{3,}", "\n\n", str(opened.to_markdown())).strip()
        title = " ".join(str(opened.meta.title or "").split()) if "meta.xml" in names else ""
    except DataError:
        raise
    except Exception as error:  # odfdo lets what damaged files do to it come through as it is
        raise DataError(f"the ODT is damaged ({type(error).__name__}: {error}).") from error
    if not text:
        raise DataError("the ODT has no text.")
    return to_document(content, text, title)


def _check_members(raw: bytes) -> list[str]:
    """Return the names of what the archive holds.

    Raises ``DataError`` where that is encrypted, and where a table or a blank says that it repeats without end.
    """
    etree: Any = import_module("lxml.etree")  # it has no types

    with zipfile.ZipFile(BytesIO(raw)) as archive:
        names = archive.namelist()
        if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise DataError("the ODT is protected by a password.")
        most = dict.fromkeys(_REPEATING, 1)
        with archive.open("content.xml") as content:
            for _, element in etree.iterparse(content, events=("start",), resolve_entities=False):
                for name, value in element.attrib.items():
                    local = str(name).rpartition("}")[2]
                    if local in most and str(value).isdecimal():
                        most[local] = max(most[local], int(value))
    blanks, rows, columns = most.values()
    if max(blanks, rows * columns) > _MOST_REPEATED:
        raise DataError("the ODT repeats a blank or a cell millions of times, as no document does.")
    return names
