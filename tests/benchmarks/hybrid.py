"""Search by meaning, by words and by both: RR@10 with the starter, through a real collection in a folder.

The weight of the words is chosen on the development sets (questions on Hebrew paragraphs, and sentences of the STS
benchmark's dev part, within and across languages, and of twelve languages in one collection) and judged on XQuAD, which
played no part in the choice.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simplugin import load
from simplugin.encoders import Encoder
from simplugin.words import weigh_query
from simplugin_qdrant import open_store, points, register
from simplugin_qdrant.fusion import POOL, WEIGHT, fuse
from simplugin_qdrant.stores import Scored, Search

WEIGHTS = (2.0, 4.0, 6.0, 9.0, 14.0)
LANGUAGES = ("en", "es", "tr", "ru", "zh")
MIXED = ("en", "de", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "tr", "zh")
SIZES = (240, 1200)
CROSSINGS = (("en", "tr"), ("es", "en"), ("tr", "en"), ("ru", "en"))
SENTENCES = (("en", "en"), ("de", "de"), ("tr", "tr"), ("zh", "zh"), ("en", "de"), ("tr", "en"), ("en", "es"))


@dataclass(frozen=True)
class Task:
    """Texts, questions, and the number of the text that answers each."""

    texts: Sequence[str]
    questions: Sequence[str]
    answers: Sequence[int]


def run(data: Path) -> None:
    """Print RR@10 for each mode and for each weight of the words."""
    model = load("starter")
    print(f"{'':10}  dense  words  " + "  ".join(f"w={weight:<3.0f}" for weight in WEIGHTS))
    print("development: the weight is chosen here")
    show("HeQ he", read_squad(data / "retrieval" / "heq-val-he.json"), model)
    for first, second in SENTENCES:
        show(f"STSb {first}>{second}", read_sentences(data, first, second), model)
    for size in SIZES:
        show(f"mixed {size}", read_mixed(data, size), model)
    print(f"test: hybrid is the column w={WEIGHT:.0f}")
    paragraphs = {language: read_squad(data / "retrieval" / f"xquad-{language}.json") for language in LANGUAGES}
    worst: dict[str, float] = {}
    for language in LANGUAGES:
        dense, words, hybrid = show(f"XQuAD {language}", paragraphs[language], model)
        worst[language] = hybrid - max(dense, words)
    for asked, stored in CROSSINGS:
        name = f"{asked}>{stored}"
        task = Task(paragraphs[stored].texts, paragraphs[asked].questions, paragraphs[stored].answers)
        dense, _, hybrid = show(f"XQuAD {name}", task, model)
        worst[name] = hybrid - dense
    print("hybrid less the better of dense and words (across languages: less dense), at least -.01 wanted:")
    print("  " + "  ".join(f"{name} {difference:+.3f}" for name, difference in worst.items()))


def show(name: str, task: Task, model: Encoder) -> tuple[float, float, float]:
    """Print one row; return the RR@10 of dense, of words, and of hybrid with the weight in use."""
    dense, words, sizes = answers_of(task, model)
    by_weight = {
        weight: reciprocal_rank(
            [
                fuse(near, shared, pool=POOL, terms=terms, points=len(task.texts), limit=10, weight=weight)
                for near, shared, terms in zip(dense, words, sizes, strict=True)
            ],
            task.answers,
        )
        for weight in dict.fromkeys((*WEIGHTS, WEIGHT))
    }
    alone = reciprocal_rank(dense, task.answers), reciprocal_rank(words, task.answers)
    columns = [*alone, *(by_weight[weight] for weight in WEIGHTS)]
    print(f"{name:10}  " + "  ".join(f"{value:.3f}" for value in columns))
    return *alone, by_weight[WEIGHT]


def answers_of(task: Task, model: Encoder) -> tuple[list[list[Scored]], list[list[Scored]], list[float]]:
    """Ask every question of a collection of the texts, by meaning and by words; and count each one's words."""
    vectors = model.encode_query(task.questions)
    asked = [weigh_query(question) for question in task.questions]
    with tempfile.TemporaryDirectory() as folder, open_store(folder) as store:
        register(store, "texts", model).add(task.texts, ids=map(str, range(len(task.texts))))
        dense = store.search("texts", [Search("default", vector, POOL) for vector in vectors])
        words = store.search("texts", [Search(points.WORDS, vector, POOL) for vector in asked])
        read = {hit.id: hit for hits in (*dense, *words) for hit in hits}
        payloads = {id_: hit.payload or {} for id_, hit in read.items()}  # while the store is open
    dense, words = (
        [[Scored(hit.id, hit.score, payloads[hit.id]) for hit in hits] for hits in side] for side in (dense, words)
    )
    return dense, words, [vector.total for vector in asked]


def reciprocal_rank(found: Sequence[Sequence[Scored]], answers: Sequence[int]) -> float:
    """Return the mean of 1 / rank of the right text, 0 where it is not among the first ten."""
    total = 0.0
    for hits, answer in zip(found, answers, strict=True):
        ids = [payload["document_id"] for hit in hits[:10] if (payload := hit.payload)]
        total += 1 / (ids.index(str(answer)) + 1) if str(answer) in ids else 0.0
    return total / len(answers)


def read_squad(path: Path) -> Task:
    """Read paragraphs and the questions that each answers; those without an answer are left out."""
    content: Any = json.loads(path.read_text(encoding="utf-8"))
    paragraphs = [paragraph for article in content["data"] for paragraph in article["paragraphs"]]
    asked = [
        (question["question"], number)
        for number, paragraph in enumerate(paragraphs)
        for question in paragraph["qas"]
        if not question.get("is_impossible")
    ]
    return Task([part["context"] for part in paragraphs], [text for text, _ in asked], [number for _, number in asked])


def read_sentences(data: Path, first: str, second: str) -> Task:
    """Take second sentences as texts, and as questions the first ones of pairs that people scored 4 or more."""
    left, right = (
        list(csv.reader((data / "stsb" / f"stsb-{language}-dev.csv").open(encoding="utf-8", newline="")))
        for language in (first, second)
    )
    alike = [number for number, row in enumerate(left) if float(row[2]) >= 4]
    texts = list(dict.fromkeys(row[1] for row in right))
    places = {text: place for place, text in enumerate(texts)}
    return Task(texts, [left[number][0] for number in alike], [places[right[number][1]] for number in alike])


def read_mixed(data: Path, size: int) -> Task:
    """Take second sentences in twelve languages by turns as texts, and ask for them in any of the languages."""
    rows = {
        language: list(csv.reader((data / "stsb" / f"stsb-{language}-dev.csv").open(encoding="utf-8", newline="")))
        for language in MIXED
    }
    random = np.random.default_rng(0)
    chosen = {
        row: (MIXED[turn % len(MIXED)], MIXED[random.integers(len(MIXED))])
        for turn, row in enumerate(random.permutation(len(rows["en"]))[:size].tolist())
    }
    texts = list(dict.fromkeys(rows[stored][row][1] for row, (stored, _) in chosen.items()))
    alike = [row for row in chosen if float(rows["en"][row][2]) >= 4]
    places = {text: place for place, text in enumerate(texts)}
    questions = [rows[chosen[row][1]][row][0] for row in alike]
    return Task(texts, questions, [places[rows[chosen[row][0]][row][1]] for row in alike])
