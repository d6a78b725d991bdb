"""A search for hyperparameters, over a measure that is known."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from simplugin.errors import DataError, MissingExtraError
from simplugin.finetuning import Recipe, find_recipe
from simplugin.finetuning.search import Trial, check_search, search

has_optuna = find_spec("optuna") is not None
needs_optuna = pytest.mark.skipif(not has_optuna, reason="optuna is not installed (the extra 'search')")


def value(recipe: Recipe) -> float:
    """Return a measure that is highest for a learning rate of 1e-4."""
    return -abs(recipe.hyperparameters.learning_rate - 1e-4)


@needs_optuna
def test_it_finds_better_ones_than_the_recipe_has(tmp_path: Path) -> None:
    recipe = find_recipe("crossing")
    told: list[Trial] = []

    best = search(recipe, value, trials=12, folder=tmp_path, seed=1, on_trial=told.append)

    assert len(told) == 12
    assert told[0].value == value(recipe), "the recipe itself is tried first"
    assert value(best) == max(each.value for each in told) > value(recipe)
    assert best.sources["learning_rate"] == "the best of the search"
    assert best.hyperparameters.batch_size in recipe.search["batch_size"]
    for each in told:
        low, high = recipe.search["learning_rate"]
        assert low <= each.hyperparameters["learning_rate"] <= high


@needs_optuna
def test_cut_short_it_goes_on_and_ends_at_the_same(tmp_path: Path) -> None:
    recipe = find_recipe("crossing")
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    for folder in (whole, parted):
        folder.mkdir()
    again: list[Trial] = []

    wanted = search(recipe, value, trials=6, folder=whole, seed=1)
    search(recipe, value, trials=4, folder=parted, seed=1)
    found = search(recipe, value, trials=6, folder=parted, seed=1, on_trial=again.append)

    assert len(again) == 2
    assert found == wanted
    assert (parted / "trials.jsonl").read_text() == (whole / "trials.jsonl").read_text()
    assert len([json.loads(line) for line in (parted / "trials.jsonl").read_text().splitlines()]) == 6


def test_a_recipe_without_ranges_is_not_searched() -> None:
    with pytest.raises(DataError, match="'sts' has no ranges to search; 'crossing' has"):
        check_search(find_recipe("sts"))


@pytest.mark.skipif(has_optuna, reason="optuna is installed")
def test_without_the_extra_it_is_named() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'simplugin\[search\]'"):
        check_search(find_recipe("crossing"))
