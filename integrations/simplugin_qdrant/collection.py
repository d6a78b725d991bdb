"""A collection that knows its model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from simplugin.catalog import ModelCard
from simplugin.collection import Mode, StoredHead, as_mode
from simplugin.encoders import Encoder, as_encoder, load
from simplugin.errors import StoreError, UnknownCollectionError
from simplugin.ingestion import Failure, IngestReport, Progress, ingest_documents, ingest_files
from simplugin.measures import FloatArray
from simplugin.records import Chunk, ChunkKey, Document, Hit, Metadata
from simplugin.reranking import Reranker
from simplugin.words import WordVector, weigh_document
from simplugin_qdrant import points
from simplugin_qdrant.filters import Condition, Equals, OneOf, both, parse_filter
from simplugin_qdrant.listing import count_documents, describe, ids_of_documents
from simplugin_qdrant.registry import Registration, metadata_key, read_registration, verify
from simplugin_qdrant.rows import pair_rows
from simplugin_qdrant.searching import Space, check_mode, find, one_a_document
from simplugin_qdrant.stores.protocol import Description, IndexKind, Point, Record, Store, VectorSpace

__all__ = ["Collection", "register"]

_WINDOW = 1024  # texts encoded at once
_BATCH = 256  # points a write
_INDEXES: dict[str, IndexKind] = {
    "document_id": "keyword",
    f"{points.RECORD}.tenant": "keyword",
    f"{points.RECORD}.number": "integer",
}
_POOL = 4  # candidates a reranker sees for each hit that is wanted …
_LEAST = 20  # … and at least this many


def register(
    store: Store,
    name: str,
    model: Encoder | str | None = None,
    *,
    vector: str = "default",
    text_key: str = "text",
    tenant: str | None = None,
    mode: Mode | None = None,
    adopt: bool = False,
) -> Collection:
    """Create a collection for a model, or open one and check that this model made it.

    ``model`` is an encoder or what ``simplugin.load`` takes; None opens with the model that the collection records.
    ``vector`` names the vector, ``text_key`` the payload key of the text in a new collection. With ``tenant`` the
    collection shows, writes and deletes that tenant's documents alone. ``mode`` is what a search compares unless told
    otherwise, and is recorded with a new collection: None is ``"hybrid"`` with the starter, which is small, and
    ``"dense"`` with other models. Words are kept beside the vectors, except where a new collection is made with
    ``mode="dense"``. With ``adopt`` a collection that records no model, made by another program, is taken over: a
    sample of its texts, under ``text_key``, is embedded again and compared, and the model recorded if it made them;
    ``vector=""`` is the unnamed vector. Its points keep their ids, and their payloads as they are.

    Raises ``ModelMismatchError`` for another model, whatever its width; ``UnregisteredCollectionError`` for a
    collection that records none; ``UnknownCollectionError`` where there is no collection and ``model`` is None.
    """
    if text_key in {"document_id", "metadata", "source", points.RECORD}:
        message = f"text_key is {text_key!r}, which has another meaning in a payload; choose another key."
        raise StoreError(message)
    encoder = None if model is None else as_encoder(model)
    wanted = None if mode is None else as_mode(mode)
    try:
        described = store.describe(name)
    except UnknownCollectionError:
        if encoder is None:
            raise
        chosen = wanted or ("hybrid" if encoder.card.name.startswith("starter-") else "dense")
        registration = Registration(fingerprint=encoder.fingerprint, text_key=text_key, mode=chosen)
        space = Space(store, name, vector, encoder, has_words=wanted != "dense")
        check_mode(space, chosen)
        vectors = {vector: VectorSpace(encoder.dimension, encoder.card.similarity)}
        words = [points.WORDS] if space.has_words else []
        store.create(name, vectors, registration.to_metadata(vector), _INDEXES, words)
    else:
        registration = _adopt_or_read(store, name, described, vector, encoder if adopt else None, text_key)
        encoder = encoder or _load_recorded(name, registration.fingerprint.card)
        verify(name, registration, encoder)
        space = Space(store, name, vector, encoder, has_words=points.WORDS in described.words)
        check_mode(space, wanted or "dense")
    return Collection(space, mode=wanted or registration.mode, text_key=registration.text_key, tenant=tenant)


def _adopt_or_read(
    store: Store, name: str, described: Description, vector: str, adopter: Encoder | None, text_key: str
) -> Registration:
    """Read the record of a collection; where it has none, let ``adopter`` prove itself and record it."""
    if adopter is None or metadata_key(vector) in described.metadata:
        return read_registration(name, described, vector)
    from simplugin_qdrant.adoption import adopt  # once in the life of a collection

    return adopt(store, name, described, vector=vector, encoder=adopter, text_key=text_key)


def _load_recorded(name: str, recorded: ModelCard) -> Encoder:
    """Open the recorded model, unless it is a server: texts and keys go there at their owner's word alone."""
    if "://" in recorded.id:
        message = f"Collection {name!r} was made with a model that a server runs; name it to open it: {recorded.id!r}."
        raise StoreError(message)
    return load(recorded.id, truncate_dim=recorded.truncate_dim)


