"""The nouns that travel through simplugin, as frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from simplugin.measures import FloatArray

__all__ = [
    "Alike",
    "Chunk",
    "ChunkKey",
    "Document",
    "Encoding",
    "Evidence",
    "Hit",
    "Match",
    "Metadata",
    "Status",
    "Stored",
    "StoredDocument",
]

Status: TypeAlias = Literal["match", "ambiguous", "out_of_scope"]
"""What became of an utterance: one intent, several that are too close, or none of them."""

Metadata: TypeAlias = Mapping[str, Any]
"""What a user says about a text: JSON values under string keys."""


class Encoding(NamedTuple):
    """How bytes became text: Python's name of the encoding, and how sure that is, from 0 to 1."""

    name: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Document:
    """A text with a name, as a reader found it.

    ``format`` tells the splitter which structure to respect. ``source`` is where the text came from: a path
    for a file; ``modified`` is when it was last changed, as an ISO time. ``pages`` says at which character of the text
    each page begins, where there are pages. ``encoding`` is there where the text was bytes.
    """

    id: str
    text: str
    source: str | None = None
    metadata: Metadata = field(default_factory=dict[str, Any])
    format: Literal["markdown", "rst", "text"] = "text"
    pages: tuple[int, ...] = ()
    modified: str | None = None
    encoding: Encoding | None = None


class ChunkKey(NamedTuple):
    """What makes a chunk the same chunk after its document was edited around it.

    ``occurrence`` counts from 0 among the chunks of one document whose text is equal.
    """

    hash: str
    occurrence: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document, small enough for its model.

    ``number`` is its place among the ``total`` chunks of the document, from 0; the one at 0 is the document's head.
    ``content`` is the content hash of the whole document at the time it was split. ``context`` is what the model reads
    before the text; it is no part of the text. ``modified`` is when the source was last changed, as an ISO time.
    """

    document_id: str
    key: ChunkKey
    number: int
    total: int
    content: str
    text: str
    source: str | None
    metadata: Metadata
    tokens: int
    context: str = ""
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A text that answers a query.

    ``score`` is the engine's own, higher is closer. ``probability`` in [0, 1] and ``grade`` (the expected STS
    label) are there when the collection has a calibration. ``id`` names the stored point and ``document_id``
    the user's document; several hits may be chunks of one document, and ``number`` is the place of such a chunk in it,
    from 0, and None for a document that was added whole.
    """

    id: str
    document_id: str
    score: float
    text: str
    source: str | None = None
    metadata: Metadata = field(default_factory=dict[str, Any])
    probability: float | None = None
    grade: float | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A text as a collection holds it; its fields are those of a ``Hit``, without what a query makes of it.

    ``vector`` (dimension,) is there when it was asked for and the text has it.
    """

    id: str
    document_id: str
    text: str
    source: str | None = None
    metadata: Metadata = field(default_factory=dict[str, Any])
    number: int | None = None
    vector: FloatArray | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as a collection holds it: in so many chunks, 1 for one that was added whole.

    ``written`` is when the collection last wrote of it, as an ISO time; None for points of other programs.
    """

    document_id: str
    source: str | None
    chunks: int
    written: str | None
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class Alike:
    """Stored texts that say nearly the same; ``cosine`` is the lowest of the links that hold them together.

    Two of them may be further apart: each is as close as was asked to one of the others.
    """

    cosine: float
    texts: tuple[Stored, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        names = ("id", "document_id", "source", "number", "text")
        return {"cosine": self.cosine, "texts": [{name: getattr(each, name) for name in names} for each in self.texts]}


class Evidence(NamedTuple):
    """An example utterance that speaks for an intent: how close it is, and its language where that is known."""

    text: str
    score: float
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """What an utterance means.

    ``intent`` is always the best candidate, whatever the ``status``. ``score`` is what intents are compared by, and
    ``margin`` its lead over the next one: the model's similarity, or the share in [0, 1] that a linear head gives.
    ``confidence`` in [0, 1] is the probability that the intent is the right one, and that any is meant at all.
    ``alternatives`` are the other intents with their scores, and ``evidence`` the example utterances that speak for
    the best, both best first.
    """

    text: str
    status: Status
    intent: str
    score: float
    confidence: float
    margin: float
    alternatives: tuple[tuple[str, float], ...]
    evidence: tuple[Evidence, ...]
