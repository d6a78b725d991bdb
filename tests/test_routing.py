"""Texts to the model of their language."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import simplugin as sp
from simplugin.errors import MissingExtraError, ModelError, NotAnEmbedderError
from simplugin.languages import identifier_for
from tests.hashing import HashEncoder

TURKISH, SPANISH, REST = HashEncoder(32), HashEncoder(48), HashEncoder()


@pytest.fixture
def router() -> sp.Router:
    return sp.load_router({"tr": TURKISH, "es": SPANISH, "*": REST})


def test_short_texts_go_to_the_model_of_their_language_and_others_to_the_rest(router: sp.Router) -> None:
    texts = {
        "Kedi koltukta uyuyor.": "tr",
        "¿Dónde está la biblioteca?": "es",
        "Where is the library?": "*",
        "Kitabxana nə vaxt açılır?": "*",
        "איפה הספרייה?": "*",
        "QX-7731": "*",
        "42": "*",
        "": "*",
    }

    assert router.route(list(texts)) == list(texts.values())
    assert router.languages == ("tr", "es")
    assert (router.encoder("tr"), router.encoder("*")) == (TURKISH, REST)


@pytest.mark.parametrize(
    ("language", "key"), [("tr", "tr"), ("TR", "tr"), ("tr-TR", "tr"), ("es_MX", "es"), ("de", "*"), ("xx", "*")]
)
def test_a_language_that_is_said_wins_over_what_the_text_looks_like(router: sp.Router, language: str, key: str) -> None:
    assert router.route(["Where is the library?", "42"], language) == [key, key]


def test_a_language_beyond_the_expected_ones_is_told_apart_where_it_has_a_model() -> None:
    ukrainian = "Бібліотека відкривається о дев'ятій годині."

    assert sp.load_router({"uk": TURKISH, "ru": SPANISH, "*": REST}).route([ukrainian]) == ["uk"]
    assert sp.load_router({"ru": SPANISH, "*": REST}).route([ukrainian]) == ["ru"]  # the closest of those expected


def test_one_string_is_no_list_of_texts(router: sp.Router) -> None:
    with pytest.raises(TypeError, match=r"write \[text\]"):
        router.route("Kedi")
    with pytest.raises(TypeError, match=r"write \[text\]"):
        router.route("Kedi", "tr")


def test_a_model_is_opened_by_its_name_once() -> None:
    router = sp.load_router({"tr": "starter", "*": "starter"})

    assert router.encoder("tr") is router.encoder("*")
    assert router.encoder("tr").card.name == "starter-3"


def test_what_is_no_router_is_told_in_one_sentence() -> None:
    with pytest.raises(ModelError, match=r"needs a model under '\*'.*it has 'tr'"):
        sp.load_router({"tr": TURKISH})
    with pytest.raises(ModelError, match="it has none"):
        sp.load_router({})
    with pytest.raises(ModelError, match="'turkish' is none"):
        sp.load_router({"turkish": TURKISH, "*": REST})
    with pytest.raises(ModelError, match="'pt-BR' is none"):
        sp.load_router({"pt-BR": TURKISH, "*": REST})
    with pytest.raises(NotAnEmbedderError, match="az-mbert-pair"):
        sp.load_router({"az": "az-mbert-pair", "*": REST})
    with pytest.raises(TypeError, match="'az' is a SimilarityReranker"):
        sp.load_router({"az": sp.SimilarityReranker(REST), "*": REST})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]


def test_its_models_cannot_be_exchanged(router: sp.Router) -> None:
    with pytest.raises(TypeError):
        router.models["tr"] = REST  # type: ignore[index]  # pyright: ignore[reportIndexIssue]


def test_without_the_identifier_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    identifier_for.cache_clear()
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    with pytest.raises(MissingExtraError, match=r"simplugin\[languages\]"):
        sp.load_router({"tr": TURKISH, "*": REST})
    with pytest.raises(MissingExtraError, match=r"simplugin\[languages\]"):
        sp.Router({"tr": TURKISH, "*": REST}).route(["Kedi"])
    assert sp.Router({"tr": TURKISH, "*": REST}).route(["Kedi"], "tr") == ["tr"]
    identifier_for.cache_clear()


@pytest.mark.parametrize(("language", "least"), [("az", 0.93), ("tr", 0.99), ("he", 0.99), ("es", 0.97), ("ru", 0.99)])
def test_short_real_sentences_are_routed_right(data: Path, language: str, least: float) -> None:
    lines = (data / "tatoeba" / f"en-{language}.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)[language] for line in lines]
    router = sp.load_router({"az": TURKISH, "tr": SPANISH, "he": REST, "es": REST, "ru": REST, "*": REST})

    assert router.route(texts).count(language) / len(texts) >= least
