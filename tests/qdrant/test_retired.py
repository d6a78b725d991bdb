"""Collections of a starter that this version has no more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import simplugin as sp
from simplugin.catalog import NEWEST_STARTER, RETIRED_STARTERS
from simplugin.errors import ModelMismatchError, RetiredModelError
from simplugin_qdrant import Collection, Store, register
from tests.hashing import HashEncoder

RETIRED = RETIRED_STARTERS[-1]
TEXTS = ["the cat sleeps", "the dog barks", "rain fell on the roof"]


@pytest.fixture
def docs(store: Store, fresh: Callable[[str], str]) -> Collection:
    register(store, name := fresh("retired"), HashEncoder(name=RETIRED)).add(TEXTS, ids=["cat", "dog", "rain"])
    return register(store, name)


@pytest.mark.parametrize("name", RETIRED_STARTERS)
def test_an_old_starter_is_refused_by_name_with_what_to_do(name: str) -> None:
    with pytest.raises(RetiredModelError, match=f"{name}.*has '{NEWEST_STARTER}'.*collections migrate COLLECTION"):
        sp.load(name)
    with pytest.raises(RetiredModelError):
        sp.load_reranker(name)


def test_its_collection_can_be_looked_at_and_searched_by_words(docs: Collection) -> None:
    assert docs.describe()["vectors"][0]["model"] == RETIRED
    assert [stored.text for stored in docs.get(["dog"])] == ["the dog barks"]
    assert docs.count() == 3
    assert docs.search("rain roof", mode="words")[0].document_id == "rain"


def test_what_needs_the_model_is_refused_with_the_command(docs: Collection) -> None:
    command = f"simplugin collections migrate {docs.name} --model starter --finish"
    with pytest.raises(RetiredModelError, match=command):
        docs.search("a cat")
    with pytest.raises(RetiredModelError, match=command):
        docs.add(["one more"])
    assert docs.count() == 3


def test_the_newest_starter_does_not_open_it(docs: Collection, store: Store, starter: sp.Encoder) -> None:
    with pytest.raises(ModelMismatchError, match=f"made with '{RETIRED}'.*collections migrate {docs.name} --model"):
        register(store, docs.name, starter)


def test_it_is_brought_over_without_its_model(docs: Collection, store: Store, starter: sp.Encoder) -> None:
    job = docs.migrate(starter)
    assert job.run() == 3
    compared = job.compare()
    assert (compared.before, compared.after, compared.queries, compared.agreement) == (
        RETIRED,
        NEWEST_STARTER,
        0,
        None,
    )
    job.cutover()
    job.finish()

    moved = register(store, docs.name)
    assert moved.encoder.card.name == NEWEST_STARTER
    assert moved.search("the cat sleeps", limit=1, mode="dense")[0].document_id == "cat"
    moved.add(["one more"], ids=["more"])
    assert moved.count() == 4
