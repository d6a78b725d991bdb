"""Points into a collection: checked, and with a vector of every model that the collection knows."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from simplugin.catalog import RETIRED_STARTERS
from simplugin.encoders import Encoder, Fingerprint, load
from simplugin.encoders.retired import RetiredEncoder
from simplugin.errors import SimpluginError, StoreError
from simplugin.measures import FloatArray
from simplugin.words import WordVector, weigh_documents
from simplugin_qdrant import points
from simplugin_qdrant.registry import Registration, language_vectors, read_registration, registered_vectors, verify
from simplugin_qdrant.space import Space
from simplugin_qdrant.stores.protocol import Point, Store

__all__ = ["Writer", "gone", "load_recorded", "recorded_model", "turn"]

_BATCH = 256  # points a write

_TURNS: WeakKeyDictionary[Store, Turn] = WeakKeyDictionary()
_MAKING = threading.Lock()


class Turn:
    """Lets the writers of a store write side by side, and whoever changes its models wait for them, and they for him.

    A writer looks which models there are, and writes accordingly: nobody may record another in between.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._writers = 0
        self._alone = False

    @contextmanager
    def shared(self) -> Generator[None, None, None]:
        """Write beside others."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._writers += 1
        try:
            yield
        finally:
            with self._changed:
                self._writers -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Generator[None, None, None]:
        """Change which models there are, while nobody writes. Not to be taken twice by one thread."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._alone = True  # from here on no writer begins
            self._changed.wait_for(lambda: self._writers == 0)
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()


def turn(store: Store) -> Turn:
    """Return the turn of a store, one for all who use it in this process."""
    with _MAKING:
        return _TURNS.setdefault(store, Turn())


class Writer:
    """Writes points of one model, and gives them the vectors of the collection's other models too.

    The models of other languages are no such ones: each of their vectors holds the texts in its language alone.

    A collection gets a second model while others write to it, when it is migrated. So the writer looks before every
    batch, and what it writes is complete from the moment the new model is recorded. ``others`` are encoders for
    models that cannot be opened by what the collection records of them.
    """

    def __init__(self, space: Space, text_key: str, others: Sequence[Encoder] = ()) -> None:
        self._space = space
        self._text_key = text_key
        self._given = tuple(others)
        self._others: dict[str, Space] = {}

    def put(
        self, ids: Sequence[str], vectors: FloatArray, payloads: Sequence[dict[str, Any]], owners: Sequence[str]
    ) -> None:
        """Check the vectors, then write: an engine may log a batch before it refuses it.

        ``vectors`` is (n, dimension), of the writer's own model; ``owners`` says whose each row is; ``payloads`` are
        of checked documents. Raises ``PointError`` before anything is written.
        """
        points.check_vectors(vectors, owners, self._space.encoder.dimension)
        known: dict[str, FloatArray] = {self._space.vector: vectors}
        for start in range(0, len(ids), _BATCH):
            self._put(range(start, min(start + _BATCH, len(ids))), ids, known, payloads, owners)

    def _put(
        self,
        numbers: range,
        ids: Sequence[str],
        known: dict[str, FloatArray],
        payloads: Sequence[dict[str, Any]],
        owners: Sequence[str],
    ) -> None:
        store, name = self._space.store, self._space.collection
        while True:
            with turn(store).shared():
                metadata = store.metadata(name)
                known_models = registered_vectors(metadata)
                if self._space.vector not in known_models:
                    raise StoreError(gone(name, self._space.encoder.card.name))
                elsewhere = set(language_vectors(metadata).values()) - {self._space.vector}
                wanted = [vector for vector in known_models if vector not in elsewhere]
                missing = [vector for vector in wanted if vector not in known]
                if not missing:
                    spaces = [self._space, *(self._others[vector] for vector in wanted if vector in self._others)]
                    rows = [(space, known[space.vector]) for space in spaces]
                    words = self._words([payloads[n] for n in numbers])
                    batch = [
                        Point(ids[n], _vectors(rows, n, weighed), payloads[n])
                        for n, weighed in zip(numbers, words, strict=True)
                    ]
                    return store.upsert(name, batch)
            for vector in missing:
                space = self._others.get(vector) or self.open(vector, metadata)
                found = space.encoder.encode_document([points.text_as_read(each, self._text_key) for each in payloads])
                points.check_vectors(found, owners, space.encoder.dimension)
                known[vector] = found

    def _words(self, payloads: Sequence[Mapping[str, Any]]) -> Sequence[WordVector | None]:
        if not self._space.has_words:
            return [None] * len(payloads)
        return weigh_documents([points.text_as_read(payload, self._text_key) for payload in payloads])

    def open(self, vector: str, metadata: Mapping[str, Any]) -> Space:
        """Open the model of another vector: one that was given, or by what is recorded of it.

        Raises ``StoreError`` where it cannot be opened.
        """
        own = self._space
        registration = read_registration(own.collection, metadata, vector)
        recorded = registration.fingerprint
        try:
            encoder = recorded_model(own.collection, registration, self._given)
            verify(own.collection, registration, encoder)
        except SimpluginError as error:
            message = (
                f"Collection {own.collection!r} has vectors of {recorded.card.name!r}, and that model cannot be opened "
                f"here: {error} Give it with register(…, others=[…])."
            )
            raise StoreError(message) from error
        space = Space(
            own.store,
            own.collection,
            vector,
            encoder,
            own.has_words,
            registration.quantization,
            registration.first_stage,
        )
        self._others[vector] = space
        return space


def _vectors(
    rows: Sequence[tuple[Space, FloatArray]], number: int, words: WordVector | None
) -> dict[str, FloatArray | WordVector]:
    vectors: dict[str, FloatArray | WordVector] = {}
    for space, encoded in rows:
        vectors |= space.named(encoded[number])
    if words:  # a text may have none
        vectors[points.WORDS] = words
    return vectors


def recorded_model(name: str, registration: Registration, given: Sequence[Encoder]) -> Encoder:
    """Return the model that a registration records: one of those given, or opened by its name."""
    recorded = registration.fingerprint
    same = (encoder for encoder in given if recorded.is_same(encoder.fingerprint))
    return next(same, None) or load_recorded(name, recorded)


def load_recorded(name: str, recorded: Fingerprint) -> Encoder:
    """Open the recorded model, unless it is a server: texts and keys go there at their owner's word alone.

    A starter of an earlier version is stood for by ``RetiredEncoder``, so that its collection can be brought over.
    """
    card = recorded.card
    if "://" in card.id:
        message = f"Collection {name!r} was made with a model that a server runs; name it to open it: {card.id!r}."
        raise StoreError(message)
    if card.id in RETIRED_STARTERS:
        return RetiredEncoder(recorded, collection=name)
    return load(card.id, truncate_dim=card.truncate_dim)


def gone(name: str, model: str) -> str:
    """Return what to tell those who still use the vectors of a model that was taken away."""
    return f"Collection {name!r} has no vectors of {model!r} any more: it was migrated to another model. Open it again."
