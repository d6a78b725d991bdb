"""From which confidence on a match is accepted, and by which lead it is clear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args

import numpy as np
import numpy.typing as npt

from simplugin.errors import DataError
from simplugin.intents.confidence import LEAST, Floats, log_odds
from simplugin.measures import logistic

__all__ = ["Target", "as_target", "best_ambiguity", "best_threshold", "drawn", "shrunk", "target_threshold"]

Flags = npt.NDArray[np.bool_]
Wanted: TypeAlias = Literal["precision", "accept"]

_EVEN = 25.0  # queries that a confidence of one half counts as much as
_PRIOR = 500.0  # queries for which the threshold of all counts, where one intent or language has its own
_CUTS = 200  # thresholds that are tried
_BEYOND = 3  # widths below the least confidence, and above the greatest
_HELPFUL = 2.0  # a question back may be asked this often for nothing, for each time that it helps


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be reached: ``precision`` of what matches, or the share of queries in scope to ``accept``."""

    kind: Wanted
    value: float


def as_target(given: Mapping[str, float] | None) -> Target | None:
    """Read ``{"precision": 0.95}`` or ``{"accept": 0.9}``. Raises ``ValueError`` for anything else."""
    if given is None:
        return None
    told = cast(object, given)  # callers may be untyped
    if not isinstance(told, Mapping) or len(given) != 1 or next(iter(given)) not in get_args(Wanted):
        message = f"The target is {told!r}; give one of {{'precision': 0.95}} and {{'accept': 0.9}}."
        raise ValueError(message)
    ((kind, value),) = given.items()
    if not isinstance(cast(object, value), int | float) or not 0 < value < 1:
        message = f"The target {kind!r} is {value!r}; it lies between 0 and 1."
        raise ValueError(message)
    return Target(cast("Wanted", kind), float(value))


def best_threshold(confidence: Floats, right: Flags, inside: Flags) -> tuple[float, float]:
    """Return the threshold of the best balanced accuracy on judged queries (n,), and that accuracy.

    It is the mean of the share in scope that is accepted with the right intent, and of the share out of scope that is
    refused, as a smooth function of the threshold: each query counts by a logistic curve around its log odds, as wide
    as Silverman's rule says (1986, "Density Estimation for Statistics and Data Analysis"). The steps of the shares
    themselves have their highest point where chance will have it.
    """
    odds = log_odds(confidence)
    width = max(float(odds.std()) * len(odds) ** -0.2, LEAST)
    low, high = float(odds.min()) - _BEYOND * width, float(odds.max()) + _BEYOND * width
    cuts: Floats = np.linspace(low, high, _CUTS, dtype=np.float64)
    found, foreign = right & inside, ~inside
    # A logistic curve of this scale has the standard deviation ``width``.
    reached = logistic((odds[:, None] - cuts) / (width * np.sqrt(3) / np.pi))
    accepted = found @ reached / max(int(inside.sum()), 1)
    refused = foreign @ (1 - reached) / max(int(foreign.sum()), 1)
    worth: Floats = np.asarray((accepted + refused) / 2, dtype=np.float64)
    place = int(worth.argmax())
    return float(logistic(cuts[place : place + 1])[0]), float(worth[place])


def drawn(threshold: float, queries: float) -> float:
    """Return the threshold, drawn towards "rather right than wrong" where it is that of few judged queries.

    What stands for a query out of scope is an utterance of another intent, which is closer to the others than most of
    what people ask that is not meant at all: the best threshold on those is rather high.
    """
    return float(logistic(log_odds([threshold]) * queries / (queries + _EVEN))[0])


def target_threshold(target: Target, confidence: Floats, right: Flags, inside: Flags, weights: Floats) -> float:
    """Return the threshold that reaches a target on judged queries (n,), of which each counts ``weights`` (n,).

    Raises ``DataError`` for a precision that none reaches, with the best that can be reached.
    """
    if target.kind == "accept":
        return float(np.quantile(confidence[inside], 1 - target.value)) if inside.any() else 0.0
    order = np.argsort(-confidence, kind="stable")
    precision = np.cumsum((weights * right)[order]) / np.cumsum(weights[order])
    enough = np.flatnonzero(precision >= target.value)
    if not len(enough):
        message = (
            f"No threshold reaches a precision of {target.value:g} on the utterances themselves; the best is "
            f"{precision.max():.2f}. Give more utterances, or labelled negatives, or a lower target."
        )
        raise DataError(message)
    return float(confidence[order][enough[-1]])


def shrunk(
    threshold: float,
    groups: npt.NDArray[np.int64],
    confidence: Floats,
    right: Flags,
    inside: Flags,
    *,
    rounds: int = 1,
) -> dict[int, float]:
    """Return by how much, in log odds, each group's threshold differs from that of all, drawn towards it.

    ``groups`` (n,) numbers the group of each judged query; what is below 0 has none. With n queries, each
    in all ``rounds``, a group's own threshold counts n / (n + 500); the rest is that of all. A group whose queries are
    all of one kind has none of its own.
    """
    moves = dict[int, float]()
    for group in np.unique(groups[groups >= 0]).tolist():
        mine = groups == group
        if not (right & inside)[mine].any() or inside[mine].all():
            continue
        own, _ = best_threshold(confidence[mine], right[mine], inside[mine])
        weight = float(mine.sum() / (mine.sum() + rounds * _PRIOR))
        moves[group] = weight * float(log_odds(own) - log_odds(threshold))
    return moves


def best_ambiguity(margins: Floats, right: Flags, second: Flags) -> float:
    """Return the lead below which to ask back, by accepted queries in scope (n,) whose best two intents are known.

    ``right`` says that the best is the right one, ``second`` that the second is. To ask helps where it is the second;
    it is worth that for all below a lead if it helps at least once in three times.
    """
    if not len(margins):
        return 0.0
    order = np.argsort(margins, kind="stable")
    worth = np.cumsum(np.where(second[order], _HELPFUL, -1.0 * right[order]))
    place = int(worth.argmax())
    if worth[place] <= 0:
        return 0.0
    sorted_ = margins[order]
    return float(sorted_[place] if place + 1 == len(sorted_) else (sorted_[place] + sorted_[place + 1]) / 2)
