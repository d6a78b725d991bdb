"""What is learned from the utterances of a matcher: how to score, how sure that is, and what to accept."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace

import numpy as np
import numpy.typing as npt

from simplugin.errors import DataError
from simplugin.intents.confidence import (
    Confidence,
    Floats,
    fit_confidence,
    log_odds,
    measures_of,
)
from simplugin.intents.crossvalidation import OUTSIDE, Asked, ask
from simplugin.intents.head import Head, fit_head
from simplugin.intents.scoring import Ints, Scoring, best_two, scores_of, shares_of
from simplugin.intents.thresholds import (
    Flags,
    Target,
    best_ambiguity,
    best_threshold,
    drawn,
    shrunk,
    target_threshold,
)
from simplugin.measures import FloatArray, SimilarityFunction, logistic

__all__ = ["OUT_OF_SCOPE_SHARE", "Fit", "Judged", "aim", "enough", "fit", "lead"]

OUT_OF_SCOPE_SHARE = 0.22
"""The share of queries that are taken to mean none of the intents, where nothing else is said.

In the data sets that are measured it is .18 to .38; by this one the confidence is off the least over all of them.
"""

STRENGTH = 50.0
"""Of the linear head; from 10 to 300 the balanced accuracy of utterances that were not taught varies by .005."""

_INTENTS, _UTTERANCES = 4, 24  # below these the figures of one's own utterances say nothing
_LEAST_OF_HEAD = 3  # intents in a fold, from which on a head has something to tell apart
_LIKELY: tuple[Scoring, ...] = ("head", "best_two", "blend", "max", "mean")
_LEADS = (0.05, 0.1)  # below which to ask back where nothing is known: of a similarity, and of shares
_PRIOR = 100.0  # accepted queries that this counts as much as
_MANY = 1_000_000  # utterances times intents, from which on threads pay
_NEGATIVES = 20.0  # labelled negatives that count as much as all the stand-ins


@dataclass(frozen=True, slots=True)
class Judged:
    """Utterances that were asked as queries (n,): which, what was meant and found, and how surely.

    Intents are numbers, ``OUTSIDE`` where none is meant. ``weights`` sum to 1, with the share out of scope as stated.
    Few utterances were asked in several ``rounds`` (n,), numbered from 0, of which each asked all of them.
    """

    rounds: Ints
    places: Ints
    meant: Ints
    best: Ints
    second: Ints
    confidence: Floats
    margin: Floats
    weights: Floats

    @property
    def inside(self) -> Flags:
        """Which are in scope."""
        return np.asarray(self.meant != OUTSIDE, dtype=np.bool_)

    @property
    def right(self) -> Flags:
        """Which were found right."""
        return np.asarray(self.best == self.meant, dtype=np.bool_)

    @property
    def times(self) -> int:
        """How many rounds there were."""
        return int(self.rounds.max(initial=0)) + 1

    def only(self, rows: Flags) -> Judged:
        """Return some of it, with weights as they are."""
        return Judged(*(getattr(self, each.name)[rows] for each in fields(self)))


@dataclass(frozen=True, slots=True)
class Fit:
    """What was learned. Confidences and the threshold lie in [0, 1]; ``ambiguity`` is in the units of the scores.

    ``intents`` and ``languages`` say by how much, in log odds, the threshold of one differs from that of all.
    ``balanced`` is the balanced accuracy on the utterances themselves, asked as if they were queries, at the threshold
    of a target where there is one; ``tried`` has that of each scoring.
    """

    scoring: Scoring
    confidence: Confidence
    threshold: float = 0.5
    ambiguity: float = 0.0
    head: Head | None = None
    intents: Mapping[int, float] = field(default_factory=dict[int, float])
    languages: Mapping[str, float] = field(default_factory=dict[str, float])
    target: Target | None = None
    share: float = OUT_OF_SCOPE_SHARE
    balanced: float | None = None
    tried: Mapping[str, float] = field(default_factory=dict[str, float])

    def thresholds(self, intents: Ints, language: str | None) -> Floats:
        """Return the confidence (n,) that each best intent (n,) needs, for queries in this language."""
        moves = np.array([self.intents.get(intent, 0.0) for intent in intents.tolist()])
        moves = moves + self.languages.get(language or "", 0.0)
        return logistic(log_odds(self.threshold) + moves)


def enough(owners: Ints) -> bool:
    """Say whether a matcher fits by itself: 4 intents and 24 utterances, of which most intents have two or more."""
    counts = np.bincount(owners)
    return len(counts) >= _INTENTS and len(owners) >= _UTTERANCES and float(np.median(counts)) >= 2


def fit(
    vectors: FloatArray,
    owners: Ints,
    languages: Sequence[str | None],
    negatives: FloatArray,
    *,
    function: SimilarityFunction,
    target: Target | None,
    share: float,
    scorings: Sequence[Scoring],
) -> tuple[Fit, Judged]:
    """Learn from utterances (n, dimension), their intents (n,), from 0 and in order, and labelled negatives.

    The scoring is the one with the best balanced accuracy when the utterances are asked as if they were queries.

    Raises ``DataError`` for too few utterances to ask some by the others, and for a target out of reach.
    """
    counts = np.bincount(owners)
    if (counts < 2).all() or (len(counts) < 2 and not len(negatives)):
        raise DataError(
            f"{len(owners)} utterances of {len(counts)} intents cannot be fitted: it needs two utterances of some "
            "intent, and another intent or labelled negatives beside it."
        )
    headed = "head" in scorings and len(counts) > _LEAST_OF_HEAD
    with _one_thread(len(owners) * len(counts)):
        asked = list(ask(vectors, owners, negatives, function=function, strength=STRENGTH if headed else None))
    candidates: list[Scoring] = [each for each in _LIKELY if each in scorings and (headed or each != "head")]
    kinds = _weights(asked, len(vectors), share)
    tried: dict[Scoring, tuple[Confidence, Judged]] = {each: _judge(each, asked, kinds) for each in candidates}
    worth: dict[Scoring, float] = {
        each: best_threshold(judged.confidence, judged.right, judged.inside)[1] for each, (_, judged) in tried.items()
    }
    chosen = _choice(worth, tried[candidates[0]][1])
    confidence, judged = tried[chosen]
    learned = Fit(
        scoring=chosen,
        confidence=confidence,
        share=share,
        balanced=worth[chosen],
        tried=dict(worth.items()),
    )
    learned = aim(learned, judged, target, languages)
    with _one_thread(len(owners) * len(counts)):
        head = fit_head(vectors, owners, strength=STRENGTH) if chosen == "head" else None
    return replace(learned, head=head), judged


def aim(learned: Fit, judged: Judged, target: Target | None, languages: Sequence[str | None]) -> Fit:
    """Return what was learned with what reaches a target: the thresholds, and the lead below which to ask back.

    ``languages`` are those of the utterances that were asked. Raises ``DataError`` for a target out of reach.
    """
    accepted, (intents, by_language) = _accept(judged, target, languages)
    clear = judged.inside & (judged.confidence >= accepted)
    found = best_ambiguity(judged.margin[clear], judged.right[clear], (judged.second == judged.meant)[clear])
    known = int(clear.sum()) / judged.times
    ambiguity = (known * found + _PRIOR * _LEADS[learned.scoring == "head"]) / (known + _PRIOR)
    return replace(
        learned,
        threshold=accepted,
        ambiguity=ambiguity,
        intents=intents,
        languages=by_language,
        target=target,
        balanced=learned.tried[learned.scoring] if target is None else _balanced(judged, accepted),
    )


def lead(scoring: Scoring, scores: FloatArray, best: Ints, second: Ints) -> tuple[FloatArray, Floats]:
    """Return the scores (n, intents) as they are shown, and the lead (n,) of the best over the second.

    A head's are shares in [0, 1]; the others are in the units of the similarity. Of one intent the lead is its score.
    """
    shown = shares_of(scores) if scoring == "head" else scores
    rows = np.arange(len(shown))
    top = shown[rows, best].astype(np.float64)
    return shown, top - (0 if shown.shape[1] == 1 else shown[rows, second])


@contextmanager
def _one_thread(size: int) -> Generator[None]:
    """Let small products run on one thread: to wake others takes longer, on a busy machine many times as long."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1 if size < _MANY else None, user_api="blas"):
        yield


