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
