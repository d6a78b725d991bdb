"""What a store offers a collection, in words that belong to no client library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self, TypeAlias

from simplugin.measures import FloatArray, SimilarityFunction
from simplugin.words import WordVector
from simplugin_qdrant.filters import Condition

__all__ = [
    "Cluster",
    "Description",
    "IndexKind",
    "Payload",
    "Point",
    "Quantization",
    "Record",
    "Scored",
    "Search",
    "Store",
    "VectorSpace",
    "Wanted",
]

Payload: TypeAlias = dict[str, Any]
IndexKind: TypeAlias = Literal["keyword", "integer", "float", "bool", "datetime", "tenant", "id", "ordinal"]
"""What an index over a payload key holds.

``"tenant"`` is a keyword by which a server also lays out its points. ``"id"`` and ``"ordinal"`` are a keyword and an
integer by which points are looked up and not searched: they need no links of their own among the vectors.
"""
Wanted: TypeAlias = bool | Sequence[str]
"""Which vectors come with points: all, none, or those of these names."""

Quantization: TypeAlias = Literal["int8"]


@dataclass(frozen=True, slots=True)
class VectorSpace:
    """The width of a named vector and how two of them are compared.

    ``quantization`` asks the engine for small copies to search in; the emulator has none, and a store does not say.
    """

    dimension: int
    similarity: SimilarityFunction
    quantization: Quantization | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Cluster:
    """How a server spreads a new collection over its nodes; None leaves it to the server.

    ``shards`` are parts that search side by side, ``replicas`` copies of each on other nodes, and
    ``write_consistency`` is the number of copies that must have a write before it is acknowledged.
    """

    shards: int | None = None
    replicas: int | None = None
    write_consistency: int | None = None

    def __post_init__(self) -> None:
        for count in (self.shards, self.replicas, self.write_consistency):
            if count is not None and count < 1:
                message = f"{self!r}: each number is at least 1."
                raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Description:
    """A collection as the store sees it; ``words`` names the vectors of weighted words."""

    vectors: Mapping[str, VectorSpace]
    words: frozenset[str]
    metadata: Mapping[str, Any]
    points: int


@dataclass(frozen=True, slots=True)
class Point:
    """What is stored: an id (a UUID, or a number in digits), a vector under each name, and a payload of JSON values."""

    id: str
    vectors: Mapping[str, FloatArray | WordVector]
    payload: Payload


@dataclass(frozen=True, slots=True)
class Record:
    """A stored point as it was asked for; ``vectors`` is empty unless they were asked for."""

    id: str
    payload: Payload
    vectors: Mapping[str, FloatArray | WordVector]


@dataclass(frozen=True, slots=True)
class Scored:
    """A point that answers a query, with the engine's own score: a distance where the space compares by one.

    ``payload`` is what is stored beside its vectors, nothing where the search was ``bare``. ``similarity`` is that of
    the vectors, where the score is another, and it is known.
    """

    id: str
    score: float
    payload: Payload = field(compare=False)
    similarity: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked of a store: the points whose ``vector`` of this name is closest to ``query`` (dimension,).

    ``first`` are searches whose hits alone are compared. ``oversampling``, for quantized vectors, is how many times
    ``limit`` are taken by the small copies and compared by the full ones. ``exact`` goes round every index. The
    hits of a ``bare`` search come without their payloads.
    """

    vector: str
    query: FloatArray | WordVector
    limit: int
    condition: Condition | None = None
    first: tuple[Search, ...] = ()
    oversampling: float | None = None
    exact: bool = False
    bare: bool = False


