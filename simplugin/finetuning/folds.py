"""Cross-validation: what a recipe is worth on pairs that it did not learn from, without touching dev and test."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simplugin.errors import DataError
from simplugin.evaluation.bootstrap import Ints
from simplugin.evaluation.judged import Progress
from simplugin.finetuning.examples import Examples
from simplugin.finetuning.judging import spearman_of
from simplugin.finetuning.networks import Opened
from simplugin.finetuning.recipe import Recipe
from simplugin.finetuning.training import steps_of, train

__all__ = ["Folded", "cross_validate", "folds_of"]


@dataclass(frozen=True, slots=True)
class Folded:
    """Spearman's correlation on each held-out fold, their mean, and their standard deviation."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over the folds."""
        return float(np.mean(self.values))

    @property
    def deviation(self) -> float:
        """The standard deviation over the folds; 0 for one."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else 0.0


def folds_of(clusters: Ints, folds: int, *, seed: int) -> Ints:
    """Return the fold (n,) of each pair, as even as may be; what belongs together stays together.

    The largest clusters are placed first, each into the smallest fold. Raises ``DataError`` for fewer clusters than
    folds.
    """
    names, sizes = np.unique(clusters, return_counts=True)
    if len(names) < folds:
        raise DataError(f"{len(clusters)} pairs in {len(names)} groups that share texts cannot be parted into {folds}.")
    order = np.random.default_rng(seed).permutation(len(names))
    filled = np.zeros(folds, dtype=np.int64)
    fold_of: dict[int, int] = {}
    for place in sorted(order.tolist(), key=lambda place: -int(sizes[place])):
        smallest = int(np.argmin(filled))
        fold_of[int(names[place])] = smallest
        filled[smallest] += sizes[place]
    return np.array([fold_of[name] for name in clusters.tolist()], dtype=np.int64)


def cross_validate(
    start: Callable[[], Opened],
    examples: Examples,
    recipe: Recipe,
    *,
    folds: int,
    seed: int,
    progress: Progress | None = None,
) -> Folded:
    """Train once for each fold, on the others, from what ``start`` opens; judge it by the fold left out."""
    fold = folds_of(examples.clusters, folds, seed=seed)
    done = 0
    values: list[float] = []
    for inside, outside in _parted(fold, folds):
        steps = steps_of(len(inside), recipe)

        def tell(step: int, _: int, before: int = done, each: int = steps) -> None:
            if progress is not None:
                progress(before + step, each * folds)

        opened = start()
        with tempfile.TemporaryDirectory() as folder:
            train(opened, examples.take(inside), recipe, folder=Path(folder), seed=seed, resumable=False, progress=tell)
        done += steps
        values.append(spearman_of(opened.network, examples.take(outside)))
    return Folded(tuple(values))


def _parted(fold: Ints, folds: int) -> Iterator[tuple[Ints, Ints]]:
    for number in range(folds):
        yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)