def _choice(worth: Mapping[Scoring, float], judged: Judged) -> Scoring:
    """Return the best; one that is tried later must be better by a standard error than the best before it."""
    queries = [max(int(kind.sum()), 1) / judged.times for kind in (judged.inside, ~judged.inside)]
    error = 0.25 * sum(1 / each for each in queries) ** 0.5
    chosen, *others = worth
    for each in others:
        if worth[each] > worth[chosen] + error:
            chosen = each
    return chosen


def _judge(scoring: Scoring, asked: Sequence[Asked], weights: Floats) -> tuple[Confidence, Judged]:
    columns = list[tuple[npt.NDArray[np.float64], Ints, Ints, Floats]]()
    for each in asked:
        scores = scores_of(scoring, each.spread, each.logits)
        best, second = best_two(scores)
        _, margin = lead(scoring, scores, best, second)
        measures = measures_of(scoring, scores, best, second, each.spread.closest(best))
        columns.append((measures, each.intents[best], each.intents[second], margin))
    measures, best, second, margin = (np.concatenate(each) for each in zip(*columns, strict=True))
    meant = np.concatenate([each.meant for each in asked])
    rounds = np.concatenate([np.full(len(each.places), each.round) for each in asked])
    confidence = fit_confidence(measures, best == meant, weights, rounds=asked[-1].round + 1)
    places = np.concatenate([each.places for each in asked])
    return confidence, Judged(rounds, places, meant, best, second, confidence(measures), margin, weights)


