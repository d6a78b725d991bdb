"""Small results to report: one of similarity made by a real evaluation, others written by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simplugin.evaluation import Evaluation, LabelledPair, Result, Section, evaluate_similarity
from simplugin.evaluation.findings import Finding
from simplugin.evaluation.result import DataRecord, ModelRecord
from tests.hashing import HashEncoder

ATTACK = '<script>alert("1")</script><img src=x onerror=alert(2)>'
"""A text that runs where it is not escaped."""

WORDS = "library card renew coffee grams water bees garden bus ticket late night river stone"


def pairs(count: int, *, seed: int = 0) -> list[LabelledPair]:
    """Make pairs of three words, with labels by how many they share, and some chance."""
    random = np.random.default_rng(seed)
    made: list[LabelledPair] = []
    for _ in range(count):
        shared = int(random.integers(0, 4))
        words = random.permutation(WORDS.split()).tolist()
        first, second = [*words[:shared], *words[3 : 6 - shared]], [*words[:shared], *words[6 : 9 - shared]]
        label = float(np.clip(shared / 3 + random.normal(0, 0.15), 0, 1)) * 5
        made.append(LabelledPair(" ".join(first), " ".join(second), round(label, 2)))
    return made


def similarity(
    count: int = 240, *, languages: tuple[str, ...] = ("en", "de"), cross: bool = True, seed: int = 0
) -> Evaluation:
    """Judge a hashing encoder by pairs in several languages, of which one text is an attack."""
    attack = LabelledPair(ATTACK, f"{ATTACK} {ATTACK}", 0.0)
    data = {language: [*pairs(count - 1), attack] for language in languages}
    return evaluate_similarity(HashEncoder(64, seed=seed), data, cross=cross, resamples=40)


def retrieval(losses: Mapping[str, float] | None = None) -> Evaluation:
    """Return a result of retrieval in two languages, each in stages that lose this much."""
    steps = {"exact": 0.0, "index": 0.001, "quantized": 0.02, "rerank": -0.03} if losses is None else losses
    sections = [
        Section(
            section=language,
            stage=stage,
            counts={"queries": 630, "documents": 8019},
            metrics={"selective@10": best - loss, "AUC": 0.9, "RR@10": 0.84 - loss, "nDCG@10": None},
            ci95={"selective@10": (best - loss - 0.02, best - loss + 0.02)},
            details={"threshold": 0.5, "worth": {"low": 1, "high": 2.5}},
        )
        for language, best in (("en", 0.9), ("de", 0.8))
        for stage, loss in steps.items()
    ]
    return by_hand("retrieval", "selective@10", sections)


def classes() -> Evaluation:
    """Return a result of classified pairs, with a confusion matrix and findings."""
    found = (
        Finding(code="inverted_polarity", severity="error", message="Labels fall where scores rise.", evidence={}),
        Finding(code="few_judged", severity="note", message="Few pairs | are judged.", evidence={}),
    )
    section = Section(
        section=ATTACK,
        counts={"pairs": 3},
        metrics={"accuracy": 2 / 3, "auc_entailment": 1.0},
        details={"confusion": {"entailment": {"entailment": 2, "neutral": 0}, "neutral": {"entailment": 1}}},
        warnings=found,
    )
    return by_hand("pairs", "auc_entailment", [section])


def by_hand(task: str, main: str, sections: list[Section]) -> Evaluation:
    """Return a result without items."""
    model = ModelRecord(name="hash-64-0", id="hash-64-0", kind="embedder", dimension=64, fingerprint="ab" * 32)
    result = Result.model_validate(
        {
            "task": task,
            "main": main,
            "model": model,
            "data": [
                DataRecord(name="questions-en-dev", language="en", rows=630, sha256="cd" * 32),
                DataRecord(name="questions-de-dev", language="de", rows=630),
            ],
            "sections": sections,
            "settings": {"resamples": 1000, "seed": 7},
            "packages": {"python": "3.11.7", "numpy": "2.4.6"},
            "seconds": 1.5,
        }
    )
    return Evaluation(result, ())
