"""Items of several parts as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from simplugin.evaluation.bootstrap import Ints, cluster
from simplugin.evaluation.result import Part

__all__ = ["clusters_of_texts", "pool"]


def clusters_of_texts(*sides: Sequence[str]) -> Ints:
    """Return the cluster (n,) of each item: items that share a text, on whichever side, are one."""
    groups: dict[str, list[int]] = {}
    for side in sides:
        for item, text in enumerate(side):
            groups.setdefault(text, []).append(item)
    return cluster(list(groups.values()), len(sides[0]))


def pool(name: str, parts: Iterable[Part]) -> Part:
    """Return the items of several parts as one, in order, with the columns that all of them have.

    Clusters of two parts are one where they share a text, or hold the same row of parts whose labels are equal row by
    row: those are translations of each other.
    """
    chosen = list(parts)
    first = chosen[0]
    if len(chosen) == 1:
        return first if first.name == name else Part(name, first.clusters, first.numbers, first.texts, first.stage)
    numbers = {
        key: np.concatenate([part.numbers[key] for part in chosen])
        for key in first.numbers
        if all(key in part.numbers for part in chosen)
    }
    texts = {
        key: tuple(text for part in chosen for text in part.texts[key])
        for key in first.texts
        if all(key in part.texts for part in chosen)
    }
    return Part(name, _clusters(chosen), numbers, texts, first.stage)


def _clusters(parts: Sequence[Part]) -> Ints:
    groups: dict[object, list[int]] = {}
    start = 0
    for number, part in enumerate(parts):
        labels = part.numbers.get("label")
        for item, mine in enumerate(part.clusters.tolist()):
            groups.setdefault((number, mine), []).append(start + item)
            if labels is not None:
                groups.setdefault((labels.tobytes(), item), []).append(start + item)
        for side in part.texts.values():
            for item, text in enumerate(side):
                groups.setdefault(text, []).append(start + item)
        start += len(part)
    return cluster(list(groups.values()), start)
