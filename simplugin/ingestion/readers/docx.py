"""DOCX to Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from simplugin.errors import DataError, MissingExtraError
from simplugin.ingestion.readers.archives import check_archive, to_document
from simplugin.ingestion.sources.content import Content
from simplugin.records import Document

__all__ = ["read_docx"]

_HEADING = re.compile(r"heading (\d)", re.I)  # style names are in English whatever Word shows


def read_docx(content: Content, raw: bytes) -> Document:
    """Return the text of a DOCX, with headings, lists and tables. Raises ``DataError`` where it cannot be read."""
    try:
        import docx
    except ImportError as error:
        raise MissingExtraError("documents", "Reading DOCX") from error

    check_archive(raw, ("word/document.xml", "word/styles.xml", "[Content_Types].xml"))
    try:
        opened: Any = docx.Document(BytesIO(raw))
        text = "\n\n".join(filter(None, _blocks(opened)))
        title = " ".join((opened.core_properties.title or "").split())
    except Exception as error:  # python-docx lets what damaged files do to it come through as it is
        raise DataError(f"the DOCX is damaged ({type(error).__name__}: {error}).") from error
    if not text.strip():
        raise DataError("the DOCX has no text.")
    return to_document(content, text, title)


def _blocks(opened: Any) -> Iterator[str]:
    for block in opened.iter_inner_content():
        if hasattr(block, "rows"):
            yield "\n".join(_row(row) for row in block.rows)
        else:
            yield _paragraph(block)


def _row(row: Any) -> str:
    cells: list[str] = []
    for cell in row.cells:
        text = " ".join(cell.text.split())
        if not cells or cells[-1] != text:  # a merged cell comes once for each column
            cells.append(text)
    return "| " + " | ".join(cells) + " |"


def _paragraph(block: Any) -> str:
    text, style = block.text.strip(), (block.style.name or "") if block.style is not None else ""
    if not text:
        return ""
    if found := _HEADING.match(style):
        return f"{'#' * min(int(found[1]), 6)} {' '.join(text.split())}"
    if style == "Title":
        return f"# {' '.join(text.split())}"
    return f"- {text}" if style.startswith("List") else text
