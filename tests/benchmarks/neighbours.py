"""How many of the ten nearest neighbours a folder finds among 70,000 sentences in five languages, and how fast.

A filter by language is the hard case: the sentences that pass lie together, for a query of another language all in
places where the search would not look. The number of candidates that a search keeps is what Edge's is set by.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np

from simplugin import load
from simplugin.measures import FloatArray
from simplugin_qdrant import Store, open_store
from simplugin_qdrant.filters import Equals
from simplugin_qdrant.stores import Point, Search, VectorSpace, edge_points
from tests.benchmarks.store import LIMIT, recall, timed, uid

LANGUAGES = ("en", "es", "ru", "tr", "zh")
QUERIES = 200  # of each language, which are not among the sentences
BATCH = 1000
CANDIDATES = (32, 64, 128)
ASKED = {"en, no filter": ("en", None), "tr to tr": ("tr", "tr"), "en to tr": ("en", "tr"), "zh to es": ("zh", "es")}


def run(data: Path) -> None:
    """Print recall@10 against all sentences that pass, and the median milliseconds, by candidates kept."""
    model, random = load("starter"), np.random.default_rng(0)
    sentences = {language: np.array(list(read(data, language))) for language in LANGUAGES}
    for each in sentences.values():
        random.shuffle(each)
    queries = {language: model.encode_query(each[:QUERIES].tolist()) for language, each in sentences.items()}
    owners = np.repeat(LANGUAGES, [len(each) - QUERIES for each in sentences.values()])
    rows = model.encode_document([text for each in sentences.values() for text in each[QUERIES:].tolist()])
    with tempfile.TemporaryDirectory() as folder, open_store(folder) as store:
        fill(store, rows, owners)
        print(f"{len(rows):,} sentences, ten neighbours: recall and milliseconds")
        print(f"  {'candidates':12}" + "".join(f"{name:>18}" for name in ASKED))
        for kept in CANDIDATES:
            line = f"  {kept:<12}"
            for asked, passing in ASKED.values():
                with patch.object(edge_points, "_EF", kept), patch.object(edge_points, "_EF_FILTERED", kept):
                    found, taken = ask(store, queries[asked], passing, rows, owners)
                line += f"{found:10.3f} {taken:4.2f} ms"
            print(line, flush=True)


def read(data: Path, language: str) -> Iterator[str]:
    """Go through the sentences of a language, each once, in their order."""
    seen: dict[str, None] = {}
    for part in ("train", "dev", "test"):
        with (data / "stsb" / f"stsb-{language}-{part}.csv").open(encoding="utf-8", newline="") as lines:
            seen |= dict.fromkeys(text for first, second, _ in csv.reader(lines) for text in (first, second))
    yield from seen


def fill(store: Store, rows: FloatArray, owners: np.ndarray) -> None:
    store.create("sentences", {"v": VectorSpace(rows.shape[1], "cosine")}, {}, {"lang": "keyword"})
    for start in range(0, len(rows), BATCH):
        numbers = range(start, min(start + BATCH, len(rows)))
        store.upsert("sentences", [Point(uid(n), {"v": rows[n]}, {"lang": str(owners[n])}) for n in numbers])
    store.flush("sentences")
    store.optimize("sentences")


def ask(
    store: Store, queries: FloatArray, passing: str | None, rows: FloatArray, owners: np.ndarray
) -> tuple[float, float]:
    """Return recall@10 and the median milliseconds of queries of which only a language, None for all, may pass."""
    condition = None if passing is None else Equals("lang", passing)
    numbers = np.arange(len(rows)) if passing is None else np.flatnonzero(owners == passing)

    def find(query: FloatArray, _: str | None) -> list[str]:
        (found,) = store.search("sentences", [Search("v", query, LIMIT, condition)])
        return [point.id for point in found]

    taken, found = zip(*(timed(find, query, None) for query in queries), strict=True)
    return recall(found, queries, rows, numbers), 1000 * float(np.median(taken))
