"""What an ingest asks of a collection: to be its own record of what is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from simplugin.collection import StoredHead
from simplugin.encoders import Encoder
from simplugin.errors import StoreError
from simplugin.measures import FloatArray
from simplugin.records import Chunk, ChunkKey, Metadata
from simplugin_qdrant import points
from simplugin_qdrant.filters import Condition, Equals, OneOf, both
from simplugin_qdrant.listing import ids_of_documents
from simplugin_qdrant.registry import TENANTS, Registration
from simplugin_qdrant.space import Space
from simplugin_qdrant.stores.protocol import Payload, Record, Store
from simplugin_qdrant.writing import Writer

__all__ = ["Recording", "of_documents"]


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
        first = both(Equals(f"{points.RECORD}.number", 0), of_documents(document_ids))
        keys = ("document_id", f"{points.RECORD}.content", f"{points.RECORD}.total")
        return points.to_heads(self._scroll(first, keys)) if document_ids else {}

    def chunk_keys(self, document_ids: Sequence[str]) -> Mapping[str, frozenset[ChunkKey]]:
        """Look up all chunks stored of these documents, in one request; unknown documents are left out."""
        keys = ("document_id", f"{points.RECORD}.hash", f"{points.RECORD}.occurrence")
        return points.to_chunk_keys(self._scroll(of_documents(document_ids), keys)) if document_ids else {}

    def document_ids(self) -> Iterator[str]:
        """Go through the ids of all ingested documents, each once."""
        return ids_of_documents(self._store, self._name, self._mine(), ingested=True)

    def write(self, chunks: Sequence[Chunk], vectors: FloatArray) -> None:
        """Store chunks with their vectors (n, dimension). Raises ``PointError`` before anything is written."""
        payloads = self._payloads(chunks)
        owners = [chunk.document_id for chunk in chunks]
        self._model.writer.put(list(payloads), vectors, list(payloads.values()), owners)

    def restate(self, chunks: Sequence[Chunk]) -> None:
        """Rewrite all but the vectors of chunks that are stored already."""
        payloads = self._payloads(chunks)
        for id_, payload in payloads.items():
            points.check_payload(payload, id_)
        self._store.restate(self._name, payloads)

    def discard(self, document_id: str, keys: Iterable[ChunkKey]) -> None:
        """Delete these chunks of a document."""
        self._mine()
        self._store.delete(self._name, [points.chunk_id(self._tenant, document_id, key) for key in keys])

    def flush(self) -> None:
        """Return when everything written so far will survive a loss of power."""
        self._store.flush(self._name)

    def _write_documents(self, window: Sequence[tuple[str, str | None, Metadata]]) -> list[str]:
        """Store texts whole, each a document; return their ids."""
        self._mine()
        model, now = self._model, _now()
        texts = [text for text, _, _ in window]
        ids = [points.content_id(text, data) if id_ is None else id_ for text, id_, data in window]
        payloads = [
            points.document_payload(text, id_, data, text_key=model.registration.text_key, tenant=self._tenant, now=now)
            for (text, _, data), id_ in zip(window, ids, strict=True)
        ]
        vectors = model.space.encoder.encode_document(texts)
        model.writer.put([points.document_point_id(self._tenant, id_) for id_ in ids], vectors, payloads, ids)
        return ids

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
        return None if self._tenant is None else Equals(f"{points.RECORD}.tenant", self._tenant)


def of_documents(ids: Sequence[str]) -> Condition:
    """Return the condition that a point belongs to one of these documents."""
    return OneOf("document_id", tuple(ids))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
