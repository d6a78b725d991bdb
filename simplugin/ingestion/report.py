"""What an ingest did, and how far it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["ChunkCounts", "DocumentCounts", "Failure", "IngestReport", "TokenCounts"]


@dataclass(slots=True)
class DocumentCounts:
    """Documents by what became of them; ``seen`` is all that were found under the given paths."""

    seen: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    failed: int = 0


@dataclass(slots=True)
class ChunkCounts:
    """Chunks by what became of them; ``written`` ones were embedded."""

    written: int = 0
    unchanged: int = 0
    deleted: int = 0


@dataclass(slots=True)
class TokenCounts:
    """Tokens the model read, and those beyond its length that it never saw."""

    encoded: int = 0
    truncated: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """An input from which nothing was taken, and why."""

    source: str
    reason: str


@dataclass(slots=True)
class IngestReport:
    """What an ingest did. ``seconds`` runs from the first file read to the last flush."""

    collection: str
    model: str
    documents: DocumentCounts = field(default_factory=DocumentCounts)
    chunks: ChunkCounts = field(default_factory=ChunkCounts)
    tokens: TokenCounts = field(default_factory=TokenCounts)
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list[Failure])

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)
