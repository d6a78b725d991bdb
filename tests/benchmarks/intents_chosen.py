"""simplugin alone on every set of intents, in every language there is: what its settings were chosen by.

Sets of the same kind and size are averaged, and the last row is the mean of these groups. The figures are those of
``intents``. Which measures a confidence is judged by, how much an intent's number of utterances counts, how often few
utterances are asked and which share is taken to be out of scope were chosen where ``balanced`` is the highest and
``ece all`` the lowest in that row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from simplugin import load
from tests.benchmarks.intents import figures, judge
from tests.benchmarks.intents_matchers import ours
from tests.benchmarks.intents_sets import SIZES, Turn, at_size, baku, clinc, each_fifth, halves, read

FILES = {
    "xSID": ("xsid", ("en", "de", "it", "nl", "tr", "zh")),
    "Home Assistant": ("home-assistant", ("en", "de", "es", "he", "it", "zh")),
}
FEW = ("CLINC150", "banking77")  # that are asked with few utterances alone; with all one takes a minute
NAMES = ("accuracy", "accepted", "refused", "balanced", "hindsight", "auroc", "ece all", "ece told")


def run(data: Path) -> None:
    """Print the figures of each group, and their mean."""
    encoder = load("starter")
    groups = defaultdict[str, list[list[float]]](list)
    for name, ways in sets(data / "intents"):
        for size in SIZES:
            if size is not None or name not in FEW:
                turns = at_size(name, ways, size).turns
                answers = judge([ours(turn, encoder) for turn in turns], turns)
                groups[f"{name}, {size or 'all'}"].append(figures(answers))
    means = {group: np.mean(rows, axis=0) for group, rows in groups.items()}
    print(f"{'':22}sets" + "".join(f"{name:>11}" for name in NAMES))
    for group, values in means.items():
        print(f"{group:22}{len(groups[group]):4}" + "".join(f"{value:11.3f}" for value in values))
    total = np.mean(list(means.values()), axis=0)
    print(f"{'mean':22}{sum(map(len, groups.values())):4}" + "".join(f"{value:11.4f}" for value in total))


def sets(folder: Path) -> Iterable[tuple[str, list[Turn]]]:
    for name, (file, languages) in FILES.items():
        for language in languages:
            yield name, each_fifth(halves(read(folder / f"{file}-{language}.jsonl")))
    yield "Baku", [baku()]
    yield "CLINC150", [clinc(folder)]
    yield "banking77", each_fifth(Turn(read(folder / "banking77-train.jsonl"), read(folder / "banking77-test.jsonl")))
