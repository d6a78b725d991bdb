"""What a model is worth before and after, and whether the difference is more than chance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from simplugin.evaluation.bootstrap import Floats
from simplugin.evaluation.comparing import Difference, compare
from simplugin.evaluation.datasets import Inferences, Pairs
from simplugin.evaluation.judged import Progress
from simplugin.evaluation.metrics import spearman
from simplugin.evaluation.pairs import WORTH, evaluate_pairs
from simplugin.evaluation.result import Evaluation
from simplugin.evaluation.similarity import evaluate_similarity
from simplugin.finetuning.examples import Examples, Sets
from simplugin.finetuning.networks import Network
from simplugin.finetuning.recipe import Recipe
from simplugin.measures import unit_rows
from simplugin.messages import quiet

__all__ = ["differences", "figures", "judge", "scores", "spearman_of"]


def judge(
    model: str | Path,
    sets: Sets,
    recipe: Recipe,
    *,
    keep: Path | None = None,
    worth: Mapping[str, float] = WORTH,
    resamples: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Judge a model as its recipe's data allow: by similarity, or by inference; ``keep`` it there, and do so once."""
    if keep is not None and keep.is_file():
        return Evaluation.load(keep)
    options: dict[str, Any] = {"resamples": resamples, "seed": seed, "progress": progress}
    with quiet():
        if recipe.data == "scored":
            pairs = [each for each in sets if isinstance(each, Pairs)]
            found = evaluate_similarity(model, pairs, cross=recipe.crossed, **options)
        else:
            inferences = [each for each in sets if isinstance(each, Inferences)]
            found = evaluate_pairs(str(model), inferences, worth=worth, **options)
    if keep is not None:
        found.save(keep)
    return found


def figures(judged: Evaluation) -> dict[str, dict[str, Any]]:
    """Return the figures of each section by its name, and the interval of the main one."""
    main = judged.result.main
    return {
        each.section: {
            "pairs": each.counts["pairs"],
            **{metric: value for metric, value in each.metrics.items() if value is not None},
            "ci95": None if main not in each.ci95 else list(each.ci95[main]),
        }
        for each in judged.result.sections
    }


def differences(before: Evaluation, after: Evaluation, *, resamples: int, seed: int) -> tuple[Difference, ...]:
    """Return by how much each section is better afterwards, on the same draws; none without draws."""
    if before.result.main != after.result.main or not resamples:
        return ()
    named = {"after": after, "before": before}
    return compare(named, resamples=max(resamples, 39), seed=seed).differences  # fewer draws can show nothing


def scores(network: Network, examples: Examples) -> Floats:
    """Return the cosine (n,) of each pair, by a network that is being trained."""
    from sentence_transformers import SentenceTransformer

    assert isinstance(network, SentenceTransformer)
    texts = list(dict.fromkeys((*examples.first, *examples.second)))
    places = {text: place for place, text in enumerate(texts)}
    rows = network.encode(texts, batch_size=64, show_progress_bar=False, convert_to_numpy=True)
    units = unit_rows(np.asarray(rows, dtype=np.float32))
    left, right = ([places[text] for text in side] for side in (examples.first, examples.second))
    return np.asarray(np.einsum("nd,nd->n", units[left], units[right]), dtype=np.float64)


def spearman_of(network: Network, examples: Examples) -> float:
    """Return how well cosines follow the targets: Spearman's correlation."""
    return spearman(scores(network, examples), examples.targets)
