"""Intents against SetFit, which trains the vectors themselves, on the sets where that ends in reasonable time.

All begin with the starter and see the same utterances, few of each intent. SetFit has its defaults: one epoch over
pairs of utterances, then a logistic head. It is given a threshold as the other peers are: trained anew for each fold
of the utterances and of the intents, which is ten of its eleven trainings. The columns are those of ``intents``.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
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
    Scored,
    held,
    nearest,
    numbers,
    ours,
    owners_of,
    regression,
    run_peer,
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
        case = at_size(name, [turn], SIZE)
        show(case.title, case.turns[0], starter)


def show(title: str, turn: Turn, encoder: Encoder) -> None:
    print(f"\n{title}: {len(turn.utterances)} utterances\n{COLUMNS}", flush=True)
    vectors = numbers(turn, encoder)
    judged = told(lambda: {OURS: [ours(turn, encoder)]}, [turn])
    judged |= told(lambda: {"nearest neighbour": [nearest(vectors)]}, [turn])
    judged |= told(lambda: {"logistic regression": [regression(vectors)]}, [turn])
    judged |= told(lambda: setfit(turn), [turn])
    compare(judged)


def setfit(turn: Turn) -> dict[str, list[Answers]]:
    """Match with SetFit, in the environment of the peers; nothing where it fails there."""
    owners, asked = owners_of(turn), list(jobs(turn))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "jobs.json").write_text(json.dumps(asked), encoding="utf-8")
        write_starter(Path(folder) / "starter")
        if not run_peer("setfit_peers", folder):
            return {}
        with np.load(Path(folder) / "answers.npz") as file:
            *given, (best, score) = [(file[f"{number}.best"], file[f"{number}.score"]) for number in range(len(asked))]
    folds = list(zip(held(owners), given, strict=True))
    scored = Scored(
        np.concatenate([share for each, (_, share) in folds if each.inside]),
        np.concatenate([found == owners[each.asked] for each, (found, _) in folds if each.inside]),
        np.concatenate([share for each, (_, share) in folds if not each.inside]),
    )
    return {"SetFit": [Answers(best, score, score, score >= threshold(scored))]}


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


def write_starter(folder: Path) -> None:
    """Write the starter in numbers that can be trained: as it ships, its rows are bytes."""
    folder.mkdir()
    for name in ("modules.json", "tokenizer.json"):
        shutil.copy(STARTER / name, folder)
    save_file({"embedding.weight": dequantize(read_model(STARTER).rows)}, folder / "model.safetensors")
