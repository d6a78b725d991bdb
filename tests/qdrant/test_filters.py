from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from simplugin.errors import FilterError
from simplugin_qdrant import Store, register
from simplugin_qdrant.filters import AllOf, DateRange, Equals, filter_key, parse_filter, payload_key
from tests.hashing import HashEncoder

DOCUMENTS = {
    "a": {"lang": "tr", "year": 2020, "done": True, "tags": ["x", "y"], "rating": 1.5, "on": "2024-05-01T00:00:00Z"},
    "b": {"lang": "az", "year": 2024, "done": False, "tags": ["y"], "rating": 2.0, "on": "2025-05-01T00:00:00Z"},
    "c": {"lang": "he", "year": 2026, "odd key": "ş", "author": {"name": "Ayşe", "age": 40}},
    "d": {},
}

CASES: list[tuple[object, str]] = [
    ({}, "abcd"),
    (None, "abcd"),
    ({"lang": "tr"}, "a"),
    ({"lang": ["tr", "az"]}, "ab"),
    ({"lang": []}, ""),
    ({"lang": "tr", "year": 2020}, "a"),
    ({"lang": "tr", "year": 2024}, ""),
    ({"year": 2024}, "b"),
    ({"year": [2020, 2026]}, "ac"),
    ({"year": {"gte": 2020, "lt": 2026}}, "ab"),
    ({"year": {"gt": 2020}}, "bc"),
    ({"year": {"lte": 2024.5}}, "ab"),
    ({"rating": 1.5}, "a"),
    ({"done": True}, "a"),
    ({"done": False}, "b"),
    ({"done": [True, False]}, "ab"),
    ({"tags": "y"}, "ab"),
    ({"tags": ["x", "z"]}, "a"),
    ({"odd key": "ş"}, "c"),
    ({"author.name": "Ayşe"}, "c"),
    ({"author.age": {"gte": 40}}, "c"),
    ({"not": {"lang": "tr"}}, "bcd"),
    ({"not": {"lang": ["tr", "az"]}, "year": {"gte": 2000}}, "c"),
    ({"not": {"lang": "az", "year": 2020}}, "abcd"),
    ({"not": {"not": {"lang": "tr"}}}, "a"),
    ({"or": [{"lang": "tr"}, {"year": {"gt": 2024}}]}, "ac"),
    ({"or": [{"lang": "he"}, {"tags": "y", "done": False}], "not": {"year": 2026}}, "b"),
    ({"not": {"or": [{"lang": "tr"}, {"lang": "he"}]}}, "bd"),
    ({"or": ({"or": [{"document_id": "d"}]}, {"source": "a.txt"})}, "d"),
    ({"document_id": ["a", "d"]}, "ad"),
    ({"on": {"gte": "2025-01-01"}}, "b"),
    ({"on": {"lt": date(2025, 1, 1)}}, "a"),
    ({"on": {"gte": datetime(2024, 5, 1, tzinfo=UTC), "lte": "2024-05-01"}}, "a"),
    ({"nothing": "here"}, ""),
    ({"year": np.int64(2020)}, "a"),
    ({"year": np.array([2020, 2026])[1:]}, "c"),
    ({"year": {"gte": np.int32(2020), "lt": np.float32(2026)}}, "ab"),
    ({"done": np.bool_(True)}, "a"),
    ({"lang": list(np.array(["tr", "az"]))}, "ab"),
]


def test_every_store_filters_alike(store: Store, fresh: object) -> None:
    docs = register(store, f"filters-{id(fresh):x}", HashEncoder())
    docs.add([f"text {id_}" for id_ in DOCUMENTS], ids=list(DOCUMENTS), metadata=list(DOCUMENTS.values()))

    for given, expected in CASES:
        found = {hit.document_id for hit in docs.search("text", limit=10, filter=given)}
        assert found == set(expected), given
        assert docs.count(given) == len(expected), given


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("lang=tr", "dictionary"),
        ({1: "tr"}, "names of metadata"),
        ({"lang": None}, "None"),
        ({"year": {"above": 3}}, "gt, gte, lt, lte"),
        ({"year": {}}, "gt, gte, lt, lte"),
        ({"year": {"gte": 3, "lt": "2020-01-01"}}, "all numbers or all ISO dates"),
        ({"year": {"gte": "soon"}}, "all numbers or all ISO dates"),
        ({"not": {}}, "what must not hold"),
        ({"or": []}, "list of filters"),
        ({"or": {"lang": "tr"}}, "list of filters"),
        ({"or": [{"lang": "tr"}, {}]}, "none of them may be empty"),
        ({"or": ["tr"]}, "dictionary"),
        ({"$and": [{"lang": "tr"}]}, r"no operator '\$and'.*'or'"),
        ({"odd key": None}, "; 'odd key' has None"),
        ({"year": 2**70}, "integers of at most 64 bits; 'year' has 1180591620717411303424"),
        ({"lang": [["tr"]]}, "compares with"),
        ({"lang": {"$in": ["tr"]}}, "no operators: a value has to be equal, and a list holds one that is"),
    ],
)
def test_what_is_no_filter_is_refused_in_words(given: object, said: str) -> None:
    with pytest.raises(FilterError, match=said):
        parse_filter(given)


def test_a_filter_of_another_engine_is_refused_by_name() -> None:
    from qdrant_client import models

    from simplugin_qdrant.stores.edge_filter import to_edge_filter

    with pytest.raises(FilterError, match="qdrant_client"):
        to_edge_filter(parse_filter(models.Filter()))


def test_the_engines_own_filter_is_taken_as_it_is(store: Store, fresh: object) -> None:
    import qdrant_edge
    from qdrant_client import models

    from simplugin_qdrant.stores.edge import EdgeStore

    docs = register(store, f"native-{id(fresh):x}", HashEncoder())
    docs.add(["one", "two"], ids=["a", "b"])
    condition = (
        qdrant_edge.Filter(must=[qdrant_edge.FieldCondition("document_id", match=qdrant_edge.MatchValue("a"))])
        if isinstance(store, EdgeStore)
        else models.Filter(must=[models.FieldCondition(key="document_id", match=models.MatchValue(value="a"))])
    )

    assert [hit.document_id for hit in docs.search("one", filter=condition)] == ["a"]


def test_a_naive_time_is_taken_as_utc() -> None:
    assert parse_filter({"on": {"gt": "2025-01-01"}}) == AllOf(
        (DateRange("metadata.on", {"gt": datetime(2025, 1, 1, tzinfo=UTC)}),)
    )
    assert parse_filter({"lang": "tr"}) == AllOf((Equals("metadata.lang", "tr"),))


def test_a_date_is_compared_with_as_an_ingest_stores_it() -> None:
    assert parse_filter({"on": date(2025, 1, 2)}) == AllOf((Equals("metadata.on", "2025-01-02"),))


@pytest.mark.parametrize(
    "key", ["year", "author.age", "odd key", "author.odd key", "ünvan", "document_id", "metadata.x"]
)
def test_a_filter_key_comes_back_from_where_its_values_lie(key: str) -> None:
    assert filter_key(payload_key(key)) == key
