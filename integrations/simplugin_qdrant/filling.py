"""A vector of one more model for every point that lacks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from simplugin.errors import StoreError
from simplugin_qdrant import points
from simplugin_qdrant.filters import LacksVector
from simplugin_qdrant.registry import Registration, mark_filled
from simplugin_qdrant.space import Space
from simplugin_qdrant.stores.protocol import Record, Store
from simplugin_qdrant.writing import turn

__all__ = ["Filling", "check_filled", "fill"]

_WINDOW = 1024  # texts encoded at once
_BATCH = 256  # points a write


@dataclass(frozen=True, slots=True)
class Filling:
    """How far the filling is: points that got the vector in this run, and points that were without it at its start."""

    done: int
    total: int


def fill(space: Space, text_key: str, progress: Callable[[Filling], None] | None = None) -> int:
    """Embed the text of every point that lacks the vector, and return how many got it.

    Searches and writes go on meanwhile: writers give new points the vector themselves, and a point that has it is
    left as it is. Cut short, it is finished by running it again. Points without a text stay without the vector.
    """
    total = space.store.count(space.collection, LacksVector(space.vector))
    done = 0
    # A point without the vector may have been written, behind the place reached, by one that had not yet heard of the
    # new model: so until a whole round finds nothing to do.
    while written := _round(space, text_key, done, total, progress):
        done += written
    with turn(space.store).alone():
        mark_filled(space.store, space.collection, space.vector, filled=True)
    space.store.flush(space.collection)
    return done


def check_filled(store: Store, name: str, vector: str, registration: Registration) -> None:
    """Raise ``StoreError`` while points lack the vector: a search would pass them over without a word."""
    if gaps := _count_gaps(store, name, vector, registration.text_key):
        message = (
            f"In collection {name!r} {gaps:,} points have no vector of {registration.fingerprint.card.name!r} yet, "
            "and searching by it would pass them over; call fill() first, or run the migration to its end."
        )
        raise StoreError(message)


def _round(space: Space, text_key: str, before: int, total: int, progress: Callable[[Filling], None] | None) -> int:
    records = space.store.scroll(
        space.collection, condition=LacksVector(space.vector), keys=[text_key, f"{points.RECORD}.context"]
    )
    with_text = (record for record in records if _text(record, text_key))
    done = 0
    while window := list(islice(with_text, _WINDOW)):
        rows = space.encoder.encode_document([points.text_as_read(record.payload, text_key) for record in window])
        ids = [record.id for record in window]
        points.check_vectors(rows, ids, space.encoder.dimension)
        named = {id_: space.named(row) for id_, row in zip(ids, rows, strict=True)}
        for start in range(0, len(ids), _BATCH):
            batch = {id_: named[id_] for id_ in ids[start : start + _BATCH]}
            space.store.fill(space.collection, batch, lacking=space.vector)
        done += len(window)
        if progress:
            progress(Filling(before + done, max(total, before + done)))
    return done


def _count_gaps(store: Store, name: str, vector: str, text_key: str) -> int:
    """Count the points that have a text and lack the vector."""
    condition = LacksVector(vector)
    if not store.count(name, condition):
        return 0
    return sum(1 for record in store.scroll(name, condition=condition, keys=[text_key]) if _text(record, text_key))


def _text(record: Record, text_key: str) -> str:
    text = record.payload.get(text_key)
    return text if isinstance(text, str) and text.strip() else ""
