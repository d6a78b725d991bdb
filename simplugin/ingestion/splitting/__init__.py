"""Documents to chunks that fit a model: sections and paragraphs stay whole where they can."""

from simplugin.ingestion.splitting.splitter import DEFAULT_TOKENS, Part, Splitter

__all__ = ["DEFAULT_TOKENS", "Part", "Splitter"]
