"""The source models' training as data: one TOML file a recipe, which names its card and where each number is from."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any, Literal

__all__ = ["Hyperparameters", "Recipe", "find_recipe", "recipe_names"]

Data = Literal["scored", "inference"]
Loss = Literal["CosineSimilarityLoss", "CrossEntropyLoss"]


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """How long and how hard is trained.

    ``warmup`` is the share of the steps, in [0, 1), in which the learning rate rises from 0; it then falls to 0 along
    a line. ``max_steps`` stops earlier than the epochs would, and the learning rate with it. ``table_learning_rate``
    is that of static models.
    """

    epochs: float
    batch_size: int
    learning_rate: float
    weight_decay: float
    epsilon: float
    warmup: float
    table_learning_rate: float | None = None
    max_steps: int | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a source model was trained, and what is done better.

    ``card`` is the catalog name of that model and ``base`` what it was trained from. ``data`` are pairs with a degree
    of likeness, or of inference. ``keep`` is the epoch whose weights remain. ``crossed`` pairs also join languages.
    ``classes`` are those of a pair model, in the order of its columns. ``corrected`` says what the authors got wrong.
    ``search`` has the values that a search chooses from: the ends of a range, or for whole numbers all of them.
    ``sources`` say where each hyperparameter comes from.
    """

    name: str
    about: str
    card: str
    base: str
    data: Data
    loss: Loss
    hyperparameters: Hyperparameters
    sources: Mapping[str, str]
    keep: Literal["last", "best"] = "last"
    crossed: bool = False
    classes: tuple[str, ...] = ()
    max_tokens: int | None = None
    corrected: str = ""
    search: Mapping[str, tuple[float, ...]] = field(default_factory=dict[str, tuple[float, ...]])

    @property
    def makes_pair_model(self) -> bool:
        """Whether the network reads both texts at once, and has no vector for one."""
        return bool(self.classes)

    def changed(self, **values: float | None) -> Recipe:
        """Return it with other hyperparameters, where these are not None; their source is then the user.

        Raises ``ValueError`` for a number that is out of its range, and for a learning rate that no network learns by.
        """
        given = {name: value for name, value in values.items() if value is not None}
        for name, value in given.items():
            if not 0 < value < math.inf:
                message = f"{name} is {value:g}, and must be above 0 and finite."
                raise ValueError(message)
        if "learning_rate" in given:
            _check_rate(given["learning_rate"], self.hyperparameters)
            given["table_learning_rate"] = given["learning_rate"]
        return self._with(given, "given")

    def chosen(self, values: Mapping[str, float]) -> Recipe:
        """Return it with the hyperparameters that a search found best."""
        return self._with(values, "the best of the search")

    def for_table(self) -> Recipe:
        """Return it for a static model, whose learning rate, and what a search tries of it, is another one."""
        rate = self.hyperparameters.table_learning_rate
        if rate is None:
            return self
        scale = rate / self.hyperparameters.learning_rate
        search = {
            name: tuple(scale * choice for choice in choices) if name == "learning_rate" else choices
            for name, choices in self.search.items()
        }
        return replace(self._with({"learning_rate": rate}, self.sources["table_learning_rate"]), search=search)

    def _with(self, values: Mapping[str, float], source: str) -> Recipe:
        changed: dict[str, Any] = dict(values)
        settings = replace(self.hyperparameters, **changed)
        return replace(self, hyperparameters=settings, sources={**self.sources, **dict.fromkeys(values, source)})


def _check_rate(rate: float, usual: Hyperparameters) -> None:
    if rate <= 1:
        return
    of_tables = usual.table_learning_rate
    message = (
        f"learning_rate is {rate:g}; every number of a network moves by about that much a step, and above 1 nothing is "
        f"left of what it knew. The recipe has {usual.learning_rate:g}"
    ) + (f", and for static models {of_tables:g}." if of_tables else ".")
    raise ValueError(message)


def recipe_names() -> tuple[str, ...]:
    """Return the names of all recipes, in order."""
    return tuple(sorted(each.name.removesuffix(".toml") for each in _folder().iterdir() if each.name.endswith(".toml")))


def find_recipe(name: str) -> Recipe:
    """Return the recipe of this name. Raises ``ValueError``, with those there are, for another one."""
    known = recipe_names()
    if name not in known:
        message = f"there is no recipe {name!r}; there are {', '.join(known)}."
        raise ValueError(message)
    values: dict[str, Any] = tomllib.loads((_folder() / f"{name}.toml").read_text(encoding="utf-8"))
    settings = Hyperparameters(**values.pop("hyperparameters"))
    search = {key: tuple(choices) for key, choices in values.pop("search", {}).items()}
    classes = tuple(values.pop("classes", ()))
    return Recipe(name=name, hyperparameters=settings, classes=classes, search=search, **values)


def _folder() -> Any:
    return resources.files("simplugin.finetuning") / "recipes"
