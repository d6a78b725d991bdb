"""One ranking from two: by meaning and by words. Pure.

Ranks alone do not fuse well: a question in another language shares a name or a number with some texts, and these
would come first among the words whatever they are about. So the scores are added, brought to one scale: the cosine
as it is, and of the words their *coverage*, the share of what the rarest words could reach. A question whose words are
not there leaves order and scores to the meaning: they are the cosines.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from simplugin.words import K1
from simplugin_qdrant.stores.protocol import Scored

__all__ = ["POOL", "POWER", "WEIGHT", "coverage", "fuse"]

WEIGHT, POWER = 6.0, 1.5
"""What full coverage adds to the cosine, and the power of coverage, above 1 so that a few shared words count little.

Fitted with the starter on questions about Hebrew paragraphs (HeQ) and on the dev part of the STS benchmark, within and
across languages and with all of them in one collection: ``python -m tests.benchmarks hybrid`` prints these, and the
figures on XQuAD, which was left out.
"""

POOL = 100
"""Points that each side brings at least."""


def fuse(
    dense: Sequence[Scored],
    words: Sequence[Scored],
    *,
    pool: int,
    terms: float,
    points: int,
    limit: int,
    weight: float = WEIGHT,
) -> list[Scored]:
    """Return the ``limit`` best of both answers, best first, scored cosine + weight · coverage ** POWER.

    Each answer holds the ``pool`` best, or all there are. A point that one of them lacks gets what the last one in it
    has, which is the most it could have, and no coverage at all where fewer than ``pool`` points share a word. Its
    ``similarity`` is the cosine alone, None where the dense answer lacks it.
    ``terms`` is the sum of the weights of the words asked for, ``points`` the number of points in the collection.
    """
    cosines = {point.id: point.score for point in dense}
    covered = {point.id: coverage(point.score, terms=terms, points=points) for point in words}
    farthest = min(cosines.values(), default=0.0)
    least = min(covered.values(), default=0.0) if len(words) >= pool else 0.0
    found = {point.id: point for point in (*dense, *words)}
    scores = {id_: cosines.get(id_, farthest) + weight * covered.get(id_, least) ** POWER for id_ in found}
    best = sorted(scores, key=lambda id_: (-scores[id_], id_))[:limit]
    return [replace(found[id_], score=scores[id_], similarity=cosines.get(id_)) for id_ in best]


def coverage(score: float, *, terms: float, points: int) -> float:
    """Bring a sum of BM25 weights to [0, 1]: 1 is every word, often, in this one point among all."""
    if terms <= 0:
        return 0.0
    rarest = math.log(1 + (max(points, 1) - 0.5) / 1.5)  # the engine's inverse document frequency of a word met once
    return min(1.0, score / (terms * rarest * (K1 + 1)))
