"""What an ingest did, and how far it is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ChunkCounts", "DocumentCounts", "Failure", "IngestReport", "TokenCounts"]


class _Counts(BaseModel):
    model_config = ConfigDict(validate_assignment=True)


class DocumentCounts(_Counts):
    """Documents by what became of them; ``seen`` is all that were found under the given paths."""

    seen: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    failed: int = 0


class ChunkCounts(_Counts):
    """Chunks by what became of them; ``written`` ones were embedded."""

    written: int = 0
    unchanged: int = 0
    deleted: int = 0


class TokenCounts(_Counts):
    """Tokens the model read, and those beyond its length that it never saw."""

    encoded: int = 0
    truncated: int = 0


class Failure(BaseModel):
    """An input from which nothing was taken, and why."""

    model_config = ConfigDict(frozen=True)

    source: str
    reason: str


class IngestReport(BaseModel):
    """What an ingest did. ``seconds`` runs from the first file read to the last flush."""

    collection: str
    model: str
    documents: DocumentCounts = Field(default_factory=DocumentCounts)
    chunks: ChunkCounts = Field(default_factory=ChunkCounts)
    tokens: TokenCounts = Field(default_factory=TokenCounts)
    seconds: float = 0.0
    failures: list[Failure] = Field(default_factory=list[Failure])
