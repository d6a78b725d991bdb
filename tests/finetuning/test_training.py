"""The training itself: kept weights, and what a kill leaves."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simplugin.errors import DataError
from simplugin.finetuning import find_recipe, finetune
from simplugin.finetuning.examples import examples_of, read
from simplugin.finetuning.networks import open_network
from simplugin.finetuning.training import steps_done, steps_of, train
from tests.cli.running import Process
from tests.finetuning.sets import write_scored


def test_steps_are_batches_of_all_epochs_or_fewer_where_asked() -> None:
    recipe = find_recipe("cosine")

    assert steps_of(60_000, recipe) == 2814, "938 batches of 64, three times, as the card's log has them"
    assert steps_of(60_000, recipe.changed(epochs=0.5)) == 469
    assert steps_of(60_000, recipe.changed(max_steps=7)) == 7
    assert steps_of(10, recipe.changed(max_steps=7)) == 3


def test_the_weights_of_the_best_epoch_remain(bert: Path, tmp_path: Path) -> None:
    recipe = find_recipe("sts").changed(epochs=3, batch_size=16, learning_rate=1e-3)
    examples = examples_of(read(write_scored(tmp_path / "train.tsv", 40), recipe, role="training")[0], recipe)
    opened = open_network(bert, recipe, seed=1)
    scores, seen = iter([0.3, 0.9, 0.5]), list[np.ndarray]()

    network: Any = opened.network
    words = network[0].model.embeddings.word_embeddings.weight

    def judge() -> float:
        seen.append(words.detach().numpy().copy())
        return next(scores)

    assert train(opened, examples, recipe, folder=tmp_path, seed=1, judge=judge) == 9

    kept = words.detach().numpy()
    assert np.array_equal(kept, seen[1])
    assert not np.array_equal(kept, seen[2])


def test_a_checkpoint_comes_when_its_time_has_come_and_not_only_after_a_share_of_the_steps(
    bert: Path, tmp_path: Path
) -> None:
    recipe = find_recipe("cosine").changed(epochs=1, batch_size=16)
    examples = examples_of(read(write_scored(tmp_path / "train.tsv", 80), recipe, role="training")[0], recipe)

    def seen(pause: float) -> list[int]:
        folder, steps = tmp_path / f"{pause:g}", list[int]()
        opened = open_network(bert, recipe, seed=1)
        train(
            opened, examples, recipe, folder=folder, seed=1, pause=pause,
            progress=lambda _, __: steps.append(steps_done(folder)),
        )  # fmt: skip
        return steps

    assert seen(1000) == [0, 0, 0, 0, 0], "the five steps are fewer than lie between two checkpoints"
    assert seen(0)[1] == 1, "the first is there before the second step ends"


def test_killed_in_the_middle_it_ends_as_if_it_had_not_been(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as in this process
    process = Process(tmp_path)
    write_scored(tmp_path / "train.tsv", 400, fillers=5)
    write_scored(tmp_path / "dev.tsv", 60, seed=1, fillers=5)
    line = ["finetune", "sts", "--train", "train.tsv", "--dev", "dev.tsv", "--model", bert, "--resamples", 0]
    line += ["--batch-size", 4, "--epochs", 3, "--learning-rate", 1e-3]
    killed = tmp_path / "killed"

    with process.start(*line, "--out", killed) as running:
        _wait(lambda: steps_done(killed / "training") >= 30 or running.poll() is not None)
        os.kill(running.pid, signal.SIGKILL)
    assert running.returncode == -signal.SIGKILL
    at = steps_done(killed / "training")
    assert 30 <= at < 300
    recipe = find_recipe("sts").changed(batch_size=4, epochs=3, learning_rate=1e-3)
    files: dict[str, Any] = {"dev": tmp_path / "dev.tsv", "model": bert, "resamples": 0}
    with pytest.raises(DataError, match=r"unfinished run with other hyperparameters; .* give --overwrite"):
        finetune(recipe.changed(learning_rate=2e-3), tmp_path / "train.tsv", out=killed, **files)

    resumed = process(*line, "--out", killed, "--json")
    whole = finetune(recipe, tmp_path / "train.tsv", out=tmp_path / "whole", **files)

    assert resumed.code == 0, resumed.stderr
    assert "Going on after step" in resumed.stderr
    told = resumed.row
    assert told["steps"] == whole.steps == 300
    value = told["after"]["dev"]["dev"]["spearman_cosine"]
    wanted = whole.after["dev"].result.sections[0].metrics["spearman_cosine"]
    assert value == pytest.approx(wanted, abs=0.005)
    assert value > told["before"]["dev"]["dev"]["spearman_cosine"] + 0.1


def test_a_checkpoint_that_was_not_written_to_its_end_does_not_count(tmp_path: Path) -> None:
    written = {"checkpoint-20": '{"global_step": 20}', "checkpoint-100": '{"global_st', "checkpoint-30": None}
    for name, state in written.items():
        (tmp_path / name).mkdir()
        if state is not None:
            (tmp_path / name / "trainer_state.json").write_text(state, encoding="utf-8")

    assert steps_done(tmp_path) == 20
    assert steps_done(tmp_path / "nowhere") == 0


def test_a_damaged_record_of_a_run_is_told(bert: Path, tmp_path: Path) -> None:
    for name, pairs in (("train", 20), ("dev", 20)):
        write_scored(tmp_path / f"{name}.tsv", pairs, seed=pairs + len(name))
    work = tmp_path / "mine" / "training"
    work.mkdir(parents=True)
    (work / "run.json").write_text(json.dumps({"recipe": "cosine"}), encoding="utf-8")

    with pytest.raises(DataError, match=r"run.json: the record of an unfinished run is damaged"):
        finetune("cosine", tmp_path / "train.tsv", dev=tmp_path / "dev.tsv", out=tmp_path / "mine", model=bert)


def _wait(until: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.02)