def _weights(asked: Sequence[Asked], utterances: int, share: float) -> Floats:
    """Return how much each query counts: those out of scope make ``share`` of all, labelled ones most of that."""
    meant = np.concatenate([each.meant for each in asked])
    labelled = np.concatenate([each.places for each in asked]) >= utterances
    inside, held = meant != OUTSIDE, (meant == OUTSIDE) & ~labelled
    told = float(labelled.sum()) / (asked[-1].round + 1)
    part = told / (told + _NEGATIVES) if held.any() else 1.0
    weights = np.zeros(len(meant))
    for kind, whole in ((inside, 1 - share), (held, share * (1 - part)), (labelled, share * part)):
        weights[kind] = whole / max(int(kind.sum()), 1)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _accept(
    judged: Judged, target: Target | None, languages: Sequence[str | None]
) -> tuple[float, tuple[dict[int, float], dict[str, float]]]:
    if target is not None:
        return target_threshold(target, judged.confidence, judged.right, judged.inside, judged.weights), ({}, {})
    told = judged.only(_told(judged))
    right, inside, confidence = told.right, told.inside, told.confidence
    threshold = drawn(best_threshold(confidence, right, inside)[0], len(confidence) / told.times)
    places: list[int] = told.places.tolist()
    # Negatives come after the utterances, and have none.
    tags = [(languages[place] if place < len(languages) else None) or "" for place in places]
    names = sorted(set(tags) - {""})
    numbers = np.array([names.index(tag) if tag else -1 for tag in tags], dtype=np.int64)
    by_language = shrunk(threshold, numbers, confidence, right, inside, rounds=told.times)
    return threshold, (
        shrunk(threshold, told.best, confidence, right, inside, rounds=told.times),
        {names[number]: move for number, move in by_language.items()},
    )


def _balanced(judged: Judged, threshold: float) -> float | None:
    """Return the balanced accuracy at a threshold; None without queries of either kind."""
    accepted, inside = judged.confidence >= threshold, judged.inside
    if inside.all() or not inside.any():
        return None
    return float((accepted & judged.right)[inside].mean() + (~accepted)[~inside].mean()) / 2


def _told(judged: Judged) -> Flags:
    """Say which queries thresholds are found by: where enough are labelled out of scope, no stand-ins for those."""
    outside = ~judged.inside
    heaviest = judged.weights[outside].max(initial=0.0)
    return np.asarray(judged.inside | (judged.weights >= 0.25 * heaviest), dtype=np.bool_)
