"""A collection that knows its model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from simplugin.calibration import Calibration
from simplugin.collection import Mode, as_mode
from simplugin.duplicates import check_threshold
from simplugin.encoders import Encoder, as_encoder
from simplugin.evaluation.datasets.pair_sources import Labelled
from simplugin.ingestion import Choices, IngestReport, Options, Progress, ingest_documents, ingest_files
from simplugin.records import Alike, Metadata, StoredDocument
from simplugin.threads import long_work
from simplugin_qdrant.asking import Asking
from simplugin_qdrant.calibrating import fit, gather
from simplugin_qdrant.duplicates import find_alike
from simplugin_qdrant.filling import Filling, fill
from simplugin_qdrant.filters import AllOf, Condition, both, parse_choice, parse_filter, payload_key
from simplugin_qdrant.listing import count_documents, describe, list_documents
from simplugin_qdrant.lookup import own_points
from simplugin_qdrant.recording import of_documents
from simplugin_qdrant.registry import Registration, add_indexes, default_mode, mark_calibrated
from simplugin_qdrant.rows import as_ids, pair_rows, paths_or_documents
from simplugin_qdrant.space import Space
from simplugin_qdrant.stamping import Stamp, read_stamps, write_stamps
from simplugin_qdrant.stores.protocol import IndexKind
from simplugin_qdrant.writing import turn

if TYPE_CHECKING:
    from simplugin_qdrant.migration import Migration
    from simplugin_qdrant.relocation import Relocation

__all__ = ["WINDOW", "Collection"]

WINDOW = 1024
"""Texts encoded at once."""

_BATCH = 256  # documents a request


class Collection(Asking):
    """Texts and their vectors under one model. Made by ``register``."""

    def __repr__(self) -> str:
        return f"Collection({self._name!r}, model={self.encoder.card.name!r})"

    def add(
        self,
        texts: Iterable[str],
        *,
        ids: Iterable[str | None] | None = None,
        metadata: Iterable[Metadata] | None = None,
        keep_blank: bool = False,
    ) -> list[str]:
        """Store each text whole, as a document, and return the ids, in order.

        An id that is there already is replaced, and its text is embedded only if it changed; of texts with one id the
        last stays. Without ``ids``, or where one is None, a document's id follows from its text and metadata, so that
        adding it again changes nothing. Text beyond the model's length is not seen by its vector. Generators are
        pulled in windows; the inputs are not changed.

        Raises ``PointError``, before the window in question is written, for blank texts unless ``keep_blank``, for
        ``ids`` or ``metadata`` of another number than the texts, and for metadata that is not JSON.
        """
        added: list[str] = []
        rows = pair_rows(texts, ids, metadata, keep_blank=keep_blank)
        while window := list(islice(rows, WINDOW)):
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
        near_duplicates: float | None = None,
        **chosen: Unpack[Choices],
    ) -> IngestReport:
        """Bring the collection up to date with files, folders, globs and URLs, or with documents from Python.

        Documents are ``Document`` objects or LangChain's, in any iterable, or a LangChain loader. Only what changed is
        embedded; a run that was killed is finished by running it again. What cannot be read is listed in the report;
        the rest goes through. What can be chosen is in ``simplugin.ingestion.Options``, and is given here by its name,
        such as ``prune=True``, or as ``options``.

        With ``ray=True`` the work is shared out to ``workers`` processes of this machine, with
        ``ray="ray://host:10001"`` to those of a Ray cluster; see ``simplugin.ingestion.distributed``.

        With ``near_duplicates=0.97`` the report says at the end which texts of the collection, as it then is, have
        a cosine of at least that much: see the method ``near_duplicates``. Nothing is left out for it.

        Raises ``TypeError`` for anything else among the sources, for documents with ``ray``, and for an option that
        there is not; ``ValueError`` for ``near_duplicates`` outside [-1, 1], or with ``dry_run``.
        """
        options = Options.of(options, chosen)
        dry_run = options.dry_run
        if near_duplicates is not None:
            check_threshold(near_duplicates)
            if dry_run:
                raise ValueError("near_duplicates compares what is stored, and a dry run stores nothing.")
        try:
            report = self._ingest(sources, options, progress, ray, workers)
        finally:
            if not dry_run:
                self._store.resume_index(self._name)
        if report.chunks.written and not dry_run:
            if progress:
                seen, chunks = report.documents.seen, report.chunks
                progress(Progress(seen, seen, chunks.written + chunks.unchanged, indexing=True))
            started = time.perf_counter()
            self.optimize()
            report.seconds += time.perf_counter() - started
        if near_duplicates is not None:
            report.near_duplicates = [group.to_json() for group in self.near_duplicates(near_duplicates)]
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

    async def aadd(
        self,
        texts: Iterable[str],
        *,
        ids: Iterable[str | None] | None = None,
        metadata: Iterable[Metadata] | None = None,
        keep_blank: bool = False,
    ) -> list[str]:
        """Store like ``add``, in a thread: most of the time goes into encoding."""
        return await long_work(self.add, texts, ids=ids, metadata=metadata, keep_blank=keep_blank)

    async def adelete(self, ids: Iterable[str] = (), *, filter: object = None) -> int:  # noqa: A002
        """Delete like ``delete``, in a thread."""
        return await long_work(self.delete, ids, filter=filter)

    def delete(self, ids: Iterable[str] = (), *, filter: object = None) -> int:  # noqa: A002
        """Delete documents by their ids, with all their chunks, or single texts by the ids of hits.

        With a filter those documents too of which a text passes it, and these as a whole: what is left of one would
        pass for all of it when it is ingested again. Returns how many points went. Missing ids are fine.

        Raises ``FilterError``, also for a filter that passes everything, which is left to ``clear``.
        """
        wanted = as_ids(ids)
        if filter is not None:
            found = list_documents(self._store, self._name, self._tenant, parse_choice(filter))
            wanted += [each.document_id for each in found]
        before = self.count()
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            chosen = of_documents(batch)
            self._store.delete_where(self._name, both(self._mine(), chosen) or chosen)
            self._store.delete(self._name, own_points(self._model.space, self._tenant, batch))
        self.flush()
        return before - self.count()

    def clear(self) -> int:
        """Delete all documents, of a tenant its own; return how many points went. The collection stays."""
        gone = self.count()
        self._store.delete_where(self._name, self._mine() or AllOf(()))
        self.flush()
        return gone

    def stamp(self, stamps: Mapping[str, Stamp | None]) -> None:
        """Note beside added documents, by their ids, when they were last seen, or that they were not: None."""
        self._mine()
        write_stamps(self._model.space, self._tenant, stamps)

    def stamped(
        self,
        *,
        ids: Sequence[str] | None = None,
        before: float | None = None,
        after: float | None = None,
        groups: Sequence[str] | None = None,
    ) -> Iterator[str]:
        """Go through the ids of documents with a stamp, of these ids, times and groups; None is any."""
        return read_stamps(self._model.space, self._mine(), ids, before, after, groups)

    def count(self, filter: object = None) -> int:  # noqa: A002
        """Count the stored points for which the filter holds: documents that were added, chunks that were ingested."""
        return self._store.count(self._name, both(self._whole(), parse_filter(filter)))

    def count_documents(self) -> int:
        """Count the documents, however many chunks each has."""
        return count_documents(self._store, self._name, self._whole())

    def documents(self, filter: object = None) -> list[StoredDocument]:  # noqa: A002
        """Return the documents in the order of their ids, without their texts, which ``get`` and ``stored`` return.

        With a filter those of which a text passes it, and how many of their chunks do.
        """
        return list_documents(self._store, self._name, self._tenant, parse_filter(filter))

    def describe(self) -> dict[str, Any]:
        """Return name, points, documents, and for each vector its model, dimension and fingerprint."""
        return describe(self._store, self._name, condition=self._whole())

    def index(self, key: str, kind: IndexKind) -> None:
        """Let the engine index a metadata key that filters name, holding values of this kind; see ``register``."""
        add_indexes(self._store, self._name, {payload_key(key): kind})

    def near_duplicates(
        self,
        threshold: float = 0.95,
        *,
        filter: object = None,  # noqa: A002
        limit: int | None = 100,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Alike]:
        """Return groups of stored texts, or chunks, that say nearly the same, the largest group first.

        Two texts whose vectors have a cosine of at least ``threshold`` are in one group, and so is what either is as
        close to. The vectors that are stored are compared, and nothing is encoded or changed; a text without one is
        left out. ``filter`` is as in ``search``; ``limit`` keeps that many groups. The vectors are held in memory
        twice (600 MB for 300,000 of 256 numbers), all are compared with all in blocks, and of pairs of different texts
        the 100,000 closest are kept. Texts of two models are not compared. ``progress`` is told how many blocks are
        done, and of how many.

        Raises ``ValueError`` for a threshold outside [-1, 1], and ``FilterError``.
        """
        return self._find_alike(threshold, both(self._mine(), parse_filter(filter)), limit, progress)

    def _find_alike(
        self,
        threshold: float,
        condition: Condition | None,
        limit: int | None,
        progress: Callable[[int, int], None] | None,
    ) -> list[Alike]:
        model = self._model
        key = model.registration.text_key
        return find_alike(model.space, key, condition, threshold, limit=limit, progress=progress)

    def fill(self, progress: Callable[[Filling], None] | None = None) -> int:
        """Give every point that lacks this model's vector its own, and return how many did.

        Needed once after a second model was registered beside the first. Cut short, it is finished by another call.
        """
        done = fill(self._model.space, self._model.registration.text_key, progress)
        self.become(self._model.space, replace(self._model.registration, filled=True))
        return done

    def calibrate(
        self,
        data: Labelled | Mapping[str, Labelled],
        *,
        language: str | None = None,
        threshold: float = 3.0,
        scale: tuple[float, float] | None = None,
    ) -> Calibration:
        """Learn from labelled pairs what scores stand for, and record it with the model in place of what was there.

        ``data`` is an STS file (see ``simplugin.evaluation.read_pairs``), pairs of texts with labels from 0 to 5, or
        either for each of several languages: ``{"tr": "tr.tsv", "es": "es.tsv"}``. ``scale`` is that of the labels,
        lowest and highest; None finds that of a file, and is 0 to 5 for pairs. A language with at least 100 pairs
        gets a scale of its own; ``language`` is that of pairs which name none. From here on hits have a
        ``probability``, that people would give query and text a label of at least ``threshold``, and a ``grade``, the
        label to be expected; both are on 0 to 5, whatever the ``scale``. It holds for this model: after a migration
        the new one has none. Who has the collection open elsewhere sees it when it is opened again.

        Raises ``DataError`` for too few pairs, and for labels that say nothing; see ``fit_calibration``.
        """
        space, registration = self._model.space, self._model.registration
        calibration = fit(space.encoder, gather(data, language, scale), threshold)
        self._record(calibration, space, registration)
        return calibration

    def _record(self, calibration: Calibration, space: Space, registration: Registration) -> None:
        """Record what the scores stand for that this model gives."""
        with turn(self._store).alone():
            mark_calibrated(self._store, self._name, space.vector, registration, calibration)
        if self._model.space is space:
            self.become(space, replace(self._model.registration, calibration=calibration))

    @property
    def calibration(self) -> Calibration | None:
        """What its scores stand for, None until ``calibrate``."""
        return self._model.registration.calibration

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
