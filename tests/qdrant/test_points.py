from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin.collection import StoredHead
from simplugin.errors import PointError
from simplugin.records import Chunk, ChunkKey
from simplugin_qdrant import points
from simplugin_qdrant.stores import Record, Scored

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
metadata = st.dictionaries(texts, values, max_size=4)
tenants = st.none() | texts
keys = st.builds(ChunkKey, st.text("0123456789abcdef", min_size=4, max_size=4), st.integers(0, 3))


def chunk(document_id: str, key: ChunkKey, text: str, data: dict[str, Any], total: int = 1) -> Chunk:
    return Chunk(document_id, key, 0, total, "content", text, "there.md", data, tokens=3)


@given(texts, texts, metadata, keys)
def test_a_chunk_comes_back_as_the_hit_it_was(document_id: str, text: str, data: dict[str, Any], key: ChunkKey) -> None:
    payload = points.chunk_payload(chunk(document_id, key, text, data), text_key="text", tenant=None, now="now")

    hit = points.to_hit(Scored("id", 0.5, payload), "text")

    assert (hit.document_id, hit.text, hit.metadata, hit.source) == (document_id, text, data, "there.md")
    points.check_payload(payload, document_id)


@given(st.lists(st.tuples(tenants, texts, st.none() | keys), min_size=2, max_size=8, unique=True))
def test_points_have_one_id_only_if_tenant_document_and_chunk_are_one(
    things: list[tuple[str | None, str, ChunkKey | None]],
) -> None:
    ids = [
        points.document_point_id(tenant, document) if key is None else points.chunk_id(tenant, document, key)
        for tenant, document, key in things
    ]

    assert len(set(ids)) == len(things)


def test_ids_are_the_same_in_every_release() -> None:
    assert points.document_point_id(None, "a") == "25ba5c4c-1452-577f-aa69-c89b20519c09"


@given(texts, metadata)
def test_a_document_without_an_id_gets_one_from_its_text_and_metadata(text: str, data: dict[str, Any]) -> None:
    again = points.content_id(text, dict(reversed(data.items())))

    assert points.content_id(text, data) == again
    assert points.content_id(text + "!", data) != again


def test_what_is_stored_is_gathered_by_document_and_other_points_are_passed_over() -> None:
    one, two = ChunkKey("aa", 0), ChunkKey("aa", 1)
    records = [
        Record("1", points.chunk_payload(chunk("d", one, "t", {}, 2), text_key="text", tenant=None, now=""), {}),
        Record("2", points.chunk_payload(chunk("d", two, "t", {}, 2), text_key="text", tenant=None, now=""), {}),
        Record("3", points.document_payload("t", "e", {}, text_key="text", tenant=None, now=""), {}),
        Record("4", {"foreign": True}, {}),
    ]

    assert points.to_chunk_keys(records) == {"d": {one, two}}
    assert points.to_heads(records[:1]) == {"d": [StoredHead("content", 2, "aa")]}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (math.nan, "nan"),
        (math.inf, "inf"),
        (2**63, "9223372036854775808"),
        (datetime(2026, 1, 1, tzinfo=UTC), "datetime"),
        ({1, 2}, "set"),
        ({1: "x"}, "keys are text"),
        ([{"deep": b"bytes"}], "bytes"),
        ("half \ud83d of a pair", "surrogate"),
    ],
)
def test_values_that_no_engine_can_store_are_refused_with_document_and_key(value: object, said: str) -> None:
    with pytest.raises(PointError) as raised:
        points.check_payload({"year": value}, "handbook")

    assert "'handbook'" in str(raised.value)
    assert "year" in str(raised.value)
    assert said in str(raised.value)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_vectors_that_are_not_finite_are_refused_by_row(wrong: float) -> None:
    vectors = np.ones((3, 4), dtype=np.float32)
    vectors[1, 2] = wrong

    with pytest.raises(PointError, match="'second'"):
        points.check_vectors(vectors, ["first", "second", "third"], 4)


def test_vectors_of_another_width_are_refused_with_both() -> None:
    with pytest.raises(PointError, match=r"\(1, 4\), got \(1, 3\)"):
        points.check_vectors(np.ones((1, 3), dtype=np.float32), ["a"], 4)
