"""Collections with one model a language, on every store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import simplugin as sp
from simplugin import SimilarityReranker
from simplugin.collection import Mode
from simplugin.errors import DataError, FilterError, ModelMismatchError, StoreError
from simplugin.evaluation import LabelledPair
from simplugin.records import Document, Hit
from simplugin_qdrant import RoutedCollection, Store, copy_collection, open_store, register
from simplugin_qdrant.filters import LacksVector
from simplugin_qdrant.registry import metadata_key
from tests.hashing import HashEncoder
from tests.labelled import labelled_pairs

TURKISH, SPANISH, REST = HashEncoder(32, seed=1), HashEncoder(48, seed=2), HashEncoder()
MODELS = [TURKISH, SPANISH, REST]
TEXTS = {
    "tr": "Kedi koltukta güzelce uyuyor",
    "es": "El gato duerme bien en el sofá",
    "en": "The cat sleeps well on the sofa",
    "tr2": "Kütüphane saat dokuzda açılıyor",
    "es2": "La biblioteca abre a las nueve",
}
KEYS = {"tr": "tr", "es": "es", "en": "default", "tr2": "tr", "es2": "es"}
ROUTER = sp.Router({"tr": TURKISH, "es": SPANISH, "*": REST})


in_memory = pytest.mark.parametrize("store", ["memory"], indirect=True)
"""For what does not depend on the engine."""


def pairs(*languages: str) -> list[LabelledPair]:
    return [pair for seed, tag in enumerate(languages) for pair in labelled_pairs(120, seed=seed, language=tag)]


def routed(store: Store, name: str) -> RoutedCollection:
    docs = register(store, name, ROUTER)
    assert isinstance(docs, RoutedCollection)
    return docs


@pytest.fixture
def docs(store: Store, fresh: Callable[[str], str]) -> RoutedCollection:
    docs = routed(store, fresh("routed"))
    assert docs.add(TEXTS.values(), ids=TEXTS) == list(TEXTS)
    return docs


def vectors_of(docs: RoutedCollection, id_: str) -> set[str]:
    (stored,) = docs.get([id_])
    (record,) = docs.store.retrieve(docs.name, [stored.id], with_vectors=True)
    return {vector for vector in record.vectors if vector in {"tr", "es", "default"}}


def ids_of(hits: list[Hit]) -> list[str]:
    return [hit.document_id for hit in hits]


def test_each_text_has_the_vector_of_its_languages_model_alone(docs: RoutedCollection) -> None:
    assert {id_: vectors_of(docs, id_) for id_ in TEXTS} == {id_: {key} for id_, key in KEYS.items()}
    assert {key: docs.store.count(docs.name, LacksVector(key)) for key in ("tr", "es", "default")} == {
        "tr": 3,
        "es": 3,
        "default": 4,
    }
    assert (docs.count(), docs.count_documents(), len(docs.get(TEXTS))) == (5, 5, 5)


@in_memory
def test_what_is_said_of_the_language_wins_over_what_the_text_looks_like(docs: RoutedCollection) -> None:
    docs.add(["The bus"], ids=["hinted"], language="tr-TR")
    docs.add(["The bus", "The car"], ids=["named", "odd"], metadata=[{"lang": "es"}, {"lang": 5}])
    docs.add(["The bus"], ids=["both"], metadata=[{"lang": "es"}], language="de")

    assert [vectors_of(docs, id_) for id_ in ("hinted", "named", "odd", "both")] == [
        {"tr"},
        {"es"},
        {"default"},
        {"default"},
    ]


def test_a_text_that_comes_back_in_another_language_leaves_no_stale_vector(docs: RoutedCollection) -> None:
    docs.add([TEXTS["es2"]], ids=["tr"])
    assert vectors_of(docs, "tr") == {"es"}
    docs.add([TEXTS["es2"]], ids=["tr"], language="en")  # the same text, by another model

    assert vectors_of(docs, "tr") == {"default"}
    assert docs.count() == 5


def test_a_search_asks_every_model_and_merges_by_probability(docs: RoutedCollection) -> None:
    docs.calibrate(pairs("tr", "es", "en"))

    for id_, text in TEXTS.items():
        hits = docs.search(text, limit=5)
        assert hits[0].document_id == id_
        assert sorted(ids_of(hits)) == sorted(TEXTS)
        probabilities = [hit.probability or 0.0 for hit in hits]
        assert probabilities == sorted(probabilities, reverse=True)
        assert probabilities[0] > 0.8
    assert len(docs.search(TEXTS["tr"], limit=2)) == 2


@in_memory
def test_probabilities_are_those_of_each_model_on_the_scale_of_its_language(docs: RoutedCollection) -> None:
    docs.calibrate(pairs("tr", "es", "en"))
    by_key = docs.calibrations

    for hit in docs.search(TEXTS["en"], limit=5):
        calibration = by_key[KEYS[hit.document_id].replace("default", "*")]
        language = hit.document_id[:2]
        assert calibration is not None
        assert hit.probability == pytest.approx(calibration.probability([hit.score], language)[0], abs=1e-6)


@in_memory
def test_scores_of_several_models_are_not_merged_without_calibrations(docs: RoutedCollection) -> None:
    with pytest.raises(StoreError, match=r"those of 'tr', 'es', '\*' are not; call calibrate"):
        docs.search("cat")
    docs.calibrate(pairs("tr"))
    with pytest.raises(StoreError, match=r"those of 'es', '\*' are not"):
        docs.search("cat")
    with pytest.raises(StoreError, match="no calibration"):
        docs.search("cat", min_probability=0.5)
    with pytest.raises(StoreError, match="min_probability"):
        docs.search("cat", min_score=0.5)


@in_memory
def test_one_model_that_answers_alone_needs_none(docs: RoutedCollection) -> None:
    docs.add(["Köpek"], ids=["dog"], metadata=[{"animal": True}], language="tr")

    assert ids_of(docs.search("Köpek", filter={"animal": True})) == ["dog"]
    assert ids_of(docs.search("Köpek", filter={"animal": False})) == []


@in_memory
def test_languages_may_share_a_model(store: Store, fresh: Callable[[str], str]) -> None:
    docs = register(store, fresh("shared"), sp.Router({"tr": REST, "*": REST}))
    docs.add([TEXTS["tr"], TEXTS["en"]], ids=["tr", "en"])

    assert ids_of(docs.search(TEXTS["en"])) == ["en", "tr"]
    assert ids_of(docs.search(TEXTS["tr"])) == ["tr", "en"]


@in_memory
def test_a_reranker_orders_what_all_models_found(docs: RoutedCollection) -> None:
    reranker = SimilarityReranker(HashEncoder(128, seed=7))

    assert ids_of(docs.search(TEXTS["es"], limit=1, rerank=reranker)) == ["es"]
    assert len(docs.search(TEXTS["es"], limit=5, rerank=reranker)) == 5


@pytest.mark.parametrize("mode", ["hybrid", "words"])
def test_words_are_the_same_for_all_models(docs: RoutedCollection, mode: Mode) -> None:
    docs.calibrate(pairs("tr", "es", "en"))

    for id_, text in TEXTS.items():
        assert docs.search(text, mode=mode)[0].document_id == id_
    hits = docs.search("gato uyuyor", mode=mode)
    assert set(ids_of(hits[:2])) == {"tr", "es"}
    assert len(set(ids_of(hits))) == len(hits)
    assert all((hit.probability is None) == (mode == "words") for hit in hits)


async def test_every_face_of_a_search_answers_alike(docs: RoutedCollection) -> None:
    docs.calibrate(pairs("tr", "es", "en", "de"))
    texts = list(TEXTS.values())

    together = docs.search_many(texts, limit=3)

    assert together == [docs.search(text, limit=3) for text in texts]
    assert together == [await docs.asearch(text, limit=3) for text in texts]
    assert docs.search_many([]) == []
    assert docs.search("cat", language="en")[0] == docs.search("cat", language="en-GB")[0]
    assert docs.search(texts[0], min_probability=0.8, group=True) == docs.search(texts[0], limit=1)
    assert await docs.asearch("cat", mode="words") == docs.search("cat", mode="words")
    assert await docs.aadd(["Der Hund"], ids=["dog"], language="de") == ["dog"]


@in_memory
def test_the_language_of_a_query_chooses_the_scale_of_the_rest(docs: RoutedCollection) -> None:
    biased = labelled_pairs(120, seed=3, language="de", bias=1.5)
    docs.calibrate([*pairs("tr", "es", "en"), *biased])
    query = "The cat sleeps"

    def grade(language: str | None) -> float:
        return next(hit.grade or 0.0 for hit in docs.search(query, language=language) if hit.document_id == "en")

    assert grade("de") > grade("en") == grade(None)  # it is detected


class TestOpening:
    def test_without_a_model_it_is_the_same_collection(self, docs: RoutedCollection) -> None:
        docs.calibrate(pairs("tr", "es", "en"))

        again = register(docs.store, docs.name, others=MODELS)

        assert isinstance(again, RoutedCollection)
        assert again.router.languages == ("tr", "es")
        assert again.calibrations == docs.calibrations
        assert again.search(TEXTS["es"]) == docs.search(TEXTS["es"])
        assert [(each["name"], each["language"], each["serving"]) for each in again.describe()["vectors"]] == [
            ("tr", "tr", True),
            ("es", "es", True),
            ("default", "*", True),
        ]

    def test_models_are_opened_by_what_is_recorded_of_them(self, starter: sp.Encoder) -> None:
        with open_store(":memory:") as store:
            cut = sp.load("starter", truncate_dim=64)
            register(store, "notes", sp.load_router({"tr": cut, "*": starter})).add(TEXTS.values(), ids=TEXTS)

            again = register(store, "notes")

            assert isinstance(again, RoutedCollection)
            assert [again.router.encoder(key).dimension for key in ("tr", "*")] == [64, 256]
            assert again.mode == "hybrid"

    @in_memory
    def test_other_models_are_refused(self, docs: RoutedCollection) -> None:
        store, name = docs.store, docs.name
        with pytest.raises(StoreError, match=r"one model a language \(tr: hash-32-1, .*and one model was given"):
            register(store, name, REST)
        with pytest.raises(StoreError, match=r"a router for tr, \* was given"):
            register(store, name, sp.Router({"tr": TURKISH, "*": REST}))
        with pytest.raises(ModelMismatchError, match="hash-32-1"):
            register(store, name, sp.Router({"tr": HashEncoder(32, seed=9), "es": SPANISH, "*": REST}))
        with pytest.raises(StoreError, match="vector='second' has no place"):
            register(store, name, REST, vector="second")
        with pytest.raises(StoreError, match="vector='second' has no place"):
            register(store, "new", ROUTER, vector="second")

    @in_memory
    def test_a_collection_of_one_model_takes_no_router(self, store: Store, fresh: Callable[[str], str]) -> None:
        name = fresh("plain")
        register(store, name, REST)
        with pytest.raises(StoreError, match="one model for all languages"):
            register(store, name, ROUTER)

    def test_tenants_see_their_own(self, store: Store, fresh: Callable[[str], str]) -> None:
        name = fresh("tenants")
        acme, other = (register(store, name, ROUTER, tenant=tenant) for tenant in ("acme", "other"))
        acme.add([TEXTS["tr"]], ids=["tr"])
        other.add([TEXTS["tr2"]], ids=["tr"])

        assert [hit.text for hit in acme.search("Kedi")] == [TEXTS["tr"]]
        assert other.delete(["tr"]) == 1
        assert acme.count() == 1


@in_memory
class TestCalibrating:
    def test_pairs_go_to_the_models_of_their_languages(self, docs: RoutedCollection) -> None:
        unnamed = [replace(pair, language=None) for pair in pairs("tr")]  # words of no language: anybody's guess
        made = docs.calibrate([*pairs("tr"), *pairs("en", "de")])

        assert {key: each and each.languages for key, each in docs.calibrations.items()} == {
            "tr": ("all", "tr"),
            "es": None,
            "*": ("all", "de", "en"),
        }
        assert made == docs.calibration == docs.calibrations["*"]
        assert docs.calibrate({"es": unnamed}).languages == ("all", "es")
        assert docs.calibration == made

    def test_a_pair_that_names_no_language_goes_by_its_text(self, docs: RoutedCollection) -> None:
        prefixed = [
            LabelledPair(f"kütüphane saat dokuzda açılıyor {pair.first}", pair.second, pair.label)
            for pair in labelled_pairs(60)
        ]
        docs.calibrate(prefixed)

        assert [key for key, each in docs.calibrations.items() if each] == ["tr"]

    def test_too_few_pairs_of_one_model_leave_all_as_they_were(self, docs: RoutedCollection) -> None:
        with pytest.raises(DataError, match=r"the model of 'es': .*at least 20"):
            docs.calibrate([*pairs("tr", "en"), *labelled_pairs(5, language="es")])
        with pytest.raises(DataError, match="no labelled pairs"):
            docs.calibrate([])

        assert set(docs.calibrations.values()) == {None}
        assert "calibration" not in docs.store.metadata(docs.name)[metadata_key("tr")]


class TestIngesting:
    def test_documents_go_to_the_models_of_their_languages_in_one_reading(self, docs: RoutedCollection) -> None:
        report = docs.ingest([Document(f"doc-{id_}", text) for id_, text in TEXTS.items()])

        assert (report.documents.added, report.chunks.written) == (5, 5)
        assert report.model == "hash-32-1, hash-48-2, hash-64-0"
        assert {id_: vectors_of(docs, f"doc-{id_}") for id_ in TEXTS} == {id_: {key} for id_, key in KEYS.items()}
        again = docs.ingest([Document(f"doc-{id_}", text) for id_, text in TEXTS.items()])
        assert (again.documents.unchanged, again.chunks.written) == (5, 0)

    @in_memory
    def test_a_language_noted_for_all_chooses_the_model(self, docs: RoutedCollection) -> None:
        docs.ingest([Document("a", TEXTS["tr"])], metadata={"lang": "es"})

        assert vectors_of(docs, "a") == {"es"}
        assert docs.get(["a"])[0].metadata["lang"] == "es"

    @in_memory
    def test_an_edit_into_another_language_leaves_nothing_stale(self, docs: RoutedCollection) -> None:
        docs.ingest([Document("a", TEXTS["tr"])])
        report = docs.ingest([Document("a", TEXTS["es"])])

        assert (report.documents.updated, report.chunks.written, report.chunks.deleted) == (1, 1, 1)
        assert vectors_of(docs, "a") == {"es"}
        assert docs.count() == 6

    def test_files_are_read_once_pruned_and_marked(self, docs: RoutedCollection, tmp_path: Path) -> None:
        folder = tmp_path / "docs"
        folder.mkdir()
        for id_, text in TEXTS.items():
            (folder / f"{id_}.txt").write_text(f"{text}. " * 5, encoding="utf-8")
        (folder / "blank.txt").write_text(" ", encoding="utf-8")
        assert docs.ingest([folder], dry_run=True).documents.added == 5
        assert docs.count() == 5

        report = docs.ingest([folder], root=folder)
        assert (report.documents.seen, report.documents.added, report.documents.failed) == (6, 5, 1)
        assert docs.count({"lang": "tr"}) == 2
        assert vectors_of(docs, "tr2.txt") == {"tr"}
        (folder / "tr2.txt").unlink()
        pruned = docs.ingest([folder], root=folder, prune=True)

        assert (pruned.documents.unchanged, pruned.documents.deleted) == (4, 1)
        assert docs.count() == 9

    @in_memory
    def test_an_id_that_came_before_is_told(self, docs: RoutedCollection) -> None:
        twice = [Document("a", TEXTS["tr"]), Document("a", TEXTS["es"])]
        report = docs.ingest(iter(twice))

        assert (report.documents.seen, report.documents.added, report.documents.failed) == (2, 1, 1)
        with pytest.raises(StoreError, match="leave out ray"):
            docs.ingest(["."], ray=True)


@in_memory
def test_what_needs_one_model_is_refused_in_one_sentence(docs: RoutedCollection) -> None:
    refused: list[Callable[[], object]] = [
        lambda: docs.migrate(REST),
        docs.fill,
        lambda: docs.query_vector("cat"),
        lambda: docs.search_vector([0.0] * 64),
    ]
    for call in refused:
        with pytest.raises(StoreError, match=r"one model a language \(tr, es, \*\), so"):
            call()
    assert docs.vector_of(REST) is None
    with pytest.raises(FilterError):
        docs.search("cat", filter={"lang": object()})
    with pytest.raises(ValueError, match="blank"):
        docs.search(" ")


@in_memory
def test_a_copy_is_routed_too(docs: RoutedCollection) -> None:
    docs.calibrate(pairs("tr", "es", "en"))
    with open_store(":memory:") as other:
        assert copy_collection(docs.store, docs.name, other).written == 5
        copied = register(other, docs.name, ROUTER)

        assert ids_of(copied.search(TEXTS["es"])) == ids_of(docs.search(TEXTS["es"]))


def test_deleting_and_clearing_reach_every_language(docs: RoutedCollection) -> None:
    assert docs.delete(["tr", "en"]) == 2
    assert docs.clear() == 3
    assert docs.search("cat") == []
