"""Everything that can go wrong, as one tree.

SimpluginError
├── DataError                  an input file is missing, unreadable or mis-shaped
├── MissingExtraError          an optional part of simplugin is not installed
├── ModelError
│   ├── UnknownModelError      no model has this name
│   ├── RetiredModelError      a starter that this version has no more
│   ├── CheckpointError        a model's files cannot be opened
│   ├── NotAnEmbedderError     a pair model was asked for vectors
│   ├── RemoteError            an embedding server failed, or gave what cannot be used
│   ├── NotAPairModelError     an embedding model was asked to score pairs
│   └── ModelMismatchError     a collection, or a file of intents, was made with another model
└── StoreError
    ├── StoreLockedError       another process holds the folder
    ├── UnknownCollectionError no collection has this name
    ├── UnregisteredCollectionError  the collection does not say which model made it
    ├── FilterError            a filter does not follow the grammar
    └── PointError             a vector, id or payload that no store may be given

Every message says where, what is, what was asked and what to do, in one or two sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = [
    "CheckpointError",
    "DataError",
    "FilterError",
    "MissingExtraError",
    "ModelError",
    "ModelMismatchError",
    "NotAPairModelError",
    "NotAnEmbedderError",
    "PointError",
    "RemoteError",
    "RetiredModelError",
    "SimpluginError",
    "StoreError",
    "StoreLockedError",
    "UnknownCollectionError",
    "UnknownModelError",
    "UnregisteredCollectionError",
]


class SimpluginError(Exception):
    """The root: catching it catches everything simplugin raises on purpose."""


class DataError(SimpluginError):
    """An input file is missing, unreadable or mis-shaped."""

    def __init__(self, reason: str, *, path: str | Path | None = None, line: int | None = None) -> None:
        self.path = None if path is None else str(path)
        self.line = line
        self.reason = reason
        where = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(where + reason)


class MissingExtraError(SimpluginError):
    """An optional part of simplugin is not installed."""

    def __init__(self, extra: str, purpose: str) -> None:
        self.extra = extra
        super().__init__(f"{purpose} needs the extra {extra!r}: pip install 'simplugin[{extra}]'.")


class ModelError(SimpluginError):
    """A model cannot be found, opened or used this way."""


class UnknownModelError(ModelError):
    """No model has this name; the names that exist are listed."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = tuple(known)
        from difflib import get_close_matches  # only when something went wrong

        near = get_close_matches(name, known, n=1)
        super().__init__(
            f"There is no model {name!r}{' and no folder of that name' if '/' in name else ''}. "
            f"{f'Did you mean {near[0]!r}? ' if near else ''}Known names: {', '.join(known)}; "
            "or give the folder of a checkpoint, or a Hub id such as 'owner/model'."
        )


class RetiredModelError(ModelError):
    """The model is a starter of an earlier version of simplugin; what it made has to be brought over."""

    def __init__(self, name: str, newest: str, *, collection: str = "COLLECTION") -> None:
        self.name = name
        self.newest = newest
        super().__init__(
            f"{name!r} came with earlier versions of simplugin; this one has {newest!r}. "
            f"{self.remedy(collection)} Fit a file of intents again."
        )

    @staticmethod
    def remedy(collection: str) -> str:
        """Say how a collection comes by the newest starter."""
        return f"Bring the collection over: `simplugin collections migrate {collection} --model starter --finish`."


class CheckpointError(ModelError):
    """A model's files cannot be opened."""

    def __init__(self, path: str | Path, reason: str) -> None:
        self.path = str(path)
        self.reason = reason
        super().__init__(f"The model in {str(path)!r} cannot be opened: {reason}")


class NotAnEmbedderError(ModelError):
    """A pair model was asked for vectors."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"{name!r} scores pairs of texts and has no vector for a single one: "
            "it can rerank hits (load_reranker), it cannot fill a collection."
        )


class RemoteError(ModelError):
    """An embedding server failed, or gave what cannot be used. ``status`` is None where it gave no answer."""

    def __init__(self, url: str, reason: str, *, status: int | None = None) -> None:
        self.url = url
        self.reason = reason
        self.status = status
        super().__init__(f"The server at {url!r} {reason}")


class NotAPairModelError(ModelError):
    """An embedding model was asked to score pairs."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"{name!r} has no trained head that scores a pair of texts: it makes vectors. "
            "Rerank with SimilarityReranker(simplugin.load(…)) instead."
        )


class ModelMismatchError(ModelError):
    """A collection, or a file of intents, was made with another model than the one given."""

    def __init__(
        self,
        collection: str,
        stored: str,
        given: str,
        differences: Sequence[str],
        *,
        kind: str = "Collection",
        remedy: str | None = None,
    ) -> None:
        self.collection = collection
        self.stored = stored
        self.given = given
        self.differences = tuple(differences)
        told = remedy or "Open it without naming a model, make a new collection, or bring this one over with migrate()."
        super().__init__(
            f"{kind} {collection!r} was made with {stored!r}, not with {given!r} ({'; '.join(differences)}). {told}"
        )


class StoreError(SimpluginError):
    """A store refuses or cannot do what was asked."""


class StoreLockedError(StoreError):
    """Another process, or another store in this one, holds the folder."""

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        super().__init__(
            f"The store in {str(path)!r} is in use by another process, or is open a second time in this one. "
            "Here hand on the store that is open, in place of the folder; elsewhere close it first (store.close(), or "
            "`with open_store(…) as store:`). Several processes share a store on a Qdrant server."
        )


class UnknownCollectionError(StoreError):
    """No collection has this name; the names that exist are listed."""

    def __init__(self, name: str, known: Sequence[str], location: str) -> None:
        self.name = name
        self.known = tuple(known)
        there = f"It holds {', '.join(map(repr, known))}." if known else "It holds none yet."
        super().__init__(f"There is no collection {name!r} in {location!r}. {there}")


class UnregisteredCollectionError(StoreError):
    """The collection does not say which model made its vectors."""

    def __init__(self, name: str, vector: str) -> None:
        self.name = name
        self.vector = vector
        super().__init__(
            f"Collection {name!r} does not record which model made its vector {vector!r}, "
            "so it cannot be opened safely. Ingest its documents into a new collection, or let a model prove that it "
            "made the vectors: register(…, adopt=True)."
        )


class FilterError(StoreError):
    """A filter does not follow the grammar."""


class PointError(StoreError):
    """A vector, id or payload that no store may be given."""
