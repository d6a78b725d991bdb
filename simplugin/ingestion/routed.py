"""Documents into a collection with one model a language: each into the part of its language, in one reading."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from pathlib import Path

from simplugin.collection import RecordingCollection
from simplugin.ingestion.background import read_ahead
from simplugin.ingestion.embedding import Embedding
from simplugin.ingestion.files import delete_gone, find_sources, read_sources
from simplugin.ingestion.options import Options, digest
from simplugin.ingestion.pipeline import MANY_CHUNKS, Run, windows
from simplugin.ingestion.readers.language import identify
from simplugin.ingestion.report import Failure, IngestReport, Progress
from simplugin.records import Document
from simplugin.routing import REST, Router

__all__ = ["RoutedIngest"]

_WINDOW = 1024  # documents sorted by language at once: every model's share of them is a run of its own


class RoutedIngest:
    """One ingest while it is under way.

    ``parts`` has a collection for each key of the router: the same points, with that key's model. What is stored of a
    document is looked up among all, so that one which comes back in another language leaves nothing stale.
    """

    def __init__(
        self, whole: RecordingCollection, parts: Mapping[str, RecordingCollection], router: Router, options: Options
    ) -> None:
        self._whole = whole
        self._parts = parts
        self._router = router
        self._options = options
        self._started = time.perf_counter()
        self._embeddings = {key: Embedding(part.encoder) for key, part in parts.items()}
        self._seen: set[int] = set()
        self._chunks_seen = 0
        self._is_bulk = False
        models = dict.fromkeys(part.encoder.card.name for part in parts.values())
        self.report = IngestReport(collection=whole.name, model=", ".join(models))

    def take_files(self, paths: Sequence[str | Path], progress: Callable[[Progress], None] | None) -> IngestReport:
        """Bring the collection up to date like ``ingest_files``."""
        found = find_sources(paths, self._options)
        self._go_through(read_ahead(read_sources(found, self._options)), found.total, progress, identify=True)
        found.tell(self.report)
        if self._options.prune:
            delete_gone(self._whole, paths, found, self._options, self.report, self._seen)
        return self._finish()

    def take_documents(
        self, documents: Iterable[Document | Failure], progress: Callable[[Progress], None] | None
    ) -> IngestReport:
        """Bring the collection up to date like ``ingest_documents``."""
        total = len(documents) if isinstance(documents, Sized) else None
        self._go_through(documents, total, progress, identify=False)
        return self._finish()

    def _finish(self) -> IngestReport:
        self.report.seconds = time.perf_counter() - self._started
        return self.report

    def _go_through(
        self,
        entries: Iterable[Document | Failure],
        total: int | None,
        progress: Callable[[Progress], None] | None,
        *,
        identify: bool,
    ) -> None:
        for window in windows(map(self._options.note, entries), _WINDOW):
            new = [entry for entry in window if self._is_new(entry)]
            keys = self._keys(new)
            for key, part in self._parts.items():
                own = [entry for entry, each in zip(new, keys, strict=True) if each == key]
                if own:
                    self._ingest(part, own, self._embeddings[key], identify=identify)
            if progress:
                progress(Progress(self.report.documents.seen, total, self._chunks_seen))

    def _ingest(
        self, part: RecordingCollection, entries: Sequence[Document | Failure], embedding: Embedding, *, identify: bool
    ) -> None:
        run = Run(part, self._options, expected=len(entries), identify=identify, embedding=embedding)
        run.go_through(entries, len(entries))
        self.report.add_counts(run.report)
        self.report.add_lists(run.report)
        self._chunks_seen += run.chunks_seen
        if not self._is_bulk and not self._options.dry_run and self.report.chunks.written >= MANY_CHUNKS:
            self._is_bulk = True
            self._whole.bulk()

    def _is_new(self, entry: Document | Failure) -> bool:
        """List a document whose id came in an earlier window, which the run of this one cannot know."""
        if isinstance(entry, Failure) or not self._options.is_ours(entry.id):
            return isinstance(entry, Failure)
        key = digest(entry.id)
        if key in self._seen:
            self.report.documents.seen += 1
            self.report.fail(Failure.of_repeated(entry))
            return False
        self._seen.add(key)
        return True

    def _keys(self, entries: Sequence[Document | Failure]) -> list[str]:
        """Return the key of the model for each document; what is none is counted with the rest."""
        named = [self._language(entry) if isinstance(entry, Document) else REST for entry in entries]
        unsure = [
            entry.text
            for entry, language in zip(entries, named, strict=True)
            if language is None and isinstance(entry, Document)
        ]
        found = iter(self._router.route(unsure))
        return [next(found) if language is None else self._router.key(language) for language in named]

    def _language(self, document: Document) -> str | None:
        """Return what a document says of its language, or what is plain without its code and links."""
        said = document.metadata.get("lang")
        return (
            said if isinstance(said, str) and said.strip() else identify(document.text, self._options.reading.languages)
        )
