"""A collection that knows its model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from simplugin.collection import Mode, as_mode
from simplugin.encoders import Encoder, as_encoder
from simplugin.encoders.protocol import as_texts
from simplugin.errors import StoreError
from simplugin.ingestion import Choices, IngestReport, Options, Progress, ingest_documents, ingest_files
from simplugin.records import Hit, Metadata
from simplugin.reranking import Reranker, open_reranker
from simplugin_qdrant import points
from simplugin_qdrant.filling import Filling, check_filled, fill
from simplugin_qdrant.filters import both, parse_filter, payload_key
from simplugin_qdrant.listing import count_documents, describe
from simplugin_qdrant.recording import Recording, of_documents
from simplugin_qdrant.registry import (
    Registration,
    add_indexes,
    default_mode,
    read_registration,
    read_serving,
    registered_vectors,
)
from simplugin_qdrant.rows import pair_rows, paths_or_documents
from simplugin_qdrant.searching import Answers, Question, aask, ask, check_mode
from simplugin_qdrant.space import Space
from simplugin_qdrant.stores.protocol import IndexKind
from simplugin_qdrant.writing import gone

if TYPE_CHECKING:
    from simplugin_qdrant.migration import Migration
    from simplugin_qdrant.relocation import Relocation

__all__ = ["Collection"]

_WINDOW = 1024  # texts encoded at once
_BATCH = 256  # documents a request
_POOL = 4  # candidates a reranker sees for each hit that is wanted …
_LEAST = 20  # … and at least this many
_STALE = 60.0  # seconds for which the size of a collection, which weighs its words, is good enough


@dataclass(frozen=True, slots=True)
class _Asked:
    """The arguments of a search, read."""

    question: Question
    reranker: Reranker | None
    limit: int
    min_score: float | None
    text_key: str

    def hits(self, queries: Sequence[str], found: Answers) -> list[list[Hit]]:
        """Make hits of the rankings, one a query."""
        listed = [[points.to_hit(point, self.text_key) for point in ranking] for ranking in found]
        if self.min_score is not None:
            listed = [[hit for hit in hits if hit.score >= self.min_score] for hits in listed]
        if self.reranker is None:
            return listed
        return [
            self.reranker.rerank(query, hits, top_n=self.limit) for query, hits in zip(queries, listed, strict=True)
        ]


class Collection(Recording):
    """Texts and their vectors under one model. Made by ``register``."""

    def __init__(
        self,
        space: Space,
        registration: Registration,
        *,
        role: str,
        mode: Mode | None,
        tenant: str | None,
        others: Sequence[Encoder] = (),
    ) -> None:
        super().__init__(space, registration, tenant=tenant, others=others)
        self._role = role
        self._chosen_mode: Mode | None = mode
        self._seconds: dict[str, Space] = {}
        self._size = (-_STALE, 0)

    def __repr__(self) -> str:
        return f"Collection({self._name!r}, model={self.encoder.card.name!r})"

    @property
    def mode(self) -> Mode:
        """What a search compares unless told otherwise."""
        return self._chosen_mode or self._model.registration.mode

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
            added += self._write_documents(window)
        self.flush()
        return added

    def ingest(
        self,
        sources: object,
        *,
        options: Options | None = None,
        progress: Callable[[Progress], None] | None = None,
        ray: bool | str = False,
        workers: int | None = None,
        **chosen: Unpack[Choices],
    ) -> IngestReport:
        """Bring the collection up to date with files, folders, globs and URLs, or with documents from Python.

        Documents are ``Document`` objects or LangChain's, in any iterable, or a LangChain loader. Only what changed is
        embedded; a run that was killed is finished by running it again. What cannot be read is listed in the report;
        the rest goes through. What can be chosen is in ``simplugin.ingestion.Options``, and is given here by its name,
        such as ``prune=True``, or as ``options``.

        With ``ray=True`` the work is shared out to ``workers`` processes of this machine, with
        ``ray="ray://host:10001"`` to those of a Ray cluster; see ``simplugin.ingestion.distributed``.

        Raises ``TypeError`` for anything else among the sources, for documents with ``ray``, and for an option that
        there is not.
        """
        options = Options.of(options, chosen)
        dry_run = options.dry_run
        try:
            report = self._ingest(sources, options, progress, ray, workers)
        finally:
            if not dry_run:
                self._store.resume_index(self._name)
        if report.chunks.written and not dry_run:
            if progress:
                seen, chunks = report.documents.seen, report.chunks
                progress(Progress(seen, seen, chunks.written + chunks.unchanged, indexing=True))
            self.optimize()
        return report

    def _ingest(
        self,
        sources: object,
        options: Options,
        progress: Callable[[Progress], None] | None,
        ray: bool | str,
        workers: int | None,
    ) -> IngestReport:
        paths, documents = paths_or_documents(sources)
        if ray:
            if documents is not None:
                raise TypeError("With ray=… give paths: documents from Python are there in one process only.")
            return self._ingest_with_ray(paths, options, progress, None if ray is True else ray, workers)
        if documents is None:
            return ingest_files(self, paths, options, progress=progress)
        return ingest_documents(self, documents, options, progress=progress)

    def _ingest_with_ray(
        self,
        paths: Sequence[str | Path],
        options: Options,
        progress: Callable[[Progress], None] | None,
        address: str | None,
        workers: int | None,
    ) -> IngestReport:
        from simplugin.ingestion.distributed import ingest_with_ray
        from simplugin_qdrant.spreading import OnServer, ThroughDriver, opener_of

        opener, encoder = opener_of(self._store), self.encoder
        recipe = (
            ThroughDriver(self._name, self._model.registration, encoder)
            if opener is None
            else OnServer(opener, self._name, self._role, self._tenant, encoder, self._others)
        )
        return ingest_with_ray(self, recipe, paths, options, address=address, workers=workers, progress=progress)

    def search(
        self,
        query: str,
        *,
        limit: int = 5,
        mode: Mode | None = None,
        filter: object = None,  # noqa: A002  # the word of the grammar, and of every engine
        min_score: float | None = None,
        group: bool = False,
        rerank: Reranker | str | None = None,
    ) -> list[Hit]:
        """Return the texts closest to the query, closest first.

        ``mode`` is ``"dense"``, by the similarity of vectors; ``"words"``, by the words they share (BM25); or
        ``"hybrid"``, by both (see ``simplugin_qdrant.fusion`` for its score); None is the collection's own. ``filter``
        follows the grammar of ``simplugin_qdrant.filters``, or is the engine's own. ``min_score`` keeps hits with at
        least this score, on the scale of the first stage. With ``group`` a document comes once, with its best chunk.
        With ``rerank`` the first stage fetches a pool of four times ``limit``, at least 20, and the reranker orders
        it. It may be named: where the collection holds that model's vectors, the engine orders the pool by them.

        Raises ``FilterError``; ``StoreError`` for a mode that the collection has not, and while points lack the
        vector; ``ValueError`` for a ``limit`` below 1, a blank query and an unknown mode.
        """
        (hits,) = self.search_many(
            [query], limit=limit, mode=mode, filter=filter, min_score=min_score, group=group, rerank=rerank
        )
        return hits

    def search_many(
        self,
        queries: Sequence[str],
        *,
        limit: int = 5,
        mode: Mode | None = None,
        filter: object = None,  # noqa: A002
        min_score: float | None = None,
        group: bool = False,
        rerank: Reranker | str | None = None,
    ) -> list[list[Hit]]:
        """Answer several queries like ``search``, encoded together and sent in one request."""
        if not queries:
            return []
        asked = self._read(queries, limit, mode, filter, min_score, group, rerank)
        try:
            found = ask(asked.question, queries)
        except StoreError as error:
            self._follow(error)
            asked = self._read(queries, limit, mode, filter, min_score, group, rerank)
            found = ask(asked.question, queries)
        return asked.hits(queries, found)

    async def asearch(
        self,
        query: str,
        *,
        limit: int = 5,
        mode: Mode | None = None,
        filter: object = None,  # noqa: A002
        min_score: float | None = None,
        group: bool = False,
        rerank: Reranker | str | None = None,
    ) -> list[Hit]:
        """Search like ``search``, without holding up the event loop; concurrent calls are encoded together."""
        asked = await asyncio.to_thread(self._read, [query], limit, mode, filter, min_score, group, rerank)
        try:
            found = await aask(asked.question, [query])
        except StoreError as error:
            await asyncio.to_thread(self._follow, error)
            asked = await asyncio.to_thread(self._read, [query], limit, mode, filter, min_score, group, rerank)
            found = await aask(asked.question, [query])
        (hits,) = await asyncio.to_thread(asked.hits, [query], found) if asked.reranker else asked.hits([query], found)
        return hits

    async def aadd(
        self,
        texts: Iterable[str],
        *,
        ids: Iterable[str] | None = None,
        metadata: Iterable[Metadata] | None = None,
    ) -> list[str]:
        """Store like ``add``, in a thread: most of the time goes into encoding."""
        return await asyncio.to_thread(self.add, texts, ids=ids, metadata=metadata)

    async def adelete(self, ids: Iterable[str]) -> int:
        """Delete like ``delete``, in a thread."""
        return await asyncio.to_thread(self.delete, ids)

    def delete(self, ids: Iterable[str]) -> int:
        """Delete documents by their ids, with all their chunks; return how many points went. Missing ids are fine."""
        wanted = [ids] if isinstance(ids, str) else list(ids)
        before = self.count()
        for start in range(0, len(wanted), _BATCH):
            chosen = of_documents(wanted[start : start + _BATCH])
            self._store.delete_where(self._name, both(self._mine(), chosen) or chosen)
        self.flush()
        return before - self.count()

    def count(self, filter: object = None) -> int:  # noqa: A002
        """Count the stored points for which the filter holds: documents that were added, chunks that were ingested."""
        return self._store.count(self._name, both(self._whole(), parse_filter(filter)))

    def count_documents(self) -> int:
        """Count the documents, however many chunks each has."""
        return count_documents(self._store, self._name, self._whole())

    def describe(self) -> dict[str, Any]:
        """Return name, points, documents, and for each vector its model, dimension and fingerprint."""
        return describe(self._store, self._name, self._store.describe(self._name), self.count_documents())

    def index(self, key: str, kind: IndexKind) -> None:
        """Let the engine index a metadata key that filters name, holding values of this kind; see ``register``."""
        add_indexes(self._store, self._name, {payload_key(key): kind})

    def fill(self, progress: Callable[[Filling], None] | None = None) -> int:
        """Give every point that lacks this model's vector its own, and return how many did.

        Needed once after a second model was registered beside the first. Cut short, it is finished by another call.
        """
        done = fill(self._model.space, self._model.registration.text_key, progress)
        self.become(self._model.space, replace(self._model.registration, filled=True))
        return done

    def migrate(
        self, model: Encoder | str, *, vector: str | None = None, mode: Mode | None = None, into: str | None = None
    ) -> Migration | Relocation:
        """Begin to bring the collection over to another model, or go on with it; see ``simplugin_qdrant.migration``.

        ``vector`` names the new vector, None after the model. ``mode`` is what searches will compare after it, None
        as for a new collection of that model. ``into`` is another collection, for servers older than Qdrant 1.18,
        where this one was opened by an alias; see ``simplugin_qdrant.relocation``.
        """
        from simplugin_qdrant.migration import prepare  # seldom

        encoder = as_encoder(model)
        chosen = as_mode(mode) if mode else default_mode(encoder, has_words=self._model.space.has_words)
        old = (self._model.space, self._model.registration)
        if into is not None:
            return self._relocate(encoder, into, vector or encoder.card.name, chosen)
        migration = prepare(self, old, encoder, role=self._role, vector=vector, mode=chosen)
        self._others = (*self._others, old[0].encoder, encoder)  # new points get both vectors from here on
        self.become(*old)
        return migration

    def _relocate(self, encoder: Encoder, into: str, vector: str, mode: Mode) -> Relocation:
        from simplugin_qdrant.registering import open_beside
        from simplugin_qdrant.relocation import Relocation, collection_behind

        real = collection_behind(self._store, self._name)
        old = (replace(self._model.space, collection=real), self._model.registration)
        new = open_beside(*old, encoder, into, vector=vector, role=self._role, mode=mode)
        return Relocation(self, self._name, old, new)

    def optimize(self) -> None:
        """Build the indexes that make a large collection fast; an ingest that wrote something ends with it.

        In a folder this holds up every thread of the process while it runs: seconds for 100,000 points.
        """
        self._store.optimize(self._name)

    def _read(
        self,
        queries: Sequence[str],
        limit: int,
        mode: Mode | None,
        given: object,
        min_score: float | None,
        group: bool,
        rerank: Reranker | str | None,
    ) -> _Asked:
        """Read what is asked, and look whether it can be answered."""
        as_texts(queries)
        if limit < 1:
            message = f"limit is {limit}; it must be at least 1."
            raise ValueError(message)
        if not (rerank is None or isinstance(rerank, str) or callable(getattr(rerank, "rerank", None))):
            message = f"rerank is {rerank!r}; give a reranker, such as SimilarityReranker(model), or a model's name."
            raise TypeError(message)
        if not all(query.strip() for query in queries):
            raise ValueError("The query is blank.")
        space = self._model.space
        chosen = self.mode if mode is None else as_mode(mode)
        check_mode(space, chosen)
        if chosen != "words":
            self._check_filled()
        second = self._second(rerank) if isinstance(rerank, str) else None
        reranker = None if second else open_reranker(rerank) if isinstance(rerank, str) else rerank
        wanted = limit if reranker is None else max(limit * _POOL, _LEAST)
        size = self._points() if chosen == "hybrid" else 0
        condition = both(self._mine(), parse_filter(given))
        question = Question(space, chosen, wanted, size, condition, group, second)
        return _Asked(question, reranker, limit, min_score, self._model.registration.text_key)

    def _second(self, name: str) -> Space | None:
        """Return another model's vectors in the collection, by the name of the vector or of the model."""
        metadata = self._store.metadata(self._name)
        for vector in registered_vectors(metadata):
            registration = read_registration(self._name, metadata, vector)
            if name not in {vector, registration.fingerprint.card.name}:
                continue
            if vector == self._model.space.vector:
                return self._model.space
            if vector not in self._seconds:
                self._seconds[vector] = self._model.writer.open(vector, metadata)
            check_filled(self._store, self._name, vector, registration)
            return self._seconds[vector]
        return None

    def _check_filled(self) -> None:
        """Raise ``StoreError`` while points lack the vector that is searched by."""
        model = self._model
        if not model.registration.filled:
            check_filled(self._store, self._name, model.space.vector, model.registration)
            self.become(model.space, replace(model.registration, filled=True))

    def _points(self) -> int:
        """Return about how many points there are, without asking a server at every search."""
        at, size = self._size
        if time.monotonic() - at > _STALE:
            size = self._store.size(self._name)
            self._size = (time.monotonic(), size)
        return size

    def _follow(self, error: StoreError) -> None:
        """Answer by the model that the collection was migrated to, where that is why a search failed.

        Raises the error where it is not; ``StoreError`` where that model cannot be opened here.
        """
        space, metadata = self._model.space, self._store.metadata(self._name)
        if space.vector in registered_vectors(metadata):
            raise error
        vector = read_serving(metadata, self._role).vector
        if vector not in registered_vectors(metadata):
            raise StoreError(gone(self._name, space.encoder.card.name)) from error
        opened = self._model.writer.open(vector, metadata)
        self.become(opened, read_registration(self._name, metadata, vector))
