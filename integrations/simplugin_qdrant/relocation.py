"""From one model to another by way of a second collection, for servers that cannot add a vector to the first.

Users open the collection by an alias. The second collection is brought up to date with the first, as often as it
takes, while the first goes on answering; then the alias moves. The new vector has a name of its own, so that who still
asks by the old model gets an error, and never an answer from another model's vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from simplugin.errors import StoreError
from simplugin_qdrant import points
from simplugin_qdrant.filling import Filling
from simplugin_qdrant.migration import Comparison, Migrating, compare
from simplugin_qdrant.registry import Registration, read_registration
from simplugin_qdrant.space import Space
from simplugin_qdrant.stores.protocol import Payload, Record, Store
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
        written = self._bring(ahead, behind, _changed, progress)
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
            behind.store.alias(self._alias, behind.collection)
            self._collection.become(replace(behind, collection=self._alias), recorded)
            for _ in range(_LOOKS):
                # What came to the one that was left. What is later in the other, which answers by now, stays as it is.
                if not self._bring(ahead, behind, _is_later):
                    break

    def _bring(
        self,
        ahead: Space,
        behind: Space,
        is_wanted: Callable[[Payload, Payload | None], bool],
        progress: Callable[[Filling], None] | None = None,
    ) -> int:
        """Embed and write for ``behind`` what is wanted of ``ahead``; return how many texts that was.

        ``is_wanted`` is asked with the payload of a point in ``ahead``, and its payload in ``behind``, if it is there.
        """
        text_key = self._new_registration.text_key
        writer, total, seen, written = Writer(behind, text_key), ahead.store.count(ahead.collection), 0, 0
        for batch in _windows(ahead.store.scroll(ahead.collection)):
            found = behind.store.retrieve(behind.collection, [record.id for record in batch])
            there = {each.id: each.payload for each in found}
            wanted = [
                record
                for record in batch
                if is_wanted(record.payload, there.get(record.id)) and _has_text(record, text_key)
            ]
            if wanted:
                rows = behind.encoder.encode_document([points.text_as_read(each.payload, text_key) for each in wanted])
                ids = [record.id for record in wanted]
                writer.put(ids, rows, [record.payload for record in wanted], ids)
            seen, written = seen + len(batch), written + len(wanted)
            if progress:
                progress(Filling(seen, max(total, seen)))
        return written

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


def _changed(payload: Payload, there: Payload | None) -> bool:
    return payload != there


def _is_later(payload: Payload, there: Payload | None) -> bool:
    """Say whether a point is not there yet, or was written in a later second than what is there."""
    return there is None or _written(payload) > _written(there)


def _written(payload: Payload) -> str:
    """Return when a point was written, as its record says; nothing where it has none."""
    record: Payload = payload.get(points.RECORD) or {}
    return str(record.get("at") or "")


def _has_text(record: Record, text_key: str) -> bool:
    text = record.payload.get(text_key)
    return isinstance(text, str) and bool(text.strip())
