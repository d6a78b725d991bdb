"""Points, searches and records to and from the models of qdrant-client. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from qdrant_client import models
from qdrant_client.http import models as rest

from simplugin.measures import FloatArray, SimilarityFunction
from simplugin.words import WordVector
from simplugin_qdrant.stores.client_filter import to_client_filter, to_id
from simplugin_qdrant.stores.protocol import IndexKind, Point, Record, Scored, Search, VectorSpace, Wanted

__all__ = [
    "from_answers",
    "from_record",
    "to_index",
    "to_payload_selector",
    "to_point",
    "to_request",
    "to_space",
    "to_vector",
    "to_vector_name",
    "to_vector_params",
    "to_vector_selector",
]

_DISTANCES: dict[SimilarityFunction, models.Distance] = {
    "cosine": models.Distance.COSINE,
    "dot": models.Distance.DOT,
    "euclidean": models.Distance.EUCLID,
    "manhattan": models.Distance.MANHATTAN,
}
_SIMILARITIES: dict[models.Distance, SimilarityFunction] = {
    distance: function for function, distance in _DISTANCES.items()
}
_INT8 = models.ScalarQuantization(
    scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99, always_ram=True)
)


def to_vector_params(space: VectorSpace) -> models.VectorParams:
    """Translate the space of a new collection's vector."""
    return models.VectorParams(
        size=space.dimension,
        distance=_DISTANCES[space.similarity],
        quantization_config=_INT8 if space.quantization == "int8" else None,
        on_disk=True if space.quantization == "int8" else None,  # the small copies stay in memory in their place
    )


def to_vector_name(space: VectorSpace) -> models.DenseVectorNameConfig:
    """Translate the space of a vector that a collection gets later."""
    return models.DenseVectorNameConfig(
        dense=models.DenseVectorConfig(size=space.dimension, distance=_DISTANCES[space.similarity])
    )


def to_space(params: models.VectorParams) -> VectorSpace:
    """Translate back."""
    return VectorSpace(params.size, _SIMILARITIES[params.distance])


def to_index(kind: IndexKind) -> Any:
    """Translate the kind of a payload index."""
    match kind:
        case "tenant":
            return models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        case "id":
            return models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, enable_hnsw=False)
        case "ordinal":
            return models.IntegerIndexParams(type=models.IntegerIndexType.INTEGER, enable_hnsw=False)
        case _:
            return models.PayloadSchemaType(kind)


def to_point(point: Point) -> models.PointStruct:
    """Translate a point; its vector named "" is the unnamed one."""
    vectors: Any = {vector: to_vector(row) for vector, row in point.vectors.items()}
    return models.PointStruct(id=to_id(point.id), vector=vectors.get("", vectors), payload=point.payload)


def to_vector(row: FloatArray | WordVector) -> Any:
    """Translate a vector."""
    if isinstance(row, WordVector):
        return models.SparseVector(indices=row.indices.tolist(), values=row.values.tolist())
    return row.tolist()


def to_request(search: Search, *, emulated: bool) -> models.QueryRequest:
    """Translate a search. The emulator is exact in any case, and warns of what it is told about it."""
    return models.QueryRequest(
        query=to_vector(search.query),
        using=search.vector or None,
        prefetch=[_prefetch(first, emulated) for first in search.first] or None,
        limit=search.limit,
        filter=to_client_filter(search.condition),
        params=None if emulated else _params(search),
        with_payload=not search.bare,
    )


def to_payload_selector(keys: Sequence[str] | None) -> bool | list[str]:
    """Translate which payload keys are wanted."""
    return True if keys is None else list(keys) if keys else False


def from_answers(answers: Sequence[rest.QueryResponse]) -> list[list[Scored]]:
    """Translate the answers to several searches."""
    return [[Scored(str(point.id), point.score, point.payload or {}) for point in found.points] for found in answers]


def to_vector_selector(wanted: Wanted) -> Any:
    """Translate the names of wanted vectors; the unnamed one comes with all."""
    return wanted if isinstance(wanted, bool) else True if "" in wanted else list(wanted)


def from_record(point: models.Record, with_vectors: Wanted) -> Record:
    """Translate a stored point; an unnamed vector gets the name ""."""
    given: Any = (point.vector or {}) if with_vectors else {}
    named = cast("Mapping[str, Any]", given if isinstance(given, dict) else {"": given})
    return Record(str(point.id), point.payload or {}, {vector: _from_vector(row) for vector, row in named.items()})


def _prefetch(search: Search, emulated: bool) -> models.Prefetch:
    return models.Prefetch(
        query=to_vector(search.query),
        using=search.vector or None,
        prefetch=[_prefetch(first, emulated) for first in search.first] or None,
        limit=search.limit,
        filter=to_client_filter(search.condition),
        params=None if emulated else _params(search),
    )


def _params(search: Search) -> models.SearchParams | None:
    if search.exact:
        return models.SearchParams(exact=True)
    if search.oversampling is None:
        return None
    again = models.QuantizationSearchParams(rescore=True, oversampling=search.oversampling)
    return models.SearchParams(quantization=again)


def _from_vector(row: Any) -> FloatArray | WordVector:
    if isinstance(row, models.SparseVector):
        return WordVector(np.array(row.indices, dtype=np.uint32), np.array(row.values, dtype=np.float32))
    return np.array(row, dtype=np.float32)
