"""What the core asks of a collection, wherever it is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from simplugin.encoders import Encoder
from simplugin.measures import FloatArray
from simplugin.records import Chunk, ChunkKey

__all__ = ["RecordingCollection", "StoredDocument"]


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """What a collection holds of one document.

    ``contents`` are the content hashes its chunks carry: more than one after a run that was cut short. ``total``
    is the number of chunks the document was split into when the newest of them was written.
    """

    contents: frozenset[str]
    total: int
    chunks: frozenset[ChunkKey]

    def is_complete(self, content: str) -> bool:
        """Say whether all of the document with this content hash is stored, and nothing else of it."""
        return self.contents == frozenset({content}) and len(self.chunks) == self.total


class RecordingCollection(Protocol):
    """A collection that is its own record of what was ingested.

    Every write is idempotent: a chunk's place in the store follows from its document and its key.
    """

    @property
    def name(self) -> str:
        """The collection's name."""
        ...

    @property
    def encoder(self) -> Encoder:
        """The model that makes its vectors."""
        ...

    def recorded(self, document_ids: Sequence[str]) -> Mapping[str, StoredDocument]:
        """Look up what is stored of these documents, in one request; unknown ones are left out."""
        ...

    def document_ids(self) -> Iterator[str]:
        """Go through the ids of all ingested documents, each once."""
        ...

    def write(self, chunks: Sequence[Chunk], vectors: FloatArray) -> None:
        """Store chunks with their vectors (n, dimension)."""
        ...

    def restate(self, chunks: Sequence[Chunk]) -> None:
        """Rewrite all but the vectors of chunks that are stored already."""
        ...

    def discard(self, document_id: str, keys: Iterable[ChunkKey]) -> None:
        """Delete these chunks of a document."""
        ...

    def flush(self) -> None:
        """Return when everything written so far will survive a loss of power."""
        ...
