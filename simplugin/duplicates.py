"""Texts that say nearly the same, mined by a model: pairs, and the groups that they make.

The known name is paraphrase mining (Reimers and Gurevych 2019, sentence-transformers); here over any encoder, and a
block of the similarities at a time, so that memory does not grow with the square of the texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from simplugin.encoders import Encoder, as_encoder
from simplugin.encoders.protocol import as_texts
from simplugin.measures import FloatArray, unit_rows

__all__ = ["NearDuplicate", "check_threshold", "clusters", "near_duplicates", "near_pairs"]

_BLOCK = 1024  # texts a side: 4 MB of cosines


class NearDuplicate(NamedTuple):
    """Two texts by their places, the first the lower, and the cosine of their vectors."""

    i: int
    j: int
    cosine: float


def near_duplicates(
    texts: Iterable[str], encoder: Encoder | str, threshold: float = 0.9, *, limit: int | None = None
) -> list[NearDuplicate]:
    """Return the pairs of texts whose cosine is at least ``threshold``, closest first; equal texts have 1.

    Texts are compared as documents, in any languages that the model brings together. ``limit`` keeps that many pairs.
    ``clusters`` makes groups of the pairs.

    Raises ``ValueError`` for a threshold outside [-1, 1] and a limit below 1, ``TypeError`` for a bare string.
    """
    check_threshold(threshold)
    if limit is not None and limit < 1:
        message = f"limit is {limit}; it must be at least 1, or None for all."
        raise ValueError(message)
    listed = as_texts(texts)
    if len(listed) < 2:
        return []
    different = list(dict.fromkeys(listed))
    vectors = as_encoder(encoder).encode_document(different)
    row = {text: place for place, text in enumerate(different)}
    return near_pairs(vectors[[row[text] for text in listed]], threshold, limit=limit)


def check_threshold(threshold: float) -> None:
    """Raise ``ValueError`` for a threshold that no cosine is."""
    if not -1 <= threshold <= 1:
        message = f"threshold is {threshold!r}; a cosine lies in [-1, 1]."
        raise ValueError(message)


def near_pairs(
    vectors: FloatArray,
    threshold: float,
    *,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[NearDuplicate]:
    """Return like ``near_duplicates``, of vectors (n, dimension). A vector of zeros is near none.

    ``progress`` is told how many of the comparisons are done, and of how many.
    """
    kept = list[NearDuplicate]()
    sides = -(-len(vectors) // _BLOCK)
    for done, found in enumerate(_blocks(unit_rows(vectors), threshold), 1):
        if progress is not None:
            progress(done, sides * (sides + 1) // 2)
        kept += found
        if limit is not None and len(kept) > 2 * limit:
            kept = _best(kept, limit)
    return _best(kept, limit)


def clusters(pairs: Iterable[tuple[int, int] | NearDuplicate]) -> list[tuple[int, ...]]:
    """Return the groups of places that pairs connect, directly or through others, the largest group first."""
    above = dict[int, int]()

    def top(place: int) -> int:
        while (up := above.setdefault(place, place)) != place:
            above[place] = above.get(up, up)
            place = up
        return place

    for first, second, *_ in pairs:
        above[top(first)] = top(second)
    groups = dict[int, list[int]]()
    for place in sorted(above):
        groups.setdefault(top(place), []).append(place)
    return sorted((tuple(group) for group in groups.values()), key=lambda group: (-len(group), group))


def _blocks(rows: FloatArray, threshold: float) -> Iterator[list[NearDuplicate]]:
    for start in range(0, len(rows), _BLOCK):
        for other in range(start, len(rows), _BLOCK):
            cosines = np.clip(rows[start : start + _BLOCK] @ rows[other : other + _BLOCK].T, -1, 1)
            # Rounding takes equal vectors a hair below 1.
            first, second = np.nonzero(cosines >= threshold - 1e-6)
            later = first + start < second + other
            first, second = first[later], second[later]
            known = rows[first + start].any(axis=1) & rows[second + other].any(axis=1)
            first, second = first[known], second[known]
            values: Sequence[float] = cosines[first, second].tolist()
            yield [
                NearDuplicate(i + start, j + other, cosine)
                for i, j, cosine in zip(first.tolist(), second.tolist(), values, strict=True)
            ]


def _best(pairs: Sequence[NearDuplicate], limit: int | None) -> list[NearDuplicate]:
    return sorted(pairs, key=lambda pair: (-pair.cosine, pair.i, pair.j))[:limit]
