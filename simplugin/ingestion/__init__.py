"""Documents into collections: reading, splitting, and writing only what changed."""

from simplugin.ingestion.pipeline import Progress, ingest_documents, ingest_files
from simplugin.ingestion.readers import FORMATS, Found, find_files, read_document
from simplugin.ingestion.report import Failure, IngestReport
from simplugin.ingestion.splitting import DEFAULT_TOKENS, Splitter

__all__ = [
    "DEFAULT_TOKENS",
    "FORMATS",
    "Failure",
    "Found",
    "IngestReport",
    "Progress",
    "Splitter",
    "find_files",
    "ingest_documents",
    "ingest_files",
    "read_document",
]
