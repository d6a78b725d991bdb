"""The embedded store against others: durable writes, queries, filtered queries, recall, and what it adds to its engine.

Peers that need libraries of their own run in a process of their own, ``tests/benchmarks/store_peers.py``, over the same
vectors: ``make bench-store`` sets their environment up.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge
from qdrant_client import QdrantClient

from simplugin.measures import FloatArray, unit_rows
from simplugin_qdrant import Store, open_store
from simplugin_qdrant.filters import Equals
from simplugin_qdrant.stores import Point, Search, VectorSpace
from tests.conftest import ROOT

SIZES = (10_000, 50_000)
DIMENSION, BATCH, LIMIT = 384, 256, 10
WINDOW = 4  # batches a flush: an add() of 1,024 texts
WARM = 20
QUERIES, SLOW_QUERIES = 200, 20
LANGUAGES = ("az", "de", "en", "es", "tr")
PEERS = ROOT / ".venv-peers" / "bin" / "python"


def run(data: Path) -> None:
    """Print each size's table, ratios to ``QdrantClient(path=…)``, and the overhead over the engine itself."""
    for size in SIZES:
        rows, queries = clustered(size + QUERIES)[:size], clustered(size + QUERIES)[size:]
        with tempfile.TemporaryDirectory() as folder:
            results = {"simplugin (Edge)": measure_store(open_store(Path(folder) / "edge"), rows, queries)}
            bare = measure_store(open_store(Path(folder) / "bare"), rows, queries, indexed=False)
            results["… without an index"] = bare
            quick = measure_store(open_store(Path(folder) / "quick"), rows, queries, indexed=False, flushed=False)
            results["… and not flushed"] = quick
            path = QdrantClient(path=str(Path(folder) / "path"))
            results["QdrantClient(path=…)"] = measure_store(open_store(path), rows, queries, few=True)
            path.close()
            results["QdrantClient(':memory:')"] = measure_store(open_store(":memory:"), rows, queries, few=True)
            results |= measure_peers(Path(folder), rows, queries)
        show(size, results)
    with tempfile.TemporaryDirectory() as folder:
        overhead(Path(folder))


def clustered(size: int) -> FloatArray:
    """Return unit vectors around 200 centres: closer to what texts give than points all over the sphere."""
    random = np.random.default_rng(7)
    centres = random.standard_normal((200, DIMENSION))
    rows = centres[random.integers(0, 200, size)] + 0.9 * random.standard_normal((size, DIMENSION))
    return unit_rows(rows.astype(np.float32))


def payload(number: int) -> dict[str, Any]:
    return {
        "text": f"The text of point {number}, as long as a sentence usually is, give or take a few words of it.",
        "document_id": f"document-{number // 50}",
        "metadata": {"lang": LANGUAGES[number % len(LANGUAGES)], "number": number},
        "source": None,
    }


def measure_store(
    store: Store,
    rows: FloatArray,
    queries: FloatArray,
    *,
    few: bool = False,
    indexed: bool = True,
    flushed: bool = True,
) -> dict[str, float]:
    """Measure any store of ours; what was written is flushed as ``add`` does it, to survive a loss of power.

    LanceDB has no such promise: ``strace -f -c -e fsync,fdatasync,msync`` counts not one call while it is written to.
    """
    indexes: Any = {"metadata.lang": "keyword"} if indexed else {}
    store.create("bench", {"v": VectorSpace(DIMENSION, "cosine")}, {}, indexes)

    def write(start: int) -> None:
        numbers = range(start, min(start + BATCH, len(rows)))
        store.upsert("bench", [Point(uid(n), {"v": rows[n]}, payload(n)) for n in numbers])
        if flushed and start // BATCH % WINDOW == WINDOW - 1:
            store.flush("bench")

    started = time.perf_counter()
    for start in range(0, len(rows), BATCH):
        write(start)
    if flushed:
        store.flush("bench")
    seconds = time.perf_counter() - started
    store.optimize("bench")

    def ask(query: FloatArray, language: str | None) -> list[str]:
        condition = None if language is None else Equals("metadata.lang", language)
        (found,) = store.search("bench", [Search("v", query, LIMIT, condition)])
        return [point.id for point in found if point.payload]  # what is stored is part of an answer

    measured = {"upsert": len(rows) / seconds} | measure_queries(ask, rows, queries, few=few)
    store.close()
    return measured


def measure_queries(
    ask: Callable[[FloatArray, str | None], Sequence[str]], rows: FloatArray, queries: FloatArray, *, few: bool = False
) -> dict[str, float]:
    """Return the median milliseconds of a query, of one filtered to a fifth, and recall@10 against every vector."""
    for query in queries[:WARM]:
        ask(query, None)
        ask(query, "de")
    plain, found = zip(*(timed(ask, query, None) for query in queries[: 50 if few else QUERIES]), strict=True)
    asked = queries[: SLOW_QUERIES if few else QUERIES]
    filtered, passed = zip(*(timed(ask, query, "tr") for query in asked), strict=True)
    fifth = np.arange(LANGUAGES.index("tr"), len(rows), len(LANGUAGES))
    return {
        "query": float(np.median(plain)) * 1000,
        "filtered": float(np.median(filtered)) * 1000,
        "recall": recall(found, queries, rows, np.arange(len(rows))),
        "filtered recall": recall(passed, queries, rows, fifth),
    }


