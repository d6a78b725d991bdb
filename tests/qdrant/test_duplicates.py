"""Stored texts that say nearly the same, on every store."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

import simplugin as sp
from simplugin.records import Alike, Document
from simplugin_qdrant import Collection, Store, register
from tests.hashing import HashEncoder

SAME = "the library opens at nine and closes at five on every day but monday"
NEAR = "the library opens at nine and closes at six on every day but monday"
OTHER = "bees sleep in winter"
NEAREST = float(sp.similarity(HashEncoder().encode_document([SAME]), HashEncoder().encode_document([NEAR]))[0, 0])

in_memory = pytest.mark.parametrize("store", ["memory"], indirect=True)
"""For what does not depend on the engine."""


@pytest.fixture
def docs(store: Store, fresh: Callable[[str], str]) -> Collection:
    return register(store, fresh("docs"), HashEncoder())


def named(groups: Sequence[Alike]) -> list[list[str]]:
    return [[text.document_id for text in group.texts] for group in groups]


def document(name: str, text: str) -> Document:
    return Document(id=name, text=text)


def test_groups_hold_what_is_close_and_the_texts_can_be_read(docs: Collection) -> None:
    docs.add([SAME, OTHER, NEAR, SAME, OTHER, "coffee"], ids=["b", "x", "c", "a", "y", "z"])

    largest, smallest = docs.near_duplicates(0.8)

    assert [(text.document_id, text.text) for text in largest.texts] == [("a", SAME), ("b", SAME), ("c", NEAR)]
    assert largest.cosine == pytest.approx(NEAREST, abs=1e-5)
    assert (named([smallest]), smallest.cosine) == ([["x", "y"]], 1.0)
    assert named(docs.near_duplicates(0.9999)) == [["a", "b"], ["x", "y"]]
    assert named(docs.near_duplicates(0.8, limit=1)) == [["a", "b", "c"]]


def test_a_filter_says_among_which(docs: Collection) -> None:
    docs.add([SAME, SAME, NEAR], ids=["1", "2", "3"], metadata=[{"year": 2024}, {"year": 2026}, {"year": 2026}])

    assert named(docs.near_duplicates(0.8, filter={"year": 2026})) == [["2", "3"]]


def test_an_ingest_reports_what_earlier_runs_stored_too_and_encodes_nothing_for_it(docs: Collection) -> None:
    encoder = docs.encoder
    assert isinstance(encoder, HashEncoder)
    first = docs.ingest([document("old.md", SAME)], near_duplicates=0.8)
    encoded = encoder.texts_encoded

    new = [document("new.md", NEAR), document("x.md", OTHER)]
    report = docs.ingest([document("old.md", SAME), *new], near_duplicates=0.8)

    assert first.near_duplicates == []
    assert encoder.texts_encoded == encoded + 2, "the two new texts"
    (group,) = report.to_json()["near_duplicates"]
    assert group["cosine"] == pytest.approx(NEAREST, abs=1e-5)
    assert [(text["document_id"], text["number"], text["text"]) for text in group["texts"]] == [
        ("new.md", 0, NEAR),
        ("old.md", 0, SAME),
    ]
    assert docs.count_documents() == 3, "nothing is left out"
    assert docs.ingest([document("y.md", "coffee")]).near_duplicates == [], "it was not asked for"


@in_memory
def test_boilerplate_in_a_thousand_documents_is_one_group_and_compared_once(docs: Collection) -> None:
    docs.add([SAME] * 1500 + [NEAR], ids=[f"{number:04}" for number in range(1501)])
    seen = list[tuple[int, int]]()

    (group,) = docs.near_duplicates(0.8, progress=lambda done, total: seen.append((done, total)))

    assert named([group]) == [[f"{number:04}" for number in range(1501)]]
    assert seen == [(1, 1)], "there are two different texts, so one block of comparisons"


@in_memory
def test_a_tenant_sees_its_own_and_an_empty_collection_has_none(store: Store) -> None:
    for tenant in ("acme", "apex"):
        docs = register(store, "shared", HashEncoder(), tenant=tenant)
        assert docs.near_duplicates(0.8) == []
        docs.add([SAME], ids=["1"])

    assert docs.near_duplicates(0.8) == []


@in_memory
def test_with_one_model_a_language_each_compares_its_own_texts(store: Store) -> None:
    docs = register(store, "routed", sp.Router({"tr": HashEncoder(32, seed=1), "*": HashEncoder()}))
    languages = [{"lang": tag} for tag in ("tr", "en", "tr", "tr", "tr", "en", "en")]
    docs.add([SAME, SAME, OTHER, OTHER, OTHER, "coffee", "coffee"], ids=list("1234567"), metadata=languages)

    assert named(docs.near_duplicates(0.8)) == [["3", "4", "5"], ["6", "7"]]


@in_memory
def test_what_makes_no_sense_is_refused_before_anything_is_stored(docs: Collection) -> None:
    with pytest.raises(ValueError, match=r"threshold is 97; a cosine lies in \[-1, 1\]"):
        docs.ingest([document("a", SAME)], near_duplicates=97)
    with pytest.raises(ValueError, match="a dry run stores nothing"):
        docs.ingest([document("a", SAME)], near_duplicates=0.9, dry_run=True)
    with pytest.raises(ValueError, match="threshold is 2"):
        docs.near_duplicates(2)

    assert docs.count() == 0
