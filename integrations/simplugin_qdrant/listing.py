"""What a store holds, told without opening the models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simplugin_qdrant import points
from simplugin_qdrant.filters import Condition
from simplugin_qdrant.registry import metadata_key, read_registration, replaced_vectors
from simplugin_qdrant.space import is_first_stage
from simplugin_qdrant.stores.protocol import Description, Store

__all__ = ["count_documents", "describe", "ids_of_documents"]


def count_documents(store: Store, name: str, condition: Condition | None = None) -> int:
    """Count the documents of a collection, however many chunks each has."""
    return sum(1 for _ in ids_of_documents(store, name, condition, ingested=False))


def describe(store: Store, name: str, described: Description, documents: int) -> dict[str, Any]:
    """Return what is known of a collection without opening its models.

    A vector is ``serving`` unless a migration has let another one answer in its place.
    """
    replaced = replaced_vectors(described.metadata)
    vectors: list[dict[str, Any]] = []
    for vector, space in described.vectors.items():
        if is_first_stage(vector):
            continue
        entry: dict[str, Any] = {
            "name": vector,
            "model": None,
            "dimension": space.dimension,
            "fingerprint": None,
            "serving": vector not in replaced,
        }
        if metadata_key(vector) in described.metadata:
            fingerprint = read_registration(name, described.metadata, vector).fingerprint
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
    seen: set[str] = set()
    for record in store.scroll(name, condition=condition, keys=("document_id", f"{points.RECORD}.content")):
        id_ = str(record.payload.get("document_id", record.id))
        if id_ not in seen and (not ingested or "content" in (record.payload.get(points.RECORD) or {})):
            seen.add(id_)
            yield id_
