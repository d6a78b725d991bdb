"""What a finished folder reaches on the STS benchmark and on Tatoeba.

python -m simplugin.training.evaluation FOLDER --data DATA
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simplugin.errors import SimpluginError
from simplugin.evaluation.metrics.correlation import ranks
from simplugin.training.corpus import (
    STSB_LANGUAGES,
    TRANSLATED_LANGUAGES,
    Split,
    read_scored_pairs,
    read_translations,
)
from simplugin.training.folder import StaticModel, read_model

CROSSINGS = ("de", "es", "fr", "ru", "tr", "zh")
"""Languages of the second sentence where the first is English."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number: Spearman's rank correlation in [-1, 1], or an accuracy in [0, 1]."""

    measure: Literal["spearman", "accuracy@1"]
    dataset: str
    language: str
    width: int
    value: float
    count: int


def evaluate(model: StaticModel, data: Path, *, split: Split = "test", short: int = 64) -> list[Figure]:
    """Measure the STS benchmark in each language and across languages, and finding translations in Tatoeba.

    `short` names the number of leading dimensions that are measured on their own as well.
    """
    full = model.width
    pairs = {language: read_scored_pairs(data, language, split=split) for language in STSB_LANGUAGES}
    sides = {
        language: (
            model.encode([pair.first for pair in found]),
            model.encode([pair.second for pair in found]),
        )
        for language, found in pairs.items()
    }
    scores = [pair.score for pair in pairs["en"]]
    dataset = f"stsb-{split}"
    figures: list[Figure] = []
    for width in dict.fromkeys((full, min(short, full))):
        for language in STSB_LANGUAGES:
            first, second = sides[language]
            own = [pair.score for pair in pairs[language]]
            value = spearman(cosines(first[:, :width], second[:, :width]), own)
            figures.append(Figure("spearman", dataset, language, width, value, len(own)))
    for language in CROSSINGS:
        value = spearman(cosines(sides["en"][0], sides[language][1]), scores)
        figures.append(Figure("spearman", dataset, f"en-{language}", full, value, len(scores)))
    for language in TRANSLATED_LANGUAGES:
        aligned = read_translations(data / "tatoeba" / f"en-{language}.jsonl", language)
        texts = model.encode([item.text for item in aligned])
        english = model.encode([item.english for item in aligned])
        figures.append(Figure("accuracy@1", "tatoeba", language, full, accuracy(texts, english), len(aligned)))
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure a folder and print the figures, as a table and as JSON lines."""
    parser = argparse.ArgumentParser(
        prog="python -m simplugin.training.evaluation",
        description="Measure a finished starter model.",
        epilog="Example: python -m simplugin.training.evaluation simplugin/starter --data ../shared/data",
    )
    default = Path(os.environ.get("SIMPLUGIN_DATA", "../shared/data"))
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--data", type=Path, default=default, help="data folder (SIMPLUGIN_DATA, or ../shared/data)")
    options = parser.parse_args(arguments)
    try:
        figures = evaluate(read_model(options.folder), options.data)
    except SimpluginError as error:
        raise SystemExit(str(error)) from error
    sys.stdout.write(f"{to_table(figures)}\n\n{to_json_lines(figures)}\n")


def cosines(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    """Give the cosine of each row of one matrix with the same row of the other, (n,); 0 for a row of zeros."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    products = np.einsum("nd,nd->n", first.astype(np.float64), second.astype(np.float64))
    return np.asarray(products / np.where(lengths > 0.0, lengths, 1.0), dtype=np.float64)


def spearman(found: NDArray[np.float64], expected: Sequence[float]) -> float:
    """Give Spearman's rank correlation in [-1, 1]: Pearson's of the ranks, equal values sharing their mean rank.

    It is nan where one side has a single value only.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.corrcoef(ranks(found), ranks(expected))[0, 1])


def accuracy(texts: NDArray[np.float32], english: NDArray[np.float32]) -> float:
    """Give the share of texts whose nearest English sentence is their own, in [0, 1]; rows have length 1."""
    nearest: NDArray[np.int64] = np.argmax(texts @ english.T, axis=1)
    return float((nearest == np.arange(len(texts))).mean())


def to_json_lines(figures: Sequence[Figure]) -> str:
    """Write one JSON object a line."""
    return "\n".join(json.dumps(asdict(item)) for item in figures)


def to_table(figures: Sequence[Figure]) -> str:
    """Write a Markdown table, one row a dataset and one column a language."""
    rows: dict[str, dict[str, float]] = {}
    widest = max(item.width for item in figures)
    for item in figures:
        title = f"{item.dataset} {item.measure}" + ("" if item.width == widest else f", first {item.width}")
        if "-" in item.language:
            title += ", across"
        rows.setdefault(title, {})[item.language] = item.value
    return "\n\n".join(_block(title, values) for title, values in rows.items())


def _block(title: str, values: Mapping[str, float]) -> str:
    mean = sum(values.values()) / len(values)
    return "\n".join(
        [
            f"{title}, mean {mean:.3f}:",
            "",
            "| " + " | ".join(values) + " |",
            "|" + "---|" * len(values),
            "| " + " | ".join(f"{value:.3f}" for value in values.values()) + " |",
        ]
    )


if __name__ == "__main__":
    main()
