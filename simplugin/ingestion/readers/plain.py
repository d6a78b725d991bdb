"""Text, Markdown and reStructuredText."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from simplugin.errors import DataError
from simplugin.ingestion.readers.formats import Format
from simplugin.ingestion.readers.front_matter import cut_front_matter
from simplugin.ingestion.sources.content import Content
from simplugin.ingestion.splitting.outline import outline
from simplugin.records import Document, Encoding

__all__ = ["read_plain"]

_TOP = 4000  # characters of reStructuredText in which a title is looked for
_MARK = re.compile(r"^[ \t]*(`{3,}|~{3,}|#(?=[ \t])|=+(?=[ \t]*$))([^\n]*)", re.M)


def read_plain(content: Content, text: str, encoding: Encoding, form: Format) -> Document:
    """Return a text as a document, its title and front matter as metadata. Raises ``DataError`` for an empty one."""
    structure = form if form in {"markdown", "rst"} else "text"
    metadata: dict[str, Any] = {}
    if structure == "markdown":
        whole = text
        metadata, text = cut_front_matter(whole)
        if len(text) < len(whole) and not text.strip():
            raise DataError("the file holds nothing but front matter.")
    if not text.strip():
        raise DataError("the file is empty.")
    if structure != "text" and "title" not in metadata and (title := _title(text, structure)):
        metadata["title"] = title
    return Document(
        id=content.id,
        text=text,
        source=content.source,
        metadata=metadata,
        format="markdown" if structure == "markdown" else "rst" if structure == "rst" else "text",
        modified=content.modified,
        encoding=encoding,
    )


def _title(text: str, form: str) -> str | None:
    for start, end in _headings(text) if form == "markdown" else [(0, _TOP)]:
        for block in outline(text[start:end], form):
            if block.level == 1 and block.title:
                return block.title
    return None


def _headings(text: str) -> Iterator[tuple[int, int]]:
    """Yield where Markdown has what looks like a heading of the first level, outside of code.

    Taking a whole page apart for its title would be most of the work of reading it.
    """
    fence = ""
    for found in _MARK.finditer(text):
        mark = found[1]
        if mark[0] in "`~":
            if not fence or (mark.startswith(fence) and not found[2].strip()):
                fence = "" if fence else mark
        elif not fence:
            yield (_lines_above(text, found.start()) if mark[0] == "=" else found.start()), found.end()


def _lines_above(text: str, start: int) -> int:
    """Return where the second line above begins: it shows whether what is underlined is one line."""
    for _ in range(2):
        start = text.rfind("\n", 0, max(0, start - 1)) + 1
    return start
