"""The recipe ``distill``: from a data folder and a teacher to a small static model, as the starter was made."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from simplugin.finetuning.grading import grade
from simplugin.finetuning.output import Run, begin, finish
from simplugin.finetuning.remarks import tell_nobody
from simplugin.finetuning.training import check_extra
from simplugin.training.card import write_card
from simplugin.training.checkpoints import Checkpoints
from simplugin.training.corpus import Translation, read_training_pairs, read_training_translations
from simplugin.training.evaluation import Figure, evaluate
from simplugin.training.folder import write_model
from simplugin.training.recipe import Recipe, read_recipe
from simplugin.training.starter import distinct_english, train_starter
from simplugin.training.teacher import embed_english

__all__ = ["Distilled", "distill"]


@dataclass(frozen=True, slots=True)
class Distilled:
    """A finished model: where it is, and what it reaches on the test parts of the data."""

    folder: Path
    run: Run
    figures: tuple[Figure, ...]
    seconds: float

    @property
    def after(self) -> Mapping[str, Mapping[str, float]]:
        """The figures: by the data, the measure and the width, then by language."""
        found: dict[str, dict[str, float]] = {}
        for each in self.figures:
            typed = f", {each.manner}" if each.manner else ""
            found.setdefault(f"{each.dataset} {each.measure} {each.width}{typed}", {})[each.language] = each.value
        return found

    def to_json(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        return {
            "recipe": self.run.recipe,
            "model": self.folder.as_posix(),
            "base": self.run.base,
            "before": {},
            "after": self.after,
            "run": self.run.model_dump(mode="json"),
            "seconds": self.seconds,
        }


def distill(
    data: str | Path,
    out: str | Path,
    *,
    recipe: Recipe | None = None,
    seed: int = 1,
    overwrite: bool = False,
    on_note: Callable[[str], None] | None = None,
) -> Distilled:
    """Train a static model on the data folder of the project, judge it, and write it with its card into ``out``.

    It trains on a GPU where torch finds one. ``on_note`` is told each step of the way, and the loss of each epoch.
    Killed, the same call goes on from the last epoch.

    Raises ``MissingExtraError``, and ``DataError`` for data that are absent or broken and for an ``out`` that holds
    something else. All of this comes before the training.
    """
    started = time.perf_counter()
    told, recipe, folder = on_note or tell_nobody, recipe or read_recipe(), Path(out)
    check_extra()
    source = Path(data)
    translations, pairs = read_training_translations(source), read_training_pairs(source)
    run = Run(
        recipe="distill",
        hyperparameters=dict(recipe.numbers),
        seed=seed,
        base=recipe.teacher,
        weights=_digest(translations),
        data={},
    )
    work = begin(folder, run, overwrite=overwrite)
    english = distinct_english(translations)
    told(f"The teacher embeds {len(english):,} English sentences.")
    teacher = embed_english(english)
    told(f"The teacher learns people's scores of {len(pairs[0]):,} English pairs.")
    grader = grade(pairs[0], recipe, folder=work / "teacher", seed=seed)
    model = train_starter(
        translations,
        pairs,
        teacher,
        grader,
        recipe,
        seed=seed,
        report=told,
        checkpoints=Checkpoints(work),
        device="cuda" if torch.cuda.is_available() else "cpu",
    )
    figures = evaluate(model, source, short=recipe.schedule.short)
    name = folder.resolve().name
    card = write_card(figures, name=name, pieces=len(model.rows.weights), short=recipe.schedule.short)
    finished = work / "model"
    write_model(finished, model, name=name, card=card)
    for part in finished.iterdir():
        part.replace(folder / part.name)  # the record of the run stays until all are there
    done = Distilled(folder, run, tuple(figures), time.perf_counter() - started)
    finish(folder, done.to_json())
    return done


def _digest(translations: list[Translation]) -> str:
    """Return what changes when a text does."""
    digest = sha256()
    for item in translations:
        digest.update(f"{item.language}\0{item.text}\0{item.english}\0".encode())
    return digest.hexdigest()
