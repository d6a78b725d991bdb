"""From ids to the texts that are stored under them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from simplugin.records import Stored
from simplugin_qdrant import points
from simplugin_qdrant.filters import Condition, OneOf, both
from simplugin_qdrant.space import Space
from simplugin_qdrant.stores.protocol import Record, Wanted

__all__ = ["look_up", "own_points"]

_BATCH = 256  # ids a request


def look_up(
    space: Space, text_key: str, tenant: str | None, mine: Condition | None, ids: Sequence[str], vector: str | None
) -> list[Stored]:
    """Return what is stored under ids of documents or of points, in their order; the rest is left out.

    ``mine`` is the condition that keeps a tenant to its own.
    """
    wanted: Wanted = False if vector is None else [vector]
    found: list[Stored] = []
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        whole = _points(space, tenant, batch, with_vectors=wanted)
        missing = tuple(dict.fromkeys(id_ for id_ in batch if id_ not in whole))
        chunks = _chunks(space, mine, missing, with_vectors=wanted) if missing else {}
        for id_ in batch:
            records = [whole[id_]] if id_ in whole else chunks.get(id_, [])
            found += [points.to_stored(record, text_key, vector) for record in records]
    return found


def own_points(space: Space, tenant: str | None, ids: Sequence[str]) -> list[str]:
    """Return those of the ids that are ids of points, and of the tenant's own."""
    wanted = list(dict.fromkeys(point for id_ in ids if (point := _as_point_id(id_)) is not None))
    records = space.store.retrieve(space.collection, wanted, keys=[points.RECORD]) if wanted else []
    return [record.id for record in records if _tenant(record) == tenant]


def _points(space: Space, tenant: str | None, ids: Sequence[str], *, with_vectors: Wanted) -> dict[str, Record]:
    """Return the points of documents that were added whole, and of ids that are those of points, by the id asked."""
    by_document = {id_: points.document_point_id(tenant, id_) for id_ in ids}
    by_point = {id_: point for id_ in ids if (point := _as_point_id(id_)) is not None}
    wanted = list(dict.fromkeys([*by_document.values(), *by_point.values()]))
    records = space.store.retrieve(space.collection, wanted, with_vectors=with_vectors)
    own = {record.id: record for record in records if _tenant(record) == tenant}
    both_ways = {id_: own.get(by_document[id_]) or own.get(by_point.get(id_, "")) for id_ in ids}
    return {id_: record for id_, record in both_ways.items() if record is not None}


def _chunks(
    space: Space, mine: Condition | None, ids: tuple[str, ...], *, with_vectors: Wanted
) -> dict[str, list[Record]]:
    """Return the chunks of documents that were ingested, in their order."""
    condition = both(mine, OneOf("document_id", ids))
    chunks: dict[str, list[Record]] = {}
    for record in space.store.scroll(space.collection, condition=condition, with_vectors=with_vectors):
        chunks.setdefault(record.payload["document_id"], []).append(record)
    for records in chunks.values():
        records.sort(key=lambda record: record.payload[points.RECORD].get("number", 0))
    return chunks


def _as_point_id(id_: str) -> str | None:
    """Return the id of a point in the engine's spelling, None for what cannot be one."""
    if id_.isascii() and id_.isdigit():
        return str(int(id_)) if len(id_) < 20 else None
    try:
        return str(uuid.UUID(id_))
    except ValueError:
        return None


def _tenant(record: Record) -> str | None:
    own: Mapping[str, Any] = record.payload.get(points.RECORD) or {}
    return own.get("tenant")
