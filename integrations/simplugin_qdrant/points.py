"""Documents and chunks to points, and points to hits. Pure: no client, no state.

The payload of a point::

    text         what was embedded (under another key if the collection says so)
    document_id  the user's id, as given
    metadata     the user's values, as given
    source       where the text came from, or null
    simplugin    the record: hash and occurrence of the chunk, its number of total, the document's
                 content hash, when it was written, the headings that the model read before the text, and the tenant,
                 where there are any
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from simplugin.collection import RecordedDocument, StoredHead
from simplugin.errors import PointError
from simplugin.measures import FloatArray
from simplugin.records import Chunk, ChunkKey, Hit, Metadata, Stored
from simplugin.storable import fault_of
from simplugin.texts import as_read
from simplugin_qdrant.stores.protocol import Payload, Record, Scored

__all__ = [
    "RECORD",
    "WORDS",
    "check_payload",
    "check_vectors",
    "chunk_id",
    "chunk_payload",
    "content_id",
    "document_payload",
    "document_point_id",
    "is_chunk",
    "is_point_id",
    "text_as_read",
    "to_chunk_keys",
    "to_heads",
    "to_hit",
    "to_recorded",
    "to_stored",
]

WORDS = "simplugin-words"
"""The name of the vector that holds a text's words."""

RECORD = "simplugin"
"""The payload key under which simplugin keeps its own record."""

_NAMESPACE = uuid.UUID("6f2f7d4e-0d35-5c2c-9a55-0c1a3f6f5b11")
_POINT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def document_point_id(tenant: str | None, document_id: str) -> str:
    """Return the id of the point of a document that was added whole."""
    return _uuid(tenant, document_id)


def chunk_id(tenant: str | None, document_id: str, key: ChunkKey) -> str:
    """Return the id of a chunk's point: the same for the same text in the same document, wherever it stands."""
    return _uuid(tenant, document_id, key.hash, key.occurrence)


def is_point_id(name: str) -> bool:
    """Say whether this is written like the id of a point of ours."""
    return _POINT_ID.fullmatch(name) is not None


def is_chunk(record: Record, tenant: str | None) -> bool:
    """Say whether a point is a chunk of a tenant's ingested document; its payload has to hold the record."""
    entry: Mapping[str, Any] = record.payload.get(RECORD) or {}
    return "hash" in entry and entry.get("tenant") == tenant


def content_id(text: str, metadata: Metadata) -> str:
    """Return the id of a document that was given none: adding the same text and metadata again changes nothing."""
    return _uuid("content", text, json.dumps(metadata, sort_keys=True, ensure_ascii=False, default=str))


def chunk_payload(chunk: Chunk, *, text_key: str, tenant: str | None, now: str) -> Payload:
    """Return the payload of an ingested chunk; ``now`` is an ISO time."""
    record: Payload = {
        "hash": chunk.key.hash,
        "occurrence": chunk.key.occurrence,
        "number": chunk.number,
        "total": chunk.total,
        "content": chunk.content,
        "at": now,
    }
    if chunk.context:
        record["context"] = chunk.context
    # What a row says of itself stays.
    metadata = chunk.metadata if chunk.modified is None else {"modified": chunk.modified, **chunk.metadata}
    return _payload(chunk.text, chunk.document_id, metadata, chunk.source, record, text_key, tenant)


def document_payload(
    text: str, document_id: str, metadata: Metadata, *, text_key: str, tenant: str | None, now: str
) -> Payload:
    """Return the payload of a document that was added whole; ``now`` is an ISO time."""
    source = metadata.get("source")
    return _payload(
        text,
        document_id,
        metadata,
        source if isinstance(source, str) else None,
        {"at": now},
        text_key,
        tenant,
    )


def text_as_read(payload: Mapping[str, Any], text_key: str) -> str:
    """Return what a model reads of a point: its text behind the headings above it, if those are read too."""
    record: Mapping[str, Any] = payload.get(RECORD) or {}
    return as_read(str(record.get("context", "")) + payload[text_key])


