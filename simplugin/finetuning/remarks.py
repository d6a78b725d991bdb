"""What a user is told of a training in sentences: how long it is and why, and whether anything came of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from simplugin.evaluation.comparing import Difference
from simplugin.evaluation.result import Evaluation
from simplugin.finetuning.recipe import Recipe, find_recipe, recipe_names
from simplugin.finetuning.training import steps_of

__all__ = ["after_training", "before_training", "tell_nobody"]

_FAR = 20  # times the recipe's learning rate, from where on networks are seen to forget
_NEAR_NOTHING = 100  # times below it
_DIGITS = 6


def before_training(pairs: int, recipe: Recipe, *, is_table: bool) -> Iterator[str]:
    """Say how many steps there will be and what they follow from, and whether the learning rate is a strange one."""
    settings = recipe.hyperparameters
    each = math.ceil(pairs / settings.batch_size)
    whole = math.ceil(settings.epochs * each)
    told = f"{pairs:,} pairs in steps of {settings.batch_size}: {each:,} an epoch, "
    told += f"{whole:,} for epochs {settings.epochs:g}."
    most, steps = settings.max_steps, steps_of(pairs, recipe)
    if most is not None:
        told += (
            f" It stops after {steps:,} (--max-steps)."
            if steps < whole
            else f" That is all: --max-steps {most} is no more than a limit; more --epochs make more steps."
        )
    yield told
    yield from _of_rate(recipe, is_table=is_table)


def after_training(
    recipe: Recipe,
    before: Mapping[str, Evaluation],
    after: Mapping[str, Evaluation],
    differences: Mapping[str, Sequence[Difference]],
    *,
    best_epoch: float | None,
) -> Iterator[str]:
    """Say which epoch was kept, and of each set of data where the model is not better by more than chance."""
    if best_epoch is not None:
        yield f"Kept is what it was after epoch {best_epoch:g} of {recipe.hyperparameters.epochs:g}, the best on dev."
    for role, judged in after.items():
        if role not in before:
            continue
        old, new = (_value(each) for each in (before[role], judged))
        if old is None or new is None:
            continue
        section = judged.result.sections[-1].section
        gained = next((each for each in differences.get(role, ()) if each.section == section), None)
        told = f"{judged.result.main} {old:.4f} before and {new:.4f} after"
        if _figures(before[role]) == _figures(judged):
            yield f"warning: on {role} nothing has changed ({told}); try more steps or a higher --learning-rate."
        elif new < old and (gained is None or gained.ci95 is None or gained.better == "before"):
            none = "no epoch was better than" if best_epoch is not None and role == "dev" else "it is worse than"
            yield (
                f"warning: on {role} {none} what it began with ({told}); "
                "try a lower --learning-rate, fewer steps, or more pairs."
            )
        elif gained is not None and gained.ci95 is not None and gained.better is None:
            yield f"On {role} the difference may be chance: {told}, and the interval of the difference holds 0."


def tell_nobody(_: str) -> None:
    """Take a sentence that nobody asked for."""


def _of_rate(recipe: Recipe, *, is_table: bool) -> Iterator[str]:
    if recipe.sources["learning_rate"] != "given" or recipe.name not in recipe_names():
        return
    own = find_recipe(recipe.name)
    own = own.for_table() if is_table else own
    rate, usual = recipe.hyperparameters.learning_rate, own.hyperparameters.learning_rate
    told = f"warning: the learning rate {rate:g} is"
    whose = f"the recipe's {'for static models ' if is_table else ''}({usual:g})"
    if rate > _FAR * usual:
        yield f"{told} {rate / usual:,.0f} times {whose}; the model may lose what it knew."
    elif rate * _NEAR_NOTHING < usual:
        yield f"{told} {usual / rate:,.0f} times below {whose}; hardly anything may change."


def _value(judged: Evaluation) -> float | None:
    return judged.result.sections[-1].metrics[judged.result.main]


def _figures(judged: Evaluation) -> list[list[float | None]]:
    """Return all figures, to as many digits as a change would be seen in."""
    metrics = (section.metrics.values() for section in judged.result.sections)
    return [[None if value is None else round(value, _DIGITS) for value in values] for values in metrics]
