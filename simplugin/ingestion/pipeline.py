"""Documents into a collection: only what changed, and nothing lost when the run is cut short.

A document's first chunk, its head, says that the rest is there. So new chunks are written first, with the head marked
as pending; then the chunks that stay are brought up to date; then the stale ones are deleted; and last of all the heads
are completed. A run that is killed between two of these steps leaves documents whose heads do not match their
content, and the next run ends in the same state as one that was never disturbed. Whether a document is unchanged takes
one look at its head, however many chunks it has.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TypeGuard

from simplugin.collection import RecordingCollection, StoredHead
from simplugin.errors import DataError
from simplugin.ingestion.readers import Found, find_files, read_document
from simplugin.ingestion.report import Failure, IngestReport
from simplugin.ingestion.splitting import Splitter
from simplugin.records import Chunk, ChunkKey, Document

__all__ = ["Progress", "ingest_documents", "ingest_files"]

_LOOKUP = 256  # documents a look-up of what is stored
_WINDOW = 1024  # chunks encoded at once: enough for batches of nearly equal lengths, little enough to hold
_PENDING = ""  # the content of a head whose document is not all there yet


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is; ``total`` is None while the number of documents is not known.

    ``indexing`` says that everything is written, and the store builds its index.
    """

    documents: int
    total: int | None
    chunks: int
    indexing: bool = False