class Collection:
    """Texts and their vectors under one model. Made by ``register``."""

    def __init__(self, space: Space, *, mode: Mode, text_key: str, tenant: str | None) -> None:
        self._space = space
        self._store, self._name, self._encoder = space.store, space.collection, space.encoder
        self._mode: Mode = mode
        self._text_key = text_key
        self._tenant = tenant

    def __repr__(self) -> str:
        return f"Collection({self._name!r}, model={self._encoder.card.name!r})"

    @property
    def name(self) -> str:
        """The collection's name."""
        return self._name

    @property
    def encoder(self) -> Encoder:
        """The model that makes its vectors."""
        return self._encoder

    @property
    def mode(self) -> Mode:
        """What a search compares unless told otherwise."""
        return self._mode

    @property
    def store(self) -> Store:
        """The store it lives in."""
        return self._store

    def add(
        self,
        texts: Iterable[str],
        *,
        ids: Iterable[str] | None = None,
        metadata: Iterable[Metadata] | None = None,
    ) -> list[str]:
        """Store each text whole, as a document, and return the ids, in order.

        An id that is there already is replaced. Without ``ids`` a document's id follows from its text and metadata,
        so that adding it again changes nothing. Text beyond the model's length is not seen by its vector. Generators
        are pulled in windows; the inputs are not changed.

        Raises ``PointError``, before the window in question is written, for blank texts, for ``ids`` or ``metadata``
        of another number than the texts, and for metadata that is not JSON.
        """
        added: list[str] = []
        rows = pair_rows(texts, ids, metadata)
        while window := list(islice(rows, _WINDOW)):
            added += self._add(window)
        self.flush()
        return added

    def ingest(
        self,
        sources: Iterable[str | Path | Document],
        *,
        root: Path | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        max_tokens: int | None = None,
        prune: bool = False,
        dry_run: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> IngestReport:
        """Bring the collection up to date with files, folders and globs, or with ``Document`` objects.

        Only what changed is embedded; a run that was killed is finished by running it again. See
        ``simplugin.ingestion.ingest_files`` for the options, which for documents are ``max_tokens``, ``dry_run`` and
        ``progress``. What cannot be read is listed in the report; the rest goes through.

        Raises ``TypeError`` for anything else among the sources.
        """
        sources = iter([sources]) if isinstance(sources, str | Path) else iter(sources)
        first = next(sources, None)
        if isinstance(first, Document):
            documents = _only_documents(first, sources)
            report = ingest_documents(self, documents, max_tokens=max_tokens, dry_run=dry_run, progress=progress)
        else:
            report = ingest_files(
                self,
                [] if first is None else _only_paths(first, sources),
                root=root,
                include=include,
                exclude=exclude,
                max_tokens=max_tokens,
                prune=prune,
                dry_run=dry_run,
                progress=progress,
            )
        if report.chunks.written and not dry_run:
            self.optimize()
        return report

    def search(
        self,
        query: str,
        *,
        limit: int = 5,
        mode: Mode | None = None,
        filter: object = None,  # noqa: A002  # the word of the grammar, and of every engine
        min_score: float | None = None,
        group: bool = False,
        rerank: Reranker | None = None,
    ) -> list[Hit]:
        """Return the texts closest to the query, closest first.

        ``mode`` is ``"dense"``, by the similarity of vectors; ``"words"``, by the words they share (BM25); or
        ``"hybrid"``, by both (see ``simplugin_qdrant.fusion`` for its score); None is the collection's own. ``filter``
        follows the grammar of ``simplugin_qdrant.filters``, or is the engine's own. ``min_score`` keeps hits with at
        least this score, on the scale of the first stage. With ``group`` a document comes once, with its best chunk.
        With ``rerank`` the first stage fetches a pool of four times ``limit``, at least 20, and the reranker orders it.

        Raises ``FilterError``; ``StoreError`` for a mode that the collection has not; ``ValueError`` for a ``limit``
        below 1, a blank query and an unknown mode.
        """
        if limit < 1:
            message = f"limit is {limit}; it must be at least 1."
            raise ValueError(message)
        if not query.strip():
            raise ValueError("The query is blank.")
        chosen = self._mode if mode is None else as_mode(mode)
        condition = both(self._mine(), parse_filter(filter))
        wanted = limit if rerank is None else max(limit * _POOL, _LEAST)

        def fetch(number: int) -> list[Hit]:
            found = find(self._space, query, mode=chosen, limit=number, condition=condition)
            return [points.to_hit(point, self._text_key) for point in found]

        hits = one_a_document(fetch, wanted) if group else fetch(wanted)
        if min_score is not None:
            hits = [hit for hit in hits if hit.score >= min_score]
        return hits if rerank is None else rerank.rerank(query, hits, top_n=limit)

    def delete(self, ids: Iterable[str]) -> int:
        """Delete documents by their ids, with all their chunks; return how many points went. Missing ids are fine."""
        wanted = [ids] if isinstance(ids, str) else list(ids)
        before = self.count()
        for start in range(0, len(wanted), _BATCH):
            chosen = _of_documents(wanted[start : start + _BATCH])
            self._store.delete_where(self._name, both(self._mine(), chosen) or chosen)
        self.flush()
        return before - self.count()

    def count(self, filter: object = None) -> int:  # noqa: A002
        """Count the stored points for which the filter holds: documents that were added, chunks that were ingested."""
        return self._store.count(self._name, both(self._mine(), parse_filter(filter)))

    def count_documents(self) -> int:
        """Count the documents, however many chunks each has."""
        return count_documents(self._store, self._name, self._mine())

    def describe(self) -> dict[str, Any]:
        """Return name, points, documents, and for each vector its model, dimension and fingerprint."""
        return describe(self._store, self._name, self._store.describe(self._name), self.count_documents())

    def heads(self, document_ids: Sequence[str]) -> Mapping[str, Sequence[StoredHead]]:
        """Look up the first chunks of these documents, in one request; unknown documents are left out."""
        of_documents = both(Equals(f"{points.RECORD}.number", 0), _of_documents(document_ids))
        keys = ("document_id", f"{points.RECORD}.content", f"{points.RECORD}.total")
        return points.to_heads(self._scroll(of_documents, keys)) if document_ids else {}

    def chunk_keys(self, document_ids: Sequence[str]) -> Mapping[str, frozenset[ChunkKey]]:
        """Look up all chunks stored of these documents, in one request; unknown documents are left out."""
        keys = ("document_id", f"{points.RECORD}.hash", f"{points.RECORD}.occurrence")
        return points.to_chunk_keys(self._scroll(_of_documents(document_ids), keys)) if document_ids else {}

    def document_ids(self) -> Iterator[str]:
        """Go through the ids of all ingested documents, each once."""
        return ids_of_documents(self._store, self._name, self._mine(), ingested=True)

    def write(self, chunks: Sequence[Chunk], vectors: FloatArray) -> None:
        """Store chunks with their vectors (n, dimension). Raises ``PointError`` before anything is written."""
        payloads = self._payloads(chunks)
        self._put(list(payloads), vectors, list(payloads.values()), [chunk.document_id for chunk in chunks])

    def restate(self, chunks: Sequence[Chunk]) -> None:
        """Rewrite all but the vectors of chunks that are stored already."""
        payloads = self._payloads(chunks)
        for id_, payload in payloads.items():
            points.check_payload(payload, id_)
        self._store.restate(self._name, payloads)

    def discard(self, document_id: str, keys: Iterable[ChunkKey]) -> None:
        """Delete these chunks of a document."""
        self._store.delete(self._name, [points.chunk_id(self._tenant, document_id, key) for key in keys])

    def optimize(self) -> None:
        """Build the indexes that make a large collection fast; an ingest that wrote something ends with it.

        In a folder this holds up every thread of the process while it runs: seconds for 100,000 points.
        """
        self._store.optimize(self._name)

    def flush(self) -> None:
        """Return when everything written so far will survive a loss of power."""
        self._store.flush(self._name)

    def _add(self, window: Sequence[tuple[str, str | None, Metadata]]) -> list[str]:
        texts = [text for text, _, _ in window]
        ids = [points.content_id(text, data) if id_ is None else id_ for text, id_, data in window]
        now = _now()
        payloads = [
            points.document_payload(text, id_, data, text_key=self._text_key, tenant=self._tenant, now=now)
            for (text, _, data), id_ in zip(window, ids, strict=True)
        ]
        vectors = self._encoder.encode_document(texts)
        self._put([points.document_point_id(self._tenant, id_) for id_ in ids], vectors, payloads, ids)
        return ids

    def _put(
        self,
        ids: Sequence[str],
        vectors: FloatArray,
        payloads: Sequence[dict[str, Any]],
        owners: Sequence[str],
    ) -> None:
        """Check everything, then write it: an engine may log a batch before it refuses it."""
        points.check_vectors(vectors, owners, self._encoder.dimension)
        for owner, payload in zip(owners, payloads, strict=True):
            points.check_payload(payload, owner)
        for start in range(0, len(ids), _BATCH):
            stop = start + _BATCH
            rows = zip(ids[start:stop], vectors[start:stop], payloads[start:stop], strict=True)
            self._store.upsert(
                self._name, [Point(id_, self._vectors(row, payload), payload) for id_, row, payload in rows]
            )

    def _vectors(self, row: FloatArray, payload: Mapping[str, Any]) -> dict[str, FloatArray | WordVector]:
        vectors: dict[str, FloatArray | WordVector] = {self._space.vector: row}
        if self._space.has_words and len(words := weigh_document(payload[self._text_key])):
            vectors[points.WORDS] = words
        return vectors

    def _payloads(self, chunks: Sequence[Chunk]) -> dict[str, dict[str, Any]]:
        now = _now()
        return {
            points.chunk_id(self._tenant, chunk.document_id, chunk.key): points.chunk_payload(
                chunk, text_key=self._text_key, tenant=self._tenant, now=now
            )
            for chunk in chunks
        }

    def _scroll(self, condition: Condition | None, keys: Sequence[str]) -> Iterator[Record]:
        return self._store.scroll(self._name, condition=both(self._mine(), condition), keys=keys)

    def _mine(self) -> Condition | None:
        """Return the condition that keeps a tenant to its own points."""
        return None if self._tenant is None else Equals(f"{points.RECORD}.tenant", self._tenant)


def _of_documents(ids: Sequence[str]) -> Condition:
    return OneOf("document_id", tuple(ids))


def _only_documents(first: Document, rest: Iterator[object]) -> Iterator[Document | Failure]:
    yield first
    for entry in rest:
        if not isinstance(entry, Document):
            message = f"Among documents to ingest there is a {type(entry).__name__}; give documents, or paths."
            raise TypeError(message)
        yield entry


def _only_paths(first: object, rest: Iterator[object]) -> list[str | Path]:
    paths: list[str | Path] = []
    for entry in (first, *rest):
        if not isinstance(entry, str | Path):
            message = f"Expected paths or documents to ingest, got a {type(entry).__name__}."
            raise TypeError(message)
        paths.append(entry)
    return paths


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
