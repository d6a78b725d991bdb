"""Stored texts that say nearly the same, by the vectors that are there: nothing is encoded again."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from hashlib import blake2b

import numpy as np

from simplugin.duplicates import check_threshold, clusters, near_pairs
from simplugin.measures import FloatArray
from simplugin.records import Alike, Stored
from simplugin_qdrant import points
from simplugin_qdrant.filters import Condition
from simplugin_qdrant.space import Space

__all__ = ["find_alike"]

_MOST = 100_000  # pairs of different texts that are kept, the closest
_BATCH = 256  # points a request


def find_alike(
    space: Space,
    text_key: str,
    condition: Condition | None,
    threshold: float,
    *,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Alike]:
    """Return groups of the points for which the condition holds, the largest first, at most ``limit`` of them.

    Texts with the very same vector are compared once, so that boilerplate costs no more than one text.
    """
    check_threshold(threshold)
    ids, row_of, rows = _read(space, condition)
    pairs = near_pairs(rows, threshold, limit=_MOST, progress=progress)
    counts = np.bincount(row_of, minlength=len(rows))
    repeated = [(row, row) for row in np.flatnonzero(counts > 1).tolist()]
    lowest = dict[int, float]()
    for first, second, cosine in pairs:
        for row in (first, second):
            lowest[row] = min(cosine, lowest.get(row, 1.0))
    groups = clusters([*((pair.i, pair.j) for pair in pairs), *repeated])
    groups.sort(key=lambda group: -int(counts[list(group)].sum()))
    shown = groups[:limit]
    texts = _texts(space, text_key, ids, row_of, shown)
    return [
        Alike(min(lowest.get(row, 1.0) for row in group), texts[number])
        for number, group in enumerate(shown)
        if len(texts[number]) > 1  # one that was deleted meanwhile leaves the other alone
    ]


def _read(space: Space, condition: Condition | None) -> tuple[list[str], array[int], FloatArray]:
    """Return the ids of the points, the row of each, and the different vectors (rows, dimension)."""
    rows = np.empty((space.store.count(space.collection, condition), space.encoder.dimension), dtype=np.float32)
    ids, row_of, known = list[str](), array("q"), dict[bytes, int]()
    records = space.store.scroll(space.collection, condition=condition, keys=[], with_vectors=[space.vector])
    for record in records:
        vector = record.vectors.get(space.vector)
        if not isinstance(vector, np.ndarray) or not vector.any():
            continue
        row = known.setdefault(blake2b(vector.tobytes(), digest_size=16).digest(), len(known))
        if row == len(rows):
            break  # written since they were counted
        rows[row] = vector
        ids.append(record.id)
        row_of.append(row)
    return ids, row_of, rows[: len(known)]


def _texts(
    space: Space, text_key: str, ids: Sequence[str], row_of: Sequence[int], groups: Sequence[Sequence[int]]
) -> list[tuple[Stored, ...]]:
    """Return the texts of each group of rows, by document and place in it."""
    group_of = {row: number for number, group in enumerate(groups) for row in group}
    found: list[list[Stored]] = [[] for _ in groups]
    wanted = {id_: group_of[row] for id_, row in zip(ids, row_of, strict=True) if row in group_of}
    listed = list(wanted)
    for start in range(0, len(listed), _BATCH):
        for record in space.store.retrieve(space.collection, listed[start : start + _BATCH]):
            found[wanted[record.id]].append(points.to_stored(record, text_key, None))
    return [tuple(sorted(each, key=lambda text: (text.document_id, text.number or 0, text.id))) for each in found]
