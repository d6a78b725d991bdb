"""From a recipe, labelled files and a model to begin with, to a finished folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from simplugin.errors import DataError
from simplugin.evaluation.comparing import Difference
from simplugin.evaluation.datasets import Inferences
from simplugin.evaluation.judged import Progress
from simplugin.evaluation.pairs import WORTH
from simplugin.evaluation.result import DataRecord, Evaluation
from simplugin.finetuning.card import write_card
from simplugin.finetuning.examples import Examples, Labelled, Sets, check_worth, examples_of, read, shared
from simplugin.finetuning.folds import Folded, cross_validate
from simplugin.finetuning.judging import differences, figures, judge, spearman_of
from simplugin.finetuning.networks import Opened, open_network, save_network
from simplugin.finetuning.output import Run, begin, finish
from simplugin.finetuning.recipe import Recipe, find_recipe
from simplugin.finetuning.remarks import after_training, before_training, tell_nobody
from simplugin.finetuning.search import Trial, check_search, search
from simplugin.finetuning.training import best_epoch, check_extra, steps_done, train

__all__ = ["Finetuned", "finetune"]

Meter: TypeAlias = Callable[[str], AbstractContextManager[Progress | None]]
"""Gives, for something long by its name, what is told how far it is."""

_TRIALS_FOLDS = 10  # as the cross-lingual card has them


@dataclass(frozen=True, slots=True)
class Finetuned:
    """A finished model: where it is, and what it was worth before and after, by dev and test.

    ``kept_epoch`` is the one that was best on dev, where the recipe keeps that; None is the last. ``before`` is empty
    for a pair model whose head was new. ``folded`` are the folds of a cross-validation.
    """

    folder: Path
    recipe: Recipe
    run: Run
    steps: int
    kept_epoch: float | None
    before: Mapping[str, Evaluation]
    after: Mapping[str, Evaluation]
    differences: Mapping[str, tuple[Difference, ...]]
    folded: Folded | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        return {
            "recipe": self.recipe.name,
            "model": self.folder.as_posix(),
            "base": self.run.base,
            "steps": self.steps,
            "kept_epoch": self.kept_epoch,
            "before": {role: figures(judged) for role, judged in self.before.items()},
            "after": {role: figures(judged) for role, judged in self.after.items()},
            "difference": {role: [each.to_json() for each in found] for role, found in self.differences.items()},
            "folds": None if self.folded is None else {**asdict(self.folded), "mean": self.folded.mean},
            "run": self.run.model_dump(mode="json"),
            "seconds": self.seconds,
        }


def finetune(
    recipe: Recipe | str,
    train_on: Labelled,
    *,
    dev: Labelled,
    out: str | Path,
    test: Labelled | None = None,
    model: str | Path | None = None,
    worth: Mapping[str, float] = WORTH,
    seed: int = 42,
    folds: int = 0,
    trials: int = 0,
    resamples: int = 1000,
    overwrite: bool = False,
    on_note: Callable[[str], None] | None = None,
    meter: Meter | None = None,
) -> Finetuned:
    """Train a model by a recipe, judge it before and after, and write it with its card into ``out``.

    ``train_on``, ``dev`` and ``test`` are files, several by language, or what ``read_sts`` and ``read_nli`` gave.
    ``model`` is what it begins with, the starter where it is None, and the recipe's own base for a pair model.
    ``worth`` is the similarity of a class, for a recipe whose cosine learns it. ``folds`` cross-validates on the
    training pairs first; ``trials`` searches for hyperparameters by that, with ten folds unless told. ``meter`` shows
    how far each part is. Killed, the same call goes on from the last checkpoint.

    Raises ``ValueError`` for an unknown recipe; ``MissingExtraError``; ``DataError`` for what cannot be learned from or
    judged by, and for an ``out`` that holds something else; and what ``simplugin.load`` raises. All of this comes
    before the training.
    """
    started = time.perf_counter()
    chosen = find_recipe(recipe) if isinstance(recipe, str) else recipe
    told, show = on_note or tell_nobody, meter or _no_meter
    check_extra()
    _check_folds(chosen, folds, trials)
    learned, judged_by = _read(chosen, train_on, dev, test, worth, told)
    examples = examples_of(learned, chosen, worth=worth)
    _check_overlap(examples, learned, judged_by, chosen, worth, told)
    base = str(model) if model is not None else chosen.base if chosen.makes_pair_model else "starter"

    def start() -> Opened:
        return open_network(base, chosen, seed=seed)

    opened = start()
    if opened.kind == "table":
        chosen = chosen.for_table()
    if opened.classes != chosen.classes:
        chosen = replace(chosen, classes=opened.classes)  # a head that is there has its own order
        examples = examples_of(learned, chosen, worth=worth)
    run = _run(chosen, opened, base, seed, {"train": learned, **judged_by}, worth, folds, trials)
    folder = Path(out)
    _check_place(folder, base)
    work = begin(folder, run, overwrite=overwrite)
    judging = _Judging(judged_by, chosen, worth, resamples, show)
    before = {} if opened.fresh else judging.judge(base, "before", keep=work)
    chosen, folded = _validated(start, examples, chosen, folds, trials, work, seed, told, show)
    for remark in before_training(len(examples), chosen, is_table=opened.kind == "table"):
        told(remark)
    if step := steps_done(work):
        told(f"Going on after step {step}.")
    best_of = examples_of(judged_by["dev"], chosen) if chosen.keep == "best" else None
    with show("training") as progress:
        steps = train(
            opened,
            examples,
            chosen,
            folder=work,
            seed=seed,
            judge=None if best_of is None else lambda: spearman_of(opened.network, best_of),
            progress=progress,
        )
    save_network(opened, folder)
    after = judging.judge(folder, "after")
    gained = {role: differences(before[role], after[role], resamples=resamples, seed=0) for role in before}
    kept = best_epoch(work)
    for remark in after_training(chosen, before, after, gained, best_epoch=kept):
        told(remark)
    done = Finetuned(folder, chosen, run, steps, kept, before, after, gained, folded, time.perf_counter() - started)
    card = write_card(
        folder.resolve().name,
        chosen,
        run,
        steps=steps,
        before=before,
        after=after,
        differences=gained,
        base=opened.card,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
    finish(folder, done.to_json())
    return done


@dataclass(frozen=True, slots=True)
class _Judging:
    """How models are judged before and after, by dev and test alike."""

    sets: Mapping[str, Sets]
    recipe: Recipe
    worth: Mapping[str, float]
    resamples: int
    show: Meter

    def judge(self, model: str | Path, when: str, *, keep: Path | None = None) -> dict[str, Evaluation]:
        """Return what a model is worth by each set; with ``keep`` it is written there, and not computed again."""
        found: dict[str, Evaluation] = {}
        for role, sets in self.sets.items():
            with self.show(f"{role}, {when}") as progress:
                found[role] = judge(
                    model,
                    sets,
                    self.recipe,
                    keep=None if keep is None else keep / f"{when}-{role}-{self.resamples}.json",
                    worth=self.worth,
                    resamples=self.resamples,
                    progress=progress,
                )
        return found


def _check_place(out: Path, base: str) -> None:
    """Refuse to write over what is begun with. Raises ``DataError``."""
    if Path(base).is_dir() and out.resolve() in {Path(base).resolve(), *Path(base).resolve().parents}:
        raise DataError("the model to begin with lies in this folder; name another for --out.", path=out)


def _check_folds(recipe: Recipe, folds: int, trials: int) -> None:
    if folds and recipe.data != "scored":
        raise DataError(f"{recipe.name!r} learns classes; folds are for recipes that learn degrees of likeness.")
    if folds == 1:
        raise DataError("A cross-validation needs two folds or more.")
    if trials:
        check_search(recipe)


def _read(
    recipe: Recipe,
    train_on: Labelled,
    dev: Labelled,
    test: Labelled | None,
    worth: Mapping[str, float],
    told: Callable[[str], None],
) -> tuple[Sets, dict[str, Sets]]:
    if recipe.data == "inference" and not recipe.makes_pair_model:
        check_worth(worth)
    given = {"training": train_on, "dev": dev, **({} if test is None else {"test": test})}
    found: dict[str, Sets] = {}
    for role, data in given.items():
        found[role], notes = read(data, recipe, role=role)
        for note in notes:
            told(note)
    learned = found.pop("training")
    return learned, found


def _check_overlap(
    examples: Examples,
    learned: Sets,
    judged_by: Mapping[str, Sets],
    recipe: Recipe,
    worth: Mapping[str, float],
    told: Callable[[str], None],
) -> None:
    """Refuse to judge by a file that is learned from, or twice by one; tell of pairs that are in both."""
    if same := _in_both(judged_by.get("dev", ()), judged_by.get("test", ())):
        raise DataError(f"{same!r} is both chosen by and judged by (--dev and --test); part it in two.")
    for role, sets in judged_by.items():
        if same := _in_both(learned, sets):
            raise DataError(f"{same!r} is both learned from and judged by (--train and --{role}); part it in two.")
        other = examples_of(sets, recipe, worth=worth)
        if both := shared(examples, other):
            told(f"warning: {both} of the {len(other)} pairs of {role} are among those to learn from as well.")


def _in_both(ones: Sets, others: Sets) -> str | None:
    """Return the name of a file of the others that is among these too."""
    hashes = {each.file.sha256 for each in ones if each.file is not None}
    return next((each.name for each in others if each.file is not None and each.file.sha256 in hashes), None)


def _run(
    recipe: Recipe,
    opened: Opened,
    base: str,
    seed: int,
    data: Mapping[str, Sets],
    worth: Mapping[str, float],
    folds: int,
    trials: int,
) -> Run:
    return Run(
        recipe=recipe.name,
        hyperparameters=asdict(recipe.hyperparameters),
        seed=seed,
        base=opened.name if Path(base).is_dir() else base,
        weights=opened.weights,
        data={role: tuple(map(_record, sets)) for role, sets in data.items()},
        worth=dict(worth) if recipe.data == "inference" and not recipe.makes_pair_model else {},
        folds=folds,
        trials=trials,
    )


def _record(data: Any) -> DataRecord:
    scale = None if isinstance(data, Inferences) else data.scale
    return DataRecord.of(data.name, data.language, data.pairs, data.file, scale=scale)


def _validated(
    start: Callable[[], Opened],
    examples: Examples,
    recipe: Recipe,
    folds: int,
    trials: int,
    work: Path,
    seed: int,
    told: Callable[[str], None],
    show: Meter,
) -> tuple[Recipe, Folded | None]:
    """Search for hyperparameters where that is asked for, and cross-validate what is then trained."""
    if not folds and not trials:
        return recipe, None
    parts = folds or _TRIALS_FOLDS

    def validate(tried: Recipe) -> Folded:
        with show(f"{parts} folds") as progress:
            return cross_validate(start, examples, tried, folds=parts, seed=seed, progress=progress)

    def tell(trial: Trial) -> None:
        values = ", ".join(f"{name} {value:g}" for name, value in trial.hyperparameters.items())
        told(f"trial: Spearman {trial.value:.4f} with {values}")

    if trials:
        recipe = search(
            recipe, lambda tried: validate(tried).mean, trials=trials, folder=work, seed=seed, on_trial=tell
        )
    kept = work / "folds.json"
    folded = Folded(tuple(json.loads(kept.read_text(encoding="utf-8")))) if kept.is_file() else validate(recipe)
    kept.write_text(json.dumps(folded.values), encoding="utf-8")
    told(f"{parts} folds: Spearman {folded.mean:.4f}, standard deviation {folded.deviation:.4f}")
    return recipe, folded


def _no_meter(_: str) -> AbstractContextManager[Progress | None]:
    return nullcontext()
