"""When a document was last seen, and in which group of documents: noted beside the document itself.

A list of them kept anywhere else could disagree with what is there: a collection that was emptied would still count
as filled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from simplugin_qdrant import points
from simplugin_qdrant.filters import Condition, NumberRange, OneOf, both
from simplugin_qdrant.space import Space

__all__ = ["Stamp", "read_stamps", "write_stamps"]

_BATCH = 256  # documents a request
_STAMP = "stamp"
_AT, _GROUP = (f"{points.RECORD}.{_STAMP}.{name}" for name in ("at", "group"))


@dataclass(frozen=True, slots=True)
class Stamp:
    """``at`` is a time in seconds, ``group`` the source that several documents may have in common."""

    at: float
    group: str | None = None


def write_stamps(space: Space, tenant: str | None, stamps: Mapping[str, Stamp | None]) -> None:
    """Stamp added documents, by their ids; those that are not there are passed over, and None takes a stamp away."""
    by_point = {points.document_point_id(tenant, id_): stamp for id_, stamp in stamps.items()}
    ids = list(by_point)
    for start in range(0, len(ids), _BATCH):
        payloads: dict[str, dict[str, object]] = {}
        for record in space.store.retrieve(space.collection, ids[start : start + _BATCH]):
            stamp, own = by_point[record.id], dict(record.payload.get(points.RECORD) or {})
            own.pop(_STAMP, None)
            if stamp is not None:
                own[_STAMP] = asdict(stamp)
            payloads[record.id] = {**record.payload, points.RECORD: own}
        space.store.restate(space.collection, payloads)
    space.store.flush(space.collection)


def read_stamps(
    space: Space,
    mine: Condition | None,
    ids: Sequence[str] | None,
    before: float | None,
    after: float | None,
    groups: Sequence[str] | None,
) -> Iterator[str]:
    """Go through the ids of documents with a stamp, of these ids, times (both exclusive) and groups; None is any."""
    bounds = {name: bound for name, bound in (("lt", before), ("gt", after)) if bound is not None}
    condition = both(mine, NumberRange(_AT, bounds or {"gte": 0.0}))
    if groups is not None:
        condition = both(condition, OneOf(_GROUP, tuple(groups)))
    wanted: list[Sequence[str] | None] = (
        [None] if ids is None else [ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH)]
    )
    for batch in wanted:
        chosen = condition if batch is None else both(condition, OneOf("document_id", tuple(batch)))
        for record in space.store.scroll(space.collection, condition=chosen, keys=["document_id"]):
            yield record.payload["document_id"]
