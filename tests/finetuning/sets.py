"""Small labelled sets over the words of the miniature checkpoints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tests.encoders.checkpoints import WORDS

PLAIN = [word for word in WORDS if word.isalpha()]
FILLERS, CONTENT = PLAIN[:4], PLAIN[4:]
"""Words that say nothing, which only labels tell; and words that do."""


def write_scored(
    path: Path, pairs: int, *, seed: int = 0, swapped: Mapping[str, str] | None = None, fillers: int = 0
) -> Path:
    """Write pairs of three words that say something, and so many that do not.

    The label, to 5, is the share of the former that both texts have. ``swapped`` words translate.
    """
    random = np.random.default_rng(seed)
    lines: list[str] = []
    for _ in range(pairs):
        content: list[str] = random.permutation(CONTENT).tolist()
        shared = int(random.integers(0, 4))
        sides = [content[:3], [*content[:shared], *content[3 : 6 - shared]]]
        filled: list[str] = []
        for side in sides:
            words: list[str] = [*random.choice(FILLERS, fillers).tolist(), *side]
            filled.append(" ".join((swapped or {}).get(word, word) for word in words))
        label = 5 * shared / 3 + float(random.uniform(0, 0.01)) * (shared < 3)
        lines.append(f"{filled[0]}\t{filled[1]}\t{label:.4f}\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


def write_inferences(path: Path, pairs: int, *, seed: int = 0, numbered: bool = False) -> Path:
    """Write pairs of texts: what follows is in the premise, what is neutral is not, what contradicts has ``on on``."""
    random = np.random.default_rng(seed)
    rows: list[str] = []
    words = [word for word in PLAIN if word != "on"]
    for number in range(pairs):
        premise = random.permutation(words)[:4].tolist()
        outside = [word for word in words if word not in premise]
        name = ("entailment", "neutral", "contradiction")[number % 3]
        hypothesis = {
            "entailment": premise[:3],
            "neutral": outside[:3],
            "contradiction": ["on", "on", *premise[:2]],
        }[name]
        label: object = number % 3 if numbered else name
        rows.append(json.dumps({"premise": " ".join(premise), "hypothesis": " ".join(hypothesis), "label": label}))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path
