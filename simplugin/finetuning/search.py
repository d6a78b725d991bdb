"""A search for hyperparameters with Optuna, each trial judged by cross-validation, as the cross-lingual card did."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from simplugin.errors import DataError, MissingExtraError
from simplugin.finetuning.recipe import Recipe
from simplugin.writing import write_whole

__all__ = ["Trial", "check_search", "search"]

_LOGARITHMIC = ("learning_rate", "epsilon")
_WHOLE = ("epochs",)
_CHOICES = ("batch_size",)
_TRIALS = "trials.jsonl"


@dataclass(frozen=True, slots=True)
class Trial:
    """Hyperparameters that were tried, and the mean over the folds."""

    hyperparameters: Mapping[str, float]
    value: float


def check_search(recipe: Recipe) -> None:
    """Raise ``MissingExtraError`` without Optuna, and ``DataError`` for a recipe that has nothing to choose from."""
    from importlib.util import find_spec

    if not recipe.search:
        raise DataError(f"The recipe {recipe.name!r} has no ranges to search; 'crossing' has.")
    if find_spec("optuna") is None:
        raise MissingExtraError("search", "A search for hyperparameters")


def search(
    recipe: Recipe,
    validate: Callable[[Recipe], float],
    *,
    trials: int,
    folder: Path,
    seed: int,
    on_trial: Callable[[Trial], None] | None = None,
) -> Recipe:
    """Return the recipe with the hyperparameters that ``validate`` found best in so many trials.

    The first trial is the recipe as it is, so that what is chosen is no worse by this measure. Trials are kept in
    ``folder``; a search that was cut short goes on after those that it has.
    """
    optuna: Any = import_module("optuna")  # an extra, which type checkers need not have
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    choices = _distributions(recipe, optuna.distributions)
    done = list(_read(folder / _TRIALS))
    while len(done) < trials:
        # A sampler of its own for each trial: the same ones follow, whether the search was cut short before or not.
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed + len(done)))
        for each in done:
            study.add_trial(
                optuna.trial.create_trial(params=dict(each.hyperparameters), distributions=choices, value=each.value)
            )
        if not done:
            study.enqueue_trial({name: getattr(recipe.hyperparameters, name) for name in choices})
        chosen: dict[str, float] = study.ask(choices).params
        done.append(Trial(chosen, validate(recipe.chosen(chosen))))
        _append(folder / _TRIALS, done[-1])
        if on_trial is not None:
            on_trial(done[-1])
    return recipe.chosen(max(done[:trials], key=lambda each: each.value).hyperparameters)


def _distributions(recipe: Recipe, kinds: Any) -> dict[str, Any]:
    """Return what Optuna chooses from; ``kinds`` is its module of them."""
    found: dict[str, Any] = {}
    for name, choices in recipe.search.items():
        if name in _CHOICES:
            found[name] = kinds.CategoricalDistribution([int(choice) for choice in choices])
        elif name in _WHOLE:
            found[name] = kinds.IntDistribution(int(choices[0]), int(choices[-1]))
        else:
            found[name] = kinds.FloatDistribution(choices[0], choices[-1], log=name in _LOGARITHMIC)
    return found


def _read(path: Path) -> Iterator[Trial]:
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        kept = json.loads(line)
        yield Trial(kept["hyperparameters"], kept["value"])


def _append(path: Path, trial: Trial) -> None:
    row = {"hyperparameters": dict(trial.hyperparameters), "value": trial.value}
    whole = path.read_text(encoding="utf-8") if path.is_file() else ""
    write_whole(path, f"{whole}{json.dumps(row)}\n")
