from __future__ import annotations

import pytest

from simplugin.catalog import NEWEST_STARTER, cards, find, names
from simplugin.errors import UnknownModelError

FAMILY = (
    *(f"en-{code}" for code in ("de", "es", "fr", "it", "nl", "pl", "pt", "ru", "zh")),
    *(f"de-{code}" for code in ("es", "fr", "it", "nl", "pl", "pt", "ru", "zh")),
)


def test_all_seventeen_crossings_are_known_by_name_and_by_hub_id() -> None:
    assert len(FAMILY) == 17
    for pair in FAMILY:
        card = find(f"cross-{pair}-roberta")
        assert card.id == f"T-Systems-onsite/cross-{pair}-roberta-sentence-transformer"
        assert find(card.id) is card
        assert card.languages == tuple(pair.split("-"))


def test_the_spanish_card_says_768_wide_and_warns() -> None:
    card = find("stsb-es-distiluse")

    assert card.dimension == 768
    assert "512" in card.warnings[0]


def test_the_azerbaijani_card_is_a_pair_model_and_the_hebrew_one_warns_of_its_polarity() -> None:
    assert find("az-mbert-pair").kind == "pair"
    assert "inverted" in find("he-mbert-nli").warnings[0]


def test_starter_stands_for_the_newest_version() -> None:
    assert find("starter").name == NEWEST_STARTER


def test_names_are_unique_and_every_one_is_found() -> None:
    assert len(set(names())) == len(names()) == len(cards()) + 1
    assert all(find(name) for name in names())


def test_an_unknown_name_lists_those_that_exist() -> None:
    with pytest.raises(UnknownModelError) as raised:
        find("startre")

    assert "'startre'" in str(raised.value)
    assert all(name in str(raised.value) for name in names())


def test_a_crossing_is_found_in_both_orders_of_its_codes() -> None:
    for pair in FAMILY:
        a, b = pair.split("-")
        card = find(f"cross-{pair}-roberta")
        assert find(f"cross-{b}-{a}-roberta") is card
        assert find(f"T-Systems-onsite/cross-{b}-{a}-roberta-sentence-transformer") is card
    with pytest.raises(UnknownModelError):
        find("cross-tr-az-roberta")


def test_one_crossing_has_claims_of_its_own() -> None:
    assert [claim.value for claim in find("cross-en-de-roberta").claims] == [0.8550, 0.8660, 0.8525]
    assert find("cross-de-es-roberta").claims == ()


def test_the_e5_family_has_its_prompts() -> None:
    for size in ("small", "base", "large"):
        prompts = find(f"multilingual-e5-{size}").prompts
        assert (prompts.query, prompts.document) == ("query: ", "passage: ")


def test_every_claim_names_its_source_and_every_embedder_its_width() -> None:
    for card in cards():
        assert all(claim.source and -1 <= claim.value <= 1 for claim in card.claims)
        assert (card.dimension is None) == (card.kind == "pair")
