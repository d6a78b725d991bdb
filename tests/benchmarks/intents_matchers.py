"""The matchers that the benchmark of intents compares, on the same vectors, and the threshold that peers get."""

from __future__ import annotations

import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simplugin import Encoder, IntentMatcher, Router
from simplugin.records import Match
from tests.benchmarks.intents_sets import Turn
from tests.benchmarks.store import PEERS
from tests.conftest import ROOT

Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

FOLDS = 5
HELD = 1000  # utterances of each kind that thresholds are fitted on, at most
RARE = 4  # one stand-in for out of scope to as many in scope, where a confidence is fitted
STRENGTHS = (1.0, 10.0, 100.0)
TUNED = 20  # utterances of an intent that the strength is chosen on


class Answers(NamedTuple):
    """For each query the best intent (by its place), how surely, and whether it is taken for in scope.

    ``score`` is what the matcher itself decides by; ``confidence`` lies in [0, 1].
    """

    best: Ints
    score: Floats
    confidence: Floats
    accepted: npt.NDArray[np.bool_]


class Numbers(NamedTuple):
    """A turn in numbers: vectors of its utterances, queries and negatives, and whose the utterances are."""

    utterances: Vectors
    owners: Ints
    queries: Vectors
    negatives: Vectors


class Scored(NamedTuple):
    """Utterances as if they were queries: scores of known intents, whether found, and of unknown ones."""

    inside: Floats
    right: npt.NDArray[np.bool_]
    outside: Floats


class Held(NamedTuple):
    """Utterances that are kept, and those that are asked: of known intents, or of intents of which none is kept."""

    inside: bool
    kept: Ints
    asked: Ints


Ask = Callable[[Vectors, Ints, Vectors], tuple[Ints, Floats]]
"""Taught vectors, their owners and queries to the best owner of each and its score."""


def numbers(turn: Turn, encoder: Encoder) -> Numbers:
    return Numbers(
        encoder.encode_query([each.text for each in turn.utterances]),
        owners_of(turn),
        encoder.encode_query([each.text for each in turn.queries]),
        encoder.encode_query(turn.negatives) if turn.negatives else np.empty((0, encoder.dimension), np.float32),
    )


def owners_of(turn: Turn) -> Ints:
    """Return the place of the intent of each utterance."""
    places = {intent: place for place, intent in enumerate(turn.intents())}
    return np.array([places[str(each.intent)] for each in turn.utterances])


def ours(turn: Turn, encoder: Encoder | Router) -> Answers:
    """Match with simplugin, fitted on the utterances alone, or on the negatives too where there are some."""
    places = {intent: place for place, intent in enumerate(turn.intents())}
    examples: dict[str, list[str]] = {intent: [] for intent in places}
    for each in turn.utterances:
        examples[str(each.intent)].append(each.text)
    found = fitted(examples, encoder, turn.negatives).match([each.text for each in turn.queries])
    confidence = np.array([confidence_of(each) for each in found])
    return Answers(
        np.array([places[each.intent] for each in found]),
        confidence,
        confidence,
        np.array([each.status != "out_of_scope" for each in found]),
    )


def fitted(examples: Mapping[str, Sequence[str]], encoder: Encoder | Router, negatives: Sequence[str]) -> IntentMatcher:
    return IntentMatcher(examples, encoder, negatives=negatives)


def confidence_of(match: Match) -> float:
    return match.confidence


def nearest(turn: Numbers) -> Answers:
    """Give the intent of the nearest utterance; the confidence is a logistic curve over its cosine."""

    def ask(taught: Vectors, owners: Ints, queries: Vectors) -> tuple[Ints, Floats]:
        closeness = queries @ taught.T
        return owners[closeness.argmax(axis=1)], closeness.max(axis=1).astype(np.float64)

    scored, (best, score) = cross_scored(ask, turn), ask(turn.utterances, turn.owners, turn.queries)
    return Answers(best, score, curve(scored)(score), score >= threshold(scored))


def regression(turn: Numbers) -> Answers:
    """Give the most probable intent by logistic regression, its strength chosen by log loss over folds."""
    ask = partial(regress, strength=strength(turn))
    scored, (best, score) = cross_scored(ask, turn), ask(turn.utterances, turn.owners, turn.queries)
    return Answers(best, score, score, score >= threshold(scored))


def regress(taught: Vectors, owners: Ints, queries: Vectors, *, strength: float) -> tuple[Ints, Floats]:
    model = regression_of(taught, owners, strength)
    probabilities = np.asarray(model.predict_proba(queries), dtype=np.float64)
    return np.asarray(model.classes_)[probabilities.argmax(axis=1)], probabilities.max(axis=1)


