"""Pages of the data, read as an ingest reads them."""

from __future__ import annotations

from pathlib import Path

from simplugin.ingestion import Options, find_sources, read_sources
from simplugin.records import Document


def read_page(path: Path) -> Document:
    (page,) = read_sources(find_sources([path], Options()), Options())
    assert isinstance(page, Document)
    return page
