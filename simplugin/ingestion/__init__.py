"""Documents into collections: reading, splitting, and writing only what changed."""

from simplugin.ingestion.files import Found, find_sources, ingest_files, read_sources
from simplugin.ingestion.options import Choices, Options
from simplugin.ingestion.pipeline import ingest_documents
from simplugin.ingestion.readers import FORMATS, Reading, read
from simplugin.ingestion.report import Failure, IngestReport, Progress
from simplugin.ingestion.splitting import DEFAULT_TOKENS, Splitter

__all__ = [
    "DEFAULT_TOKENS",
    "FORMATS",
    "Choices",
    "Failure",
    "Found",
    "IngestReport",
    "Options",
    "Progress",
    "Reading",
    "Splitter",
    "find_sources",
    "ingest_documents",
    "ingest_files",
    "read",
    "read_sources",
]