def regression_of(taught: Vectors, owners: Ints, strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        # That it has few utterances of many intents, and that 200 steps were not enough for the last digits.
        warnings.simplefilter("ignore", UserWarning)
        return LogisticRegression(C=strength, tol=1e-3, max_iter=200).fit(taught, owners)


def strength(turn: Numbers) -> float:
    few = np.concatenate([np.flatnonzero(turn.owners == owner)[:TUNED] for owner in np.unique(turn.owners)])
    taught, owners = turn.utterances[few], turn.owners[few]
    folds = [each for each in held(owners) if each.inside and len(each.asked)]
    losses = dict[float, float]()
    for candidate in STRENGTHS:
        surprise = list[Floats]()
        for each in folds:
            model = regression_of(taught[each.kept], owners[each.kept], candidate)
            columns = np.searchsorted(model.classes_, owners[each.asked])
            given = model.predict_proba(taught[each.asked])[np.arange(len(each.asked)), columns]
            surprise.append(-np.log(np.maximum(given, 1e-12)))
        losses[candidate] = float(np.concatenate(surprise).mean())
    return min(losses, key=losses.__getitem__)


def semantic_router(turns: Sequence[Numbers]) -> dict[str, list[Answers]]:
    """Match with semantic-router, in the environment of the peers; nothing where that is not there.

    Its defaults refuse nothing, and their confidence is the score. Calibrated, its own curve is fitted on what
    ``cross_scored`` asks the others, and the threshold on what that gives.
    """
    if not PEERS.exists():
        return {}
    with tempfile.TemporaryDirectory() as folder:
        arrays = dict[str, Any]()
        for number, turn in enumerate(turns):
            arrays |= {f"{number}.{name}": value for name, value in turn._asdict().items()}
            for place, each in enumerate(held(turn.owners)):
                kind = "inside" if each.inside else "outside"
                arrays |= {f"{number}.{kind}.{place}.kept": each.kept, f"{number}.{kind}.{place}.asked": each.asked}
        np.savez(Path(folder) / "turns.npz", **arrays)
        if not run_peer("intents_peers", folder, str(RARE)):
            return {}
        with np.load(Path(folder) / "answers.npz") as file:
            given = [{name: file[f"{number}.{name}"] for name in GIVEN} for number in range(len(turns))]
    return {
        "semantic-router": [
            Answers(each["best"], each["score"], np.clip(each["score"], 0, 1), np.ones(len(each["best"]), bool))
            for each in given
        ],
        "semantic-router, calibrated": [
            Answers(
                each["best"],
                each["score"],
                each["confidence"],
                each["score"] >= threshold(Scored(each["inside"], each["right"], each["outside"])),
            )
            for each in given
        ],
    }


def run_peer(module: str, *words: str) -> bool:
    """Run a module of the benchmarks in the environment of the peers; where it fails, print why."""
    command = [str(PEERS), "-m", f"tests.benchmarks.{module}", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-2000:])
    return not done.returncode


GIVEN = ("best", "score", "confidence", "inside", "right", "outside")


def cross_scored(ask: Ask, turn: Numbers) -> Scored:
    """Ask utterances as if they were queries: in scope by the other folds, out of scope without their own intent.

    What must be taught anew for that leaves a fifth of the intents out at a time. Negatives take the place of these.
    """
    inside, right, outside = list[Floats](), list[npt.NDArray[np.bool_]](), list[Floats]()
    for each in held(turn.owners):
        if not each.inside and len(turn.negatives):
            continue
        best, score = ask(turn.utterances[each.kept], turn.owners[each.kept], turn.utterances[each.asked])
        if each.inside:
            inside.append(score)
            right.append(best == turn.owners[each.asked])
        else:
            outside.append(score)
    if len(turn.negatives):
        outside = [ask(turn.utterances, turn.owners, turn.negatives)[1]]
    return Scored(np.concatenate(inside), np.concatenate(right), np.concatenate(outside))


def held(owners: Ints) -> Iterable[Held]:
    """Give the folds of the utterances and those of the intents, with something to ask in each."""
    random = np.random.default_rng(0)
    place, count = np.empty_like(owners), np.bincount(owners)
    for owner in np.unique(owners):
        mine = np.flatnonzero(owners == owner)
        place[random.permutation(mine)] = np.arange(len(mine))
    group = random.permutation(len(count)) % FOLDS
    asked = random.permutation(len(owners))[:HELD]
    for fold in range(FOLDS):
        mine = asked[(place[asked] % FOLDS == fold) & (count[owners[asked]] > 1)]
        if len(mine):
            yield Held(True, np.flatnonzero((place % FOLDS != fold) | (count[owners] == 1)), np.sort(mine))
    for fold in range(FOLDS):
        mine = asked[group[owners[asked]] == fold]
        if len(mine):
            yield Held(False, np.flatnonzero(group[owners] != fold), np.sort(mine))


def threshold(scored: Scored) -> float:
    """Return the score from which on to accept, for the best balanced accuracy; of equally good ones the middle."""
    cuts = np.unique(np.concatenate([scored.inside, scored.outside]))
    found, foreign = np.sort(scored.inside[scored.right]), np.sort(scored.outside)
    accepted = (len(found) - np.searchsorted(found, cuts)) / len(scored.inside)
    worth = accepted + np.searchsorted(foreign, cuts) / len(foreign)
    best = np.flatnonzero(worth >= worth.max() - 1e-12)
    top = int(best[len(best) // 2])
    return float(cuts[top] if top == 0 else (cuts[top - 1] + cuts[top]) / 2)


def curve(scored: Scored) -> Callable[[Floats], Floats]:
    """Return the probability that the intent is right, by score."""
    from sklearn.linear_model import LogisticRegression

    foreign = scored.outside[::RARE]
    score = np.concatenate([scored.inside, foreign])[:, None]
    right = np.concatenate([scored.right, np.zeros(len(foreign), bool)])
    model = LogisticRegression(C=1e6).fit(score, right)
    return lambda given: np.asarray(model.predict_proba(given[:, None])[:, 1], dtype=np.float64)
