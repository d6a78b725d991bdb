"""From vectors of queries to matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from simplugin.intents.confidence import Confidence, Floats, measures_of
from simplugin.intents.fitting import Fit, lead
from simplugin.intents.scoring import Ints, best_two, scores_of, spread_of
from simplugin.intents.taught import EVIDENCE, Taught, heard
from simplugin.intents.thresholds import Flags
from simplugin.measures import FloatArray
from simplugin.records import Evidence, Match, Status

if TYPE_CHECKING:
    from simplugin.reranking import Reranker

__all__ = ["AMBIGUITY", "THRESHOLD", "Cuts", "judge", "settle", "status_of"]

THRESHOLD, AMBIGUITY = 0.45, 0.05
"""The score that an intent needs, and its lead, where nothing was learned: measured with the starter."""

_WIDTH = 0.1  # of the curve that stands for a confidence where nothing was learned
_BLOCK = 512  # queries that are compared with all utterances at once
_VERBATIM = 0.99  # confidence in an utterance itself: people do make mistakes
_CLEAR = 0.1  # a reranker's lead that settles a close call; its scores lie in [0, 1]


@dataclass(frozen=True, slots=True)
class Cuts:
    """The score and the lead that a match needs, where they were given; they win over what was learned."""

    threshold: float | None = None
    ambiguity: float | None = None


@dataclass(frozen=True, slots=True)
class _Columns:
    """What is decided for queries (n,): the best two intents, and how surely."""

    best: Ints
    second: Ints
    shown: FloatArray
    confidence: Floats
    margin: Floats
    accepted: Flags
    clear: Flags


def judge(
    taught: Taught, learned: Fit | None, cuts: Cuts, texts: Sequence[str], vectors: FloatArray, language: str | None
) -> list[Match]:
    """Match texts by their vectors (n, dimension); those of which the model knows nothing are out of scope.

    An utterance itself matches its intent, whatever was learned from all of them, unless a threshold was given.
    """
    found = list[Match]()
    for start in range(0, len(texts), _BLOCK):
        rows = taught.comparable(vectors[start : start + _BLOCK])
        columns = _decide(taught, learned, cuts, rows, language)
        known: list[bool] = np.any(rows != 0, axis=1).tolist()
        block = texts[start : start + _BLOCK]
        if cuts.threshold is None:
            columns = _verbatim(taught, columns, block)
        found += [_match(taught, columns, row, text, rows[row], known[row]) for row, text in enumerate(block)]
    return found


def status_of(*, accepted: bool, clear: bool) -> Status:
    """Return the status of a match by whether its intent is accepted, and clear of the second."""
    return "out_of_scope" if not accepted else "match" if clear else "ambiguous"


def settle(taught: Taught, match: Match, reranker: Reranker) -> Match:
    """Decide a close call by a reranker, which reads the query beside the closest utterances of the best two intents.

    The intent that it prefers is the best then, and a match if it is ahead by 0.1.
    """
    if not match.alternatives:
        return match
    (rival, rival_score), *others = match.alternatives
    mine = [each.text for each in match.evidence]
    theirs = taught.intents.index(rival)
    place = int(taught.starts[theirs])
    group = [each.text for each in taught.utterances[place : place + int(taught.sizes[theirs])]]
    ranked = reranker.rerank(match.text, [*mine, *group])
    scores = {int(hit.id): hit.score for hit in ranked}
    first = max(score for number, score in scores.items() if number < len(mine))
    second = max(score for number, score in scores.items() if number >= len(mine))
    status: Status = "match" if abs(first - second) >= _CLEAR else "ambiguous"
    if first >= second:
        return replace(match, status=status)
    order = sorted(range(len(group)), key=lambda number: -scores[len(mine) + number])[:EVIDENCE]
    return replace(
        match,
        status=status,
        intent=rival,
        score=rival_score,
        margin=rival_score - match.score,
        alternatives=((match.intent, match.score), *others),
        evidence=tuple(
            Evidence(group[number], scores[len(mine) + number], taught.utterances[place + number].language)
            for number in order
        ),
    )


def _decide(taught: Taught, learned: Fit | None, cuts: Cuts, rows: FloatArray, language: str | None) -> _Columns:
    scoring = "best_two" if learned is None else learned.scoring
    logits = None if learned is None or learned.head is None else learned.head(rows)
    # To compare a query with all utterances takes the most time; a head needs those of its best intent alone.
    spread = None if scoring == "head" else spread_of(taught.closeness(rows), taught.starts)
    scores = scores_of(scoring, spread, logits)
    best, second = best_two(scores)
    shown, margin = lead(scoring, scores, best, second)
    top = shown[np.arange(len(shown)), best]
    if learned is None:
        threshold = THRESHOLD if cuts.threshold is None else cuts.threshold
        sure = Confidence.around(threshold, _WIDTH)(top[:, None].astype(np.float64))
        accepted, ambiguity = top >= threshold, AMBIGUITY
    else:
        closest = taught.closest(rows, best) if spread is None else spread.closest(best)
        sure = learned.confidence(measures_of(scoring, scores, best, second, closest))
        accepted, ambiguity = sure >= learned.thresholds(best, language), learned.ambiguity
        if cuts.threshold is not None:
            accepted = top >= cuts.threshold
    if cuts.ambiguity is not None:
        ambiguity = cuts.ambiguity
    accepted, clear = (np.asarray(each, dtype=np.bool_) for each in (accepted, margin >= ambiguity))
    return _Columns(best, second, shown, sure, margin, accepted, clear)


def _verbatim(taught: Taught, columns: _Columns, texts: Sequence[str]) -> _Columns:
    """Give texts that are utterances themselves the intent that they were given."""
    owners = [taught.verbatim.get(heard(text).casefold()) for text in texts]
    rows = np.array([row for row, owner in enumerate(owners) if owner is not None], dtype=np.int64)
    if not len(rows):
        return columns
    best, second, margin = columns.best.copy(), columns.second.copy(), columns.margin.copy()
    best[rows] = [owner for owner in owners if owner is not None]
    moved = rows[best[rows] != columns.best[rows]]
    second[moved], margin[moved] = columns.best[moved], 0.0
    confidence, accepted, clear = columns.confidence.copy(), columns.accepted.copy(), columns.clear.copy()
    confidence[rows], accepted[rows], clear[rows] = np.maximum(confidence[rows], _VERBATIM), True, True
    return replace(
        columns, best=best, second=second, margin=margin, confidence=confidence, accepted=accepted, clear=clear
    )


def _match(taught: Taught, columns: _Columns, row: int, text: str, vector: FloatArray, known: bool) -> Match:
    best, shown = int(columns.best[row]), columns.shown[row]
    order: list[int] = np.argsort(-shown, kind="stable").tolist()
    order.remove(best)
    return Match(
        text=text,
        status=status_of(accepted=known and bool(columns.accepted[row]), clear=bool(columns.clear[row])),
        intent=taught.intents[best],
        score=float(shown[best]),
        confidence=float(columns.confidence[row]) if known else 0.0,
        margin=float(columns.margin[row]),
        alternatives=tuple((taught.intents[place], float(shown[place])) for place in order),
        evidence=taught.evidence(best, vector),
    )
