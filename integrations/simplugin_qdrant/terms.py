"""On what terms a collection is made or opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simplugin.collection import Mode
from simplugin.encoders import Encoder
from simplugin.errors import StoreError, UnknownCollectionError
from simplugin_qdrant import points
from simplugin_qdrant.filters import OWN_SOURCE
from simplugin_qdrant.recording import HASH
from simplugin_qdrant.registry import TENANTS, Registration, default_mode, to_index_metadata
from simplugin_qdrant.space import Space
from simplugin_qdrant.stores.protocol import Cluster, Description, IndexKind, Quantization, Store, VectorSpace
from simplugin_qdrant.writing import turn

__all__ = ["INDEXES", "Terms", "admit", "check_unchanged", "create", "find"]

INDEXES: dict[str, IndexKind] = {
    "document_id": "id",
    f"{points.RECORD}.tenant": "tenant",
    f"{points.RECORD}.number": "ordinal",
    HASH: "id",
    "source": "id",
    OWN_SOURCE: "id",
    "metadata.lang": "id",
}
"""The payload keys that every new collection has indexed: the record's own, and what is written to filter by."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The arguments of ``register``, read."""

    store: Store
    name: str
    vector: str
    encoder: Encoder | None
    text_key: str
    tenant: str | None
    mode: Mode | None
    quantization: Quantization | None
    first_stage: int | None
    cluster: Cluster | None

    def space(self, encoder: Encoder, *, has_words: bool) -> Space:
        """Return where a model's vectors will be. Raises ``StoreError`` for a first stage as wide as they are."""
        if self.first_stage is not None and not 1 <= self.first_stage < encoder.dimension:
            most = encoder.dimension
            message = f"first_stage is {self.first_stage}; it must be at least 1 and below the model's {most}."
            raise StoreError(message)
        return Space(self.store, self.name, self.vector, encoder, has_words, self.quantization, self.first_stage)

    def registration(self, space: Space) -> Registration:
        """Return what is recorded of a new model."""
        return Registration(
            fingerprint=space.encoder.fingerprint,
            text_key=self.text_key,
            mode=self.mode or default_mode(space.encoder, has_words=space.has_words),
            quantization=self.quantization,
            first_stage=self.first_stage,
        )


def find(store: Store, name: str) -> Description | None:
    """Describe a collection, None where there is none of this name."""
    try:
        return store.describe(name)
    except UnknownCollectionError:
        return None


def create(
    terms: Terms,
    spaces: Mapping[str, VectorSpace],
    metadata: Mapping[str, Any],
    keys: Mapping[str, IndexKind],
    *,
    has_words: bool,
) -> bool:
    """Make an empty collection with these vectors, records and indexes; False where another thread was quicker."""
    recorded = {**metadata, **to_index_metadata(keys), **({} if terms.tenant is None else {TENANTS: True})}
    words = [points.WORDS] if has_words else []
    with turn(terms.store).alone():
        if find(terms.store, terms.name) is not None:
            return False
        terms.store.create(terms.name, spaces, recorded, {**INDEXES, **keys}, words, terms.cluster)
    return True


def admit(terms: Terms, described: Description) -> None:
    """Let in who opens a collection. Raises ``StoreError`` for what was settled when it was made.

    An empty collection may become one of tenants; one with documents of nobody cannot.
    """
    if terms.cluster is not None:
        message = f"Collection {terms.name!r} is there already; how it is spread was settled when it was made."
        raise StoreError(message)
    if terms.tenant is None or described.metadata.get(TENANTS) is not None:
        return
    if described.points:
        message = (
            f"Collection {terms.name!r} was made without tenants and holds documents of nobody in particular; "
            "open it without tenant=…, or make a new collection."
        )
        raise StoreError(message)
    terms.store.annotate(terms.name, {TENANTS: True})


def check_unchanged(terms: Terms, registration: Registration) -> None:
    """Raise ``StoreError`` where what is asked for was settled otherwise when the vectors were made."""
    for word, given, recorded in (
        ("quantization", terms.quantization, registration.quantization),
        ("first_stage", terms.first_stage, registration.first_stage),
    ):
        if given is not None and given != recorded:
            message = (
                f"Collection {terms.name!r} was made with {word}={recorded!r}; that is settled when its vectors are "
                f"made, and {given!r} was asked for."
            )
            raise StoreError(message)