class Store(Protocol):
    """Collections of points. All writes are idempotent and acknowledged: what returned is stored.

    Wherever a collection is named, an alias of it may stand.
    """

    @property
    def location(self) -> str:
        """Where it is, in the words it was opened with."""
        ...

    def names(self) -> list[str]:
        """Return the names of the collections, sorted, without aliases."""
        ...

    def create(
        self,
        name: str,
        vectors: Mapping[str, VectorSpace],
        metadata: Mapping[str, Any],
        indexes: Mapping[str, IndexKind],
        words: Sequence[str] = (),
        cluster: Cluster | None = None,
    ) -> None:
        """Make an empty collection with its metadata, and indexes over these payload keys.

        ``words`` names vectors of weighted words; the engine multiplies each word of a query by its rarity.
        Raises ``StoreError`` for a ``cluster`` where there is none.
        """
        ...

    def describe(self, name: str) -> Description:
        """Describe a collection. Raises ``UnknownCollectionError``."""
        ...

    def metadata(self, name: str) -> Mapping[str, Any]:
        """Return the collection's metadata, and nothing that costs more. Raises ``UnknownCollectionError``."""
        ...

    def annotate(self, name: str, metadata: Mapping[str, Any]) -> None:
        """Add to the collection's metadata, or replace what is there under these keys; None takes a key away."""
        ...

    def index(self, name: str, key: str, kind: IndexKind) -> None:
        """Make an index over a payload key; one that is there already stays."""
        ...

    def add_vector(self, name: str, vector: str, space: VectorSpace) -> None:
        """Make room for one more vector at every point, empty at first; one that is there already stays."""
        ...

    def remove_vector(self, name: str, vector: str) -> None:
        """Take a vector from every point, and its name from the collection."""
        ...

    def drop(self, name: str) -> None:
        """Delete a collection with all that is in it, and its aliases.

        Raises ``UnknownCollectionError``, and ``StoreError`` for an alias.
        """
        ...

    def aliases(self) -> Mapping[str, str]:
        """Return the aliases, each with its collection."""
        ...

    def alias(self, alias: str, name: str | None) -> None:
        """Let an alias stand for a collection from now on, in one step; None takes the alias away."""
        ...

    def upsert(self, name: str, points: Sequence[Point]) -> None:
        """Store points; those whose ids are there are replaced."""
        ...

    def fill(self, name: str, vectors: Mapping[str, Mapping[str, FloatArray]], lacking: str) -> None:
        """Give points, by id, further vectors, where they lack the one named ``lacking``; ids gone are passed over."""
        ...

    def restate(self, name: str, payloads: Mapping[str, Payload]) -> None:
        """Replace the payloads of points, by id; their vectors stay."""
        ...

    def delete(self, name: str, ids: Sequence[str]) -> None:
        """Delete points by id; ids that are not there are passed over."""
        ...

    def delete_where(self, name: str, condition: Condition) -> None:
        """Delete the points for which the condition holds."""
        ...

    def search(self, name: str, searches: Sequence[Search]) -> list[list[Scored]]:
        """Answer several searches in one request, each with the points closest to its query, closest first."""
        ...

    async def asearch(self, name: str, searches: Sequence[Search]) -> list[list[Scored]]:
        """Answer like ``search``, without holding up the event loop."""
        ...

    def retrieve(
        self, name: str, ids: Sequence[str], *, keys: Sequence[str] | None = None, with_vectors: Wanted = False
    ) -> list[Record]:
        """Return these points, in no order, those that are not there left out; ``keys`` as in ``scroll``."""
        ...

    async def aretrieve(self, name: str, ids: Sequence[str]) -> list[Record]:
        """Return like ``retrieve``, payloads alone, without holding up the event loop."""
        ...

    def scroll(
        self,
        name: str,
        *,
        condition: Condition | None = None,
        keys: Sequence[str] | None = None,
        with_vectors: Wanted = False,
    ) -> Iterator[Record]:
        """Go through the points, in the order of their ids; ``keys`` names the payload keys wanted, None all."""
        ...

    def size(self, name: str) -> int:
        """Say about how many points there are, without counting."""
        ...

    def count(self, name: str, condition: Condition | None = None) -> int:
        """Count the points for which the condition holds."""
        ...

    def optimize(self, name: str) -> None:
        """Build the indexes that make a large collection fast, where the engine does not do so by itself."""
        ...

    def defer_index(self, name: str) -> None:
        """Put off the index of vectors while much is written, where the engine would build it again and again."""
        ...

    def resume_index(self, name: str) -> None:
        """Let the engine build the index that was put off, by this process or one that was killed."""
        ...

    def flush(self, name: str) -> None:
        """Return when what was written will survive a loss of power."""
        ...

    def close(self) -> None:
        """Release files, connections and locks; closing twice is no error."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...
