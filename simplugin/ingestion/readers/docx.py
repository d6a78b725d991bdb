"""DOCX to Markdown.

python-docx opens the package and knows its styles. What it gives as text leaves out much that Word shows: what was
inserted with changes tracked, content controls, fields, notes, text boxes and tables in cells. So the XML is walked
here (https://learn.microsoft.com/openspecs/office_standards/ms-docx).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

from simplugin.errors import DataError, MissingExtraError
from simplugin.ingestion.readers.archives import check_archive, to_document
from simplugin.ingestion.sources.content import Content
from simplugin.records import Document

__all__ = ["read_docx"]

_HEADING = re.compile(r"heading (\d)", re.I)  # style names are in English whatever Word shows
_PARTS = ("word/document.xml", "word/styles.xml", "word/footnotes.xml", "word/endnotes.xml", "[Content_Types].xml")
_NOTES = ("footnote", "endnote")
_GONE = {"del", "moveFrom"}  # deleted with changes tracked, or moved elsewhere
_UNREAD = {*_GONE, "pPr", "rPr", "rt", "Fallback"}  # settings, readings above letters, what older programs show instead
_BREAKS = {"br": "\n", "cr": "\n", "tab": "\t", "ptab": "\t", "noBreakHyphen": "-"}
_DEEPEST = 8  # styles that rest on each other


def read_docx(content: Content, raw: bytes) -> Document:
    """Return the text of a DOCX, with headings, lists, tables and notes. Raises ``DataError`` where it is not read."""
    try:
        import docx
    except ImportError as error:
        raise MissingExtraError("documents", "Reading DOCX") from error

    check_archive(raw, _PARTS)
    try:
        opened: Any = docx.Document(BytesIO(raw))
        text = "\n\n".join(filter(None, _Reader(opened).blocks(opened.element.body)))
        title = " ".join((opened.core_properties.title or "").split())
    except Exception as error:  # python-docx lets what damaged files do to it come through as it is
        raise DataError(f"the DOCX is damaged ({type(error).__name__}: {error}).") from error
    if not text.strip():
        raise DataError("the DOCX has no text.")
    return to_document(content, text, title)


class _Reader:
    """Reads the elements of one document."""

    def __init__(self, opened: Any) -> None:
        self._styles: Mapping[str, Any] = {style.style_id: style for style in opened.styles}
        self._notes = {kind: _notes(opened, kind) for kind in _NOTES}

    def blocks(self, element: Any) -> Iterator[str]:
        """Yield the paragraphs and tables in an element; what stands in boxes and notes comes after its paragraph."""
        for child in element:
            match _name(child):
                case "p":
                    yield self._paragraph(child)
                    yield from self._beside(child)
                case "tbl":
                    yield "\n".join(f"| {' | '.join(cells)} |" for cells in self._rows(child))
                case name if name not in _UNREAD:
                    yield from self.blocks(child)
                case _:
                    pass

    def _paragraph(self, paragraph: Any) -> str:
        text = "".join(_pieces(paragraph)).strip()
        if not text:
            return ""
        settings = _child(paragraph, "pPr")
        named = _value(_child(settings, "pStyle"))
        style, depth = self._styles.get(named or ""), 0
        while style is not None and depth < _DEEPEST:
            name = style.name or ""
            if found := _HEADING.match(name):
                return f"{'#' * min(int(found[1]), 6)} {' '.join(text.split())}"
            if name == "Title":
                return f"# {' '.join(text.split())}"
            if name.startswith("List"):
                return f"- {text}"
            style, depth = style.base_style, depth + 1
        return f"- {text}" if _child(settings, "numPr") is not None else text

    def _beside(self, paragraph: Any) -> Iterator[str]:
        """Yield what stands in the text boxes of a paragraph, and in the notes that it refers to."""
        for element in _within(paragraph):
            name = _name(element)
            if name == "txbxContent":
                yield from self.blocks(element)
            elif name.endswith("Reference") and (note := self._note(name, _attribute(element, "id"))) is not None:
                yield self._line(note)

    def _note(self, reference: str, number: str | None) -> Any:
        """Return the note of a reference; each is read once, so that none can refer to itself."""
        return self._notes.get(reference.removesuffix("Reference"), {}).pop(number, None)

    def _line(self, element: Any) -> str:
        """Return the text of a cell, or of a note, on one line."""
        return " ".join(" ".join(self._texts(element)).split())

    def _texts(self, element: Any) -> Iterator[str]:
        for child in element:
            match _name(child):
                case "p":
                    yield "".join(_pieces(child))
                    yield from self._beside(child)
                case "tbl":
                    for cells in self._rows(child):
                        yield from cells
                case name if name not in _UNREAD:
                    yield from self._texts(child)
                case _:
                    pass

    def _rows(self, table: Any) -> Iterator[list[str]]:
        above: dict[int, str] = {}  # what each column of the grid holds
        for row in _rows_of(table, "tr"):
            settings = _child(row, "trPr")
            if _child(settings, "del") is not None:
                continue
            place = _number(_child(settings, "gridBefore"), 0)
            cells: list[str] = []
            for cell in _rows_of(row, "tc"):
                merged = _child(_child(cell, "tcPr"), "vMerge")
                if merged is not None and _value(merged) != "restart":
                    text = above.get(place, "")  # a cell of several rows belongs to each of them
                else:
                    text = above[place] = self._line(cell)
                cells.append(text)
                place += _number(_child(_child(cell, "tcPr"), "gridSpan"), 1)
            yield cells


def _notes(opened: Any, kind: str) -> dict[str | None, Any]:
    """Return the notes of a document by their numbers, without the lines that part them from the text."""
    from docx.oxml import parse_xml

    for relation in opened.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(f"/{kind}s"):
            notes: Any = parse_xml(relation.target_part.blob)
            return {_attribute(note, "id"): note for note in notes if _attribute(note, "type") is None}
    return {}


def _pieces(element: Any) -> Iterator[str]:
    """Yield the text in an element, without that in boxes, which are blocks of their own."""
    for child in element:
        name = _name(child)
        if name == "t":
            yield child.text or ""
        elif name in _BREAKS:
            yield _BREAKS[name]
        elif name not in _UNREAD and name != "txbxContent":
            yield from _pieces(child)


def _within(element: Any) -> Iterator[Any]:
    """Yield boxes and references to notes in an element; boxes are not looked into."""
    for child in element:
        name = _name(child)
        if name == "txbxContent" or name in {f"{kind}Reference" for kind in _NOTES}:
            yield child
        elif name not in _UNREAD:
            yield from _within(child)


def _rows_of(element: Any, wanted: str) -> Iterator[Any]:
    """Yield the rows of a table, or the cells of a row, through content controls and tracked changes around them."""
    for child in element:
        name = _name(child)
        if name == wanted:
            yield child
        elif name not in {*_UNREAD, "tbl", "tr", "tc", "p"}:
            yield from _rows_of(child, wanted)


def _name(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""  # a comment has no name


def _child(element: Any, name: str) -> Any:
    return None if element is None else next((child for child in element if _name(child) == name), None)


def _attribute(element: Any, name: str) -> str | None:
    found = (value for key, value in element.attrib.items() if key.rpartition("}")[2] == name)
    return next(found, None)


def _value(element: Any) -> str | None:
    return None if element is None else _attribute(element, "val")


def _number(element: Any, otherwise: int) -> int:
    said = _value(element) or ""
    return int(said) if said.isdecimal() and len(said) < 10 else otherwise
