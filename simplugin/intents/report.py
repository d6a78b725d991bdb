"""Where a matcher errs: on labelled queries, or on its own utterances asked as if they were queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

import numpy as np

from simplugin.calibration import expected_calibration_error
from simplugin.errors import DataError
from simplugin.intents.conflicts import CLOSE, Conflict, conflicts_of
from simplugin.intents.crossvalidation import OUTSIDE
from simplugin.intents.judging import status_of
from simplugin.intents.knowledge import Knowledge
from simplugin.intents.matcher import IntentMatcher
from simplugin.intents.taught import Taught
from simplugin.intents.utterances import Utterance
from simplugin.records import Evidence, Status
from simplugin.routing import REST

__all__ = ["Confused", "Coverage", "Figures", "Outcome", "Report", "report_on"]

_STEPS = 20  # points of the curve


@dataclass(frozen=True, slots=True)
class Outcome:
    """A query, what was meant (None: none of the intents), and what the matcher made of it.

    ``weight`` is how much it counts in precision and coverage: of the matcher's own utterances more are asked out of
    scope than queries are.
    """

    text: str
    meant: str | None
    status: Status
    intent: str
    confidence: float
    evidence: tuple[Evidence, ...]
    weight: float = 1.0

    @property
    def right(self) -> bool:
        """Whether the best intent is the right one."""
        return self.meant == self.intent

    @property
    def good(self) -> bool:
        """Whether the right thing was done: the right intent, also where it is ambiguous, or a refusal."""
        return self.status == "out_of_scope" if self.meant is None else self.right and self.status != "out_of_scope"


@dataclass(frozen=True, slots=True)
class Confused:
    """How often one intent was taken for another; None is none of the intents."""

    meant: str | None
    matched: str | None
    queries: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of all queries the share that reaches a confidence, and the share of those that are right."""

    confidence: float
    coverage: float
    precision: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares in [0, 1], None where there is nothing they are of.

    ``accuracy`` is that of the best intent, in scope; ``accepted`` the share in scope that was accepted with the right
    intent, ``refused`` the share out of scope that was refused, ``balanced`` the mean of both, ``ambiguous`` the share
    in scope that is, ``ece`` how far confidences are from what came true; it is None for the matcher's own utterances.
    """

    queries: int
    out_of_scope: int
    accuracy: float | None
    accepted: float | None
    refused: float | None
    balanced: float | None
    ambiguous: float | None
    ece: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """What came of the queries. ``held_out`` says that they are the matcher's own utterances."""

    held_out: bool
    figures: Figures
    confused: tuple[Confused, ...]
    wrong: tuple[Outcome, ...]
    curve: tuple[Coverage, ...]
    conflicts: tuple[Conflict, ...]


def report_on(matcher: IntentMatcher, data: Sequence[Utterance] | None = None, *, close: float = CLOSE) -> Report:
    """Judge a matcher by labelled queries; None asks its own utterances, each without itself, and intents left out.

    A query whose intent the matcher does not know means none of its intents. ``close`` is the cosine from which
    utterances of two intents, or one and a text that means none, are a conflict.

    Raises ``DataError`` for no queries, and for too few utterances to ask them.
    """
    if data is not None and not data:
        raise DataError("There are no queries to judge the matcher by.")
    outcomes = _own(matcher) if data is None else _asked(matcher, data)
    known = matcher.knowledge[REST]
    return Report(
        held_out=data is None,
        figures=_figures(outcomes, own=data is None),
        confused=tuple(_confused(outcomes)),
        wrong=tuple(sorted((each for each in outcomes if not each.good), key=lambda each: -each.confidence)),
        curve=tuple(_curve(outcomes)),
        conflicts=tuple(conflicts_of(*known.examples(), close=close, limit=None)),
    )


