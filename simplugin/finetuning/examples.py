"""What is learned from: pairs of texts with a target, made of labelled files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from simplugin.errors import DataError
from simplugin.evaluation.bootstrap import Floats, Ints
from simplugin.evaluation.datasets import Inferences, Pairs
from simplugin.evaluation.datasets.nli import read_nli
from simplugin.evaluation.datasets.pair_sources import PairSource, read_pair_sources
from simplugin.evaluation.datasets.sources import Source, read_all
from simplugin.evaluation.inspection import inspect_labels
from simplugin.evaluation.pairs import WORTH
from simplugin.evaluation.plans import plan
from simplugin.evaluation.pooling import clusters_of_texts, pool
from simplugin.evaluation.result import Part
from simplugin.finetuning.recipe import Recipe
from simplugin.texts import as_read

__all__ = ["Examples", "Labelled", "Sets", "check_worth", "examples_of", "read", "shared"]

Labelled: TypeAlias = PairSource | Source[Inferences]
"""Files of pairs with labels, or of inference; several by language."""

Sets: TypeAlias = tuple[Pairs, ...] | tuple[Inferences, ...]

_TOP = 5.0  # the best label of what read_sts returns
_FEW = 10  # pairs under which nothing can be learned or judged


@dataclass(frozen=True, slots=True)
class Examples:
    """Pairs of texts, as a model reads them, and the targets (n,) that are learned.

    ``clusters`` (n,) numbers what belongs together: pairs that share a text, and translations of one pair.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    targets: Floats
    clusters: Ints

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, rows: Sequence[int] | Ints) -> Examples:
        """Return those at these places, in that order."""
        first, second = (tuple(side[row] for row in rows) for side in (self.first, self.second))
        return Examples(first, second, self.targets[rows], self.clusters[rows])


def read(data: Labelled, recipe: Recipe, *, role: str) -> tuple[Sets, tuple[str, ...]]:
    """Read the files that a recipe learns from, or is judged by; return also what should be known of them.

    ``role`` is what they are for, as an error names them. Raises ``DataError`` for a broken file, with its line; for
    labels that are no degrees of likeness, as raw numbers of classes are; and for too few pairs.
    """
    source: Any = data  # a recipe reads one kind of file; what is the other kind is refused in its columns
    if recipe.data == "inference":
        inferences: tuple[Inferences, ...] = read_all(source, lambda path, language: read_nli(path, language=language))
        _check_count(inferences, role)
        return inferences, ()
    sets = read_pair_sources(source)
    _check_count(sets, role)
    notes: list[str] = []
    for each in sets:
        for finding in inspect_labels(each):
            if finding.severity == "error":
                hint = " The recipe 'nli-cosine' does so." if finding.code == "class_labels" else ""
                raise DataError(f"{finding.message}{hint}")
            notes.append(f"{finding.severity}: {finding.message}")
    plan(sets, cross=recipe.crossed)  # refuses what does not match across
    return sets, tuple(notes)


def examples_of(sets: Sets, recipe: Recipe, *, worth: Mapping[str, float] = WORTH) -> Examples:
    """Return what a recipe learns: similarity in [0, 1], or the column of a class.

    ``worth`` is the similarity of the texts of a class. Raises ``DataError`` for one that a cosine cannot learn, or
    that has a contradiction more alike than what follows.
    """
    if recipe.data == "scored":
        return _of_scored([each for each in sets if isinstance(each, Pairs)], recipe)
    inferences = [each for each in sets if isinstance(each, Inferences)]
    if recipe.makes_pair_model:
        targets = {name: float(column) for column, name in enumerate(recipe.classes)}
    else:
        check_worth(worth)
        targets = dict(worth)
    pairs = [pair for each in inferences for pair in each.pairs]
    if unknown := sorted({pair.label for pair in pairs} - targets.keys()):
        raise DataError(f"There are pairs of {unknown[0]!r}, and {recipe.name!r} learns {', '.join(targets)}.")
    first, second = tuple(as_read(pair.premise) for pair in pairs), tuple(as_read(pair.hypothesis) for pair in pairs)
    values = np.array([targets[pair.label] for pair in pairs], dtype=np.float64)
    if len(set(values.tolist())) < 2:
        raise DataError(f"All pairs are of one class, {pairs[0].label!r}; nothing can be learned.")
    return Examples(first, second, values, clusters_of_texts(first, second))


def check_worth(worth: Mapping[str, float]) -> None:
    """Refuse similarities of classes that are none.

    The Hebrew source model learned 0 for entailment and 2 for contradiction, and ended inverted. Raises ``DataError``.
    """
    outside = [f"{name} {value:g}" for name, value in worth.items() if not 0 <= value <= 1]
    if outside:
        raise DataError(
            f"A class is worth its similarity, from 0 to 1, and not its number: {', '.join(outside)}. "
            "No cosine is above 1; take entailment=1,neutral=0.5,contradiction=0."
        )
    order = [worth[name] for name in ("entailment", "neutral", "contradiction") if name in worth]
    if order != sorted(order, reverse=True) or len(set(order)) < 2:
        told = ", ".join(f"{name} {value:g}" for name, value in worth.items())
        raise DataError(
            f"By these similarities a contradiction is as alike as what follows, or more: {told}. The model would end "
            "inverted; take entailment=1,neutral=0.5,contradiction=0."
        )


def shared(train: Examples, other: Examples) -> int:
    """Count the pairs of another set whose two texts are a pair to learn from as well, whichever comes first."""
    learned = {frozenset(pair) for pair in zip(train.first, train.second, strict=True)}
    return sum(frozenset(pair) in learned for pair in zip(other.first, other.second, strict=True))


def _of_scored(sets: Sequence[Pairs], recipe: Recipe) -> Examples:
    parts = [
        Part(
            each.name,
            each.clusters,
            {"label": each.labels},
            {"first": tuple(each.first), "second": tuple(each.second)},
        )
        for each in plan(sets, cross=recipe.crossed).parts
    ]
    pooled = pool("all", parts)
    return Examples(pooled.texts["first"], pooled.texts["second"], pooled.numbers["label"] / _TOP, pooled.clusters)


def _check_count(sets: Sets, role: str) -> None:
    pairs = sum(len(each.pairs) for each in sets)
    if pairs < _FEW:
        names = ", ".join(repr(each.name) for each in sets)
        raise DataError(f"There are {pairs} pairs for {role} in {names}; at least {_FEW} are needed.")
