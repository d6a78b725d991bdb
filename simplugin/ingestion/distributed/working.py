"""What runs on the machines of a cluster: readers, and the workers that split, embed and write."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from simplugin.collection import RecordingCollection
from simplugin.errors import SimpluginError
from simplugin.ingestion.distributed.desk import asking, flattened
from simplugin.ingestion.embedding import Embedding
from simplugin.ingestion.files import read_sources
from simplugin.ingestion.options import Options, digest
from simplugin.ingestion.pipeline import Run
from simplugin.ingestion.report import Failure, IngestReport
from simplugin.records import Document

__all__ = ["Outcome", "Reader", "Worker"]

_TOGETHER = 64  # documents handed on at once …
_LETTERS = 1_000_000  # … or so many characters of them
_INPUT_BITS = 32  # of a document's place: its number in the input, below the number of the input

Rows = Mapping[str, Any]
"""A batch as Ray Data has it: columns by their names."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a worker did with a batch; ``place`` is that of its first document, ``error`` is flattened."""

    place: int
    report: IngestReport
    chunks: int
    error: Any = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads inputs into documents. ``folder`` is the driver's, from which relative paths lead."""

    options: Options
    folder: str

    def __call__(self, inputs: Rows) -> Iterator[dict[str, list[Any]]]:
        """Read a batch of inputs, and hand the documents on as they come."""
        with suppress(OSError):  # paths that are not relative need no such folder
            os.chdir(self.folder)
        places: list[int] = []
        entries: list[bytes] = []
        letters = 0
        for number, found in zip(inputs["number"].to_pylist(), inputs["found"].to_pylist(), strict=True):
            for row, entry in enumerate(read_sources(pickle.loads(found), self.options)):
                places.append((number << _INPUT_BITS) + row)
                entries.append(pickle.dumps(entry))
                letters += len(entry.text) if isinstance(entry, Document) else 0
                if len(entries) >= _TOGETHER or letters >= _LETTERS:
                    yield {"place": places, "entry": entries}
                    places, entries, letters = [], [], 0
        yield {"place": places, "entry": entries}


class Worker:
    """An actor that brings the collection up to date with batches of documents; it opens it once."""

    def __init__(self, recipe: bytes, options: Options, desk: Any, threads: int) -> None:
        self._recipe, self._options, self._desk, self._threads = recipe, options, desk, threads
        self._opened: tuple[_Share, Embedding] | None = None

    def __call__(self, batch: Rows) -> dict[str, list[bytes]]:
        """Take a batch, and return its outcome, pickled."""
        places = batch["place"].to_pylist()
        if not places:
            return {"outcome": []}
        try:
            outcome = self._ingest(places, [pickle.loads(entry) for entry in batch["entry"].to_pylist()])
        except (SimpluginError, ValueError) as error:  # raised where the ingest was begun
            outcome = Outcome(places[0], IngestReport("", ""), 0, flattened(error))
        return {"outcome": [pickle.dumps(outcome)]}

    def _ingest(self, places: Sequence[int], entries: Sequence[Document | Failure]) -> Outcome:
        share, embedding = self._opened = self._opened or self._open()
        granted = self._claim(places, entries)
        run = Run(share, self._options, expected=len(granted), identify=True, embedding=embedding)
        run.go_through(granted, len(granted))
        return Outcome(places[0], run.report, run.chunks_seen)

    def _claim(self, places: Sequence[int], entries: Sequence[Document | Failure]) -> list[Document | Failure]:
        """Return the entries with a failure in place of each document whose id another input brought before."""
        import ray

        ours = [
            (place, entry)
            for place, entry in zip(places, entries, strict=True)
            if isinstance(entry, Failure) or self._options.is_ours(entry.id)
        ]
        claims = [(digest(entry.id), place) for place, entry in ours if isinstance(entry, Document)]
        granted: list[bool] = ray.get(self._desk.claim.remote(claims)) if claims else []
        answers = iter(granted)
        return [
            entry if isinstance(entry, Failure) or next(answers) else Failure.of_repeated(entry) for _, entry in ours
        ]

    def _open(self) -> tuple[_Share, Embedding]:
        import ray

        collection = pickle.loads(self._recipe)(asking(ray, self._desk))
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(self._threads)  # beside the other workers of the machine
        return _Share(collection), Embedding(collection.encoder)


class _Share:
    """The collection as one of several workers uses it: the driver looks after indexes and what is safe."""

    def __init__(self, collection: RecordingCollection) -> None:
        self.name, self.encoder = collection.name, collection.encoder
        self.heads, self.chunk_keys, self.recorded = collection.heads, collection.chunk_keys, collection.recorded
        self.vectors, self.write = collection.vectors, collection.write
        self.restate, self.discard = collection.restate, collection.discard

    def size(self) -> int:
        """Say that there is something, and little: what other workers write at the same time is to be looked up."""
        return 1

    def bulk(self) -> None:
        """Leave it to the driver."""

    def flush(self) -> None:
        """Leave it to the driver."""
