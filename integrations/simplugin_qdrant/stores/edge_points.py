"""Points, searches and records to and from the objects of qdrant_edge. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import qdrant_edge as edge

from simplugin.measures import FloatArray, SimilarityFunction
from simplugin.words import WordVector
from simplugin_qdrant.filters import keys_of
from simplugin_qdrant.stores.edge_filter import to_edge_filter, to_id
from simplugin_qdrant.stores.protocol import IndexKind, Point, Record, Scored, Search, VectorSpace, Wanted

__all__ = [
    "DISTANCES",
    "INDEXES",
    "from_record",
    "from_scored",
    "to_config",
    "to_payload_selector",
    "to_point",
    "to_request",
    "to_vector",
    "to_vector_selector",
]

DISTANCES: dict[SimilarityFunction, edge.Distance] = {
    "cosine": edge.Distance.Cosine,
    "dot": edge.Distance.Dot,
    "euclidean": edge.Distance.Euclid,
    "manhattan": edge.Distance.Manhattan,
}
INDEXES: dict[IndexKind, Any] = {
    "keyword": edge.PayloadSchemaType.Keyword,
    "integer": edge.PayloadSchemaType.Integer,
    "float": edge.PayloadSchemaType.Float,
    "bool": edge.PayloadSchemaType.Bool,
    "datetime": edge.PayloadSchemaType.Datetime,
    "tenant": edge.KeywordIndexParams(is_tenant=True),
    "id": edge.KeywordIndexParams(enable_hnsw=False),
    "ordinal": edge.IntegerIndexParams(enable_hnsw=False),
}
# Half as many links among the points of one value as among all, in place of equally many: those took a quarter longer
# to build, slowed searches without a filter, and found no more than a filtered search by twice the candidates does.
_HNSW = edge.HnswIndexConfig(m=16, ef_construct=100, full_scan_threshold=10_000, payload_m=8)
# Kilobytes of vectors from which on there is an index at all; the engine's own is 10,000. Below, where every vector is
# looked at, a search takes some half a millisecond longer and misses nothing, and an ingest a third less time.
_INDEXED = 14_000
# Candidates a search for a few neighbours keeps, in place of 100: among 75,000 real sentences it found the ten nearest
# as well, in three quarters of the time. Of those in one language it found .982 to .992, and with twice as many
# candidates .989 to .997 (python -m tests.benchmarks neighbours).
_EF, _EF_FILTERED = 64, 128
# A filter over keys that have no such links: the engine's plain search finds 71 to 86 of 100 neighbours where a fifth
# of the points passes, this one all, in a third of the time of an exact search.
_UNLINKED = edge.AcornSearchParams(enable=True, max_selectivity=0.9)


def to_config(
    vectors: Mapping[str, VectorSpace], words: Sequence[str], *, threads: int = 1, cached: bool = True
) -> edge.EdgeConfig:
    """Translate the spaces of a collection's vectors; ``words`` names the sparse ones.

    ``threads`` look through the segments of a collection. ``cached`` has payloads read into the page cache at once,
    and not one by one when they are first looked at.
    """
    small = edge.ScalarQuantizationConfig(edge.ScalarType.Int8, quantile=0.99, always_ram=True)
    return edge.EdgeConfig(
        vectors={
            name: edge.EdgeVectorParams(
                space.dimension,
                DISTANCES[space.similarity],
                quantization_config=small if space.quantization == "int8" else None,
                hnsw_config=_HNSW,
            )
            for name, space in vectors.items()
        },
        sparse_vectors={name: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf) for name in words},
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=_INDEXED),
        max_search_threads=threads,
        payload_memory=edge.Memory.Cached if cached else edge.Memory.Cold,
    )


def to_request(search: Search, linked: frozenset[str]) -> edge.QueryRequest:
    """Translate a search; ``linked`` are the payload keys whose points have links of their own."""
    return edge.QueryRequest(
        limit=search.limit,
        query=_nearest(search),
        prefetches=[_prefetch(first, linked) for first in search.first] or None,
        filter=to_edge_filter(search.condition),
        params=_params(search, linked),
        with_payload=not search.bare,
    )


def _prefetch(search: Search, linked: frozenset[str]) -> edge.Prefetch:
    return edge.Prefetch(
        limit=search.limit,
        query=_nearest(search),
        prefetches=[_prefetch(first, linked) for first in search.first] or None,
        filter=to_edge_filter(search.condition),
        params=_params(search, linked),
    )


def _nearest(search: Search) -> edge.Query:
    return edge.Query.Nearest(to_vector(search.query), using=search.vector)


def _params(search: Search, linked: frozenset[str]) -> edge.SearchParams:
    if search.exact:
        return edge.SearchParams(exact=True)
    keys = set[str]() if search.condition is None else keys_of(search.condition)
    acorn = None if keys is not None and keys <= linked else _UNLINKED
    again = (
        None
        if search.oversampling is None
        else edge.QuantizationSearchParams(rescore=True, oversampling=search.oversampling)
    )
    width = _EF if search.condition is None else _EF_FILTERED
    return edge.SearchParams(hnsw_ef=width if 2 * search.limit <= width else None, quantization=again, acorn=acorn)


def to_payload_selector(keys: Sequence[str] | None) -> Any:
    """Translate which payload keys are wanted."""
    return True if keys is None else list(keys) if keys else False


def to_vector_selector(wanted: Wanted) -> Any:
    """Translate the names of wanted vectors; the unnamed one comes with all."""
    return wanted if isinstance(wanted, bool) else True if "" in wanted else list(wanted)


def from_record(point: edge.Record, with_vectors: Wanted) -> Record:
    """Translate a stored point; an unnamed vector gets the name ""."""
    given: Any = (point.vector or {}) if with_vectors else {}
    vectors = cast("Mapping[str, Any]", given if isinstance(given, dict) else {"": given})  # the unnamed vector
    return Record(str(point.id), point.payload or {}, {vector: _from_edge(row) for vector, row in vectors.items()})


def from_scored(point: edge.ScoredPoint) -> Scored:
    """Translate an answer."""
    return Scored(str(point.id), point.score, point.payload or {})


def to_vector(row: FloatArray | WordVector) -> Any:
    """Translate a vector."""
    if isinstance(row, WordVector):
        return edge.SparseVector(row.indices.tolist(), row.values.tolist())
    # A list of Python's floats takes longer to make, and the garbage collector looks through every one of them.
    return array("f", row.astype(np.float32, copy=False).tobytes())


def to_point(point: Point) -> edge.Point:
    """Translate a point."""
    return edge.Point(to_id(point.id), {vector: to_vector(row) for vector, row in point.vectors.items()}, point.payload)


def _from_edge(row: Any) -> FloatArray | WordVector:
    if isinstance(row, edge.SparseVector):
        return WordVector(np.array(row.indices, dtype=np.uint32), np.array(row.values, dtype=np.float32))
    return np.array(row, dtype=np.float32)
