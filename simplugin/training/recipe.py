"""The recipe of the starter as data: ``distill.toml`` in this folder has its numbers."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

__all__ = ["Recipe", "Schedule", "read_recipe"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how hard the two stages train; learning rates fall to 0 along a line.

    ``avoided`` is the share of the longer pieces that each epoch of the first stage does without, in [0, 1), and
    ``neighbours`` that of the texts whose batches hold texts alike, which are harder to tell apart. ``closeness``
    weighs the distance to the teacher's vector beside the ranking that the teacher gives, and ``translation`` finding
    the English sentence with the student's own vectors on both sides. The second stage comes ``fine_runs`` times, each
    from where the first one ended and in another order, and the tables are averaged, which is better than any of them
    (Wortsman et al. 2022, https://arxiv.org/abs/2203.05482). The ``short`` leading dimensions also have to work alone
    (Kusupati et al. 2022, https://arxiv.org/abs/2205.13147), with ``short_share`` as the weight of that, and
    ``fine_short_share`` in the second stage. There, ``silver_share`` weighs the pairs that the teacher scored beside
    those that people did. ``similarity`` weighs the squared distances from the scores beside the losses of the first
    stage; one in ``rehearsal`` batches of the second stage is joined by one of the first, with
    the weight ``rehearsal_share``, so that nothing is forgotten. Of a long text ``max_pieces`` are learned from; the
    teacher reads no further either.
    """

    epochs: int
    rate: float
    batch: int
    fine_runs: int
    fine_epochs: int
    fine_rate: float
    fine_batch: int
    fine_short_share: float
    silver_share: float
    avoided: float
    neighbours: float
    closeness: float
    translation: float
    short: int
    short_share: float
    similarity: float
    rehearsal: int
    rehearsal_share: float
    max_pieces: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what comes out, beside the data and the seed.

    Before the second stage the teacher itself learns people's scores, by ``teacher_epochs``, ``teacher_batch`` and
    ``teacher_rate``, to score further pairs of their sentences.

    ``words`` of the ``pieces`` are whole words, chosen by how often they occur. ``scarce`` are languages with little
    data: a text in one comes ``scarce_repeats`` times in an epoch, and counts ``scarce_copies`` times when the pieces
    are chosen; one of the phrasebook comes ``phrase_repeats`` times.
    """

    teacher: str
    teacher_epochs: float
    teacher_batch: int
    teacher_rate: float
    pieces: int
    words: int
    width: int
    scarce: tuple[str, ...]
    scarce_repeats: float
    phrase_repeats: float
    scarce_copies: int
    schedule: Schedule

    @property
    def numbers(self) -> Mapping[str, float | int | None]:
        """All numbers, by name."""
        values = {**asdict(self), **asdict(self.schedule)}
        return {name: value for name, value in values.items() if isinstance(value, (int, float))}


def read_recipe() -> Recipe:
    """Return the recipe as it stands."""
    text = (resources.files("simplugin.training") / "distill.toml").read_text(encoding="utf-8")
    values: dict[str, Any] = tomllib.loads(text)
    schedule, scarce = Schedule(**values.pop("schedule")), tuple(values.pop("scarce"))
    return Recipe(schedule=schedule, scarce=scarce, **values)
