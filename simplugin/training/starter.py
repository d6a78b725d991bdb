"""The starter model: from translations, scored pairs and a teacher's vectors to a finished table."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from simplugin.training.checkpoints import Checkpoints
from simplugin.training.corpus import ScoredPair, Translation, read_phrases
from simplugin.training.distillation import Lessons, Report, ScoredTexts, distil, fine_tune
from simplugin.training.folder import StaticModel
from simplugin.training.quantization import quantize
from simplugin.training.recipe import Recipe
from simplugin.training.silver import SilverPairs, choose_pairs
from simplugin.training.student import create_student
from simplugin.training.teacher import Vectors, reduce_width
from simplugin.training.turning import turn
from simplugin.training.vocabulary import build_tokenizer, train_pieces


def train_starter(
    translations: Sequence[Translation],
    pairs: Sequence[Sequence[ScoredPair]],
    teacher: Vectors,
    grader: Vectors,
    recipe: Recipe,
    *,
    seed: int,
    report: Report,
    checkpoints: Checkpoints | None = None,
    device: str = "cpu",
) -> StaticModel:
    """Train a model.

    `pairs` holds the same scored pairs in each language; `teacher` (m, w) the teacher's vectors of the distinct
    English sentences in the order they come in, and `grader` (s, w) those that the teacher, once it has learned the
    scores itself, gives the sentences of the English pairs (`scored_english`); rows of length 1. It goes on from
    `checkpoints`.
    """
    lessons = _lessons(translations, teacher, recipe)
    report(f"{len(lessons.texts)} texts for {len(lessons.english)} English sentences")
    kept = checkpoints or Checkpoints()
    pieces = kept.pieces(lambda: train_pieces(_counted(translations, recipe), size=recipe.pieces, words=recipe.words))
    report(f"{len(pieces)} pieces")
    tokenizer = build_tokenizer(pieces)
    student = create_student(pieces, width=recipe.width, seed=seed, device=device)
    schedule = recipe.schedule
    distil(student, pieces, lessons, schedule, seed=seed, report=report, checkpoints=kept)
    scored = _scored_texts(pairs)
    silver = _silver_pairs(lessons, pairs, grader, seed=seed)
    report(f"{len(silver)} pairs scored by the teacher beside {len(scored.scores)} scored by people")
    begun, tables = [each.detach().clone() for each in student.parameters], list[NDArray[np.float32]]()
    for run in range(1, schedule.fine_runs + 1):
        student.copy(begun)
        fine_tune(
            student, tokenizer, lessons, scored, silver, schedule, seed=seed, report=report, checkpoints=kept, run=run
        )
        tables.append(student.fold())
    table = np.stack(tables).mean(axis=0)
    report(f"turning the numbers, so that the first {schedule.short} say the most")
    plain = StaticModel(tokenizer, quantize(table))
    first, second = plain.encode(scored.first), plain.encode(scored.second)
    return StaticModel(tokenizer, quantize(turn(table, first, second, short=schedule.short, seed=seed)))


def distinct_english(translations: Sequence[Translation]) -> list[str]:
    """Give each English sentence once, in the order they come in."""
    return list(dict.fromkeys(item.english for item in translations))


def scored_english(pairs: Sequence[ScoredPair]) -> list[str]:
    """Give each sentence of scored pairs once, in the order they come in."""
    return list(dict.fromkeys(sentence for pair in pairs for sentence in (pair.first, pair.second)))


def _silver_pairs(
    lessons: Lessons, pairs: Sequence[Sequence[ScoredPair]], grader: Vectors, *, seed: int
) -> SilverPairs:
    """Pair the sentences of the English pairs anew, those that the lessons have."""
    numbers = {sentence: number for number, sentence in enumerate(lessons.english)}
    found = [(row, numbers[each]) for row, each in enumerate(scored_english(pairs[0])) if each in numbers]
    rows, places = np.asarray(found, dtype=np.int64).reshape(-1, 2).T
    return choose_pairs(grader[rows], seed=seed).renumbered(places)


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
