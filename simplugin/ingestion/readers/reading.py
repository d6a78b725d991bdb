"""One thing to read, to the documents it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from simplugin.errors import DataError, SimpluginError
from simplugin.ingestion.readers.columns import Columns
from simplugin.ingestion.readers.encodings import decode
from simplugin.ingestion.readers.formats import ROWS, TEXTS, Format, detect, expect
from simplugin.ingestion.report import Failure
from simplugin.ingestion.sources.content import Content
from simplugin.languages import as_code
from simplugin.records import Document

__all__ = ["Reading", "read"]

_LINES = frozenset({"csv", "tsv", "jsonl"})
_LIKELY = 1 << 20  # bytes of something whose size is not known
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]+)", re.I)


@dataclass(frozen=True, slots=True)
class Reading:
    """How things are read.

    ``languages`` are those expected (ISO 639-1), which helps with old encodings. ``text_column`` and ``id_column``
    name what holds the text and the id in tables and JSON lines; with ``id_column=""`` the id is the file's with the
    row's number. ``number_columns`` are numbers where a table holds them as text. Of a single document or row at most
    ``max_bytes`` are read.

    Raises ``ValueError`` for a language that is no code; of ``"pt-BR"`` it is ``"pt"``.
    """

    languages: tuple[str, ...] = ()
    text_column: str | None = None
    id_column: str | None = None
    max_bytes: int = 64 * 1024 * 1024
    number_columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "languages", tuple(map(as_code, self.languages)))  # frozen


def read(content: Content, how: Reading = Reading()) -> Iterator[Document | Failure]:  # frozen
    """Go through the documents in something: one, or one for each row of a table or line of JSON.

    What cannot be read becomes a ``Failure`` that says why, and of a table the other rows still come.
    """
    try:
        with content.open() as opened:
            form = expect(content)
            streamed = form in _LINES or (form in ROWS and opened.seekable())
            there = opened if streamed else BytesIO(_whole(content, opened, how))
            if there.seekable():  # unlike a pipe of lines, which may never end
                form = detect(content, there)
            if form in ROWS:
                yield from _rows(form, content, there, how)
            else:
                yield _document(form, content, _whole(content, there, how), how)
    except DataError as error:
        line = "" if error.line is None else f"line {error.line}: "
        yield Failure(content.source, line + error.reason)
    except SimpluginError as error:
        yield Failure(content.source, str(error))
    except OSError as error:
        yield Failure(content.source, f"it cannot be read ({error.strerror or error}).")


def _whole(content: Content, opened: BinaryIO, how: Reading) -> bytes:
    likely = min(content.size or _LIKELY, how.max_bytes) + 1  # asking for the limit would have it allocated
    raw = opened.read(likely)
    if len(raw) == likely:
        raw += opened.read(how.max_bytes + 1 - likely)
    if len(raw) > how.max_bytes:
        size = f"has {content.size:,} bytes" if content.size else "is larger"
        raise DataError(f"the file {size}; at most {how.max_bytes:,} are read.")
    return raw


def _document(form: Format, content: Content, raw: bytes, how: Reading) -> Document:
    if not raw or raw.isspace():
        raise DataError("the file is empty.")
    match form:
        case "pdf":
            from simplugin.ingestion.readers.pdf import read_pdf

            return read_pdf(content, raw)
        case "docx":
            from simplugin.ingestion.readers.docx import read_docx

            return read_docx(content, raw)
        case "odt":
            from simplugin.ingestion.readers.odt import read_odt

            return read_odt(content, raw)
        case "html":
            from simplugin.ingestion.readers.html import read_html

            return read_html(content, raw, how.languages, _charset(content))
        case _:
            from simplugin.ingestion.readers.plain import read_plain

            try:
                text, encoding = decode(raw, how.languages, declared=_charset(content))
            except DataError as error:
                if (named := expect(content)) not in TEXTS:
                    raise DataError(f"its name says {named.upper()}, and it is neither that nor text.") from error
                raise
            return read_plain(content, text, encoding, form)


def _rows(form: Format, content: Content, opened: BinaryIO, how: Reading) -> Iterator[Document | Failure]:
    columns = Columns(how.text_column, how.id_column, how.max_bytes, how.number_columns)
    match form:
        case "jsonl":
            from simplugin.ingestion.readers.json_lines import read_json_lines

            yield from read_json_lines(content, opened, columns, how.languages)
        case "parquet":
            from simplugin.ingestion.readers.parquet import read_parquet

            yield from read_parquet(content, opened, columns)
        case _:
            from simplugin.ingestion.readers.tables import read_table

            yield from read_table(content, opened, columns, how.languages, tabs=form == "tsv")


def _charset(content: Content) -> str | None:
    found = _CHARSET.search(content.media_type or "")
    return found[1] if found else None
