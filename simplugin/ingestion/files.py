"""What paths and addresses stand for, into a collection."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from simplugin.collection import RecordedDocument, RecordingCollection
from simplugin.ingestion.background import read_ahead
from simplugin.ingestion.options import Options, digest
from simplugin.ingestion.pipeline import Run, second_process
from simplugin.ingestion.readers import FORMATS, ROWS, read
from simplugin.ingestion.report import PRUNED, Failure, IngestReport, Progress
from simplugin.ingestion.sources.addresses import fetch_all
from simplugin.ingestion.sources.content import Content
from simplugin.ingestion.sources.files import find_files, open_file
from simplugin.ingestion.sources.filesystems import find, is_filesystem_url
from simplugin.records import Document

__all__ = ["Found", "delete_gone", "find_sources", "ingest_files", "read_sources"]

_STDIN = "-"
_BATCH = 256  # documents a request


@dataclass(slots=True)
class Found:
    """What is there to read. Paths stay strings: there may be hundreds of thousands.

    ``missing`` are the columns that were to hold numbers and have not been read yet.
    """

    files: list[str | Failure] = field(default_factory=list[str | Failure])
    addresses: list[str] = field(default_factory=list[str])
    elsewhere: list[str] = field(default_factory=list[str])
    stdin: bool = False
    skipped: Counter[str] = field(default_factory=Counter[str])
    missing: set[str] = field(default_factory=set[str])

    def tell(self, report: IngestReport) -> None:
        """Tell, after all was read, what was left out, and which columns are nowhere: they may be misspelt."""
        report.skipped = dict(self.skipped)
        report.notes += [
            f"nothing that was read has a column {name!r}, which was to hold numbers" for name in self.missing
        ]

    @property
    def total(self) -> int | None:
        """How many documents it comes to; None where that shows only in reading."""
        many = self.stdin or self.elsewhere or any(isinstance(file, str) and _holds_many(file) for file in self.files)
        return None if many else len(self.files) + len(self.addresses)

    def __bool__(self) -> bool:
        return bool(self.files or self.addresses or self.elsewhere or self.stdin)


def find_sources(paths: Sequence[str | Path], options: Options) -> Found:
    """Find what these files, folders, globs, URLs and file systems stand for; ``-`` is JSON lines on stdin."""
    found = Found(missing=set(options.reading.number_columns))
    local: list[str | Path] = []
    for path in paths:
        text = os.fspath(path)
        if text == _STDIN:
            found.stdin = True
        elif text[:8].lower().startswith(("http://", "https://")):
            found.addresses += [text] if options.is_ours(text) else []
        elif is_filesystem_url(text):
            found.elsewhere.append(text)
        else:
            local.append(path)
    files = find_files(local, wanted=_is_known, include=options.include, exclude=options.exclude, skipped=found.skipped)
    found.files = [file for file in files if isinstance(file, Failure) or _is_ours(file, options)]
    return found


def read_sources(found: Found, options: Options) -> Iterator[Document | Failure]:
    """Read what was found, in its order."""
    for content in _contents(found, options):
        if isinstance(content, Failure):
            yield content
            continue
        for entry in read(content, options.reading):
            if found.missing and isinstance(entry, Document):
                found.missing.difference_update(entry.metadata)
            yield entry


def ingest_files(
    collection: RecordingCollection,
    paths: Sequence[str | Path],
    options: Options = Options(),  # noqa: B008  # frozen
    *,
    progress: Callable[[Progress], None] | None = None,
) -> IngestReport:
    """Bring the collection up to date with files, folders, globs, URLs and file systems; ``-`` is stdin.

    ``options.prune`` deletes the documents recorded under the given folders and files that are there no more.
    What cannot be read is listed in the report's ``failures``; the rest goes through.
    """
    found = find_sources(paths, options)
    total = found.total
    with second_process(collection, options) as second:
        run = Run(collection, options, expected=total, identify=True, second=second)
        run.go_through(read_ahead(read_sources(found, options)), total, progress)
    found.tell(run.report)
    if options.prune and run.may_leave_stale():
        started = time.perf_counter()
        delete_gone(collection, paths, found, options, run.report, run.seen)
        run.report.seconds += time.perf_counter() - started
    return run.report


def delete_gone(
    collection: RecordingCollection,
    paths: Sequence[str | Path],
    found: Found,
    options: Options,
    report: IngestReport,
    seen: Set[int],
) -> None:
    """Delete the documents recorded under the given paths whose file is gone, or whose row is gone from its table.

    ``report`` is that of the run, ``seen`` the digests of the ids that it came by. A folder that is gone altogether,
    holds nothing, or may not be read is left alone: more often than emptied it is a drive that was not mounted. So are
    the rows of a table of which not every row could be read, and what has its name from another root, or from none.
    What a user may have expected otherwise is in the report's ``notes``.
    """
    under = _Under(paths, found, options, failed={failure.source for failure in report.failures})
    gone: list[str] = []
    for document in collection.recorded():
        if digest(document.id) not in seen and options.is_ours(document.id) and under.is_gone(document):
            gone.append(document.id)
    report.pruned = gone[:PRUNED]
    report.notes += under.notes()
    for start in range(0, len(gone), _BATCH):
        _delete(collection, gone[start : start + _BATCH], report, dry=options.dry_run)
    if gone and not options.dry_run:
        collection.flush()


def _contents(found: Found, options: Options) -> Iterator[Content | Failure]:
    for file in found.files:
        yield file if isinstance(file, Failure) else open_file(file, options.root)
    for url in found.elsewhere:
        for entry in find(url, include=options.include, exclude=options.exclude, wanted=_is_known):
            if isinstance(entry, Failure) or _holds_many(entry.name) or options.is_ours(entry.id):
                yield entry
    if found.addresses:
        limit = options.reading.max_bytes
        yield from fetch_all(found.addresses, allow_private=options.allow_private, max_bytes=limit)
    if found.stdin:
        yield Content(id="stdin", source="stdin", name="stdin.jsonl", open=lambda: sys.stdin.buffer)


def _is_known(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in FORMATS  # noqa: PTH122


def _holds_many(name: str) -> bool:
    return FORMATS.get(os.path.splitext(name)[1].lower()) in ROWS  # noqa: PTH122


def _is_ours(file: str, options: Options) -> bool:
    """Say whether a file belongs to this run's part; the rows of a table are shared out one by one."""
    if options.part is None or _holds_many(file):
        return True
    content = open_file(file, options.root)
    return isinstance(content, Failure) or options.is_ours(content.id)


