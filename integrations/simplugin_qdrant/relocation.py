"""From one model to another by way of a second collection, for servers that cannot add a vector to the first.

Users open the collection by an alias. The second collection is brought up to date with the first, as often as it
takes, while the first goes on answering; then the alias moves. The new vector has a name of its own, so that who still
asks by the old model gets an error, and never an answer from another model's vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from simplugin.errors import StoreError
from simplugin_qdrant import points
from simplugin_qdrant.filling import Filling
from simplugin_qdrant.migration import Comparison, Migrating, compare
from simplugin_qdrant.registry import Registration, read_registration
from simplugin_qdrant.space import Space
from simplugin_qdrant.stores.protocol import Record, Store
from simplugin_qdrant.writing import Writer

__all__ = ["Relocation", "collection_behind"]

_WINDOW = 256  # points looked at together
_LOOKS = 3  # after the alias moved: a write that had begun may end while its elders are brought over


class Relocation:
    """A collection on its way into another one, with another model. Made by ``Collection.migrate(into=…)``.

    It has the steps of ``Migration``. What others write to the collection that answered, while the alias moves, is
    brought over after it; what they delete there in that moment stays in the other one.
    """

    def __init__(
        self, collection: Migrating, alias: str, old: tuple[Space, Registration], new: tuple[Space, Registration]
    ) -> None:
        self._collection = collection
        self._alias = alias
        self._old, self._old_registration = old
        self._new, self._new_registration = new

    def __repr__(self) -> str:
        return f"Relocation({self._alias!r}, {self._old.collection!r} to {self._new.collection!r})"

    @property
    def vector(self) -> str:
        """The name of the new vector."""
        return self._new.vector

    def run(self, progress: Callable[[Filling], None] | None = None) -> int:
        """Bring the collection that does not answer up to date; return how many texts were embedded for it.

        Killed, it goes on where it was when it is run again.
        """
        behind, ahead = (self._new, self._old) if self._answers(self._old) else (self._old, self._new)
        total, seen, written = ahead.store.count(ahead.collection), 0, 0
        for batch in _windows(ahead.store.scroll(ahead.collection)):
            changed = self._with_text(_changed(batch, behind))
            self._write(changed, behind)
            seen, written = seen + len(batch), written + len(changed)
            if progress:
                progress(Filling(seen, max(total, seen)))
        for batch in _windows(behind.store.scroll(behind.collection, keys=[])):
            kept = ahead.store.retrieve(ahead.collection, [record.id for record in batch], keys=[])
            behind.store.delete(behind.collection, sorted({each.id for each in batch} - {each.id for each in kept}))
        return written

    def compare(
        self, queries: Sequence[str] | None = None, *, pairs: Sequence[tuple[str, str, float]] = ()
    ) -> Comparison:
        """Compare the answers of both; see ``Migration.compare``. What was not brought over yet is missing in one."""
        return compare(self._old, self._new, self._new_registration.text_key, queries, pairs)

    def cutover(self) -> None:
        """Bring the new collection up to date, and let the alias stand for it from now on."""
        self._move(self._old, self._new)

    def rollback(self) -> None:
        """Bring the old collection up to date, and let the alias stand for it again."""
        self._move(self._new, self._old)

    def finish(self) -> None:
        """Delete the old collection. Raises ``StoreError`` before ``cutover``."""
        if not self._answers(self._new):
            message = f"{self!r} is not cut over, so there is nothing to finish; call cutover() first."
            raise StoreError(message)
        if self._old.collection in self._old.store.names():
            self._old.store.drop(self._old.collection)

    def abandon(self) -> None:
        """Delete the new collection. Raises ``StoreError`` while it answers: ``rollback`` first."""
        if self._answers(self._new):
            message = f"{self!r} is cut over, so its collection answers; call rollback() before abandon()."
            raise StoreError(message)
        if self._new.collection in self._new.store.names():
            self._new.store.drop(self._new.collection)

    def _move(self, ahead: Space, behind: Space) -> None:
        if self._answers(ahead):
            self.run()
            recorded = read_registration(behind.collection, behind.store.metadata(behind.collection), behind.vector)
            self._collection.become(behind, recorded)  # under its own name, until the alias is there
            behind.store.alias(self._alias, behind.collection)
            self._collection.become(replace(behind, collection=self._alias), recorded)
            for _ in range(_LOOKS):
                if not self._bring_late(ahead, behind):
                    break

    def _bring_late(self, ahead: Space, behind: Space) -> int:
        """Bring over what came to ``ahead`` while the alias moved away from it; return how much that was.

        What is later in ``behind``, which answers by now, stays as it is, and nothing is deleted.
        """
        brought = 0
        for batch in _windows(ahead.store.scroll(ahead.collection)):
            late = self._with_text(_later(batch, behind))
            self._write(late, behind)
            brought += len(late)
        return brought

    def _write(self, records: Sequence[Record], space: Space) -> None:
        if records:
            texts = [points.text_as_read(record.payload, self._text_key) for record in records]
            ids = [record.id for record in records]
            payloads = [record.payload for record in records]
            Writer(space, self._text_key).put(ids, space.encoder.encode_document(texts), payloads, ids)

    def _with_text(self, records: Sequence[Record]) -> list[Record]:
        return [record for record in records if _has_text(record, self._text_key)]

    @property
    def _text_key(self) -> str:
        return self._new_registration.text_key

    def _answers(self, space: Space) -> bool:
        return space.store.aliases().get(self._alias) == space.collection


def collection_behind(store: Store, alias: str) -> str:
    """Return the collection that an alias stands for. Raises ``StoreError`` for a collection's own name."""
    name = store.aliases().get(alias)
    if name is None:
        message = (
            f"{alias!r} is a collection's own name, and a migration into another collection moves an alias; "
            f"make one with store.alias(…, {alias!r}), and open the collection by it."
        )
        raise StoreError(message)
    return name


def _windows(records: Iterator[Record]) -> Iterator[list[Record]]:
    while batch := list(islice(records, _WINDOW)):
        yield batch


def _changed(batch: Sequence[Record], behind: Space) -> list[Record]:
    there = _payloads(batch, behind)
    return [record for record in batch if there.get(record.id) != record.payload]


def _later(batch: Sequence[Record], behind: Space) -> list[Record]:
    """Return the records that ``behind`` has not, or as they were written in an earlier second."""
    there = _payloads(batch, behind)
    return [
        record for record in batch if record.id not in there or _written(record.payload) > _written(there[record.id])
    ]


def _written(payload: Mapping[str, Any]) -> str:
    """Return when a point was written, as its record says; nothing where it has none."""
    record: dict[str, Any] = payload.get(points.RECORD) or {}
    return str(record.get("at") or "")


def _payloads(batch: Sequence[Record], space: Space) -> dict[str, dict[str, Any]]:
    return {each.id: each.payload for each in space.store.retrieve(space.collection, [each.id for each in batch])}


def _has_text(record: Record, text_key: str) -> bool:
    text = record.payload.get(text_key)
    return isinstance(text, str) and bool(text.strip())
