"""The recipes, as data."""

from __future__ import annotations

from dataclasses import fields

import pytest

from simplugin.catalog import find
from simplugin.finetuning import Hyperparameters, find_recipe, recipe_names


def test_there_is_one_for_each_source_card() -> None:
    cards = {name: find_recipe(name).card for name in recipe_names()}

    assert cards == {
        "cosine": "bge-m3-ml-tr",
        "crossing": "cross-en-de-roberta",
        "nli-cosine": "he-mbert-nli",
        "nli-pair": "az-mbert-pair",
        "sts": "stsb-es-distiluse",
    }
    assert all(find(card).name == card for card in cards.values())


@pytest.mark.parametrize("name", recipe_names())
def test_every_number_says_where_it_is_from(name: str) -> None:
    recipe = find_recipe(name)

    set_ones = {each.name for each in fields(Hyperparameters) if getattr(recipe.hyperparameters, each.name) is not None}
    assert set_ones | {"loss"} == set(recipe.sources)
    assert all(recipe.sources.values())


def test_crossing_has_the_numbers_of_its_card() -> None:
    settings = find_recipe("crossing").hyperparameters

    assert (settings.batch_size, settings.epochs) == (8, 2)
    assert settings.learning_rate == 1.026343323298136e-05
    assert settings.epsilon == 4.462251033010287e-06
    assert settings.weight_decay == 0.04794438776350409
    assert settings.warmup == 0.1609010732760181


def test_an_unknown_one_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no recipe 'nli'; there are cosine, crossing, nli-cosine, nli-pair, sts"):
        find_recipe("nli")


def test_what_is_changed_is_said_to_be_given() -> None:
    changed = find_recipe("cosine").changed(epochs=1, batch_size=None, learning_rate=3e-5)

    assert (changed.hyperparameters.epochs, changed.hyperparameters.batch_size) == (1, 64)
    assert changed.sources["epochs"] == changed.sources["learning_rate"] == "given"
    assert changed.for_table().hyperparameters.learning_rate == 3e-5, "given for whatever is trained"
    with pytest.raises(ValueError, match="epochs is 0, and must be above 0"):
        changed.changed(epochs=0)


def test_a_static_model_learns_at_a_rate_of_its_own() -> None:
    recipe = find_recipe("crossing")
    table = recipe.for_table()

    assert table.hyperparameters.learning_rate == recipe.hyperparameters.table_learning_rate
    assert table.sources["learning_rate"] == recipe.sources["table_learning_rate"]
    low, high = table.search["learning_rate"]
    assert low < table.hyperparameters.learning_rate < high
    assert table.search["batch_size"] == recipe.search["batch_size"]
