"""LanceDB and Chroma over the vectors that ``store`` left in a folder; prints one JSON object.

Run by the environment of the peers, which has neither simplugin nor its tests' libraries.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

BATCH, LIMIT, WARM = 256, 10, 20
LANGUAGES = ("az", "de", "en", "es", "tr")


def main() -> None:
    folder = Path(sys.argv[1])
    with np.load(folder / "vectors.npz") as file:
        rows, queries = file["rows"], file["queries"]
    print(json.dumps({"LanceDB": lance(folder, rows, queries), "Chroma": chroma(folder, rows, queries)}))


def lance(folder: Path, rows: Any, queries: Any) -> dict[str, float]:
    lancedb: Any = import_module("lancedb")

    def table_rows(start: int) -> list[dict[str, Any]]:
        return [
            {"id": uid(n), "vector": rows[n].tolist(), "text": text(n), **metadata(n)}
            for n in range(start, min(start + BATCH, len(rows)))
        ]

    database = lancedb.connect(str(folder / "lance"))
    started = time.perf_counter()
    table = database.create_table("bench", table_rows(0))
    for start in range(BATCH, len(rows), BATCH):
        upsert = table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
        upsert.execute(table_rows(start))
    seconds = time.perf_counter() - started
    table.optimize()
    table.create_scalar_index("lang")
    exact = _measure(lambda query, language: _lance_ask(table, query, language), rows, queries)
    table.create_index(metric="cosine", index_type="IVF_HNSW_SQ", num_partitions=1)
    indexed = _measure(lambda query, language: _lance_ask(table, query, language), rows, queries)
    # At equal recall: with its index where that keeps what is close, without where it does not.
    best = indexed if indexed["recall"] >= 0.99 and indexed["query"] < exact["query"] else exact
    return {"upsert": len(rows) / seconds} | best


def _lance_ask(table: Any, query: Any, language: str | None) -> list[str]:
    search = table.search(query).distance_type("cosine").limit(LIMIT).refine_factor(2)
    if language is not None:
        search = search.where(f"lang = '{language}'", prefilter=True)
    return [row["id"] for row in search.select(["id", "text", "lang", "number", "document_id"]).to_list()]


def chroma(folder: Path, rows: Any, queries: Any) -> dict[str, float]:
    chromadb: Any = import_module("chromadb")

    client = chromadb.PersistentClient(str(folder / "chroma"), chromadb.Settings(anonymized_telemetry=False))
    collection = client.create_collection("bench", configuration={"hnsw": {"space": "cosine", "ef_search": 200}})
    started = time.perf_counter()
    for start in range(0, len(rows), BATCH):
        numbers = range(start, min(start + BATCH, len(rows)))
        collection.upsert(
            ids=[uid(n) for n in numbers],
            embeddings=rows[start : start + BATCH],
            documents=[text(n) for n in numbers],
            metadatas=[metadata(n) for n in numbers],
        )
    seconds = time.perf_counter() - started

    def ask(query: Any, language: str | None) -> list[str]:
        where = None if language is None else {"lang": language}
        found = collection.query(query_embeddings=[query], n_results=LIMIT, where=where)
        return list(found["ids"][0])

    return {"upsert": len(rows) / seconds} | _measure(ask, rows, queries)


def _measure(ask: Callable[[Any, str | None], Sequence[str]], rows: Any, queries: Any) -> dict[str, float]:
    for query in queries[:WARM]:
        ask(query, None)
        ask(query, "de")
    plain, filtered, found, passed = list[float](), list[float](), list[Any](), list[Any]()
    for query in queries:
        started = time.perf_counter()
        found.append(ask(query, None))
        plain.append(time.perf_counter() - started)
        started = time.perf_counter()
        passed.append(ask(query, "tr"))
        filtered.append(time.perf_counter() - started)
    fifth = np.arange(LANGUAGES.index("tr"), len(rows), len(LANGUAGES))
    return {
        "query": float(np.median(plain)) * 1000,
        "filtered": float(np.median(filtered)) * 1000,
        "recall": _recall(found, queries, rows, np.arange(len(rows))),
        "filtered recall": _recall(passed, queries, rows, fifth),
    }


def _recall(found: Sequence[Sequence[str]], queries: Any, rows: Any, numbers: Any) -> float:
    best = numbers[np.argsort(-(queries @ rows[numbers].T), axis=1)[:, :LIMIT]]
    hits = [len({uid(int(n)) for n in exact} & set(ids)) for exact, ids in zip(best, found, strict=True)]
    return sum(hits) / (LIMIT * len(hits))


def text(number: int) -> str:
    return f"The text of point {number}, as long as a sentence usually is, give or take a few words of it."


def metadata(number: int) -> dict[str, Any]:
    return {"lang": LANGUAGES[number % 5], "number": number, "document_id": f"document-{number // 50}"}


def uid(number: int) -> str:
    return str(uuid.UUID(int=number + 1))


if __name__ == "__main__":
    main()
