"""The pairs that are scored, of each language and across two, and the sections that tell of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from simplugin.errors import DataError
from simplugin.evaluation.bootstrap import Floats, Ints
from simplugin.evaluation.datasets import LabelledPair, Pairs
from simplugin.evaluation.pooling import clusters_of_texts
from simplugin.evaluation.sections import part_names
from simplugin.texts import as_read

__all__ = ["Plan", "Planned", "aligned", "plan"]

_EXTREME = 1e-9  # labels that differ by less are equal


@dataclass(frozen=True, slots=True)
class Planned:
    """Pairs to score, their texts as a model reads them.

    ``languages`` is the one they are in, or the name of their file where it is not known; a crossing has two.
    """

    name: str
    languages: tuple[str, ...]
    first: Sequence[str]
    second: Sequence[str]
    labels: Floats
    clusters: Ints

    @property
    def crossed(self) -> bool:
        """Whether the two texts are in different languages."""
        return len(self.languages) > 1


@dataclass(frozen=True, slots=True)
class Plan:
    """All parts to score, those in one language first, and which of them each section pools, by its name."""

    parts: tuple[Planned, ...]
    sections: dict[str, list[str]]

    @property
    def straight(self) -> tuple[Planned, ...]:
        """The parts in one language, in the order of the files."""
        return tuple(part for part in self.parts if not part.crossed)


def plan(sets: Sequence[Pairs], *, cross: bool) -> Plan:
    """Plan what is scored: each set, and with ``cross`` every two languages across, in both directions.

    Raises ``DataError`` where labels do not vary, and for sets that do not hold the same pairs across.
    """
    keys = [each.language or each.name for each in sets]
    if cross and len(set(keys)) < 2:
        raise DataError("A crossing needs pairs in at least two languages: name them, such as en=en.csv de=de.csv.")
    straight = tuple(_straight(sets, keys))
    crossings = tuple(_crossed(straight)) if cross else ()
    return Plan((*straight, *crossings), _outline(straight, crossings))


def _straight(sets: Sequence[Pairs], keys: Sequence[str]) -> Iterator[Planned]:
    for name, key, each in zip(part_names(keys, [each.name for each in sets]), keys, sets, strict=True):
        labels = np.array([pair.label for pair in each.pairs])
        if len(labels) == 1:
            raise DataError(f"There is one pair in {name!r}; nothing can be judged by it.")
        if np.ptp(labels) == 0:
            raise DataError(f"All labels of {name!r} are equal; nothing can be judged by them.")
        first, second = ([as_read(text) for text in side] for side in zip(*map(_texts, each.pairs), strict=True))
        yield Planned(name, (key,), first, second, labels, clusters_of_texts(first, second))


def _texts(pair: LabelledPair) -> tuple[str, str]:
    return pair.first, pair.second


def _crossed(straight: Sequence[Planned]) -> Iterator[Planned]:
    by_key: dict[str, list[Planned]] = {}
    for part in straight:
        by_key.setdefault(part.languages[0], []).append(part)
    for one, other in combinations(by_key, 2):
        if len(by_key[one]) != len(by_key[other]):
            raise DataError(f"A crossing needs as many files in {one!r} as in {other!r}.")
        for a, b in ((one, other), (other, one)):
            both = list(zip(by_key[a], by_key[b], strict=True))
            for left, right in both:
                _check_aligned(left, right)
            first = [text for left, _ in both for text in left.first]
            second = [text for _, right in both for text in right.second]
            labels = np.concatenate([left.labels for left, _ in both])
            yield Planned(f"{a}-{b}", (a, b), first, second, labels, clusters_of_texts(first, second))


def _check_aligned(left: Planned, right: Planned) -> None:
    if len(left.labels) != len(right.labels):
        raise DataError(
            f"A crossing needs the same pairs in both languages, row by row: {left.name!r} has {len(left.labels)} and "
            f"{right.name!r} {len(right.labels)}."
        )
    different = np.flatnonzero(np.abs(left.labels - right.labels) > _EXTREME)
    if len(different):
        row = int(different[0])
        raise DataError(
            f"A crossing needs the same pairs in both languages, row by row: pair {row + 1} has the label "
            f"{left.labels[row]:g} in {left.name!r} and {right.labels[row]:g} in {right.name!r}."
        )


def aligned(left: Planned, right: Planned) -> bool:
    """Say whether two parts have the same labels, row by row: their texts are then translations of each other."""
    return len(left.labels) == len(right.labels) and bool((np.abs(left.labels - right.labels) <= _EXTREME).all())


def _outline(straight: Sequence[Planned], crossings: Sequence[Planned]) -> dict[str, list[str]]:
    """Return the parts that each section pools."""
    keys = dict.fromkeys(part.languages[0] for part in straight)
    outline = {key: [part.name for part in straight if part.languages[0] == key] for key in keys}
    outline |= {part.name: [part.name] for part in straight}
    if len(crossings) > 2:
        for one, other in combinations(keys, 2):
            outline[f"{one}-{other}"] = [f"{one}-{other}", f"{other}-{one}"]
    if crossings:
        outline["cross"] = [part.name for part in crossings]
    if len(keys) > 1:
        outline["all"] = [part.name for part in (*straight, *crossings)]
    return outline
