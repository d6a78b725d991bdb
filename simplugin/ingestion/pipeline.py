"""Documents into a collection: only what changed, and nothing lost when the run is cut short.

A document's first chunk, its head, says that the rest is there. So new chunks are written first, with the head marked
as pending; then the chunks that stay are brought up to date; then the stale ones are deleted; and last of all the heads
are completed. A run that is killed between two of these steps leaves documents whose heads do not match their
content, and the next run ends in the same state as one that was never disturbed. Whether a document is unchanged takes
one look at its head, however many chunks it has.

Three threads share the work: one reads files; the caller's own asks the collection and writes to it, and pulls what
the caller hands in, since that may belong to its thread; one splits and embeds, which takes most of the time. Where
that is Python's own work, which no thread does beside another, it hands it on to a second process.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeGuard, TypeVar

from simplugin.collection import RecordingCollection
from simplugin.ingestion.background import Background
from simplugin.ingestion.embedding import Embedded, Embedding
from simplugin.ingestion.known import Record, short
from simplugin.ingestion.options import Options, digest
from simplugin.ingestion.readers.language import identify
from simplugin.ingestion.report import Failure, IngestReport, Progress
from simplugin.ingestion.second import SecondProcess, SecondProcessError, may_have_second
from simplugin.ingestion.splitting import Part, Splitter
from simplugin.measures import FloatArray
from simplugin.records import Chunk, ChunkKey, Document
from simplugin.storable import Fault, fault_of
from simplugin.texts import as_read, count_invisible

__all__ = ["MANY_CHUNKS", "Run", "ingest_documents", "second_process", "windows"]

T = TypeVar("T")

MANY_CHUNKS = 10_000
"""From so many chunks on a run counts as bulk: indexes are cheaper built once at the end."""

_LOOKUP = 256  # documents a look-up of what is stored
_LETTERS = 4_000_000  # characters of text that a window holds at most, beside its last document
_SHARE = 250_000  # characters of text that are split at once, beside the last document
_WORTH_STARTING = 1_000_000  # characters of text that changed: a second process takes as long to start as half of them
_WINDOW = 1024  # chunks encoded at once: enough for batches of nearly equal lengths, little enough to hold
_AHEAD = 4  # shares that are split, and windows that are embedded, while others are written
_GLANCE = 100  # characters that nearly always show a text not to be blank
_PENDING = ""  # the content of a head whose document is not all there yet


def ingest_documents(
    collection: RecordingCollection,
    documents: Iterable[Document | Failure],
    options: Options = Options(),  # noqa: B008  # frozen
    *,
    progress: Callable[[Progress], None] | None = None,
) -> IngestReport:
    """Bring the collection up to date with these documents; a ``Failure`` among them is counted and listed.

    Anything iterable goes, a generator too: memory is bounded by the largest 256 documents, or the largest one beside
    four million characters.
    """
    total = len(documents) if isinstance(documents, Sized) else None
    with second_process(collection, options) as second:
        run = Run(collection, options, expected=total, second=second)
        run.go_through(documents, total, progress)
    return run.report


@contextmanager
def second_process(collection: RecordingCollection, options: Options) -> Generator[SecondProcess | None, None, None]:
    """Provide a process that splits and embeds beside this one, where that helps; it starts when there is enough."""
    encoder = collection.encoder
    if options.one_process or not may_have_second(encoder):
        yield None
        return
    second = SecondProcess(encoder, options)
    try:
        yield second
    finally:
        second.close()


class Run:
    """One ingest while it is under way: what was counted, and what waits to be split, embedded and written."""

    def __init__(
        self,
        collection: RecordingCollection,
        options: Options,
        *,
        expected: int | None,
        identify: bool = False,
        embedding: Embedding | None = None,
        second: SecondProcess | None = None,
    ) -> None:
        """Begin with a collection; ``expected`` is the number of documents to come, None where nobody knows it.

        With ``identify`` documents that do not say which language they are in are given it, where it is plain.
        ``embedding`` is that of runs before this one, which remembers their vectors. ``second`` is a process to split
        and embed in, once it is ready.
        """
        self._started = time.perf_counter()
        self._collection = collection
        self._options = options
        self._identify = identify
        self._is_bulk = self._has_written = False
        self._splitter = Splitter(
            collection.encoder, options.max_tokens, overlap=options.overlap, headings=options.headings
        )
        self.report = IngestReport(collection=collection.name, model=collection.encoder.card.name)
        self.chunks_seen = 0
        self._complete = 0  # documents, of which all is written
        self.seen: set[int] = set()
        self._record = Record(collection, expected)
        self._written: set[int] | None = set() if self._record.was_empty else None
        self._second = second
        self._letters = 0  # of documents that changed
        self._embedding = embedding or Embedding(collection.encoder, second)
        self._worker: Background[Any] = Background("simplugin-embedding")
        self._splitting: deque[tuple[list[_Changed], Future[list[list[Chunk]]]]] = deque()
        self._writing: deque[tuple[_Step, Future[Embedded]]] = deque()
        self._step = _Step()
        self._changed: list[tuple[Document, frozenset[ChunkKey] | None]] = []  # None where what is stored is not known

    def go_through(
        self,
        documents: Iterable[Document | Failure],
        total: int | None,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        """Take all documents, and write what has to be written."""
        try:
            for window in windows(map(self._options.note, documents), _LOOKUP):
                self._take(window)
                if progress:
                    progress(Progress(self.report.documents.seen, total, self.chunks_seen, done=self._done))
            self._finish()
        except BaseException:
            self._keep()
            raise
        finally:
            self._worker.close()

    @property
    def _done(self) -> int:
        """How many documents nothing is left to do for."""
        return self._complete + self.report.documents.unchanged + self.report.documents.failed

    def may_leave_stale(self) -> bool:
        """Say whether the collection may hold documents that did not come."""
        return self._record.may_exceed(self.seen)

    def _keep(self) -> None:
        """Make safe what was written so far: the next run goes on from there."""
        if self._has_written:
            self._collection.flush()

    def _take(self, window: Sequence[Document | Failure]) -> None:
        """Decide what has to be done for each document, and do it as enough gathers."""
        documents = [entry for entry in window if self._is_document(entry)]
        for document, known in zip(documents, self._record.look_up([each.id for each in documents]), strict=True):
            if known is not None and known.content == short(self._splitter.content_hash(document)):
                self.report.documents.unchanged += 1
                self.report.chunks.unchanged += known.total
                self.chunks_seen += known.total
            elif found := _fault(document):
                self.report.fail(_failure(document, f"{found.path!r} {found.reason}."))
            else:
                self._changed.append((document, frozenset[ChunkKey]() if known is None else known.keys))
        if len(self._changed) >= _LOOKUP or sum(len(each.text) for each, _ in self._changed) >= _LETTERS:
            self._begin()
        self._advance(_AHEAD)

    def _begin(self) -> None:
        """Look up what is stored of the documents that changed, and have them split."""
        changed, self._changed = self._changed, []
        if not changed:
            return
        keys = self._collection.chunk_keys([document.id for document, stored in changed if stored is None])
        work = [
            _Changed(document, keys.get(document.id, frozenset()) if stored is None else stored)
            for document, stored in changed
        ]
        # In shares, so that the first is embedded and written while others are split.
        for share in _cut(work, lambda each: len(each.document.text), len(work), _SHARE):
            self._letters += sum(len(each.document.text) for each in share)
            if self._second and self._letters >= _WORTH_STARTING:
                self._second.start()
            documents = [each.document for each in share]
            self._splitting.append((share, self._worker.submit(partial(self._split, documents))))

    def _finish(self) -> None:
        """Write what is left, and wait until it is safe."""
        self._begin()
        self._advance(0)
        if not self._step.is_empty:
            self._send()
        self._advance(0)
        self._keep()
        self.report.seconds = time.perf_counter() - self._started

    def _is_document(self, entry: Document | Failure) -> TypeGuard[Document]:
        """Count what came in; list what is no new document with a text."""
        if isinstance(entry, Document) and not self._options.is_ours(entry.id):
            return False
        self.report.documents.seen += 1
        if isinstance(entry, Failure):
            self.report.fail(entry)
            return False
        key = digest(entry.id)
        if key in self.seen:
            self.report.fail(Failure.of_repeated(entry))
            return False
        self.seen.add(key)  # also where the text is blank: pruning would take its chunks for those of a lost file
        if not as_read(entry.text[:_GLANCE]).strip() and not as_read(entry.text).strip():
            self.report.fail(_failure(entry, "the text is blank."))
            return False
        self.report.note_encoding(entry)
        return True

    def _split(self, documents: Sequence[Document]) -> list[list[Chunk]]:
        second = self._has_second_split(documents)
        languages = [self._language(document) for document in documents]  # while the second process splits
        parts = self._parts(documents, second)
        chunks = [self._splitter.chunks(document, own) for document, own in zip(documents, parts, strict=True)]
        return [
            own if language is None else [_in_language(chunk, language) for chunk in own]
            for own, language in zip(chunks, languages, strict=True)
        ]

    def _has_second_split(self, documents: Sequence[Document]) -> SecondProcess | None:
        """Return the second process if it splits the documents now."""
        if self._second and self._second.is_ready:
            with suppress(SecondProcessError):
                self._second.begin_split(documents)
                return self._second
        return None

    def _parts(self, documents: Sequence[Document], second: SecondProcess | None) -> list[list[Part]]:
        """Return the parts of each document; those that the second process makes, if it does."""
        if second:
            with suppress(SecondProcessError):
                return second.finish_split()
        return self._splitter.parts([(document.text, document.format) for document in documents])

    def _language(self, document: Document) -> str | None:
        """Return the language of a document that does not say it, where it is wanted and plain."""
        if not self._identify or "lang" in document.metadata:
            return None
        return identify(document.text, self._options.reading.languages)

    def _advance(self, waiting: int) -> None:
        """Take over what was split and embedded, until at most so much of each is waiting."""
        while len(self._splitting) > waiting or len(self._writing) > waiting:
            # What is split already is sent on first, to be embedded while this thread writes.
            if self._splitting and (not self._writing or self._is_next_split()):
                work, future = self._splitting.popleft()
                for changed, chunks in zip(work, future.result(), strict=True):
                    self._plan(changed, chunks)
            else:
                step, embedded = self._writing.popleft()
                self._write(step, embedded.result())

    def _is_next_split(self) -> bool:
        """Say whether documents wait that are split, and there is room for what is made of them."""
        return self._splitting[0][1].done() and len(self._writing) < _AHEAD

    def _plan(self, changed: _Changed, chunks: Sequence[Chunk]) -> None:
        """Sort a document's chunks by what has to be done for them.

        What completes the document joins the step that holds its last new chunk, or a later one.
        """
        counts = self.report
        fresh = [chunk for chunk in chunks if chunk.key not in changed.stored]
        kept = [chunk for chunk in chunks if chunk.key in changed.stored]
        stale = changed.stored - {chunk.key for chunk in chunks}
        if changed.stored:
            counts.documents.updated += 1
        else:
            counts.documents.added += 1
        counts.chunks.unchanged += len(kept)
        self.chunks_seen += len(chunks)
        for kind, times in count_invisible(changed.document.text).items():
            counts.invisible[kind] = counts.invisible.get(kind, 0) + times
        for chunk in fresh:
            self._step.fresh.append(chunk)
            if len(self._step.fresh) >= _WINDOW:
                self._send()
        self._step.kept += [chunk for chunk in kept if chunk.number > 0]
        # A document of one chunk is complete with it: there is nothing that could be missing.
        self._step.heads += [chunk for chunk in chunks if chunk.number == 0 and (chunk.total > 1 or kept)]
        if stale:
            self._step.stale.append((changed.document.id, stale))
        self._step.complete += 1

    def _send(self) -> None:
        """Have the gathered chunks embedded, and written after those before them."""
        step, self._step = self._step, _Step()
        stored = self._look_up_vectors({chunk.key.hash for chunk in step.fresh})
        dry = self._options.dry_run
        embedded = self._worker.submit(lambda: self._embedding.embed(step.fresh, stored, dry=dry), first=True)
        self._writing.append((step, embedded))
        if not self._is_bulk and not dry and self.report.chunks.written >= MANY_CHUNKS:
            self._is_bulk = True
            self._collection.bulk()

    def _look_up_vectors(self, hashes: set[str]) -> Mapping[str, FloatArray]:
        """Return what the collection has of these; of one that was empty at the start it is known what it can have."""
        if self._written is None:
            return self._collection.vectors(sorted(hashes)) if hashes else {}
        there = sorted(hash_ for hash_ in hashes if digest(hash_) in self._written)
        self._written.update(map(digest, hashes))
        return self._collection.vectors(there) if there else {}

    def _write(self, step: _Step, embedded: Embedded) -> None:
        """Write in the order that survives being cut short."""
        if not self._options.dry_run and not step.is_empty:
            self._has_written = True
            pending = [replace(chunk, content=_PENDING) if _is_pending(chunk) else chunk for chunk in step.fresh]
            self._collection.write(pending, embedded.vectors)
            self._collection.restate(step.kept)
            self._collection.discard(step.stale)
            self._collection.restate(step.heads)
        counts = self.report
        self._complete += step.complete
        counts.chunks.written += len(step.fresh)
        counts.chunks.reused += len(step.fresh) - len(embedded.fresh)
        counts.chunks.deleted += sum(len(keys) for _, keys in step.stale)
        if not self._options.dry_run:
            limit = self._collection.encoder.card.max_tokens
            for chunk in embedded.fresh:
                read = chunk.tokens if limit is None else min(chunk.tokens, limit)
                counts.tokens.encoded += read
                counts.tokens.truncated += chunk.tokens - read


@dataclass(frozen=True, slots=True)
class _Changed:
    """A document to write, and what is stored of it."""

    document: Document
    stored: frozenset[ChunkKey]


@dataclass(slots=True)
class _Step:
    """What is written together: new chunks, and then what completes the documents of which all new ones are written."""

    fresh: list[Chunk] = field(default_factory=list[Chunk])
    kept: list[Chunk] = field(default_factory=list[Chunk])
    stale: list[tuple[str, frozenset[ChunkKey]]] = field(default_factory=list[tuple[str, frozenset[ChunkKey]]])
    heads: list[Chunk] = field(default_factory=list[Chunk])
    complete: int = 0  # documents of which this is the last

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.fresh or self.kept or self.stale or self.heads)


def windows(documents: Iterable[Document | Failure], most: int) -> Iterator[list[Document | Failure]]:
    """Cut the stream where there are ``most`` documents, or memory has its fill of their texts."""
    return _cut(documents, lambda entry: len(entry.text) if isinstance(entry, Document) else 0, most, _LETTERS)


def _cut(entries: Iterable[T], letters_of: Callable[[T], int], most: int, fill: int) -> Iterator[list[T]]:
    """Cut where there are ``most`` entries, or ``fill`` letters."""
    part: list[T] = []
    letters = 0
    for entry in entries:
        part.append(entry)
        letters += letters_of(entry)
        if len(part) == most or letters >= fill:
            yield part
            part, letters = [], 0
    if part:
        yield part


def _fault(document: Document) -> Fault | None:
    """Return what of a document no store can hold: one of them must not stop the others."""
    told = {
        "metadata": dict(document.metadata),
        "text": document.text,
        "id": document.id,
        "source": document.source,
        "modified": document.modified,
    }
    return next((found for name, value in told.items() if (found := fault_of(value, name))), None)


def _failure(document: Document, reason: str) -> Failure:
    """Say of a document what is wrong with it; of one among others of its source which one it is."""
    if document.source is None or document.source == document.id:
        return Failure(document.id, reason)
    return Failure(document.source, f"{document.id!r}: {reason}")


def _is_pending(chunk: Chunk) -> bool:
    return chunk.number == 0 and chunk.total > 1


def _in_language(chunk: Chunk, language: str) -> Chunk:
    return replace(chunk, metadata={**chunk.metadata, "lang": language})
