"""From which confidence on a match is accepted, and by which lead it is clear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args

import numpy as np
import numpy.typing as npt

from simplugin.errors import DataError
from simplugin.intents.confidence import Floats, log_odds

__all__ = ["Target", "as_target", "best_ambiguity", "best_threshold", "shrunk", "target_threshold"]

Flags = npt.NDArray[np.bool_]
Wanted: TypeAlias = Literal["precision", "accept"]

_PRIOR = 500.0  # queries for which the threshold of all counts, where one intent or language has its own
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
    if len(given) != 1 or next(iter(given)) not in get_args(Wanted):
        message = f"The target is {dict(given)!r}; give one of {{'precision': 0.95}} and {{'accept': 0.9}}."
        raise ValueError(message)
    ((kind, value),) = given.items()
    if not 0 < value < 1:
        message = f"The target {kind!r} is {value!r}; it lies between 0 and 1."
        raise ValueError(message)
    return Target(cast("Wanted", kind), float(value))


def best_threshold(confidence: Floats, right: Flags, inside: Flags) -> tuple[float, float]:
    """Return the threshold of the best balanced accuracy on judged queries (n,), and that accuracy.

    It is the mean of the share in scope that is accepted with the right intent, and of the share out of scope that is
    refused. Of equally good thresholds, and of those within one standard error of the best, the middle is taken.
    """
    order = np.argsort(-confidence, kind="stable")
    found = np.cumsum((right & inside)[order]) / max(int(inside.sum()), 1)
    foreign = np.cumsum(~inside[order]) / max(int((~inside).sum()), 1)
    worth = np.append(0.5, (found + 1 - foreign) / 2)
    sorted_ = confidence[order]
    # Between equal confidences there is no threshold.
    worth[1:-1][sorted_[:-1] == sorted_[1:]] = 0
    top = float(worth.max())
    good = np.flatnonzero(worth >= top - 1e-12)
    place = int(good[len(good) // 2])
    above = 1.0 if place == 0 else float(sorted_[place - 1])
    below = 0.0 if place == len(sorted_) else float(sorted_[place])
    return (above + below) / 2, top


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
    threshold: float, groups: npt.NDArray[np.int64], confidence: Floats, right: Flags, inside: Flags
) -> dict[int, float]:
    """Return by how much, in log odds, each group's threshold differs from that of all, drawn towards it.

    ``groups`` (n,) numbers the group of each judged query; what is below 0 has none. With n queries a group's own
    threshold counts n / (n + 500); the rest is that of all. A group whose queries are all of one kind has none of its
    own.
    """
    moves = dict[int, float]()
    for group in np.unique(groups[groups >= 0]).tolist():
        mine = groups == group
        if not (right & inside)[mine].any() or inside[mine].all():
            continue
        own, _ = best_threshold(confidence[mine], right[mine], inside[mine])
        weight = float(mine.sum() / (mine.sum() + _PRIOR))
        moves[group] = weight * (log_odds(own) - log_odds(threshold))
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