def _asked(matcher: IntentMatcher, data: Sequence[Utterance]) -> list[Outcome]:
    known = set(matcher.intents)
    found = list[Outcome]()
    for language in dict.fromkeys(each.language for each in data):
        mine = [each for each in data if each.language == language]
        for each, match in zip(mine, matcher.match([each.text for each in mine], language=language), strict=True):
            meant = each.intent if each.intent in known else None
            found.append(Outcome(each.text, meant, match.status, match.intent, match.confidence, match.evidence))
    return found


def _own(matcher: IntentMatcher) -> list[Outcome]:
    """Return what came of the utterances, each by the model that would match it."""
    said = [*matcher.utterances, *matcher.negatives]
    places = dict[str, set[int]]()
    for language in dict.fromkeys(each.language for each in said):
        mine = [place for place, each in enumerate(said) if each.language == language]
        for key, routed in matcher.routed([said[place].text for place in mine], language).items():
            places.setdefault(key, set()).update(mine[place] for place in routed)
    return [each for key, mine in places.items() for each in _cross_validated(matcher.knowledge[key], mine)]


def _cross_validated(known: Knowledge, wanted: Set[int]) -> Iterator[Outcome]:
    judged, taught, learned = known.cross_validated(), known.taught, known.learned
    assert learned is not None
    accepted = judged.confidence >= learned.thresholds(judged.best, None)
    clear = judged.margin >= known.ambiguity
    said = [*taught.utterances, *known.negatives]
    places: list[int] = judged.places.tolist()
    for row, place in enumerate(places):
        if place in wanted:
            yield Outcome(
                text=said[place].text,
                meant=None if judged.meant[row] == OUTSIDE else taught.intents[int(judged.meant[row])],
                status=status_of(accepted=bool(accepted[row]), clear=bool(clear[row])),
                intent=taught.intents[int(judged.best[row])],
                confidence=float(judged.confidence[row]),
                evidence=_evidence(taught, place, int(judged.best[row])),
                weight=float(judged.weights[row]),
            )


def _evidence(taught: Taught, place: int, best: int) -> tuple[Evidence, ...]:
    """Return the utterances of an intent that are closest to one of the utterances; of a negative none are known."""
    if place >= len(taught.utterances):
        return ()
    return taught.evidence(best, taught.vectors[place], without=place)


def _figures(outcomes: Sequence[Outcome], *, own: bool) -> Figures:
    inside = [each for each in outcomes if each.meant is not None]
    outside = [each for each in outcomes if each.meant is None]
    accepted, refused = _share([each.good for each in inside]), _share([each.good for each in outside])
    return Figures(
        queries=len(outcomes),
        out_of_scope=len(outside),
        accuracy=_share([each.right for each in inside]),
        accepted=accepted,
        refused=refused,
        balanced=None if accepted is None or refused is None else (accepted + refused) / 2,
        ambiguous=_share([each.status == "ambiguous" for each in inside]),
        ece=None
        if own
        else expected_calibration_error([each.confidence for each in outcomes], [each.right for each in outcomes]),
    )


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def _confused(outcomes: Sequence[Outcome]) -> list[Confused]:
    pairs = Counter(
        (each.meant, None if each.status == "out_of_scope" else each.intent) for each in outcomes if not each.good
    )
    return [
        Confused(meant, matched, queries)
        for (meant, matched), queries in sorted(pairs.items(), key=lambda each: (-each[1], str(each[0])))
    ]


def _curve(outcomes: Sequence[Outcome]) -> list[Coverage]:
    """Return the curve from the surest few to all queries."""
    surest = sorted(outcomes, key=lambda each: -each.confidence)
    weights = np.array([each.weight for each in surest])
    covered, right = np.cumsum(weights), np.cumsum(weights * [each.right for each in surest])
    ends = sorted({max(1, round(len(surest) * step / _STEPS)) for step in range(1, _STEPS + 1)})
    return [
        Coverage(
            surest[end - 1].confidence, float(covered[end - 1] / covered[-1]), float(right[end - 1] / covered[end - 1])
        )
        for end in ends
    ]