def recall(found: Sequence[Sequence[str]], queries: FloatArray, rows: FloatArray, numbers: Any) -> float:
    """Return the share of the nearest of these rows that was found, as a mean over the queries that were asked."""
    best = numbers[np.argsort(-(queries[: len(found)] @ rows[numbers].T), axis=1)[:, :LIMIT]]
    hits = [len({uid(int(n)) for n in exact} & set(ids)) for exact, ids in zip(best, found, strict=True)]
    return sum(hits) / (LIMIT * len(hits))


def timed(ask: Callable[[FloatArray, str | None], Sequence[str]], query: FloatArray, language: str | None) -> Any:
    started = time.perf_counter()
    found = ask(query, language)
    return time.perf_counter() - started, found


def measure_peers(folder: Path, rows: FloatArray, queries: FloatArray) -> dict[str, dict[str, float]]:
    """Measure the peers, where their environment is there."""
    if not PEERS.exists():
        print("(LanceDB and Chroma are measured by make bench-store, which sets their environment up)")
        return {}
    np.savez(folder / "vectors.npz", rows=rows, queries=queries)
    command = [str(PEERS), "-m", "tests.benchmarks.store_peers", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-2000:])
        return {}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def show(size: int, results: dict[str, dict[str, float]]) -> None:
    ours = results["simplugin (Edge)"]
    print(f"{size:,} vectors of {DIMENSION}, batches of {BATCH}, one query at a time")
    heads = f"{'upsert/s':>12}{'query ms':>12}{'filtered ms':>13}{'recall@10':>11}{'filtered':>10}"
    print(f"  {'':28}{heads}   ours is faster by")
    for name, row in results.items():
        ratios = (
            ""
            if row is ours
            else (
                f"   upsert {ours['upsert'] / row['upsert']:.1f} × · query {row['query'] / ours['query']:.1f} × · "
                f"filtered {row['filtered'] / ours['filtered']:.1f} ×"
            )
        )
        print(
            f"  {name:28}{row['upsert']:12,.0f}{row['query']:12.3f}{row['filtered']:13.3f}{row['recall']:11.3f}"
            f"{row['filtered recall']:10.3f}{ratios}"
        )


def overhead(folder: Path) -> None:
    """Print how much longer our calls take than the engine's own, over the same 10,000 points, in turns."""
    rows = clustered(10_000)
    store = open_store(folder / "edge")
    store.create("bench", {"v": VectorSpace(DIMENSION, "cosine")}, {}, {})
    raw_folder = folder / "raw"
    raw_folder.mkdir()
    config = edge.EdgeConfig(vectors={"v": edge.EdgeVectorParams(DIMENSION, edge.Distance.Cosine)})
    raw = edge.EdgeShard.create(str(raw_folder), config)
    ours_write, raw_write, ours_ask, raw_ask = list[float](), list[float](), list[float](), list[float]()
    for start in range(0, len(rows) - BATCH, BATCH):
        numbers = range(start, start + BATCH)
        payloads = [payload(n) for n in numbers]
        points = [Point(uid(n), {"v": rows[n]}, each) for n, each in zip(numbers, payloads, strict=True)]
        ours_write.append(lasting(partial(store.upsert, "bench", points)))
        raw_write.append(lasting(partial(raw_upsert, raw, rows, numbers, payloads)))
    for query in rows[:2000]:
        ours_ask.append(lasting(partial(our_search, store, query)))
        raw_ask.append(lasting(partial(raw_search, raw, query)))
    store.close()
    raw.close()
    for what, ours, theirs in (("query", ours_ask, raw_ask), (f"upsert of {BATCH}", ours_write, raw_write)):
        mine, its = float(np.median(ours)) * 1000, float(np.median(theirs)) * 1000
        print(f"  {what}: ours {mine:.3f} ms, the engine itself {its:.3f} ms, overhead {mine / its - 1:.1%}")


def our_search(store: Store, query: FloatArray) -> object:
    (found,) = store.search("bench", [Search("v", query, LIMIT)])
    return [(point.id, point.score, point.payload) for point in found]


def raw_upsert(shard: edge.EdgeShard, rows: FloatArray, numbers: range, payloads: list[dict[str, Any]]) -> None:
    batch = [edge.Point(uid(n), {"v": rows[n].tolist()}, each) for n, each in zip(numbers, payloads, strict=True)]
    shard.update(edge.UpdateOperation.upsert_points(batch))


def raw_search(shard: edge.EdgeShard, query: FloatArray) -> list[tuple[Any, float, Any]]:
    nearest = edge.Query.Nearest(query.tolist(), using="v")
    found = shard.query(edge.QueryRequest(limit=LIMIT, query=nearest, with_payload=True))
    return [(point.id, point.score, point.payload) for point in found]


def lasting(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def uid(number: int) -> str:
    return str(uuid.UUID(int=number + 1))
