"""The driver of an ingest on a Ray cluster: it lays out the work, adds up the outcomes, and makes all safe."""

from __future__ import annotations

import os
import pickle
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from simplugin.collection import RecordingCollection
from simplugin.errors import DataError, ModelError, SimpluginError
from simplugin.ingestion.distributed.cluster import READER_CPUS, Layout, joined, lay_out
from simplugin.ingestion.distributed.desk import Recipe, open_desk, restored, served
from simplugin.ingestion.distributed.working import Outcome, Reader, Worker
from simplugin.ingestion.files import Found, delete_gone, find_sources
from simplugin.ingestion.options import Options
from simplugin.ingestion.pipeline import MANY_CHUNKS
from simplugin.ingestion.report import IngestReport, Progress

__all__ = ["ingest_with_ray"]

_BLOCKS = 16  # shares of the inputs a worker, so that none waits long for the last one
_FETCHED = 8  # addresses that are fetched side by side


def ingest_with_ray(
    collection: RecordingCollection,
    recipe: Recipe,
    paths: Sequence[str | Path],
    options: Options = Options(),  # noqa: B008  # frozen
    *,
    address: str | None = None,
    workers: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> IngestReport:
    """Bring the collection up to date like ``ingest_files``, by readers and workers on a Ray cluster.

    ``recipe`` is how a worker comes to the collection. ``address`` is the cluster's; None starts one on this machine.
    ``workers`` is how many embed: left out, one a processor, one for two processors where the model is a transformer,
    or one a GPU where there are some. The machines of a cluster must see the files under the same paths.

    A worker that dies is replaced, and what it was at is done again. Where several documents have the same id, which
    of them comes first is chance; two workers that meet the same text at the same moment both embed it.

    Raises what ``ingest_files`` raises; ``MissingExtraError`` without Ray; ``SimpluginError`` where the cluster cannot
    be joined, or gives up; ``DataError`` for stdin, which only this process has.
    """
    started = time.perf_counter()
    found = find_sources(paths, options)
    if found.stdin:
        raise DataError("what comes on stdin is there in one process only; leave Ray out, or give files.")
    totals = _Totals(IngestReport(collection=collection.name, model=collection.encoder.card.name))
    with joined(address) as ray:
        desk = open_desk(ray)
        try:
            with served(ray, desk, collection) if recipe.through_driver else nullcontext():
                layout = lay_out(ray, collection.encoder, workers)
                for outcome in _outcomes(ray, desk, _inputs(found), _pickled(ray, recipe, collection), options, layout):
                    totals.add(outcome)
                    totals.put_off_index(collection, options)
                    if progress:
                        progress(Progress(totals.report.documents.seen, found.total, totals.chunks))
            seen = set(array("Q", ray.get(desk.claimed.remote())))
            totals.is_whole = True
        except ray.exceptions.RayError as error:
            # A task's error holds what was raised in it, below a traceback of the worker's.
            reason = str(getattr(error, "cause", None) or error).strip().rsplit("\n", 1)[-1].rstrip(".")
            raise SimpluginError(f"Ray gave up: {reason or type(error).__name__}.") from error
        finally:
            # A run that is stopped goes on from here: what was written must be safe.
            if not options.dry_run and (totals.has_written or not totals.is_whole):
                collection.flush()
    report = totals.finish()
    report.skipped = dict(found.skipped)
    if options.prune:
        delete_gone(collection, paths, found, options, report, seen)
    report.seconds = time.perf_counter() - started
    return report


class _Totals:
    """The outcomes added up."""

    def __init__(self, report: IngestReport) -> None:
        self.report = report
        self.chunks = 0
        self.is_whole = False
        self.has_written = False
        self._is_bulk = False
        self._listed: list[tuple[int, IngestReport]] = []

    def add(self, outcome: Outcome) -> None:
        """Add a batch to the report. Raises the error of one that failed."""
        if outcome.error is not None:
            raise restored(outcome.error)
        part = outcome.report
        self.report.add_counts(part)
        self.chunks += outcome.chunks
        self.has_written = self.has_written or part.documents.added + part.documents.updated > 0
        if part.failures or part.guessed:
            self._listed.append((outcome.place, part))

    def put_off_index(self, collection: RecordingCollection, options: Options) -> None:
        """Let the engine put off its indexes once much was written."""
        if not self._is_bulk and not options.dry_run and self.report.chunks.written >= MANY_CHUNKS:
            self._is_bulk = True
            collection.bulk()

    def finish(self) -> IngestReport:
        """Return the report, with what is listed in the order of the inputs."""
        for _, part in sorted(self._listed, key=lambda listed: listed[0]):
            self.report.add_lists(part)
        return self.report


def _inputs(found: Found) -> list[bytes]:
    """Return what was found, cut into what readers take one by one, in its order."""
    singles = [Found(files=[file]) for file in found.files] + [Found(elsewhere=[url]) for url in found.elsewhere]
    starts = range(0, len(found.addresses), _FETCHED)
    singles += [Found(addresses=found.addresses[start : start + _FETCHED]) for start in starts]
    return [pickle.dumps(single) for single in singles]


def _pickled(ray: Any, recipe: Recipe, collection: RecordingCollection) -> bytes:
    try:
        pickled: bytes = ray.cloudpickle.dumps(recipe)  # knows what was defined in the main program
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        name = collection.encoder.card.name
        message = f"The model {name!r} of collection {collection.name!r} cannot be sent to workers: {error}."
        raise ModelError(message) from error
    return pickled


def _outcomes(
    ray: Any, desk: Any, inputs: Sequence[bytes], recipe: bytes, options: Options, layout: Layout
) -> Iterator[Outcome]:
    """Read, split, embed and write; go through the outcomes as they come."""
    if not inputs:
        return
    rows = [{"number": number, "found": found} for number, found in enumerate(inputs)]
    blocks = min(len(rows), _BLOCKS * layout.workers)
    documents = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
        Reader(options, os.getcwd()),  # noqa: PTH109  # a string travels
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=READER_CPUS,
        compute=ray.data.TaskPoolStrategy(size=min(layout.readers, blocks)),
    )
    done = documents.map_batches(
        Worker,
        fn_constructor_args=(recipe, options, desk, layout.threads),
        batch_size=None,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=min(layout.workers, blocks)),
        num_cpus=layout.cpus,
        num_gpus=layout.gpus,
    )
    for row in done.iter_rows():
        yield pickle.loads(row["outcome"])
