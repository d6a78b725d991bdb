"""Probabilities and grades on hits, on every store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simplugin.encoders import Encoder
from simplugin.errors import DataError, StoreError
from simplugin.evaluation import scores_of_pairs
from simplugin.evaluation.datasets.pair_sources import Labelled
from simplugin.records import Hit
from simplugin.reranking import SimilarityReranker
from simplugin_qdrant import Collection, Store, copy_collection, open_store, register
from simplugin_qdrant.listing import describe
from simplugin_qdrant.registry import metadata_key
from tests.hashing import HashEncoder
from tests.labelled import labelled_pairs

PAIRS = labelled_pairs(120)
TEXTS = {"near": "red car fast", "far": "blue sea deep", "half": "red sea wide", "code": "QX-7731 " + "z " * 40}


@pytest.fixture
def docs(store: Store, fresh: Callable[[str], str]) -> Collection:
    made = register(store, fresh("calibrated"), HashEncoder(), mode="hybrid")
    made.add(TEXTS.values(), ids=TEXTS)
    return made


def describe_one(docs: Collection) -> dict[str, Any]:
    """Return what the collection tells of the vector that answers."""
    vectors: list[dict[str, Any]] = [each for each in docs.describe()["vectors"] if each["serving"]]
    assert len(vectors) == 1
    return vectors[0]


def assert_graded(docs: Collection, hits: list[Hit], query: str) -> None:
    """Compare with the similarity of the vectors, computed here."""
    assert docs.calibration is not None
    cosines = scores_of_pairs(docs.encoder, [query] * len(hits), [hit.text for hit in hits])
    assert [hit.probability for hit in hits] == pytest.approx(docs.calibration.probability(cosines), abs=1e-3)
    assert [hit.grade for hit in hits] == pytest.approx(docs.calibration.grade(cosines), abs=1e-2)


@pytest.mark.parametrize("mode", ["dense", "hybrid"])
async def test_every_hit_has_the_probability_and_the_grade_of_its_vector(docs: Collection, mode: str) -> None:
    docs.calibrate(PAIRS)
    query = "red car fast"

    for hits in (
        docs.search(query, mode=mode),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        docs.search(query, mode=mode, group=True),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        await docs.asearch(query, mode=mode),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        docs.search_many(["blue sea", query], mode=mode)[1],  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ):
        assert hits[0].document_id == "near"
        assert len(hits) == 4
        assert_graded(docs, hits, query)
    assert docs.search_vector(docs.encoder.encode_query([query])[0])[0].probability == pytest.approx(
        docs.search(query, mode="dense")[0].probability, abs=1e-3
    )


def test_a_hit_that_only_its_words_brought_is_measured_too(store: Store, fresh: Callable[[str], str]) -> None:
    docs = register(store, fresh("words"), HashEncoder(), mode="hybrid")
    docs.add([f"red car number {number}" for number in range(150)])
    docs.add(["QX-7731 " + "green boat slow " * 9], ids=["code"])
    docs.calibrate(PAIRS)
    query = "red car QX-7731 number"

    hits = docs.search(query)

    assert hits[0].document_id == "code"
    assert "code" not in {hit.document_id for hit in docs.search(query, mode="dense", limit=100)}
    assert_graded(docs, hits, query)
    assert_graded(docs, docs.search_many(["green", query, "boat"])[1], query)


def test_words_alone_and_a_rerankers_scores_have_none(docs: Collection) -> None:
    docs.calibrate(PAIRS)

    words = docs.search("red car", mode="words")
    reranked = docs.search("red car", rerank=SimilarityReranker(HashEncoder(128, seed=5)))

    assert {hit.probability for hit in (*words, *reranked)} == {None}
    assert {hit.grade for hit in (*words, *reranked)} == {None}


async def test_min_probability_keeps_hits_by_it(docs: Collection) -> None:
    docs.calibrate(PAIRS)
    hits = docs.search("red car fast", mode="dense")
    least = hits[0].probability or 0.0
    assert (hits[1].probability or 0.0) < 0.5 < least

    assert [hit.document_id for hit in docs.search("red car fast", min_probability=0.5)] == ["near"]
    assert [hit.document_id for hit in await docs.asearch("red car fast", min_probability=0.5)] == ["near"]
    assert [len(found) for found in docs.search_many(["red car fast", "zzz"], min_probability=0.5)] == [1, 0]
    vector = docs.encoder.encode_query(["red car fast"])[0]
    assert len(docs.search_vector(vector, min_probability=0.5)) == 1
    reranked = docs.search("red car fast", min_probability=0.5, rerank=SimilarityReranker(HashEncoder(128, seed=5)))
    assert [hit.document_id for hit in reranked] == ["near"]


def test_without_a_calibration_a_threshold_on_it_is_refused(docs: Collection) -> None:
    with pytest.raises(StoreError, match=f"collections calibrate {docs.name} --data FILE"):
        docs.search("red car", min_probability=0.5)
    docs.calibrate(PAIRS)
    with pytest.raises(StoreError, match="words alone"):
        docs.search("red car", mode="words", min_probability=0.5)
    with pytest.raises(ValueError, match="between 0 and 1"):
        docs.search("red car", min_probability=60)


def test_it_is_there_when_the_collection_is_opened_again_and_told(docs: Collection) -> None:
    made = docs.calibrate(PAIRS, threshold=4)

    again = register(docs.store, docs.name, HashEncoder())

    assert again.calibration == made
    assert again.search("red car fast")[0].probability == docs.search("red car fast")[0].probability
    assert describe_one(docs)["calibrated"] == ["all"]


def test_calibrating_again_replaces_and_leaves_the_rest_of_the_record(docs: Collection) -> None:
    docs.calibrate(labelled_pairs(100, language="tr"))
    before = dict(docs.store.metadata(docs.name)[metadata_key("default")])

    docs.calibrate(PAIRS)

    after = dict(docs.store.metadata(docs.name)[metadata_key("default")])
    assert docs.calibration is not None
    assert docs.calibration.languages == ("all",)
    assert before.pop("calibration") != after.pop("calibration")
    assert before == after


def test_a_language_is_searched_on_its_own_scale(docs: Collection, tmp_path: Path) -> None:
    lines = [f"{each.first},{each.second},{each.label}\n" for each in labelled_pairs(100, seed=1, bias=1.5)]
    (tmp_path / "tr.csv").write_text("".join(lines), encoding="utf-8")

    parts: dict[str, Labelled] = {"en": PAIRS, "tr": tmp_path / "tr.csv"}
    made = docs.calibrate(parts)

    assert made.languages == ("all", "en", "tr")
    grades = {
        language: docs.search("red car fast", mode="dense", language=language)[1].grade
        for language in (None, "en", "tr", "tr-TR", "he")
    }
    assert (grades["tr"] or 0) > (grades[None] or 0) > (grades["en"] or 0)
    assert (grades["tr-TR"], grades["he"]) == (grades["tr"], grades[None])
    assert docs.calibrate(PAIRS, language="en").languages == ("all", "en")
    plain = [(pair.first, pair.second, pair.label) for pair in PAIRS]
    assert docs.calibrate(plain).scale() == docs.calibrate(PAIRS).scale()


def test_labels_on_another_scale_are_brought_to_ours(docs: Collection, tmp_path: Path) -> None:
    made = docs.calibrate(PAIRS)
    hundred = [(pair.first, pair.second, 20 * pair.label) for pair in PAIRS]
    path = tmp_path / "hundred.jsonl"
    rows = [json.dumps({"sentence1": one, "sentence2": two, "score": label}) for one, two, label in hundred]
    path.write_text("\n".join(rows))

    for data in (hundred, {"en": hundred}, path):
        assert docs.calibrate(data, scale=(0, 100)).scale().pairs == made.scale().pairs
        assert docs.calibrate(data, scale=(0, 100)).probability([0.3, 0.6]) == pytest.approx(
            made.probability([0.3, 0.6])
        )
        with pytest.raises(DataError, match="scale"):
            docs.calibrate(data)


def test_a_scale_without_extent_is_refused(docs: Collection) -> None:
    with pytest.raises(ValueError, match="its lowest label and its highest"):
        docs.calibrate(PAIRS, scale=(5, 5))


def test_pairs_that_say_nothing_leave_what_was_there(docs: Collection) -> None:
    made = docs.calibrate(PAIRS)

    with pytest.raises(DataError, match="at least 20"):
        docs.calibrate(PAIRS[:5])

    assert docs.calibration == made


@pytest.mark.parametrize("function", ["dot", "euclidean", "manhattan"])
def test_scores_of_any_measure_are_calibrated(store: Store, fresh: Callable[[str], str], function: str) -> None:
    encoder = HashEncoder(similarity=function)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    docs = register(store, fresh(function), encoder)
    docs.add(TEXTS.values(), ids=TEXTS)
    docs.calibrate(PAIRS)

    hits = docs.search("red car fast")

    assert_graded(docs, hits, "red car fast")
    assert [hit.score for hit in hits] == pytest.approx(
        scores_of_pairs(encoder, ["red car fast"] * 4, [hit.text for hit in hits]), abs=1e-3
    )


class TestAnotherModel:
    def test_it_is_void_after_a_migration_and_there_again_after_the_way_back(self, docs: Collection) -> None:
        old = docs.calibrate(PAIRS)
        job = docs.migrate(HashEncoder(32, seed=9))
        job.run()
        job.cutover()

        assert describe_one(docs)["calibrated"] == []
        assert docs.search("red car fast")[0].probability is None
        with pytest.raises(StoreError, match="no calibration"):
            docs.search("red car fast", min_probability=0.5)

        new = docs.calibrate(PAIRS)
        assert docs.search("red car fast")[0].probability is not None
        job.rollback()
        assert docs.calibration == old
        job.cutover()
        assert docs.calibration == new
        job.finish()
        assert register(docs.store, docs.name, HashEncoder(32, seed=9)).calibration == new

    def test_two_models_side_by_side_have_each_its_own(self, docs: Collection) -> None:
        second = register(docs.store, docs.name, HashEncoder(32, seed=9), vector="second")
        second.fill()
        docs.calibrate(PAIRS)
        both = register(docs.store, docs.name, HashEncoder(), others=[HashEncoder(32, seed=9)])

        ordered = both.search("red car fast", rerank="second")
        assert {hit.probability for hit in ordered} == {None}
        with pytest.raises(StoreError, match="no calibration"):
            both.search("red car fast", rerank="second", min_probability=0.5)
        second.calibrate(PAIRS)
        for mode in ("dense", "words"):
            ordered = both.search("red car fast", mode=mode, rerank="second", min_probability=0.0)
            assert_graded(second, ordered, "red car fast")

    def test_it_is_not_recorded_for_a_model_that_came_meanwhile(self, docs: Collection) -> None:
        late = register(docs.store, docs.name, HashEncoder())
        job = docs.migrate(HashEncoder(32, seed=9))
        job.run()
        job.cutover()
        job.finish()

        with pytest.raises(StoreError, match="another model meanwhile"):
            late.calibrate(PAIRS)


def test_a_copy_has_it_and_is_brought_up_to_date_with_it(docs: Collection) -> None:
    with open_store(":memory:") as other:
        copy_collection(docs.store, docs.name, other)
        assert register(other, docs.name, HashEncoder()).calibration is None
        made = docs.calibrate(PAIRS)

        assert copy_collection(docs.store, docs.name, other).written == 0

        assert register(other, docs.name, HashEncoder()).calibration == made


def test_a_damaged_record_is_told_and_hides_no_other(docs: Collection) -> None:
    docs.calibrate(PAIRS)
    key = metadata_key("default")
    recorded = dict(docs.store.metadata(docs.name)[key])
    docs.store.annotate(docs.name, {key: {**recorded, "calibration": {"version": 1}}})

    with pytest.raises(StoreError, match="cannot be read"):
        register(docs.store, docs.name, HashEncoder())
    described = describe(docs.store, docs.name, tolerant=True)
    assert described["vectors"][0]["model"] == "unreadable"


def test_the_starter_knows_a_translation_from_another_text(starter: Encoder, data: Path) -> None:
    with open_store(":memory:") as store:
        docs = register(store, "notes", starter)
        docs.add(["Die Bibliothek öffnet um neun Uhr.", "Kedi koltukta uyuyor."], ids=["library", "cat"])
        docs.calibrate(data / "stsb" / "stsb-en-dev.csv")
        library, cat = docs.search("The library opens at nine o'clock.")

    assert (library.document_id, cat.document_id) == ("library", "cat")
    assert (library.probability or 0) > 0.6 > 0.2 > (cat.probability or 0)
    assert (library.grade or 0) > 3 > (cat.grade or 0)
