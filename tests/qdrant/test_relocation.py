"""From one model to another by way of a second collection and an alias, on every store and on an old server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from simplugin.errors import StoreError
from simplugin.measures import FloatArray
from simplugin_qdrant import Collection, Store, open_store, register
from tests.hashing import HashEncoder
from tests.qdrant.loopback import LoopbackServer

OLD, NEW = HashEncoder(), HashEncoder(seed=1)  # of equal width: nothing but the vector's name tells them apart
TEXTS = [f"text number {number} about {word}" for number, word in enumerate(["cats", "dogs", "fish"] * 100)]


@pytest.fixture
def old_server() -> Iterator[Store]:
    with LoopbackServer(lacks=("vector names",)) as server, open_store(server.url) as opened:
        yield opened


@pytest.fixture
def docs(store: Store, fresh: Callable[[str], str]) -> Collection:
    return filled(store, fresh("first"), fresh("live"))


def filled(store: Store, name: str, alias: str) -> Collection:
    register(store, name, OLD, indexes={"k": "integer"}).add(TEXTS, ids=map(str, range(len(TEXTS))))
    store.alias(alias, name)
    return register(store, alias, OLD)


def check(docs: Collection, store: Store, into: str) -> None:
    bystander = register(store, docs.name, OLD, others=[NEW])
    job = docs.migrate(NEW, into=into)
    assert job.run() == len(TEXTS)
    docs.add(["written meanwhile"], ids=["late"])
    docs.delete(["5"])
    assert job.run() == 1
    assert 0 < (job.compare().agreement or 0) < 1
    with pytest.raises(StoreError, match="nothing to finish"):
        job.finish()

    job.cutover()
    job.cutover()

    assert docs.encoder is NEW
    assert store.aliases()[docs.name] == into
    assert docs.count() == len(TEXTS)
    opened = register(store, docs.name, NEW)
    assert opened.search("written meanwhile", limit=1)[0].document_id == "late"
    assert bystander.search(TEXTS[7], limit=1)[0].score == pytest.approx(1, abs=1e-5)  # by the new model
    opened.add(["after the cutover"], ids=["after"])
    job.rollback()
    assert register(store, docs.name, OLD).search("after the cutover", limit=1)[0].document_id == "after"
    job.cutover()
    job.finish()
    job.finish()
    assert into in store.names()
    assert register(store, docs.name, NEW).count() == len(TEXTS) + 1


def test_the_alias_moves_to_the_second_collection_and_back(
    docs: Collection, store: Store, fresh: Callable[[str], str]
) -> None:
    check(docs, store, fresh("second"))


def test_what_is_written_as_the_alias_moves_is_brought_over(
    docs: Collection, store: Store, fresh: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alias, first, second, move = docs.name, store.aliases()[docs.name], fresh("second"), store.alias
    job = docs.migrate(NEW, into=second)
    job.run()

    def write_and_move(name: str, to: str) -> None:
        answering, before = (second, NEW) if to == first else (first, OLD)
        register(store, answering, before).add([f"written on the way to {to}", "seven"], ids=[f"for {to}", "7"])
        move(name, to)

    monkeypatch.setattr(store, "alias", write_and_move)
    time.sleep(1.1)  # when a point was written is kept in whole seconds
    job.cutover()
    assert docs.count() == len(TEXTS) + 1
    assert [found.text for found in docs.get([f"for {second}", "7"])] == [f"written on the way to {second}", "seven"]
    assert docs.search(f"written on the way to {second}", limit=1)[0].score == pytest.approx(1, abs=1e-5)
    docs.delete(["7"])
    job.rollback()
    assert {found.document_id for found in docs.get(["7", f"for {first}", f"for {second}"])} == {
        "7",
        f"for {first}",
        f"for {second}",
    }
    assert register(store, alias, OLD).search("seven", limit=1)[0].document_id == "7"


class InterruptedEncoder(HashEncoder):
    """Before it encodes for the next time, something happens."""

    happening: Callable[[], None] | None = None

    def _encode(self, texts: Sequence[str]) -> FloatArray:
        happening, self.happening = self.happening, None
        if happening:
            happening()
        return super()._encode(texts)


def test_who_searches_or_writes_while_the_alias_moves_is_answered_by_the_new_model(
    store: Store, fresh: Callable[[str], str]
) -> None:
    old = InterruptedEncoder()
    docs = register(store, filled(store, fresh("first"), fresh("live")).name, old)
    job = docs.migrate(NEW, into=fresh("second"))
    job.run()

    old.happening = job.cutover
    assert docs.search(TEXTS[7], limit=1)[0].score == pytest.approx(1, abs=1e-5)
    assert docs.encoder is NEW
    job.rollback()
    old.happening = job.cutover
    assert docs.add(["written meanwhile"], ids=["late"]) == ["late"]
    assert docs.encoder is NEW
    assert docs.search("written meanwhile", limit=1)[0].document_id == "late"


def test_an_old_server_is_migrated_so(old_server: Store) -> None:
    docs = filled(old_server, "first", "live")

    with pytest.raises(StoreError, match=r"into="):
        docs.migrate(NEW)
    check(docs, old_server, "second")


def test_a_relocation_is_abandoned_before_the_alias_moves(
    docs: Collection, store: Store, fresh: Callable[[str], str]
) -> None:
    into = fresh("second")
    job = docs.migrate(NEW, into=into)
    job.run()
    job.abandon()
    job.abandon()

    assert into not in store.names()
    assert docs.search(TEXTS[7], limit=1)[0].text == TEXTS[7]


def test_a_collections_own_name_cannot_move(store: Store, fresh: Callable[[str], str]) -> None:
    docs = register(store, fresh("first"), OLD)

    with pytest.raises(StoreError, match="own name"):
        docs.migrate(NEW, into=fresh("second"))
