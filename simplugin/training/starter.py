"""The recipe of the starter model, from the data folder to the finished folder.

Train:     python -m simplugin.training.starter --data ../shared/data --out DIR
Evaluate:  python -m simplugin.training.starter --data ../shared/data --evaluate DIR
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from simplugin.errors import SimpluginError
from simplugin.training.card import write_card
from simplugin.training.corpus import (
    ScoredPair,
    Translation,
    read_phrases,
    read_training_pairs,
    read_training_translations,
)
from simplugin.training.distillation import Lessons, Report, Schedule, ScoredTexts, distil, fine_tune
from simplugin.training.evaluation import evaluate, to_json_lines, to_table
from simplugin.training.folder import StaticModel, read_model, write_model
from simplugin.training.quantization import quantize
from simplugin.training.student import create_student
from simplugin.training.teacher import Vectors, embed_english, reduce_width
from simplugin.training.vocabulary import build_tokenizer, train_pieces

NAME = "starter-1"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what comes out, beside the data."""

    pieces: int = 70_000
    words: int = 8_000
    """Pieces among those that are whole words, chosen by how often they occur."""
    width: int = 256
    seed: int = 1
    scarce: tuple[str, ...] = ("az", "he")
    """Languages with little data."""
    scarce_repeats: float = 2.0
    """How often a text in one of those comes in an epoch."""
    phrase_repeats: float = 3.0
    """How often a text of the phrasebook comes in an epoch."""
    scarce_copies: int = 3
    """How often such a text counts when the pieces are chosen."""
    schedule: Schedule = field(default_factory=Schedule)


def train_starter(
    translations: Sequence[Translation],
    pairs: Sequence[Sequence[ScoredPair]],
    teacher: Vectors,
    recipe: Recipe,
    *,
    report: Report,
) -> StaticModel:
    """Train a model.

    `pairs` holds the same scored pairs in each language; `teacher` (m, w) the teacher's vectors of the distinct
    English sentences in the order they come in.
    """
    lessons = _lessons(translations, teacher, recipe)
    report(f"{len(lessons.texts)} texts for {len(lessons.english)} English sentences")
    pieces = train_pieces(_counted(translations, recipe), size=recipe.pieces, words=recipe.words)
    report(f"{len(pieces)} pieces")
    tokenizer = build_tokenizer(pieces)
    student = create_student(pieces, width=recipe.width, seed=recipe.seed)
    distil(student, pieces, lessons, recipe.schedule, seed=recipe.seed, report=report)
    scored = _scored_texts(pairs)
    fine_tune(student, tokenizer, lessons, scored, recipe.schedule, seed=recipe.seed, report=report)
    return StaticModel(tokenizer, quantize(student.fold()))


def distinct_english(translations: Sequence[Translation]) -> list[str]:
    """Give each English sentence once, in the order they come in."""
    return list(dict.fromkeys(item.english for item in translations))


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and train, or evaluate a folder."""
    options = _parser().parse_args(arguments)
    data: Path = options.data
    try:
        if options.evaluate is not None:
            _print_figures(options.evaluate, data)
        else:
            _train(data, options.out, Recipe(seed=options.seed))
    except SimpluginError as error:
        raise SystemExit(str(error)) from error


def _train(data: Path, out: Path, recipe: Recipe) -> None:
    torch.manual_seed(recipe.seed)
    report = _Clock()
    translations = read_training_translations(data)
    pairs = read_training_pairs(data)
    report("the teacher embeds the English side")
    teacher = embed_english(distinct_english(translations))
    model = train_starter(translations, pairs, teacher, recipe, report=report)
    figures = evaluate(model, data, short=recipe.schedule.short)
    card = write_card(figures, name=NAME, pieces=len(model.rows.weights), short=recipe.schedule.short)
    write_model(out, model, name=NAME, card=card)
    report(f"{out} is complete")
    _print_figures(out, data)


def _print_figures(folder: Path, data: Path) -> None:
    figures = evaluate(read_model(folder), data)
    sys.stdout.write(f"{to_table(figures)}\n\n{to_json_lines(figures)}\n")


def _lessons(translations: Sequence[Translation], teacher: Vectors, recipe: Recipe) -> Lessons:
    english = distinct_english(translations)
    numbers = {sentence: number for number, sentence in enumerate(english)}
    scarce = np.asarray([item.language in recipe.scarce for item in translations])
    written = set(read_phrases())
    phrases = np.asarray([item in written for item in translations])
    return Lessons(
        texts=[item.text for item in translations],
        english=english,
        sentences=np.asarray([numbers[item.english] for item in translations], dtype=np.int64),
        teacher=torch.from_numpy(teacher),
        targets=torch.from_numpy(reduce_width(teacher, recipe.width)),
        repeats=np.where(phrases, recipe.phrase_repeats, np.where(scarce, recipe.scarce_repeats, 1.0)),
    )


def _counted(translations: Sequence[Translation], recipe: Recipe) -> list[str]:
    """Give the texts to choose pieces from, those in scarce languages several times."""
    return [
        item.text for item in translations for _ in range(recipe.scarce_copies if item.language in recipe.scarce else 1)
    ]


def _scored_texts(pairs: Sequence[Sequence[ScoredPair]]) -> ScoredTexts:
    """Line the languages up behind each other; their scores are the same, brought from [0, 5] to [0, 1]."""
    return ScoredTexts(
        first=[pair.first for language in pairs for pair in language],
        second=[pair.second for language in pairs for pair in language],
        scores=np.asarray([pair.score / 5.0 for pair in pairs[0]], dtype=np.float32),
    )


class _Clock:
    """Progress on stderr, each line with the seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, line: str) -> None:
        sys.stderr.write(f"{time.monotonic() - self._start:6.0f} s  {line}\n")
        sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simplugin.training.starter",
        description="Train the bundled starter model, or measure a finished one.",
        epilog="Example: python -m simplugin.training.starter --data ../shared/data --out /tmp/starter",
    )
    default = Path(os.environ.get("SIMPLUGIN_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=default, help="data folder (SIMPLUGIN_DATA, or ../shared/data)")
    parser.add_argument("--seed", type=int, default=Recipe().seed, help="seed of everything random (%(default)s)")
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--out", type=Path, metavar="DIR", help="train, and write the finished folder here")
    wanted.add_argument("--evaluate", type=Path, metavar="DIR", help="measure the model in this folder")
    return parser


if __name__ == "__main__":
    main()
