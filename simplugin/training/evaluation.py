"""What a finished folder reaches on the STS benchmark and on Tatoeba, typed with care and without.

python -m simplugin.training.evaluation FOLDER --data DATA
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simplugin.errors import SimpluginError
from simplugin.evaluation.metrics.correlation import ranks
from simplugin.training.careless import MANNERS
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
    """One measured number: Spearman's rank correlation in [-1, 1], or an accuracy in [0, 1].

    ``manner`` says how the texts were typed, where it was not with care.
    """

    measure: Literal["spearman", "accuracy@1"]
    dataset: str
    language: str
    width: int
    value: float
    count: int
    manner: str = ""


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
    return [*figures, *_evaluate_careless(model, data, split=split)]


def _evaluate_careless(model: StaticModel, data: Path, *, split: Split) -> Iterator[Figure]:
    """Measure Turkish pairs with both sides typed without care, and Turkish and Azerbaijani ones beside English."""
    pairs, full = read_scored_pairs(data, "tr", split=split), model.width
    scores = [pair.score for pair in pairs]
    aligned = {at: read_translations(data / "tatoeba" / f"en-{at}.jsonl", at) for at in ("az", "tr")}
    english = {at: model.encode([item.english for item in items]) for at, items in aligned.items()}
    for manner, typed in MANNERS.items():
        first = model.encode([typed(pair.first) for pair in pairs])
        second = model.encode([typed(pair.second) for pair in pairs])
        value = spearman(cosines(first, second), scores)
        yield Figure("spearman", f"stsb-{split}", "tr", full, value, len(pairs), manner)
        for at, items in aligned.items():
            value = accuracy(model.encode([typed(item.text) for item in items]), english[at])
            yield Figure("accuracy@1", "tatoeba", at, full, value, len(items), manner)


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
    """Write Markdown tables: a column each language, and at the end a row each manner of typing."""
    widest = max(item.width for item in figures)
    blocks: dict[str, dict[str, float]] = {}
    typed: dict[str, dict[str, float]] = {}
    retyped = {(item.dataset, item.language) for item in figures if item.manner}
    for item in figures:
        if item.width == widest and (item.dataset, item.language) in retyped:
            row = typed.setdefault(item.manner or "with care", {})
            row[f"{item.dataset} {item.measure}, {item.language}"] = item.value
        if not item.manner:
            title = f"{item.dataset} {item.measure}" + ("" if item.width == widest else f", first {item.width}")
            title += ", across" if "-" in item.language else ""
            blocks.setdefault(title, {})[item.language] = item.value
    written = [
        f"{title}, mean {sum(values.values()) / len(values):.3f}:\n\n{_rows(values, [list(values.values())])}"
        for title, values in blocks.items()
    ]
    if typed:
        rows: list[list[str | float]] = [[manner, *values.values()] for manner, values in typed.items()]
        written.append("Typed without care:\n\n" + _rows(["how", *typed["with care"]], rows))
    return "\n\n".join(written)


def _rows(head: Iterable[str], rows: Iterable[Iterable[str | float]]) -> str:
    titles = list(head)
    cells = [[cell if isinstance(cell, str) else f"{cell:.3f}" for cell in row] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in (titles, *cells)]
    return "\n".join([lines[0], "|" + "---|" * len(titles), *lines[1:]])


if __name__ == "__main__":
    main()
