"""What an ingest did, and how far it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from simplugin.records import Document

__all__ = ["PRUNED", "ChunkCounts", "DocumentCounts", "Failure", "IngestReport", "Progress", "TokenCounts"]

_SURE = 1.0  # the confidence of an encoding that was not guessed
PRUNED = 1000
"""Documents that are listed one by one."""

_NAMED = 100  # guessed encodings that are listed one by one


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is; ``total`` is None while the number of documents is not known.

    Of the ``documents`` read so many are ``done``: all that is to be stored of them is; None where that are all.
    ``indexing`` says that everything is written, and the store builds its index.
    """

    documents: int
    total: int | None
    chunks: int
    indexing: bool = False
    done: int | None = None


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
    """Chunks by what became of them.

    Of the ``written`` ones ``reused`` had a text that was embedded before, under another name or in another document,
    and took its vector; the rest were embedded.
    """

    written: int = 0
    reused: int = 0
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

    @classmethod
    def of_repeated(cls, document: Document) -> Failure:
        """Return the failure of a document whose id another one had before."""
        reason = f"the id {document.id!r} came before; an id is one document in the whole collection."
        return cls(document.source or document.id, reason)


@dataclass(slots=True)
class IngestReport:
    """What an ingest did. ``seconds`` runs from the first file read to the last flush, and until the index is built.

    ``encodings`` counts the documents that were bytes by how these became text, ``guessed`` lists those where that is
    not certain, at most a hundred of them. ``invisible`` counts the characters in changed documents that the model was
    not shown: ``bidi``, ``zero_width``, ``nul``. ``skipped`` counts the files in folders that are of no known format,
    by their endings; ``pruned`` lists the documents whose file was gone, at most a thousand. ``near_duplicates``, where
    it was asked for, are groups of stored texts that say nearly the same, the largest first, at most a hundred of them.
    ``notes`` say what a user may have expected otherwise.
    """

    collection: str
    model: str
    documents: DocumentCounts = field(default_factory=DocumentCounts)
    chunks: ChunkCounts = field(default_factory=ChunkCounts)
    tokens: TokenCounts = field(default_factory=TokenCounts)
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list[Failure])
    encodings: dict[str, int] = field(default_factory=dict[str, int])
    guessed: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    invisible: dict[str, int] = field(default_factory=dict[str, int])
    skipped: dict[str, int] = field(default_factory=dict[str, int])
    pruned: list[str] = field(default_factory=list[str])
    near_duplicates: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    notes: list[str] = field(default_factory=list[str])

    def fail(self, failure: Failure) -> None:
        """List an input from which nothing was taken."""
        self.documents.failed += 1
        self.failures.append(failure)

    def note_encoding(self, document: Document) -> None:
        """Count how a document's bytes became text."""
        if document.encoding is None:
            return
        name, confidence = document.encoding
        self.encodings[name] = self.encodings.get(name, 0) + 1
        if confidence < _SURE and len(self.guessed) < _NAMED:
            entry = {"source": document.source, "encoding": name, "confidence": round(confidence, 3)}
            if entry not in self.guessed[-1:]:  # the rows of a table say the same
                self.guessed.append(entry)

    def add_counts(self, part: IngestReport) -> None:
        """Count in what another report counted; what it lists is for ``add_lists``."""
        for own, other in ((self.documents, part.documents), (self.chunks, part.chunks), (self.tokens, part.tokens)):
            for each in fields(own):
                setattr(own, each.name, getattr(own, each.name) + getattr(other, each.name))
        for total, times in ((self.encodings, part.encodings), (self.invisible, part.invisible)):
            for key, number in times.items():
                total[key] = total.get(key, 0) + number

    def add_lists(self, part: IngestReport) -> None:
        """Append the failures and guesses of another report."""
        self.failures += part.failures
        self.guessed += part.guessed[: _NAMED - len(self.guessed)]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)