def ingest_files(
    collection: RecordingCollection,
    paths: Sequence[str | Path],
    *,
    root: Path | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    max_tokens: int | None = None,
    prune: bool = False,
    dry_run: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> IngestReport:
    """Bring the collection up to date with these files, folders and globs.

    ``prune`` deletes the documents recorded under the given folders whose file is gone. ``dry_run`` writes nothing and
    reports what would be done. What cannot be read is listed in the report's ``failures``; the rest goes through.
    """
    found = list(find_files(paths, include=include, exclude=exclude))
    report = ingest_documents(
        collection,
        (_read(file, root) for file in found),
        total=len(found),
        max_tokens=max_tokens,
        dry_run=dry_run,
        progress=progress,
    )
    if prune:
        started = time.perf_counter()
        _prune(collection, paths, root, report, dry_run=dry_run)
        report.seconds += time.perf_counter() - started
    return report


def ingest_documents(
    collection: RecordingCollection,
    documents: Iterable[Document | Failure],
    *,
    total: int | None = None,
    max_tokens: int | None = None,
    dry_run: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> IngestReport:
    """Bring the collection up to date with these documents; a ``Failure`` among them is counted and listed.

    Anything iterable goes, a generator too: memory is bounded by the largest 256 documents.
    """
    started = time.perf_counter()
    run = _Run(collection, Splitter(collection.encoder, max_tokens), dry_run=dry_run)
    iterator = iter(documents)
    while window := list(islice(iterator, _LOOKUP)):
        run.take(window)
        if progress:
            progress(Progress(run.report.documents.seen, total, run.chunks_seen))
    run.write()
    if not dry_run:
        collection.flush()
    run.report.seconds = time.perf_counter() - started
    return run.report


@dataclass(slots=True)
class _Run:
    """One ingest while it is under way: what was counted, and what waits to be written."""

    collection: RecordingCollection
    splitter: Splitter
    dry_run: bool
    report: IngestReport = field(init=False)
    chunks_seen: int = 0
    _ids: set[str] = field(default_factory=set[str])
    _fresh: list[Chunk] = field(default_factory=list[Chunk])
    _kept: list[Chunk] = field(default_factory=list[Chunk])
    _heads: list[Chunk] = field(default_factory=list[Chunk])
    _stale: list[tuple[str, frozenset[ChunkKey]]] = field(default_factory=list[tuple[str, frozenset[ChunkKey]]])

    def __post_init__(self) -> None:
        self.report = IngestReport(collection=self.collection.name, model=self.collection.encoder.card.name)

    def take(self, window: Sequence[Document | Failure]) -> None:
        """Decide what has to be done for each document, and do it as enough gathers."""
        documents = [entry for entry in window if self._is_document(entry)]
        heads = self.collection.heads([document.id for document in documents])
        changed: list[Document] = []
        for document in documents:
            content = self.splitter.content_hash(document)
            stored = heads.get(document.id, ())
            if len(stored) == 1 and (head := next(iter(stored))).content == content:
                self._pass_over(head)
            else:
                changed.append(document)
        keys = self.collection.chunk_keys([document.id for document in changed])
        for document in changed:
            self._update(document, keys.get(document.id, frozenset()))

    def _is_document(self, entry: Document | Failure) -> TypeGuard[Document]:
        """Count what came in; list what is no new document with a text."""
        self.report.documents.seen += 1
        if isinstance(entry, Failure):
            self._fail(entry)
        elif entry.id in self._ids:
            self._fail(Failure(source=entry.source or entry.id, reason=f"the id {entry.id!r} came before."))
        elif not entry.text.strip():
            self._fail(Failure(source=entry.source or entry.id, reason="the text is blank."))
        else:
            self._ids.add(entry.id)
            return True
        return False

    def _pass_over(self, head: StoredHead) -> None:
        self.report.documents.unchanged += 1
        self.report.chunks.unchanged += head.total
        self.chunks_seen += head.total

    def _update(self, document: Document, stored: frozenset[ChunkKey]) -> None:
        chunks = self.splitter.split(document)
        kept = [chunk for chunk in chunks if chunk.key in stored]
        stale = stored - {chunk.key for chunk in chunks}
        if stored:
            self.report.documents.updated += 1
        else:
            self.report.documents.added += 1
        self.report.chunks.unchanged += len(kept)
        self.chunks_seen += len(chunks)
        self._fresh += [chunk for chunk in chunks if chunk.key not in stored]
        self._kept += [chunk for chunk in kept if chunk.number > 0]
        self._heads += [chunk for chunk in chunks if chunk.number == 0]
        if stale:
            self._stale.append((document.id, stale))
        if len(self._fresh) >= _WINDOW:
            self.write()

    def write(self) -> None:
        """Write what has gathered, in the order that survives being cut short."""
        for start in range(0, len(self._fresh), _WINDOW):
            self._store(self._fresh[start : start + _WINDOW])
        if not self.dry_run:
            self.collection.restate(self._kept)
        for document_id, keys in self._stale:
            if not self.dry_run:
                self.collection.discard(document_id, keys)
            self.report.chunks.deleted += len(keys)
        if not self.dry_run:
            self.collection.restate(self._heads)
        self._fresh, self._kept, self._heads, self._stale = [], [], [], []

    def _store(self, chunks: Sequence[Chunk]) -> None:
        self.report.chunks.written += len(chunks)
        if self.dry_run:
            return
        encoder = self.collection.encoder
        pending = [replace(chunk, content=_PENDING) if chunk.number == 0 else chunk for chunk in chunks]
        self.collection.write(pending, encoder.encode_document([chunk.text for chunk in chunks]))
        limit = encoder.card.max_tokens
        for chunk in chunks:
            read = chunk.tokens if limit is None else min(chunk.tokens, limit)
            self.report.tokens.encoded += read
            self.report.tokens.truncated += chunk.tokens - read

    def _fail(self, failure: Failure) -> None:
        self.report.documents.failed += 1
        self.report.failures.append(failure)


def _read(found: Found, root: Path | None) -> Document | Failure:
    source = str(found.path).encode("utf-8", "backslashreplace").decode()  # a name may hold bytes that are no text
    if found.problem:
        return Failure(source=source, reason=found.problem)
    try:
        return read_document(found.path, root=root)
    except DataError as error:
        line = "" if error.line is None else f"line {error.line}: "
        return Failure(source=source, reason=line + error.reason)


def _prune(
    collection: RecordingCollection,
    paths: Sequence[str | Path],
    root: Path | None,
    report: IngestReport,
    *,
    dry_run: bool,
) -> None:
    # As in the readers: "../docs" is the folder it names, and links are not followed. A folder that is gone altogether
    # is left alone: more often than deleted it is a drive that was not mounted.
    tops = [Path(os.path.abspath(path)) for path in paths if Path(path).is_dir()]  # noqa: PTH100
    base = Path(os.path.abspath(root)) if root else Path("/")  # noqa: PTH100
    gone: list[str] = []
    for document_id in collection.document_ids():
        file = base / document_id
        if any(file.is_relative_to(top) for top in tops) and not file.exists():
            gone.append(document_id)
    for start in range(0, len(gone), _LOOKUP):
        window = gone[start : start + _LOOKUP]
        for document_id, keys in collection.chunk_keys(window).items():
            if not dry_run:
                collection.discard(document_id, keys)
            report.documents.deleted += 1
            report.chunks.deleted += len(keys)
    if gone and not dry_run:
        collection.flush()
