"""The real source models, from the Hub: each goes the whole way, and is measured against what its card claims.

Run with ``make test-hub`` where there is a network; about 6 GB are downloaded, once.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

import simplugin as sp
from simplugin import samples
from simplugin.catalog import find
from simplugin.evaluation import cosine_of_pairs, spearman
from simplugin_qdrant import open_store, register

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not os.environ.get("SIMPLUGIN_HUB"), reason="downloads 6 GB: run make test-hub"),
    pytest.mark.filterwarnings("ignore::UserWarning"),  # what the cards warn of is told when a model is registered
]

EMBEDDERS = {
    "bge-m3-ml-tr": ("tr", "Kütüphane pazar günü açık mı?", "library"),
    "stsb-es-distiluse": ("es", "¿Está abierta la biblioteca el domingo?", "library"),
    "he-mbert-nli": ("he", "האם הספרייה פתוחה ביום ראשון?", "library"),
    "cross-en-de-roberta": ("de", "Is the library open on Sundays?", "library"),
    "cross-en-ru-roberta": ("ru", "Is the library open on Sundays?", "library"),
}
HEBREW = "SIMPLUGIN_HE_MODEL"


def place(name: str) -> str:
    """Return what opens a model: its catalog name, except for the one whose card prints no Hub id."""
    if name != "he-mbert-nli":
        return name
    given = os.environ.get(HEBREW)
    if given is None:
        pytest.skip(f"the Hebrew card prints no Hub id: name one, or a folder, in {HEBREW}")
    return given


@pytest.mark.parametrize("name", EMBEDDERS)
def test_an_embedder_is_what_its_card_says(name: str) -> None:
    said, opened = find(name), sp.load(place(name)).card

    for field in ("kind", "dimension", "max_tokens", "pooling", "normalize", "similarity"):
        assert getattr(opened, field) == getattr(said, field), field


@pytest.mark.parametrize("name", EMBEDDERS)
def test_an_embedder_fills_a_collection_and_answers_from_it(name: str, tmp_path: Path) -> None:
    language, question, _ = EMBEDDERS[name]
    model = sp.load(place(name))

    with open_store(tmp_path / "store") as store:
        docs = register(store, "samples", model)
        report = docs.ingest([samples.documents_folder() / language])
        best = sp.SimilarityReranker(model).rerank(question, docs.search(question, limit=10), top_n=3)

    assert (report.documents.added, report.documents.failed) == (10, 0)
    assert len(best) == 3
    vectors = model.encode_document(["", "😀", "word " * 20_000])
    assert np.isfinite(vectors).all()


@pytest.mark.parametrize(
    "name", [name for name in EMBEDDERS if name != "he-mbert-nli"]
)  # contradictions are closest to it
def test_an_embedder_finds_the_page_that_answers(name: str) -> None:
    language, question, topic = EMBEDDERS[name]
    with open_store(":memory:") as store:
        docs = register(store, "samples", sp.load(place(name)))
        docs.ingest([samples.documents_folder() / language])

        assert any(topic in (hit.source or "") for hit in docs.search(question, limit=3))


@pytest.mark.parametrize("name", EMBEDDERS)
def test_claims_on_the_sts_benchmark_are_reached(name: str, data: Path) -> None:
    claims = {
        claim.data.split("-")[1]: claim.value
        for claim in find(name).claims
        if claim.metric == "spearman_cosine" and claim.data.startswith("stsb-") and claim.data.endswith("-test")
    }
    if not claims:
        pytest.skip(f"the card of {name} claims nothing on it")
    model = sp.load(place(name))

    for language, value in claims.items():
        with (data / "stsb" / f"stsb-{language}-test.csv").open(encoding="utf-8", newline="") as file:
            left, right, scores = zip(*csv.reader(file), strict=True)
        assert spearman(cosine_of_pairs(model, left, right), [float(score) for score in scores]) == pytest.approx(
            value, abs=0.003
        )


def test_the_azerbaijani_pair_model_knows_what_follows() -> None:
    pairs = sp.load_reranker("az-mbert-pair")
    premise = "Bir kişi parkda gitara çalır."

    same, other = pairs.score([(premise, "Bir kişi musiqi aləti çalır."), (premise, "Kişi evdə yatır.")])
    best = pairs.rerank(premise, ["Kişi evdə yatır.", "Bir kişi musiqi aləti çalır."], top_n=1)

    assert same > other
    assert best[0].text == "Bir kişi musiqi aləti çalır."


def test_the_azerbaijani_pair_model_is_converted_and_scores() -> None:
    pairs = sp.load_reranker("az-mbert-pair")

    assert pairs.labels == ("contradiction", "entailment", "neutral")
    assert (pairs.score([("Bir kişi parkda gitara çalır.", "Kişi evdə yatır.")]) > 0).all()
    with pytest.raises(sp.NotAnEmbedderError):
        sp.load("az-mbert-pair")
