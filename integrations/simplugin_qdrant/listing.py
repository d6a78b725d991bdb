"""What a store holds, told without opening the models."""

from __future__ import annotations

from typing import Any

from simplugin.errors import StoreError
from simplugin.records import StoredDocument
from simplugin_qdrant import points
from simplugin_qdrant.filters import Condition, both, filter_key
from simplugin_qdrant.recording import of_tenant
from simplugin_qdrant.registry import (
    language_vectors,
    metadata_key,
    read_indexes,
    read_registration,
    read_serving,
    registered_vectors,
    replaced_vectors,
)
from simplugin_qdrant.space import is_first_stage
from simplugin_qdrant.stores.protocol import Description, IndexKind, Record, Store

__all__ = ["WHOSE", "count_documents", "describe", "list_documents", "whose"]

WHOSE = ("document_id", f"{points.RECORD}.tenant")
"""The keys by which ``whose`` tells."""

_AT = f"{points.RECORD}.at"


def count_documents(store: Store, name: str, condition: Condition | None = None) -> int:
    """Count the documents of a collection, however many chunks each has."""
    return len({whose(record) for record in store.scroll(name, condition=condition, keys=WHOSE)})


def list_documents(
    store: Store, name: str, tenant: str | None = None, condition: Condition | None = None
) -> list[StoredDocument]:
    """Return the documents of a collection, of all tenants or of one, in the order of their ids.

    With a condition those of which a text meets it, and how many of their chunks do.
    """
    found: dict[tuple[str, str | None], StoredDocument] = {}
    for record in store.scroll(name, condition=both(of_tenant(tenant), condition), keys=(*WHOSE, "source", _AT)):
        key = document_id, owner = whose(record)
        before = found.get(key)
        kept: dict[str, Any] = record.payload.get(points.RECORD) or {}
        written = max(filter(None, (kept.get("at"), before and before.written)), default=None)
        chunks = 1 if before is None else before.chunks + 1
        found[key] = StoredDocument(document_id, record.payload.get("source"), chunks, written, owner)
    return sorted(found.values(), key=lambda each: (each.document_id, each.tenant or ""))


def whose(record: Record) -> tuple[str, str | None]:
    """Return the document that a point belongs to, and its tenant: equal ids of two tenants are two documents."""
    kept: dict[str, Any] = record.payload.get(points.RECORD) or {}
    return str(record.payload.get("document_id", record.id)), kept.get("tenant")


def describe(store: Store, name: str, *, condition: Condition | None = None, tolerant: bool = False) -> dict[str, Any]:
    """Return what is known of a collection without opening its models; its documents are those that meet the condition.

    With ``tolerant`` a model whose record is damaged is "unreadable", in place of an error: one collection must not
    hide the others, nor keep from being deleted. A vector is ``serving`` unless a migration has let another one
    answer in its place; ``calibrated`` are the languages for which its scores have probabilities. Of a collection that
    is routed by language each vector has its ``language``, ``"*"`` for the rest. ``indexes`` are those that were asked
    for, beside what every collection has. ``aliases`` are its further names.
    """
    described = store.describe(name)
    known, replaced = registered_vectors(described.metadata), replaced_vectors(described.metadata)
    answering = read_serving(described.metadata, "default").vector
    routed = {vector: language for language, vector in language_vectors(described.metadata).items()}
    vectors: list[dict[str, Any]] = []
    for vector, space in described.vectors.items():
        if is_first_stage(vector):
            continue
        entry: dict[str, Any] = {
            "name": vector,
            "model": None,
            "dimension": space.dimension,
            "fingerprint": None,
            "calibrated": [],
            "serving": vector in routed or (vector == answering if answering in known else vector not in replaced),
        }
        if metadata_key(vector) in described.metadata:
            try:
                registration = read_registration(name, described.metadata, vector)
            except StoreError:
                if not tolerant:
                    raise
                entry["model"] = "unreadable"
            else:
                fingerprint, calibration = registration.fingerprint, registration.calibration
                entry |= {"model": fingerprint.card.full_name, "fingerprint": fingerprint.weights}
                entry["calibrated"] = [] if calibration is None else list(calibration.languages)
        if vector in routed:
            entry["language"] = routed[vector]
        vectors.append(entry)
    return {
        "name": name,
        "location": store.location,
        "points": described.points,
        "documents": count_documents(store, name, condition),
        "aliases": _aliases(store, name),
        "indexes": _indexes(described, tolerant=tolerant),
        "vectors": vectors,
    }


def _aliases(store: Store, name: str) -> list[str]:
    known = store.aliases()
    return sorted(alias for alias, collection in known.items() if collection == known.get(name, name))


def _indexes(described: Description, *, tolerant: bool) -> dict[str, IndexKind]:
    try:
        recorded = read_indexes(described.metadata)
    except StoreError:
        if not tolerant:
            raise
        return {}
    return {filter_key(key): kind for key, kind in recorded.items()}
