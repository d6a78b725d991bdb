"""From one model to another on a live collection, on every store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import pytest

from simplugin.encoders import Fingerprint
from simplugin.errors import DataError, ModelMismatchError, StoreError
from simplugin.measures import FloatArray, unit_rows
from simplugin.records import Document
from simplugin_qdrant import Collection, Store, register
from simplugin_qdrant.filters import LacksVector
from simplugin_qdrant.migration import finish_migration, rollback_migration
from tests.hashing import HashEncoder

OLD, NEW = HashEncoder(), HashEncoder(48, seed=1)
NEW_WIDE = HashEncoder(seed=1)
TEXTS = [f"text number {number} about {word}" for number, word in enumerate(["cats", "dogs", "fish"] * 100)]


@pytest.fixture
def docs(store: Store, fresh: Callable[[str], str]) -> Collection:
    made = register(store, fresh("moving"), OLD)
    made.add(TEXTS, ids=map(str, range(len(TEXTS))))
    return made


def vectors(docs: Collection, vector: str) -> dict[str, FloatArray]:
    return {
        record.payload["text"]: record.vectors[vector]  # type: ignore[misc]
        for record in docs.store.scroll(docs.name, with_vectors=True)
        if vector in record.vectors
    }


def test_a_collection_changes_its_model_and_goes_on(docs: Collection, store: Store) -> None:
    told: list[int] = []
    job = docs.migrate(NEW)

    assert job.run(lambda progress: told.append(progress.done)) == len(TEXTS)
    assert told[-1] == len(TEXTS)
    assert docs.encoder is OLD
    job.cutover()

    assert docs.encoder is NEW
    assert docs.search("text number 7 about dogs", limit=1)[0].text == "text number 7 about dogs"
    assert register(store, docs.name, NEW).search(TEXTS[5])[0].score == pytest.approx(1, abs=1e-5)
    with pytest.raises(ModelMismatchError, match="hash-48-1"):
        register(store, docs.name, OLD)
    for text, row in vectors(docs, "hash-48-1").items():
        assert row == pytest.approx(NEW.encode_document([text])[0], abs=1e-6)


def test_rolled_back_the_old_model_answers_again_with_all_that_came_meanwhile(docs: Collection, store: Store) -> None:
    job = docs.migrate(NEW)
    job.run()
    job.cutover()
    docs.add(["written after the cutover"], ids=["late"])

    job.rollback()

    assert docs.encoder is OLD
    again = register(store, docs.name, OLD)
    assert again.search("written after the cutover", limit=1)[0].document_id == "late"
    job.cutover()
    assert register(store, docs.name, NEW).search("written after the cutover", limit=1)[0].document_id == "late"


def test_migrating_back_before_the_end_embeds_nothing_again(docs: Collection, store: Store) -> None:
    job = docs.migrate(NEW)
    job.run()
    job.cutover()
    back = docs.migrate(OLD)

    assert (back.vector, back.run()) == ("default", 0)
    back.cutover()
    assert register(store, docs.name, OLD).encoder is OLD
    assert rollback_migration(store, docs.name) == "hash-48-1"
    with pytest.raises(StoreError, match="no vectors to go back to"):
        rollback_migration(store, docs.name)  # twice is not forward again
    assert register(store, docs.name, NEW).encoder is NEW
    assert finish_migration(store, docs.name) == finish_migration(store, docs.name) == "hash-48-1"
    assert set(store.describe(docs.name).vectors) == {"hash-48-1"}


def test_a_migration_is_abandoned_before_its_vectors_answer(docs: Collection, store: Store) -> None:
    job = docs.migrate(NEW)
    job.run()
    job.cutover()
    with pytest.raises(StoreError, match=r"rollback\(\) before abandon"):
        job.abandon()
    job.rollback()
    job.abandon()

    assert set(store.describe(docs.name).vectors) == {"default"}
    docs.add(["after"], ids=["after"])
    assert register(store, docs.name, OLD).search("after", limit=1)[0].document_id == "after"


def test_of_two_migrations_the_second_to_cut_over_is_refused(docs: Collection) -> None:
    one, other = docs.migrate(NEW), docs.migrate(HashEncoder(32, seed=2))
    one.run()
    other.run()
    one.cutover()

    for act in (other.cutover, other.rollback):
        with pytest.raises(StoreError, match="answers by now"):
            act()
    assert docs.encoder is NEW


def test_finished_the_old_vector_is_gone_and_who_still_uses_it_is_told(docs: Collection, store: Store) -> None:
    bystander = register(store, docs.name, OLD)
    job = docs.migrate(NEW)
    with pytest.raises(StoreError, match="nothing to finish"):
        job.finish()
    job.run()
    job.cutover()
    assert bystander.search(TEXTS[3], limit=1)[0].text == TEXTS[3]

    job.finish()
    job.finish()

    assert set(store.describe(docs.name).vectors) == {"hash-48-1"}
    assert [vector["model"] for vector in docs.describe()["vectors"]] == ["hash-48-1"]
    with pytest.raises(StoreError, match="was migrated to another model"):
        bystander.add(["more"])
    with pytest.raises(StoreError, match=r"cannot be opened here.*others="):
        bystander.search("cats")
    with pytest.raises(StoreError, match="migrate to that model instead"):
        job.rollback()
    back = docs.migrate(OLD)
    assert back.run() == len(TEXTS)
    back.cutover()
    assert register(store, docs.name, OLD).count() == len(TEXTS)


async def test_who_can_open_the_new_model_follows_when_the_old_one_is_gone(docs: Collection, store: Store) -> None:
    bystanders = [register(store, docs.name, OLD, others=[NEW]) for _ in range(2)]
    job = docs.migrate(NEW)
    job.run()
    job.cutover()
    job.finish()

    assert bystanders[0].search(TEXTS[3], limit=1)[0].text == TEXTS[3]
    assert (await bystanders[1].asearch(TEXTS[3], limit=1))[0].text == TEXTS[3]
    assert bystanders[0].encoder is NEW
    bystanders[0].add(["more"], ids=["more"])
    assert docs.search("more", limit=1)[0].document_id == "more"


def test_before_every_point_has_its_vector_the_new_model_does_not_answer(docs: Collection, store: Store) -> None:
    job = docs.migrate(NEW)

    with pytest.raises(StoreError, match="300 points have no vector"):
        job.cutover()
    with pytest.raises(StoreError, match="300 points have no vector"):
        job.compare()
    with pytest.raises(StoreError, match="300 points have no vector"):
        register(store, docs.name, NEW, vector=job.vector).search("cats")
    assert docs.search("cats", limit=1)


def test_cut_short_it_goes_on_where_it_was(docs: Collection, store: Store) -> None:
    class Dying(HashEncoder):
        """Embeds one window of texts and falls."""

        def encode_document(self, texts: Iterable[str]) -> FloatArray:
            if self.texts_encoded > 1000:
                raise KeyboardInterrupt
            return super().encode_document(texts)

    docs.add((f"more {number}" for number in range(1500)), ids=(f"m{number}" for number in range(1500)))
    with pytest.raises(KeyboardInterrupt):
        docs.migrate(Dying(48, seed=1)).run()
    left = store.count(docs.name, LacksVector("hash-48-1"))
    assert 0 < left < 1800

    again = register(store, docs.name, OLD, others=[NEW]).migrate(NEW)

    assert again.vector == "hash-48-1"
    assert again.run() == left
    assert again.run() == 0


def test_what_is_written_meanwhile_gets_both_vectors(docs: Collection, store: Store) -> None:
    """Whoever has the collection open, too: it looks before it writes."""
    bystander = register(store, docs.name, OLD, others=[NEW])
    job = docs.migrate(NEW)

    bystander.add(["from elsewhere"], ids=["e"])
    docs.ingest([Document("page", "an ingested page")])

    assert store.count(docs.name, LacksVector(job.vector)) == len(TEXTS)
    assert vectors(docs, job.vector)["from elsewhere"] == pytest.approx(NEW.encode_document(["from elsewhere"])[0])


def test_a_writer_that_cannot_open_the_new_model_writes_nothing_and_says_so(docs: Collection, store: Store) -> None:
    bystander = register(store, docs.name, OLD)
    docs.migrate(NEW)

    with pytest.raises(StoreError, match=r"others=\[…\]"):
        bystander.add(["from elsewhere"])
    assert docs.count() == len(TEXTS)


def test_models_are_compared_before_the_switch(docs: Collection) -> None:
    job = docs.migrate(NEW)
    job.run()

    compared = job.compare(["text number 7 about dogs", "text number 8 about fish"])
    with pytest.raises(DataError, match="3 pairs of texts or more; there are 1"):
        job.compare(pairs=[("a cat", "a kitten", 4.5)])
    with_labels = job.compare(pairs=[("a cat", "a cat", 5.0), ("a cat", "a dog", 2.0), ("one", "other", 0.0)])

    assert (compared.before, compared.after, compared.queries) == ("hash-64-0", "hash-48-1", 2)
    assert 0 < (compared.agreement or 0) < 1
    assert with_labels.queries == 200
    assert (with_labels.pairs, with_labels.spearman_before, with_labels.spearman_after) == (3, 1.0, 1.0)


def test_migrating_to_the_model_that_answers_is_refused(docs: Collection) -> None:
    with pytest.raises(StoreError, match="nothing to migrate"):
        docs.migrate(OLD)


def test_a_model_close_to_the_one_that_answers_is_another_where_its_weights_are(docs: Collection, store: Store) -> None:
    first, tuned = Tuned(0), Tuned(0.05)
    ours = register(store, f"{docs.name}-tuned", first)
    ours.add(TEXTS[:20], ids=map(str, range(20)))
    found = first.fingerprint.compare(tuned.fingerprint)
    assert found.warnings
    assert not found.refusals
    job = ours.migrate(tuned)
    assert job.run() == 20
    for encoder, vector in ((first, "default"), (tuned, job.vector)):
        for text, row in vectors(ours, vector).items():
            assert row == pytest.approx(encoder.encode_document([text])[0], abs=1e-6)
    ours.add(["written beside"], ids=["late"])
    assert vectors(ours, "default")["written beside"] == pytest.approx(
        first.encode_document(["written beside"])[0], abs=1e-6
    )
    job.cutover()
    assert register(store, ours.name, tuned).encoder is tuned
    with pytest.raises(StoreError, match=f"answers by '{tuned.card.name}' already; there is nothing to migrate"):
        ours.migrate(tuned)


class Tuned(HashEncoder):
    """A model with weights of its own, a little beside those it was made from."""

    def __init__(self, share: float) -> None:
        super().__init__(name=f"tuned-{share}")
        self.share = share

    @property
    def fingerprint(self) -> Fingerprint:
        return replace(super().fingerprint, weights=f"{self.share:064}")

    def _encode(self, texts: Sequence[str]) -> FloatArray:
        return unit_rows(super()._encode(texts) + self.share * NEW_WIDE.encode_document(texts))


def test_points_without_a_text_are_left_alone(docs: Collection, store: Store) -> None:
    point = next(iter(store.scroll(docs.name)))
    store.restate(docs.name, {point.id: {"document_id": "blank", "text": " "}})
    job = docs.migrate(NEW)

    assert job.run() == len(TEXTS) - 1
    job.cutover()


def test_searches_see_no_error_and_nothing_half_filled_while_it_runs(docs: Collection, store: Store) -> None:
    stop, failures, answered = threading.Event(), list[BaseException](), 0

    def look() -> None:
        nonlocal answered
        try:
            while not stop.is_set():
                reader = register(store, docs.name, OLD if answered % 2 else docs.encoder)
                hits = reader.search(TEXTS[9], limit=5)
                assert hits[0].text == TEXTS[9]
                assert len(hits) == 5
                answered += 1
        except ModelMismatchError:
            pass  # the cutover came between choosing the old model and opening
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    reader = threading.Thread(target=look)
    reader.start()
    job = docs.migrate(NEW)
    job.run()
    job.cutover()
    stop.set()
    reader.join()

    assert failures == []
    assert answered > 0
