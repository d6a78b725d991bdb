"""Bytes read as a file of some name would be."""

from __future__ import annotations

from io import BytesIO

from simplugin.ingestion import Failure, Reading, read
from simplugin.ingestion.sources.content import Content
from simplugin.records import Document


def content(raw: bytes, name: str, media_type: str | None = None) -> Content:
    return Content(id=name, source=name, name=name, open=lambda: BytesIO(raw), size=len(raw), media_type=media_type)


def read_all(
    raw: bytes, name: str, how: Reading | None = None, media_type: str | None = None
) -> list[Document | Failure]:
    return list(read(content(raw, name, media_type), how or Reading()))


def document(raw: bytes, name: str, how: Reading | None = None) -> Document:
    (found,) = read_all(raw, name, how)
    assert isinstance(found, Document), found
    return found


def reason(raw: bytes, name: str, how: Reading | None = None) -> str:
    (found,) = read_all(raw, name, how)
    assert isinstance(found, Failure), found
    return found.reason
