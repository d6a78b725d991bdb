"""Utterances asked as if they were queries: in scope by the others of their intent, out of scope without any of them.

In each fold some utterances of every intent are left out, and some intents whole. An utterance of a left-out intent is
a stand-in for a query that means none of the intents. Few utterances are dealt anew and asked again, since what comes
of a single deal of few is mostly chance (Kohavi 1995, "A Study of Cross-Validation and Bootstrap for Accuracy
Estimation and Model Selection").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simplugin.intents.head import fit_head
from simplugin.intents.scoring import Ints, Spread, spread_of
from simplugin.measures import FloatArray, SimilarityFunction, similarity

__all__ = ["OUTSIDE", "Asked", "Fold", "ask", "folds"]

OUTSIDE = -1
"""The intent of a query that means none."""

FOLDS = 5
_FEW = 2
_LARGE = 1_000_000  # utterances times intents, above which two folds are enough, and five would take half a minute
_ASKED = 1000  # of a fold in scope and out of it, at most
_ROUNDS = 5
_ENOUGH = 1500  # utterances, counted in each round, from which on another round says little
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Fold:
    """Places of utterances: those kept, those asked in scope, and those asked out of scope."""

    kept: Ints
    inside: Ints
    outside: Ints


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking a fold: the spread, and the logits of a head, over the intents that were kept.

    ``intents`` (kept,) numbers the columns; ``meant`` (n,) is the right intent or ``OUTSIDE``, ``places`` (n,) which
    utterance was asked, counted on into the negatives. In each ``round``, from 0 on, all are asked.
    """

    round: int
    spread: Spread
    logits: FloatArray | None
    intents: Ints
    meant: Ints
    places: Ints


def folds(owners: Ints, *, seed: int = 0) -> list[Fold]:
    """Deal utterances and intents into folds, by the intents (n,) of the utterances.

    With up to five utterances an intent each fold leaves one of each out. An utterance is asked in scope once, except
    where its turn is in the fold that leaves its intent out, and never where it is the only one.
    """
    random = np.random.default_rng(seed)
    counts = np.bincount(owners)
    intents = len(counts)
    place = np.empty_like(owners)
    for owner in range(intents):
        mine = np.flatnonzero(owners == owner)
        place[random.permutation(mine)] = np.arange(len(mine))
    # The more there are, the fewer folds say the same.
    most = FOLDS if len(owners) * intents <= _LARGE else _FEW
    group = random.permutation(intents) % min(FOLDS, intents)
    sizes = np.maximum(np.minimum(counts, FOLDS), 1)
    fold = (place + owners) % sizes[owners]
    made = list[Fold]()
    for number in range(most):
        away = group[owners] == number
        taken = ~away & (counts[owners] > 1) & (fold == number % sizes[owners])
        # Of fewer utterances than folds, each is asked once.
        taken_once = taken & (number < sizes[owners])
        made.append(
            Fold(
                np.flatnonzero(~away & ~taken),
                _some(np.flatnonzero(taken_once), random),
                _some(np.flatnonzero(away), random),
            )
        )
    return [each for each in made if len(each.kept) and len(each.inside) + len(each.outside)]


def ask(
    vectors: FloatArray,
    owners: Ints,
    negatives: FloatArray,
    *,
    function: SimilarityFunction,
    strength: float | None,
) -> Iterator[Asked]:
    """Ask every fold of utterances (n, dimension) with their intents (n,), and negatives (m, dimension) by turns.

    ``strength`` is that of the head; None fits none.
    """
    for number in range(min(_ROUNDS, max(1, round(_ENOUGH / len(owners))))):
        dealt = folds(owners, seed=number)
        for place, fold in enumerate(dealt):
            mine = np.arange(place, len(negatives), len(dealt))
            intents, kept = np.unique(owners[fold.kept], return_inverse=True)
            taught = vectors[fold.kept]
            asked = np.concatenate([vectors[fold.inside], vectors[fold.outside], negatives[mine]])
            starts = np.flatnonzero(np.diff(kept, prepend=-1))
            spreads = [
                spread_of(similarity(asked[start : start + _BLOCK], taught, function), starts)
                for start in range(0, len(asked), _BLOCK)
            ]
            head = None if strength is None else fit_head(taught, kept, strength=strength, rows=len(vectors))
            outside = len(fold.outside) + len(mine)
            yield Asked(
                number,
                Spread(
                    *(np.concatenate([getattr(each, name) for each in spreads]) for name in ("mean", "best", "two"))
                ),
                None if head is None else head(asked),
                intents,
                np.concatenate([owners[fold.inside], np.full(outside, OUTSIDE)]),
                np.concatenate([fold.inside, fold.outside, len(vectors) + mine]),
            )


def _some(places: Ints, random: np.random.Generator) -> npt.NDArray[np.int64]:
    return places if len(places) <= _ASKED else np.sort(random.permutation(places)[:_ASKED])
