"""One model a language: each query is matched by the model of its language, which knows all utterances."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simplugin.errors import DataError
from simplugin.intents import IntentMatcher, Utterance, report_on
from simplugin.routing import Router, load_router
from tests.hashing import HashEncoder
from tests.intents.test_fitting import rooms

UTTERANCES = {
    "pay": {"en": ["I want to pay my bill"], "tr": ["faturamı ödemek istiyorum"]},
    "lost": {"en": ["I have lost my red bag"], "tr": ["kırmızı çantamı kaybettim"]},
}


@pytest.fixture
def router() -> Router:
    return load_router({"tr": HashEncoder(96, seed=1), "*": HashEncoder(128)})


async def test_each_query_is_matched_by_the_model_of_its_language(router: Router) -> None:
    asked = ["I want to pay my bill", "çantamı kaybettim", "", "where is my red bag"]

    found = IntentMatcher(UTTERANCES, router).match(asked)

    alone = {key: IntentMatcher(UTTERANCES, model) for key, model in router.models.items()}
    by_hand = [alone[key].match(text) for key, text in zip(router.route(asked), asked, strict=True)]
    assert router.route(asked) == ["*", "tr", "*", "*"]
    assert [(each.status, each.intent, each.evidence[0].text) for each in found] == [
        (each.status, each.intent, each.evidence[0].text) for each in by_hand
    ]
    np.testing.assert_allclose([each.score for each in found], [each.score for each in by_hand], rtol=1e-5)
    assert [each.intent for each in found if each.text] == ["pay", "lost", "lost"]
    assert await IntentMatcher(UTTERANCES, router).amatch(asked) == found


def test_a_language_that_is_said_wins(router: Router) -> None:
    matcher = IntentMatcher(UTTERANCES, router)

    assert matcher.match("bill", language="tr") == IntentMatcher(UTTERANCES, router.encoder("tr")).match("bill")


def test_each_model_learns_and_the_report_asks_each_utterance_by_its_own(router: Router) -> None:
    utterances = [
        Utterance(text, intent, "tr" if place % 2 else "en")
        for intent, texts in rooms(6).items()
        for place, text in enumerate(texts)
    ]
    matcher = IntentMatcher(utterances, router)

    assert all(known.learned is not None for known in matcher.knowledge.values())
    report = report_on(matcher)
    asked = sum(len(known.cross_validated().places) for known in matcher.knowledge.values()) / 2
    assert report.figures.queries == pytest.approx(asked, abs=3)
    assert report.figures.accuracy == 1


def test_what_is_saved_has_each_model_and_is_opened_with_the_same_ones(router: Router, tmp_path: Path) -> None:
    path = tmp_path / "j.json"
    matcher = IntentMatcher(rooms(6), router)
    matcher.save(path)
    asked = ["bus1 bus2 bus", "kütüphane library3", "penguins tell jokes"]

    assert IntentMatcher.load(path, router).match(asked) == matcher.match(asked)
    with pytest.raises(DataError, match=r"models for 'tr', '\*'; those given are for '\*'"):
        IntentMatcher.load(path, router.encoder("*"))
