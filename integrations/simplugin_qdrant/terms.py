"""On what terms a collection is made or opened."""

from __future__ import annotations

from dataclasses import dataclass

from simplugin.collection import Mode
from simplugin.encoders import Encoder
from simplugin.errors import StoreError
from simplugin_qdrant import points
from simplugin_qdrant.recording import HASH
from simplugin_qdrant.registry import TENANTS, Registration, default_mode
from simplugin_qdrant.space import Space
from simplugin_qdrant.stores.protocol import Cluster, IndexKind, Quantization, Store

__all__ = ["INDEXES", "Terms", "admit_tenants", "check_unchanged"]

INDEXES: dict[str, IndexKind] = {
    "document_id": "id",
    f"{points.RECORD}.tenant": "tenant",
    f"{points.RECORD}.number": "ordinal",
    HASH: "id",
}
"""The payload keys that every collection has indexed."""


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


def admit_tenants(store: Store, name: str, stored: int) -> None:
    """Let an empty collection be one of tenants; one with documents of nobody cannot become it."""
    if stored:
        message = (
            f"Collection {name!r} was made without tenants and holds documents of nobody in particular; "
            "open it without tenant=…, or make a new collection."
        )
        raise StoreError(message)
    store.annotate(name, {TENANTS: True})


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
