"""The teacher of ``distill``, once it has learned people's scores itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from simplugin.finetuning.examples import Examples
from simplugin.finetuning.networks import open_network
from simplugin.finetuning.recipe import find_recipe
from simplugin.finetuning.training import train
from simplugin.messages import quiet
from simplugin.training.corpus import ScoredPair
from simplugin.training.recipe import Recipe
from simplugin.training.starter import scored_english
from simplugin.training.teacher import Vectors, teacher_folder

__all__ = ["grade"]

_KEPT = "grader.safetensors"
_VECTORS = "vectors"


def grade(pairs: Sequence[ScoredPair], recipe: Recipe, *, folder: Path, seed: int) -> Vectors:
    """Train the teacher on scored English pairs by the recipe ``cosine``, and embed their sentences with it.

    Returns the vectors of ``scored_english(pairs)``, rows of length 1, and keeps them in ``folder``, where a training
    that was cut short goes on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / _KEPT
    if kept.is_file():
        return load(kept.read_bytes())[_VECTORS]
    cosine = find_recipe("cosine").changed(
        epochs=recipe.teacher_epochs, batch_size=recipe.teacher_batch, learning_rate=recipe.teacher_rate
    )
    opened = open_network(teacher_folder(), cosine, seed=seed)
    learned = Examples(
        tuple(pair.first for pair in pairs),
        tuple(pair.second for pair in pairs),
        np.asarray([pair.score / 5.0 for pair in pairs]),
        np.arange(len(pairs)),
    )
    train(opened, learned, cosine, folder=folder, seed=seed)
    network: Any = opened.network
    with quiet():
        encoded = network.encode(scored_english(pairs), normalize_embeddings=True, show_progress_bar=False)
    vectors: Vectors = np.ascontiguousarray(encoded, dtype=np.float32)
    draft = kept.with_suffix(".part")
    draft.write_bytes(save({_VECTORS: vectors}))
    draft.replace(kept)
    return vectors
