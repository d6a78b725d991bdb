"""What the core asks of a collection, wherever it is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, cast, get_args

from simplugin.encoders import Encoder
from simplugin.measures import FloatArray
from simplugin.records import Chunk, ChunkKey

__all__ = ["Mode", "RecordedDocument", "RecordingCollection", "StoredHead", "as_mode"]

Mode: TypeAlias = Literal["dense", "words", "hybrid"]
"""What a search compares: vectors, words, or both."""


@dataclass(frozen=True, slots=True)
class StoredHead:
    """What the first chunk of a stored document says of the whole: its content hash, and how many chunks it has.

    ``content`` is empty while the document is being written, and stays so if that is cut short. ``hash`` is that of the
    chunk itself.
    """

    content: str
    total: int
    hash: str


@dataclass(frozen=True, slots=True)
class RecordedDocument:
    """A document that was ingested, where it came from, and its head."""

    id: str
    source: str | None
    head: StoredHead


def as_mode(name: str) -> Mode:
    """Return the mode of this name; raises ``ValueError`` for another one."""
    if name not in get_args(Mode):
        message = f"There is no mode {name!r}. Known: {', '.join(get_args(Mode))}."
        raise ValueError(message)
    return cast(Mode, name)


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

    def heads(self, document_ids: Sequence[str]) -> Mapping[str, Collection[StoredHead]]:
        """Look up the first chunks of these documents, in one request; unknown documents are left out.

        There are two of a document where an edit of its beginning was cut short.
        """
        ...

    def chunk_keys(self, document_ids: Sequence[str]) -> Mapping[str, frozenset[ChunkKey]]:
        """Look up all chunks stored of these documents, in one request; unknown documents are left out."""
        ...

    def recorded(self) -> Iterator[RecordedDocument]:
        """Go through all ingested documents, in no order; one whose edit was cut short may come twice."""
        ...

    def size(self) -> int:
        """Say about how many chunks there are, without counting."""
        ...

    def vectors(self, hashes: Sequence[str]) -> Mapping[str, FloatArray]:
        """Look up the vectors (dimension,) of stored chunks by the hash of their text, in one request."""
        ...

    def write(self, chunks: Sequence[Chunk], vectors: FloatArray) -> None:
        """Store chunks with their vectors (n, dimension); what is in their documents was found to be storable."""
        ...

    def restate(self, chunks: Sequence[Chunk]) -> None:
        """Rewrite all but the vectors of chunks that are stored already."""
        ...

    def discard(self, stale: Iterable[tuple[str, Iterable[ChunkKey]]]) -> None:
        """Delete chunks, by their documents' ids and their keys, in one request."""
        ...

    def bulk(self) -> None:
        """Let the engine put off its indexes while much is written; ``flush`` has it take them up again."""
        ...

    def flush(self) -> None:
        """Return when everything written so far will survive a loss of power."""
        ...
