"""What files and pages hold, as documents."""

from simplugin.ingestion.readers.formats import FORMATS, ROWS
from simplugin.ingestion.readers.reading import Reading, read

__all__ = ["FORMATS", "ROWS", "Reading", "read"]
