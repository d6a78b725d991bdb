"""Items that have a label and a score, as the plots and the list of disagreements want them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from simplugin.evaluation.bootstrap import Floats, Ints
from simplugin.evaluation.metrics.correlation import ranks
from simplugin.evaluation.pooling import pool
from simplugin.evaluation.report.naming import language_of
from simplugin.evaluation.report.table import Cell, Quote, Table
from simplugin.evaluation.result import Evaluation, Part, Result

__all__ = ["TOP", "Scored", "disagreements", "scored"]

TOP = 5.0
"""The best label: the readers of labelled pairs return labels from 0 to 5."""

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Scored:
    """The items of a part, which all have a label and a score of the kind that ``column`` names.

    ``main`` is the figure of the part's section, where it has one of its own.
    """

    part: Part
    column: str
    main: float | None

    @property
    def name(self) -> str:
        """The part's name."""
        return self.part.name

    @property
    def labels(self) -> Floats:
        """What people said (n,), from 0 to 5."""
        return self.part.numbers["label"]

    @property
    def scores(self) -> Floats:
        """What the model said (n,)."""
        return self.part.numbers[self.column]


def scored(judged: Evaluation) -> list[Scored]:
    """Return the parts whose pairs have graded labels, those in one language alone."""
    return list(_scored(judged)) if judged.result.task == "similarity" else []


def disagreements(judged: Evaluation) -> Table | None:
    """Return the pairs whose places by score and by label are furthest apart, one at most of those that share a text.

    A place is the share of its language's pairs that come before, in percent; None where there are no texts.
    """
    chosen = [each for each in scored(judged) if {"first", "second"} <= set(each.part.texts)]
    if not chosen:
        return None
    clusters = pool("all", [each.part for each in chosen]).clusters
    gaps = np.concatenate([_places(each.scores) - _places(each.labels) for each in chosen])
    rows = [_row(judged.result, chosen, item) for item in _furthest(gaps, clusters)]
    column = chosen[0].column
    heads = ("part", "first text", "second text", "label", column, "place by label", f"place by {column}")
    return Table("Pairs on which the model and people disagree most", heads, tuple(rows))


def _scored(judged: Evaluation) -> Iterator[Scored]:
    wanted = judged.result.main.rpartition("_")[2]
    figures = {each.section: each.metrics.get(judged.result.main) for each in judged.result.sections}
    for part in judged.parts:
        column = next((each for each in (wanted, "cosine", "score") if each in part.numbers), None)
        # Crossings leave their words to their languages.
        if column is None or "label" not in part.numbers or not part.texts:
            continue
        known = np.flatnonzero(np.isfinite(part.numbers["label"]) & np.isfinite(part.numbers[column]))
        if len(known):
            yield Scored(_taken(part, known), column, figures.get(part.name))


def _taken(part: Part, items: Ints) -> Part:
    numbers = {key: values[items] for key, values in part.numbers.items()}
    chosen: list[int] = items.tolist()
    texts = {key: tuple(values[item] for item in chosen) for key, values in part.texts.items()}
    return Part(part.name, part.clusters[items], numbers, texts, part.stage)


def _places(values: Floats) -> Floats:
    return (ranks(values) - 0.5) / len(values)


def _furthest(gaps: Floats, clusters: Ints) -> list[int]:
    order = np.argsort(-np.abs(gaps), kind="stable")
    _, firsts = np.unique(clusters[order], return_index=True)
    furthest: list[int] = order[np.sort(firsts)[:_SHOWN]].tolist()
    return furthest


def _row(result: Result, chosen: Sequence[Scored], item: int) -> tuple[Cell, ...]:
    for each in chosen:
        if item < len(each.part):
            language = language_of(result, each.name)
            texts = (Quote(each.part.texts[side][item], language) for side in ("first", "second"))
            places = (f"{100 * float(_places(values)[item]):.0f} %" for values in (each.labels, each.scores))
            return (each.name, *texts, f"{each.labels[item]:g}", f"{each.scores[item]:.3f}", *places)
        item -= len(each.part)
    raise IndexError(item)
