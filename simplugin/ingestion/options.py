"""What can be chosen of an ingest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypedDict, cast

from simplugin.ingestion.readers import Reading
from simplugin.ingestion.report import Failure
from simplugin.records import Document, Metadata
from simplugin.storable import fault_of

__all__ = ["Choices", "Options", "digest"]


class Choices(TypedDict, total=False):
    """The options of an ingest by their names; see ``Options`` and ``Reading``."""

    root: Path | None
    include: str | Sequence[str]
    exclude: str | Sequence[str]
    metadata: Metadata
    languages: str | Sequence[str]
    text_column: str | None
    id_column: str | None
    number_columns: str | Sequence[str]
    max_tokens: int | None
    overlap: int
    headings: bool
    prune: bool
    dry_run: bool
    part: tuple[int, int] | None
    allow_private: bool
    one_process: bool


_LISTS = {"languages", "number_columns", "include", "exclude"}  # of which one may be given by itself


@dataclass(frozen=True, slots=True)
class Options:
    """Which files are taken, what is noted beside them, how they are read and split, and what is done.

    ``include`` and ``exclude`` are shell patterns over the path inside a folder and over the bare name; ``root`` is the
    folder under which documents are named. ``metadata`` is that of every document, before what one says itself; another
    one, or none, in a later run is a change of the documents. ``part`` is (i, n): of n runs that share the work, the
    i-th, from 1. ``allow_private`` lets URLs lead to addresses that are not public. For the sizes of chunks see
    ``Splitter``. With ``one_process`` no second one is started, which otherwise splits and embeds where a static model
    has much to do.

    Raises ``ValueError`` for a part that there is not, and for metadata that no store holds; ``TypeError`` for metadata
    that is no dictionary.
    """

    root: Path | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    metadata: Metadata = field(default_factory=dict[str, Any])
    reading: Reading = field(default_factory=Reading)
    max_tokens: int | None = None
    overlap: int = 0
    headings: bool = False
    prune: bool = False
    dry_run: bool = False
    part: tuple[int, int] | None = None
    allow_private: bool = False
    one_process: bool = False

    def __post_init__(self) -> None:
        if self.part is not None and not 1 <= self.part[0] <= self.part[1]:
            message = f"part is {self.part[0]}/{self.part[1]}; give i/n with i from 1 to n."
            raise ValueError(message)
        if not isinstance(cast("object", self.metadata), Mapping):
            message = f"metadata is {self.metadata!r}; give a dictionary, such as {{'team': 'legal'}}."
            raise TypeError(message)
        if found := fault_of(dict(self.metadata), "metadata"):
            message = f"{found.path!r} {found.reason}."
            raise ValueError(message)

    @classmethod
    def of(cls, options: Options | None, chosen: Choices) -> Options:
        """Return the options with what is chosen by name. Raises ``TypeError`` for a name that there is not."""
        named: dict[str, object] = dict(chosen)
        base = options or cls()
        reading: dict[str, object] = {
            name: named.pop(name)
            for name in ("languages", "text_column", "id_column", "number_columns")
            if name in named
        }
        for given in (reading, named):
            for name in given.keys() & _LISTS:
                listed = cast("str | Sequence[str]", given[name])
                given[name] = (listed,) if isinstance(listed, str) else tuple(listed)
        if unknown := sorted(named.keys() - {each.name for each in fields(cls)}):
            message = f"ingest() has no option {unknown[0]!r}; there are {', '.join(Choices.__annotations__)}."
            raise TypeError(message)
        return replace(base, reading=replace(base.reading, **cast(Any, reading)), **cast(Any, named))

    def note(self, entry: Document | Failure) -> Document | Failure:
        """Return a document with the metadata that every one gets."""
        if not self.metadata or isinstance(entry, Failure):
            return entry
        return replace(entry, metadata={**entry.metadata, **self.metadata})

    def is_ours(self, name: str) -> bool:
        """Say whether a document of this id, or the file it lies in, belongs to this run's part."""
        return self.part is None or digest(name) % self.part[1] == self.part[0] - 1


def digest(name: str) -> int:
    """Return 64 bits of a name's hash: what is remembered of each document that was seen."""
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
