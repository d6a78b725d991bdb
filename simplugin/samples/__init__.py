"""The sample documents, intents and pairs that the demo and the examples run on."""

from __future__ import annotations

import csv
import json
from importlib import resources
from pathlib import Path
from typing import NamedTuple

__all__ = ["Question", "SamplePair", "documents_folder", "intents", "pairs", "questions"]

_HERE = Path(str(resources.files("simplugin.samples")))


class Question(NamedTuple):
    """A question, its language, and the topic whose documents answer it."""

    text: str
    lang: str
    topic: str


class SamplePair(NamedTuple):
    """Two sentences of a language and how alike they are, from 0 to 5."""

    sentence1: str
    sentence2: str
    score: float
    lang: str


def documents_folder() -> Path:
    """Return the folder of the documents: one folder a language, in each the same topics under the same names."""
    return _HERE / "documents"


def questions() -> list[Question]:
    """Return the sample questions."""
    return [Question(**row) for row in _json_lines("questions.jsonl")]


def intents() -> dict[str, list[str]]:
    """Return the sample intents with their utterances, in several languages."""
    gathered: dict[str, list[str]] = {}
    for row in _json_lines("intents.jsonl"):
        gathered.setdefault(row["intent"], []).append(row["text"])
    return gathered


def pairs() -> list[SamplePair]:
    """Return the sample sentence pairs with their scores."""
    with (_HERE / "pairs.csv").open(encoding="utf-8", newline="") as file:
        return [
            SamplePair(row["sentence1"], row["sentence2"], float(row["score"]), row["lang"])
            for row in csv.DictReader(file)
        ]


def _json_lines(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (_HERE / name).read_text(encoding="utf-8").splitlines()]