class _Under:
    """What lies under the given paths."""

    def __init__(self, paths: Sequence[str | Path], found: Found, options: Options, failed: set[str]) -> None:
        # As in the readers: "../docs" is the folder it names, and links are not followed.
        self._tops = [os.path.abspath(path) for path in paths if os.path.exists(path)]  # noqa: PTH100, PTH110
        self._base = os.path.abspath(options.root) if options.root else "/"  # noqa: PTH100
        tables = [file for file in found.files if isinstance(file, str) and _holds_many(file)]
        self._tables = {os.path.abspath(file) for file in tables if file not in failed}  # noqa: PTH100
        self._broken = {os.path.abspath(file): file for file in tables if file in failed}  # noqa: PTH100
        self._kept_rows = Counter[str]()
        self._kept_elsewhere = list[str]()
        self._shut = {os.path.abspath(each) for each in failed if _is_shut(each)}  # noqa: PTH100

    def is_gone(self, document: RecordedDocument) -> bool:
        """Say whether a document that was not seen lies here, and is no more."""
        source = document.source or ""
        is_row = _holds_many(source)
        place = _table_of(document.id, source) if is_row else document.id
        file = os.path.abspath(os.path.join(self._base, place))  # noqa: PTH100, PTH118
        if not any(file == top or file.startswith(top.rstrip(os.sep) + os.sep) for top in self._tops):
            return False
        if any(file.startswith(folder.rstrip(os.sep) + os.sep) for folder in self._shut):
            return False
        if not os.path.isabs(place) and not self._is_of_this_root(source, place, file):  # noqa: PTH117
            return False
        if is_row and file in self._broken:
            self._kept_rows[self._broken[file]] += 1
        # A file that was left out, or could not be read, keeps what is stored of it.
        return not os.path.exists(file) or (is_row and file in self._tables)  # noqa: PTH110

    def _is_of_this_root(self, source: str, place: str, file: str) -> bool:
        """Say whether a name under the root is that of a file, and of no other one, as far as the source tells.

        Of two roots, each of which has a file of the name, the source of one is still there.
        """
        if "://" in place or not f"/{source.replace(os.sep, '/')}".endswith(f"/{place}"):
            return False
        known = os.path.abspath(source)  # noqa: PTH100
        if known != file and os.path.exists(known):  # noqa: PTH110
            self._kept_elsewhere.append(source)
            return False
        return True

    def notes(self) -> Iterator[str]:
        """Say what was not looked for, or kept, and why."""
        if not any(os.path.isdir(top) or _holds_many(top) for top in self._tops):  # noqa: PTH112
            yield (
                "nothing was looked for that is gone: a file that is gone is found by its folder; give that, with "
                "--include for a pattern"
            )
        for table, rows in self._kept_rows.items():
            yield f"kept, since {table} could not be read whole: {rows:,} of its rows that did not come"
        if self._kept_elsewhere:
            first, *others = self._kept_elsewhere
            more = f" and {len(others):,} more" if others else ""
            yield f"kept, since it is not of this root, where it is still there: {first}{more}"


def _is_shut(path: str) -> bool:
    """Say whether this is a folder in which there is nothing to be seen: one that may not be read, or is empty."""
    if not os.path.isdir(path):  # noqa: PTH112
        return False
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except OSError:
        return True


def _table_of(row: str, source: str) -> str:
    """Return the absolute path of a row's table, or its path under the root, by the row's id and source.

    A row without an id of its own is named by its table and its number; that of one with an id is its source. A source
    as it was given says nothing here: it is relative to the folder that the run was started from.
    """
    table, _, number = row.rpartition("#")
    return table if number.isdigit() and os.path.basename(table) == os.path.basename(source) else source  # noqa: PTH119


def _delete(collection: RecordingCollection, ids: Sequence[str], report: IngestReport, *, dry: bool) -> None:
    keys = collection.chunk_keys(ids)
    if not dry:
        collection.discard(keys.items())
    report.documents.deleted += len(keys)
    report.chunks.deleted += sum(map(len, keys.values()))