def to_recorded(record: Record) -> RecordedDocument:
    """Return the document that a first chunk speaks for."""
    head = _to_head(record.payload[RECORD])
    return RecordedDocument(record.payload["document_id"], record.payload.get("source"), head)


def to_hit(point: Scored, text_key: str) -> Hit:
    """Return the hit that a scored point stands for. Points of other programs have their id as document id."""
    payload = point.payload
    return Hit(
        id=point.id,
        document_id=str(payload.get("document_id", point.id)),
        score=point.score,
        text=str(payload.get(text_key, "")),
        source=payload.get("source"),
        metadata=payload.get("metadata") or {},
        number=_number(payload),
    )


def to_stored(record: Record, text_key: str, vector: str | None) -> Stored:
    """Return the text that a point holds, with the vector of this name."""
    payload = record.payload
    row = None if vector is None else record.vectors.get(vector)
    return Stored(
        id=record.id,
        document_id=str(payload.get("document_id", record.id)),
        text=str(payload.get(text_key, "")),
        source=payload.get("source"),
        metadata=payload.get("metadata") or {},
        number=_number(payload),
        vector=row if isinstance(row, np.ndarray) else None,
    )


def _number(payload: Mapping[str, Any]) -> int | None:
    record: Mapping[str, Any] = payload.get(RECORD) or {}
    return record.get("number")


def to_heads(records: Iterable[Record]) -> dict[str, list[StoredHead]]:
    """Gather the records of first chunks by document."""
    heads: dict[str, list[StoredHead]] = {}
    for record in records:
        entry = record.payload[RECORD]
        heads.setdefault(record.payload["document_id"], []).append(_to_head(entry))
    return heads


def _to_head(entry: Mapping[str, Any]) -> StoredHead:
    return StoredHead(entry["content"], entry["total"], entry["hash"])


def to_chunk_keys(records: Iterable[Record]) -> dict[str, frozenset[ChunkKey]]:
    """Gather the keys of chunks by document; points that no ingest wrote are passed over."""
    keys: dict[str, set[ChunkKey]] = {}
    for record in records:
        entry: dict[str, Any] = record.payload.get(RECORD) or {}
        if "hash" in entry:
            key = ChunkKey(entry["hash"], entry["occurrence"])
            keys.setdefault(record.payload["document_id"], set()).add(key)
    return {document_id: frozenset(found) for document_id, found in keys.items()}


def check_vectors(vectors: FloatArray, names: Sequence[str], dimension: int) -> None:
    """Refuse what an engine may keep although it should not: another width, NaN, infinity.

    ``vectors`` is (n, dimension), ``names`` says whose each row is. Raises ``PointError`` naming the row.
    """
    if vectors.ndim != 2 or vectors.shape != (len(names), dimension):
        message = f"Expected vectors of shape ({len(names)}, {dimension}), got {vectors.shape}."
        raise PointError(message)
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if wrong.size:
        message = f"The vector of {names[int(wrong[0])]!r} has numbers that are not finite; nothing was written."
        raise PointError(message)


def check_payload(payload: Mapping[str, Any], owner: str) -> None:
    """Refuse payload values that are not JSON or not text the engine can store.

    Raises ``PointError`` naming the document and the key.
    """
    for key, value in payload.items():
        if found := fault_of(value, key):
            message = f"{found.path!r} of {owner!r} {found.reason}; nothing was written."
            raise PointError(message)


def _payload(
    text: str,
    document_id: str,
    metadata: Metadata,
    source: str | None,
    record: Payload,
    text_key: str,
    tenant: str | None,
) -> Payload:
    if tenant is not None:
        record = record | {"tenant": tenant}
    return {
        text_key: text,
        "document_id": document_id,
        "metadata": dict(metadata),
        "source": source,
        RECORD: record,
    }


def _uuid(*parts: str | int | None) -> str:
    # JSON keeps ("a", "bc") apart from ("ab", "c").
    return str(uuid.uuid5(_NAMESPACE, json.dumps(parts)))
