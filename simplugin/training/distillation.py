"""The two stages of training: meaning from the teacher, then similarity from people's scores."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from simplugin.training.bags import Bags, to_bags
from simplugin.training.checkpoints import Checkpoints
from simplugin.training.losses import distillation_loss, similarity_loss, teacher_softmax, translation_loss
from simplugin.training.recipe import Schedule
from simplugin.training.silver import SilverPairs
from simplugin.training.student import Student
from simplugin.training.vocabulary import Pieces, weaken

Report = Callable[[str], None]
Rows = NDArray[np.int64]

BLUR = 0.3
"""Noise on the places of texts that are lined up, in standard deviations of those places."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """Texts (n), the English sentences (m) they translate, and the teacher's vectors of those.

    `sentences` (n,) numbers the English sentence of each text; `teacher` (m, w) holds the teacher's vectors and
    `targets` (m, d) the same in the student's width, rows of length 1. `repeats` (n,) says how often a text comes
    in an epoch.
    """

    texts: list[str]
    english: list[str]
    sentences: Rows
    teacher: torch.Tensor
    targets: torch.Tensor
    repeats: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScoredTexts:
    """Pairs in L languages: `first` and `second` hold L * r texts, language by language; `scores` (r,) in [0, 1]."""

    first: list[str]
    second: list[str]
    scores: NDArray[np.float32]


def distil(
    student: Student,
    pieces: Pieces,
    lessons: Lessons,
    schedule: Schedule,
    *,
    seed: int,
    report: Report,
    checkpoints: Checkpoints | None = None,
) -> None:
    """Train the student, in place, to put every text where the teacher puts its English sentence.

    It goes on from ``checkpoints``. Every epoch draws from the seed and its own number, so that one that went on ends
    as one that was not cut short.
    """
    kept = checkpoints or Checkpoints()
    optimizer = torch.optim.Adam(student.parameters, lr=schedule.rate, fused=True)
    each = max(1.0, float(lessons.repeats.sum()) / schedule.batch)
    for epoch in range(kept.resume("distillation", student, optimizer), schedule.epochs):
        weakened = weaken(pieces, share=schedule.avoided, seed=seed + epoch)
        classroom = _Classroom(student, lessons, schedule, weakened)
        losses: list[float] = []
        for step, rows in enumerate(_epoch(lessons, schedule, np.random.default_rng([seed, 1, epoch]))):
            _set_rate(optimizer, schedule.rate, done=(epoch + step / each) / schedule.epochs)
            losses.append(_step(optimizer, classroom.loss(rows)))
        kept.keep("distillation", epoch + 1, student, optimizer, last=epoch + 1 == schedule.epochs)
        report(f"distillation, epoch {epoch + 1} of {schedule.epochs}: loss {np.mean(losses):.4f}")


def fine_tune(
    student: Student,
    tokenizer: Tokenizer,
    lessons: Lessons,
    scored: ScoredTexts,
    silver: SilverPairs,
    schedule: Schedule,
    *,
    seed: int,
    report: Report,
    checkpoints: Checkpoints | None = None,
    run: int = 1,
) -> None:
    """Train the student, in place, to give pairs the similarity that people gave them.

    Every pair comes once in each language and as often with its second sentence in a random language. With each batch
    comes one of as many ``silver`` pairs of the lessons' English sentences, each sentence as any of the texts that say
    it. It goes on from ``checkpoints`` as ``distil`` does. Each ``run`` takes another order.
    """
    kept = checkpoints or Checkpoints()
    optimizer = torch.optim.Adam(student.parameters, lr=schedule.fine_rate, fused=True)
    classroom = _Classroom(student, lessons, schedule, tokenizer)
    first, second = to_bags(tokenizer, scored.first), to_bags(tokenizer, scored.second)
    count, pairs = len(scored.first), len(scored.scores)
    each = max(1, 2 * count // schedule.fine_batch)
    stage = f"similarity-{run}"
    for epoch in range(kept.resume(stage, student, optimizer), schedule.fine_epochs):
        chance = np.random.default_rng([seed, 2, epoch, run])
        rehearsals = _endless(lessons, schedule, chance)
        own = np.arange(count, dtype=np.int64)
        crossed = chance.integers(0, count // pairs, count) * pairs + own % pairs
        left, right = np.concatenate([own, own]), np.concatenate([own, crossed])
        losses: list[float] = []
        for step, chosen in enumerate(_batches(chance.permutation(2 * count), schedule.fine_batch)):
            _set_rate(optimizer, schedule.fine_rate, done=(epoch + step / each) / schedule.fine_epochs)
            wanted = torch.from_numpy(scored.scores[left[chosen] % pairs]).to(student.rows.device)
            loss = _pair_loss(student, first.take(left[chosen]), second.take(right[chosen]), wanted, schedule)
            losses.append(loss.item())
            if len(silver):
                loss = loss + schedule.silver_share * classroom.silver_loss(silver, chance)
            if step % schedule.rehearsal == 0:
                loss = loss + schedule.rehearsal_share * classroom.loss(next(rehearsals))
            _step(optimizer, loss)
        kept.keep(stage, epoch + 1, student, optimizer, last=epoch + 1 == schedule.fine_epochs)
        where = f"run {run} of {schedule.fine_runs}, epoch {epoch + 1} of {schedule.fine_epochs}"
        report(f"similarity, {where}: loss {np.mean(losses):.4f}")


class _Classroom:
    """The lessons of one splitting of the texts into pieces, ready to be taken batch by batch."""

    def __init__(self, student: Student, lessons: Lessons, schedule: Schedule, tokenizer: Tokenizer) -> None:
        self._student = student
        self._lessons = lessons
        self._schedule = schedule
        device = student.rows.device
        self._teacher, self._targets = lessons.teacher.to(device), lessons.targets.to(device)
        self._texts = to_bags(tokenizer, lessons.texts, max_pieces=schedule.max_pieces)
        self._english = to_bags(tokenizer, lessons.english, max_pieces=schedule.max_pieces)

    def loss(self, rows: Rows) -> torch.Tensor:
        """Give the loss of the first stage on the named texts."""
        schedule, sentences = self._schedule, self._lessons.sentences[rows]
        chosen = torch.from_numpy(sentences).to(self._student.rows.device)
        texts = self._student.embed(self._texts.take(rows))
        english = self._student.embed(self._english.take(sentences))
        soft, targets = teacher_softmax(self._teacher[chosen]), self._targets[chosen]
        short = slice(None, schedule.short)
        return (
            distillation_loss(texts, targets, soft, closeness=schedule.closeness)
            + schedule.short_share
            * distillation_loss(texts[:, short], targets[:, short], soft, closeness=schedule.closeness)
            + schedule.translation * translation_loss(texts, english, chosen)
        )

    def silver_loss(self, silver: SilverPairs, chance: np.random.Generator) -> torch.Tensor:
        """Give the loss of the second stage on a random batch of silver pairs."""
        rows = chance.integers(0, len(silver), self._schedule.fine_batch)
        first, second = (self._texts.take(self._said(side[rows], chance)) for side in (silver.first, silver.second))
        wanted = torch.from_numpy(silver.scores[rows]).to(self._student.rows.device)
        return _pair_loss(self._student, first, second, wanted, self._schedule)

    def _said(self, sentences: Rows, chance: np.random.Generator) -> Rows:
        """Choose for each English sentence one of the texts that say it."""
        saying, starts = self._saying
        return saying[chance.integers(starts[sentences], starts[sentences + 1])]

    @cached_property
    def _saying(self) -> tuple[Rows, Rows]:
        """The texts in the order of their English sentences, and where those of each begin; for the second stage."""
        saying = np.argsort(self._lessons.sentences, kind="stable")
        return saying, np.searchsorted(self._lessons.sentences[saying], np.arange(len(self._lessons.english) + 1))


def _pair_loss(student: Student, left: Bags, right: Bags, wanted: torch.Tensor, schedule: Schedule) -> torch.Tensor:
    first, second = student.embed(left), student.embed(right)
    short = slice(None, schedule.short)
    full_loss = similarity_loss(first, second, wanted)
    short_loss = similarity_loss(first[:, short], second[:, short], wanted)
    return schedule.similarity * (full_loss + schedule.fine_short_share * short_loss)


def _epoch(lessons: Lessons, schedule: Schedule, chance: np.random.Generator) -> Iterator[Rows]:
    """Give the batches of one epoch in random order; a fraction of a repeat is a chance of one."""
    times = np.floor(lessons.repeats + chance.random(len(lessons.repeats))).astype(np.int64)
    order = chance.permutation(np.repeat(np.arange(len(times), dtype=np.int64), times))
    count = int(len(order) * schedule.neighbours)
    near = _lined_up(order[:count], lessons, chance)
    batches = [*_batches(near, schedule.batch), *_batches(order[count:], schedule.batch)]
    for number in chance.permutation(len(batches)):
        yield batches[number]


def _lined_up(rows: Rows, lessons: Lessons, chance: np.random.Generator) -> Rows:
    """Sort texts along a random direction of the teacher's space, a little blurred, so that neighbours are alike."""
    direction = chance.standard_normal(lessons.teacher.shape[1]).astype(np.float32)
    places = (lessons.teacher.numpy() @ direction)[lessons.sentences[rows]]
    blurred = places + BLUR * places.std() * chance.standard_normal(len(rows)) if len(rows) else places
    return rows[np.argsort(blurred, kind="stable")]


def _batches(order: Rows, size: int) -> Iterator[Rows]:
    """Cut into full batches; fewer rows than one batch are a batch of their own."""
    if len(order):
        for start in range(0, max(1, len(order) - size + 1), size):
            yield order[start : start + size]


def _endless(lessons: Lessons, schedule: Schedule, chance: np.random.Generator) -> Iterator[Rows]:
    while True:
        yield from _epoch(lessons, schedule, chance)


def _set_rate(optimizer: torch.optim.Optimizer, rate: float, *, done: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate * max(0.0, 1.0 - done)


def _step(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> float:
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without annotations
    optimizer.step()
    return loss.item()
