"""What a store holds, told without opening the models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simplugin.errors import StoreError
from simplugin_qdrant import points
from simplugin_qdrant.filters import Condition
from simplugin_qdrant.registry import (
    metadata_key,
    read_registration,
    read_serving,
    registered_vectors,
    replaced_vectors,
)
from simplugin_qdrant.space import is_first_stage
from simplugin_qdrant.stores.protocol import Description, Store

__all__ = ["count_documents", "describe", "ids_of_documents"]


def count_documents(store: Store, name: str, condition: Condition | None = None) -> int:
    """Count the documents of a collection, however many chunks each has."""
    return sum(1 for _ in ids_of_documents(store, name, condition, ingested=False))


def describe(
    store: Store, name: str, described: Description, documents: int, *, tolerant: bool = False
) -> dict[str, Any]:
    """Return what is known of a collection without opening its models.

    With ``tolerant`` a model whose record is damaged is "unreadable", in place of an error: one collection must not
    hide the others, nor keep from being deleted. A vector is ``serving`` unless a migration has let another one
    answer in its place.
    """
    known, replaced = registered_vectors(described.metadata), replaced_vectors(described.metadata)
    answering = read_serving(described.metadata, "default").vector
    vectors: list[dict[str, Any]] = []
    for vector, space in described.vectors.items():
        if is_first_stage(vector):
            continue
        entry: dict[str, Any] = {
            "name": vector,
            "model": None,
            "dimension": space.dimension,
            "fingerprint": None,
            "serving": vector == answering if answering in known else vector not in replaced,
        }
        if metadata_key(vector) in described.metadata:
            try:
                fingerprint = read_registration(name, described.metadata, vector).fingerprint
            except StoreError:
                if not tolerant:
                    raise
                entry["model"] = "unreadable"
            else:
                entry |= {"model": fingerprint.card.name, "fingerprint": fingerprint.weights}
        vectors.append(entry)
    return {
        "name": name,
        "location": store.location,
        "points": described.points,
        "documents": documents,
        "vectors": vectors,
    }


def ids_of_documents(store: Store, name: str, condition: Condition | None, *, ingested: bool) -> Iterator[str]:
    """Go through the ids of documents, each once; with ``ingested`` those alone that an ingest wrote."""
    seen: set[tuple[str | None, str]] = set()
    keys = ("document_id", f"{points.RECORD}.content", f"{points.RECORD}.tenant")
    for record in store.scroll(name, condition=condition, keys=keys):
        id_ = str(record.payload.get("document_id", record.id))
        kept: dict[str, Any] = record.payload.get(points.RECORD) or {}
        owned = (kept.get("tenant"), id_)  # equal ids of two tenants are two documents
        if owned not in seen and (not ingested or "content" in kept):
            seen.add(owned)
            yield id_
