"""Training by sentence-transformers' trainers, from the last checkpoint where there is one."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simplugin.errors import DataError, MissingExtraError
from simplugin.evaluation.judged import Progress
from simplugin.finetuning.examples import Examples
from simplugin.finetuning.networks import Opened
from simplugin.finetuning.recipe import Recipe
from simplugin.messages import quiet

if TYPE_CHECKING:
    from transformers import TrainerCallback

__all__ = ["best_epoch", "check_extra", "check_finite", "steps_done", "steps_of", "train"]

_CHECKPOINTS = 20  # a training
_APART = 10  # steps, at least, between two of them
_PAUSE = 180.0  # seconds after which there is one in any case
_SHARE = 20  # times as long as the last one took is trained before another, however slow the disk
_BEST = "best.safetensors"


def check_extra() -> None:
    """Raise ``MissingExtraError`` where the packages that only training needs are not installed."""
    from importlib.util import find_spec

    if find_spec("datasets") is None or find_spec("accelerate") is None:
        raise MissingExtraError("train", "Fine-tuning")


def steps_done(folder: Path) -> int:
    """Return after how many steps a training goes on; 0 where it begins."""
    last = _last_checkpoint(folder)
    return 0 if last is None else _step(last)


def best_epoch(folder: Path) -> float | None:
    """Return which epoch's weights were kept for being the best; None where none are."""
    kept = _kept(folder / _BEST)
    return None if kept is None else float(kept["epoch"])


def check_finite(opened: Opened) -> None:
    """Raise ``DataError`` where a weight is no number any more: nothing can be learned from there on."""
    if not all(bool(each.isfinite().all()) for each in opened.network.parameters()):
        raise DataError(
            "The weights ran off to infinity, as they do at a learning rate that is too high; give a lower one, and "
            "overwrite what is there (--learning-rate, --overwrite)."
        )


def steps_of(pairs: int, recipe: Recipe) -> int:
    """Return how many batches a training takes."""
    settings = recipe.hyperparameters
    wanted = math.ceil(settings.epochs * math.ceil(pairs / settings.batch_size))
    return wanted if settings.max_steps is None else min(wanted, settings.max_steps)


def train(
    opened: Opened,
    examples: Examples,
    recipe: Recipe,
    *,
    folder: Path,
    seed: int,
    resumable: bool = True,
    pause: float = _PAUSE,
    judge: Callable[[], float] | None = None,
    progress: Progress | None = None,
) -> int:
    """Train the network in place; return how many steps it has taken in all.

    A ``resumable`` training writes checkpoints into ``folder``, after each twentieth of the steps and at the latest
    after ``pause`` seconds, and goes on from the last complete one. ``judge`` is asked at the end of each epoch, and
    the weights it found best remain; without it the last ones do. The same seed gives the same weights on one machine,
    whether it was cut short in between or not. Raises ``DataError`` where the weights have run off to infinity.
    """
    steps = steps_of(len(examples), recipe)
    trainer = _trainer(opened, examples, recipe, steps, folder, seed, resumable=resumable)
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)  # it prints on stdout
    for callback in _callbacks(opened, folder, judge, progress, pause if resumable else math.inf):
        trainer.add_callback(callback)
    last = _last_checkpoint(folder) if resumable else None
    with quiet():
        trainer.train(resume_from_checkpoint=None if last is None else str(last))
    if judge is not None:
        _take_best(opened, folder)
    opened.network.eval()
    return int(trainer.state.global_step)


def _trainer(
    opened: Opened, examples: Examples, recipe: Recipe, steps: int, folder: Path, seed: int, *, resumable: bool
) -> Any:
    from datasets import Dataset
    from sentence_transformers import (
        CrossEncoderTrainer,
        CrossEncoderTrainingArguments,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.cross_encoder.losses import CrossEntropyLoss
    from sentence_transformers.sentence_transformer.losses import CosineSimilarityLoss

    settings = recipe.hyperparameters
    arguments: dict[str, Any] = {
        "output_dir": str(folder),
        "max_steps": steps,
        "per_device_train_batch_size": settings.batch_size,
        "learning_rate": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "adam_epsilon": settings.epsilon,
        "warmup_steps": settings.warmup,  # below 1 it is a share of all steps
        "save_strategy": "steps" if resumable else "no",
        "save_steps": max(_APART, math.ceil(steps / _CHECKPOINTS)),
        "save_total_limit": 1,
        "logging_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
        "use_cpu": opened.network.device.type == "cpu",
        "seed": seed,
    }
    is_pair = recipe.makes_pair_model
    labels: list[int] | list[float] = examples.targets.astype(int).tolist() if is_pair else examples.targets.tolist()
    rows = {"first": list(examples.first), "second": list(examples.second), "label": labels}
    network: Any = opened.network
    of_pairs: Any = (CrossEncoderTrainer, CrossEncoderTrainingArguments, CrossEntropyLoss)
    of_vectors: Any = (SentenceTransformerTrainer, SentenceTransformerTrainingArguments, CosineSimilarityLoss)
    trainer, of_trainer, loss = of_pairs if is_pair else of_vectors
    # Its own card would ask the Hub about the model, and choose sentences to show; ours takes its place.
    network.model_card_data.local_files_only = True
    network.model_card_data.widget = [{}]
    return trainer(
        model=network, args=of_trainer(**arguments), train_dataset=Dataset.from_dict(rows), loss=loss(network)
    )


def _callbacks(
    opened: Opened, folder: Path, judge: Callable[[], float] | None, progress: Progress | None, pause: float
) -> list[TrainerCallback]:
    from transformers import TrainerCallback

    class Telling(TrainerCallback):
        """Tells after each step how many are done."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if progress is not None:
                progress(int(state.global_step), int(state.max_steps))

    class Saving(TrainerCallback):
        """Asks for a checkpoint where the last one is long ago."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.stepped = self.saved = time.monotonic()
            self.wait = pause

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.stepped = time.monotonic()
            if self.stepped - self.saved >= self.wait:
                control.should_save = True

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.saved = time.monotonic()
            self.wait = max(pause, _SHARE * (self.saved - self.stepped))

    class Keeping(TrainerCallback):
        """Keeps the weights of the best epoch."""

        def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            check_finite(opened)
            if judge is not None:
                _keep_if_best(opened, folder, judge(), float(state.epoch))

    return [Telling(), Saving(), Keeping()]


def _keep_if_best(opened: Opened, folder: Path, score: float, epoch: float) -> None:
    from safetensors.torch import save_model

    best = folder / _BEST
    kept = _kept(best)
    if kept is not None and float(kept["score"]) >= score:
        return
    draft = best.with_suffix(".part")
    save_model(opened.network, str(draft), metadata={"score": repr(score), "epoch": repr(epoch)})
    draft.replace(best)


def _kept(best: Path) -> Mapping[str, str] | None:
    from safetensors import safe_open

    if not best.is_file():
        return None
    opened: Any = safe_open(best, framework="pt")
    with opened as tensors:
        found: Mapping[str, str] = tensors.metadata()
        return found


def _take_best(opened: Opened, folder: Path) -> None:
    from safetensors.torch import load_model  # pyright: ignore[reportUnknownVariableType]  # a bare PathLike

    load_model(opened.network, str(folder / _BEST))


def _last_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint that was written to its end: its state is what comes last."""
    found = sorted(folder.glob("checkpoint-*"), key=_step, reverse=True)
    return next((path for path in found if _is_complete(path / "trainer_state.json")), None)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _is_complete(state: Path) -> bool:
    try:
        return isinstance(json.loads(state.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return False
