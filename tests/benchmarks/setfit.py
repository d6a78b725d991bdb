"""Intents against SetFit, which trains the vectors themselves, on the sets where that ends in reasonable time.

All begin with the starter and see the same utterances, few of each intent. SetFit has its defaults: one epoch over
pairs of utterances, then a logistic head. It is given a threshold as the other peers are: trained anew for each fold
of the utterances and of the intents, which is ten of its eleven trainings. The columns are those of ``intents``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np
from safetensors.numpy import save_file

from simplugin import Encoder, load
from simplugin.training.folder import read_model
from simplugin.training.quantization import dequantize
from tests.benchmarks.intents import COLUMNS, OURS, compare, told
from tests.benchmarks.intents_matchers import (
    Answers,
    Floats,
    Ints,
    Scored,
    held,
    nearest,
    numbers,
    ours,
    regression,
    threshold,
)
from tests.benchmarks.intents_sets import Turn, at_size, baku, halves, held_out, read
from tests.benchmarks.store import PEERS
from tests.conftest import ROOT

SIZE = 3
"""Utterances an intent, drawn once: of a hundred utterances the eleven trainings take a quarter of an hour."""

STARTER = ROOT / "simplugin" / "starter"


class Job(TypedDict):
    """What is taught, by the place of its intent, and what is asked then."""

    texts: list[str]
    owners: list[int]
    queries: list[str]


def run(data: Path) -> None:
    """Print a table for each set and size, and how far ours is from the best peer."""
    if not PEERS.exists():
        print("SetFit is measured by make bench-setfit, which sets its environment up.")
        return
    folder, starter = data / "intents", load("starter")
    sets = {
        "Baku": baku(),
        "xSID en": held_out(halves(read(folder / "xsid-en.jsonl"))),
    }
    for name, turn in sets.items():
        case = at_size(name, turn, SIZE)
        show(case.title, case.turns[:1], starter)


def show(title: str, turns: Sequence[Turn], encoder: Encoder) -> None:
    print(f"\n{title}: {len(turns[0].utterances)} utterances\n{COLUMNS}", flush=True)
    vectors = [numbers(turn, encoder) for turn in turns]
    judged = told(lambda: {OURS: [ours(turn, encoder) for turn in turns]}, turns)
    judged |= told(lambda: {"nearest neighbour": [nearest(turn) for turn in vectors]}, turns)
    judged |= told(lambda: {"logistic regression": [regression(turn) for turn in vectors]}, turns)
    judged |= told(lambda: {"SetFit": setfit(turns)}, turns)
    compare(judged)


def setfit(turns: Sequence[Turn]) -> list[Answers]:
    """Match with SetFit, in the environment of the peers."""
    given = answers_to([job for turn in turns for job in jobs(turn)])
    return [answers(turn, given) for turn in turns]


def jobs(turn: Turn) -> Iterator[Job]:
    """Give what to train for a turn: each fold, and at the end everything, asked the queries."""
    said, owners = [each.text for each in turn.utterances], owners_of(turn)
    for each in held(owners):
        yield Job(
            texts=[said[place] for place in each.kept],
            owners=owners[each.kept].tolist(),
            queries=[said[place] for place in each.asked],
        )
    yield Job(texts=said, owners=owners.tolist(), queries=[each.text for each in turn.queries])


def answers(turn: Turn, given: Iterator[tuple[Ints, Floats]]) -> Answers:
    """Take what the jobs of a turn gave, in their order."""
    owners = owners_of(turn)
    folds = [(each, *next(given)) for each in held(owners)]
    scored = Scored(
        np.concatenate([score for each, _, score in folds if each.inside]),
        np.concatenate([best == owners[each.asked] for each, best, _ in folds if each.inside]),
        np.concatenate([score for each, _, score in folds if not each.inside]),
    )
    best, score = next(given)
    return Answers(best, score, score, score >= threshold(scored))


def owners_of(turn: Turn) -> Ints:
    places = {intent: place for place, intent in enumerate(turn.intents())}
    return np.array([places[str(each.intent)] for each in turn.utterances])


def write_starter(folder: Path) -> None:
    """Write the starter in numbers that can be trained: as it ships, its rows are bytes."""
    folder.mkdir()
    for name in ("modules.json", "tokenizer.json"):
        shutil.copy(STARTER / name, folder)
    save_file({"embedding.weight": dequantize(read_model(STARTER).rows)}, folder / "model.safetensors")


def answers_to(asked: Sequence[Job]) -> Iterator[tuple[Ints, Floats]]:
    """Give the best intent and its probability, for the queries of each job."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "jobs.json").write_text(json.dumps(asked), encoding="utf-8")
        write_starter(Path(folder) / "starter")
        command = [str(PEERS), "-m", "tests.benchmarks.setfit_peers", folder]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with np.load(Path(folder) / "answers.npz") as file:
            found = [(file[f"{number}.best"], file[f"{number}.score"]) for number in range(len(asked))]
    yield from found
