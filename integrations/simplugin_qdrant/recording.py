"""What an ingest asks of a collection: to be its own record of what is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from simplugin.collection import RecordedDocument, StoredHead
from simplugin.encoders import Encoder
from simplugin.errors import PointError, StoreError
from simplugin.measures import FloatArray
from simplugin.records import Chunk, ChunkKey, Metadata
from simplugin.texts import as_read
from simplugin_qdrant import points
from simplugin_qdrant.filters import OWN_SOURCE, Condition, Equals, OneOf, both
from simplugin_qdrant.points import RECORD
from simplugin_qdrant.registry import TENANTS, Registration, read_indexes
from simplugin_qdrant.space import Space
from simplugin_qdrant.stores.protocol import Payload, Record, Store
from simplugin_qdrant.writing import Writer

__all__ = ["HASH", "Recording", "of_documents", "of_tenant"]

_BATCH = 256  # points a request

HASH = f"{RECORD}.hash"
"""The payload key by which a chunk is found whose text is the same."""


@dataclass(frozen=True, slots=True)
class _Model:
    """The model that answers now. Exchanged as a whole, so that no thread sees half of a cutover."""

    space: Space
    registration: Registration
    writer: Writer


class Recording:
    """Chunks and documents in a collection, each under an id that follows from what it is."""

    def __init__(
        self, space: Space, registration: Registration, *, tenant: str | None, others: Sequence[Encoder] = ()
    ) -> None:
        self._store, self._name = space.store, space.collection
        self._tenant = tenant
        self._of_tenants = self._store.metadata(self._name).get(TENANTS) is not None
        self._others = tuple(others)
        self._is_indexed = False
        self.become(space, registration)

    def become(self, space: Space, registration: Registration) -> None:
        """Answer by these vectors from now on."""
        self._model = _Model(space, registration, Writer(space, registration.text_key, self._others))

    @property
    def name(self) -> str:
        """The collection's name."""
        return self._name

    @property
    def encoder(self) -> Encoder:
        """The model that makes its vectors."""
        return self._model.space.encoder

    @property
    def store(self) -> Store:
        """The store it lives in."""
        return self._store

    def heads(self, document_ids: Sequence[str]) -> Mapping[str, Sequence[StoredHead]]:
        """Look up the first chunks of these documents, in one request; unknown documents are left out."""
        first = both(Equals(f"{RECORD}.number", 0), of_documents(document_ids))
        keys = ("document_id", f"{RECORD}.content", f"{RECORD}.total", HASH)
        return points.to_heads(self._scroll(first, keys)) if document_ids else {}

    def chunk_keys(self, document_ids: Sequence[str]) -> Mapping[str, frozenset[ChunkKey]]:
        """Look up all chunks stored of these documents, in one request; unknown documents are left out."""
        keys = ("document_id", f"{RECORD}.hash", f"{RECORD}.occurrence")
        return points.to_chunk_keys(self._scroll(of_documents(document_ids), keys)) if document_ids else {}

    def recorded(self) -> Iterator[RecordedDocument]:
        """Go through all ingested documents, in no order; one whose edit was cut short may come twice."""
        keys = ("document_id", "source", f"{RECORD}.content", f"{RECORD}.total", HASH)
        return map(points.to_recorded, self._scroll(Equals(f"{RECORD}.number", 0), keys))

    def size(self) -> int:
        """Say about how many points there are, of all tenants, without counting."""
        return self._store.size(self._name)

    def vectors(self, hashes: Sequence[str]) -> Mapping[str, FloatArray]:
        """Look up the vectors (dimension,) of stored chunks by the hash of their text, in one request."""
        vector, found = self._model.space.vector, dict[str, FloatArray]()
        condition = both(self._mine(), OneOf(HASH, tuple(hashes)))
        for record in self._store.scroll(self._name, condition=condition, keys=[HASH], with_vectors=[vector]):
            row = record.vectors.get(vector)
            if isinstance(row, np.ndarray):  # a point may lack it while a model is being added
                found[record.payload[RECORD]["hash"]] = row
        return found

    def write(self, chunks: Sequence[Chunk], vectors: FloatArray) -> None:
        """Store chunks with their vectors (n, dimension); what is in their documents was found to be storable.

        Raises ``PointError`` for vectors before anything is written.
        """
        if not self._is_indexed and chunks:
            chosen = read_indexes(self._store.metadata(self._name))
            for key in {HASH, OWN_SOURCE} - chosen.keys():  # collections of earlier versions lack them
                self._store.index(self._name, key, "id")
            self._is_indexed = True
        payloads = self._payloads(chunks)
        owners = [chunk.document_id for chunk in chunks]
        self._model.writer.put(list(payloads), vectors, list(payloads.values()), owners)

    def restate(self, chunks: Sequence[Chunk]) -> None:
        """Rewrite all but the vectors of chunks that are stored already."""
        self._store.restate(self._name, self._payloads(chunks))

    def discard(self, stale: Iterable[tuple[str, Iterable[ChunkKey]]]) -> None:
        """Delete chunks, by their documents' ids and their keys, in one request."""
        self._mine()
        ids = [points.chunk_id(self._tenant, document_id, key) for document_id, keys in stale for key in keys]
        self._store.delete(self._name, ids)

    def bulk(self) -> None:
        """Let the engine put off its index of vectors until the ingest ends."""
        self._store.defer_index(self._name)

    def flush(self) -> None:
        """Return when everything written so far will survive a loss of power."""
        self._store.flush(self._name)

    def _write_documents(self, window: Sequence[tuple[str, str | None, Metadata]]) -> list[str]:
        """Store texts whole, each a document; return their ids."""
        self._mine()
        self._check_no_chunks([id_ for _, id_, _ in window if id_ is not None])
        while True:
            model = self._model
            try:
                return self._write_by(model, window)
            except StoreError:
                if self._model is model:
                    raise
                # Another thread brought the collection to another model meanwhile; so they are written by that one.

    def _write_by(self, model: _Model, window: Sequence[tuple[str, str | None, Metadata]]) -> list[str]:
        now = _now()
        texts = [text for text, _, _ in window]
        ids = [points.content_id(text, data) if id_ is None else id_ for text, id_, data in window]
        payloads = [
            points.document_payload(text, id_, data, text_key=model.registration.text_key, tenant=self._tenant, now=now)
            for (text, _, data), id_ in zip(window, ids, strict=True)
        ]
        for id_, payload in zip(ids, payloads, strict=True):
            points.check_payload(payload, id_)
        places = [points.document_point_id(self._tenant, id_) for id_ in ids]
        known = self._known_vectors(model, places)
        rows = list(zip(places, texts, strict=True))
        new = list(dict.fromkeys(text for place, text in rows if (place, text) not in known))
        encoded = dict(zip(new, model.space.encoder.encode_document([as_read(text) for text in new]), strict=True))
        vectors = np.stack([known[row] if row in known else encoded[row[1]] for row in rows])
        model.writer.put(places, vectors, payloads, ids)
        return ids

    def _check_no_chunks(self, ids: Sequence[str]) -> None:
        """Refuse the ids of chunks that were ingested, as which they are found: a second text would get the same one.

        Raises ``PointError``.
        """
        named = [id_ for id_ in dict.fromkeys(ids) if points.is_point_id(id_)]
        for start in range(0, len(named), _BATCH):
            for record in self._store.retrieve(self._name, named[start : start + _BATCH], keys=["document_id", RECORD]):
                if points.is_chunk(record, self._tenant):
                    message = (
                        f"{record.id!r} is a chunk of the ingested document {record.payload['document_id']!r}; it "
                        "changes with its source, when that is ingested again. Add another text without this id. "
                        "Nothing was written."
                    )
                    raise PointError(message)

    def _known_vectors(self, model: _Model, places: Sequence[str]) -> dict[tuple[str, str], FloatArray]:
        """Look up the vectors (dimension,) of points that are there, by the id of the point and its text."""
        space, text_key = model.space, model.registration.text_key
        known: dict[tuple[str, str], FloatArray] = {}
        for start in range(0, len(places), _BATCH):
            batch = list(dict.fromkeys(places[start : start + _BATCH]))
            for record in self._store.retrieve(self._name, batch, keys=[text_key], with_vectors=[space.vector]):
                row, text = record.vectors.get(space.vector), record.payload.get(text_key)
                if isinstance(row, np.ndarray) and isinstance(text, str):
                    known[record.id, text] = row
        return known

    def _payloads(self, chunks: Sequence[Chunk]) -> dict[str, Payload]:
        self._mine()
        text_key, now = self._model.registration.text_key, _now()
        return {
            points.chunk_id(self._tenant, chunk.document_id, chunk.key): points.chunk_payload(
                chunk, text_key=text_key, tenant=self._tenant, now=now
            )
            for chunk in chunks
        }

    def _scroll(self, condition: Condition | None, keys: Sequence[str]) -> Iterator[Record]:
        return self._store.scroll(self._name, condition=both(self._mine(), condition), keys=keys)

    def _mine(self) -> Condition | None:
        """Return the condition that keeps a tenant to its own points.

        Raises ``StoreError`` where the collection is one of tenants, and none was named.
        """
        if self._tenant is None and self._of_tenants:
            message = f"Collection {self._name!r} holds the documents of tenants; open it with tenant=… (--tenant)."
            raise StoreError(message)
        return self._whole()

    def _whole(self) -> Condition | None:
        """Return the tenant's condition, or none: for what may be told of all tenants together."""
        return of_tenant(self._tenant)


def of_documents(ids: Sequence[str]) -> Condition:
    """Return the condition that a point belongs to one of these documents."""
    return OneOf("document_id", tuple(ids))


def of_tenant(tenant: str | None) -> Condition | None:
    """Return the condition that a point belongs to a tenant; None, for all of them together, has none."""
    return None if tenant is None else Equals(f"{RECORD}.tenant", tenant)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
