"""What became of the queries of a set at one stage of a search: each one's figures, and the threshold they rest on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simplugin.evaluation.bootstrap import Floats, Ints
from simplugin.evaluation.datasets.retrieval import RetrievalSet
from simplugin.evaluation.metrics.ranking import judged, ndcg, recall, reciprocal_rank, success
from simplugin.evaluation.questions import Asked
from simplugin.evaluation.result import Part
from simplugin.evaluation.runs import DEPTH, Run, run
from simplugin.evaluation.selective import answerable, best_threshold, kept, thresholds_of_folds
from simplugin.evaluation.stages import PairScores, Stage

__all__ = ["JudgedPairs", "Outcome", "ask"]


@dataclass(frozen=True, slots=True)
class JudgedPairs:
    """The judged pairs of a set in columns of (pairs,): whose query each is, its label, and the score of a stage."""

    owners: Ints
    labels: Floats
    scores: Floats


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stage made of a set; ``pairs`` is None where it says nothing of single pairs.

    ``threshold`` tells what scores had to reach, and on what it was fitted; it is empty where labels are not graded.
    """

    asked: Asked
    stage: Stage
    run: Run
    pairs: JudgedPairs | None
    threshold: Mapping[str, Any]
    part: Part


def ask(stage: Stage, asked: Asked, progress: Callable[[int], None] | None = None) -> Outcome:
    """Ask a stage the queries of a set, and judge what it finds."""
    questions = asked.questions
    found = run(stage, questions, progress)
    graded, scores = questions.graded, stage.scores
    pairs = _judged_pairs(questions, scores) if graded and scores is not None else None
    thresholds, told = _thresholds(stage, asked, found, pairs) if graded else (None, {})
    part = Part(
        questions.name,
        asked.clusters,
        _columns(questions, found, thresholds),
        {"query": tuple(questions.queries.values())} if asked.shown else {},
        stage.name,
    )
    return Outcome(asked, stage, found, pairs, told, part)


def _judged_pairs(questions: RetrievalSet, scores: PairScores) -> JudgedPairs:
    rows = [
        (owner, questions.queries[query], questions.documents[document], label)
        for owner, (query, labels) in enumerate(questions.judgements.items())
        for document, label in labels.items()
    ]
    said = scores([query for _, query, _, _ in rows], [document for _, _, document, _ in rows])
    return JudgedPairs(
        np.array([owner for owner, _, _, _ in rows], dtype=np.int64),
        np.array([label for _, _, _, label in rows], dtype=np.float64),
        np.asarray(said, dtype=np.float64),
    )


def _thresholds(
    stage: Stage, asked: Asked, found: Run, pairs: JudgedPairs | None
) -> tuple[Floats, dict[str, float | list[float] | str | None]]:
    """Return the least score (n,) of each query, and what is told of it: of the dev set, or of the other fold."""
    questions = asked.questions
    if asked.dev is not None and stage.scores is not None:
        dev = _judged_pairs(asked.dev, stage.scores)
        fitted = best_threshold(dev.scores, dev.labels >= questions.relevant)
        everywhere = np.full(len(questions.queries), np.nan if fitted is None else fitted)
        return everywhere, {"threshold": fitted, "threshold_from": "dev"}
    known = pairs or _found_pairs(found)
    relevant = known.labels >= questions.relevant
    total = _relevant(questions)
    missed = total - np.bincount(known.owners, weights=relevant, minlength=len(total)).astype(np.int64)
    even, odd = thresholds_of_folds(asked.clusters, known.owners, known.scores, relevant, missed)
    each = np.where(asked.clusters % 2 == 0, np.nan if even is None else even, np.nan if odd is None else odd)
    both = [fold for fold in (even, odd) if fold is not None]
    middle = sum(both) / len(both) if both else None
    return each, {"threshold": middle, "threshold_from": "folds", "thresholds": both}


def _found_pairs(found: Run) -> JudgedPairs:
    """Return the judged pairs among what was found: the only scores of a search that scores no single pairs."""
    owners, ranks = np.nonzero(np.isfinite(found.labels))
    return JudgedPairs(owners.astype(np.int64), found.labels[owners, ranks], found.scores[owners, ranks])


def _columns(questions: RetrievalSet, found: Run, thresholds: Floats | None) -> dict[str, Floats]:
    """Return the figures (n,) of each query."""
    labels, relevant, total = found.labels, questions.relevant, _relevant(questions)
    highest = np.array([max(each.values(), default=0.0) for each in questions.judgements.values()])
    columns = {
        "label": highest,
        "score": np.where(np.isfinite(found.scores[:, 0]), found.scores[:, 0], np.nan),
        "rr10": reciprocal_rank(labels, relevant, total),
        "r1": recall(labels[:, :1], relevant, total),
        "r10": recall(labels, relevant, total),
        "s1": success(labels[:, :1], relevant, total),
        "s10": success(labels, relevant, total),
        "judged10": judged(labels, np.array([len(each) for each in found.found], dtype=np.int64)),
    }
    if thresholds is None:
        return columns | {"ndcg10": ndcg(labels, _ideal(questions))}
    answers = answerable(highest, relevant)
    return columns | {"answerable": answers, "kept": kept(labels, found.scores, thresholds, answers, relevant)}


def _relevant(questions: RetrievalSet) -> Ints:
    """Count the relevant documents (n,) of each query."""
    counts = [sum(label >= questions.relevant for label in labels.values()) for labels in questions.judgements.values()]
    return np.array(counts, dtype=np.int64)


def _ideal(questions: RetrievalSet) -> Floats:
    ideal = np.zeros((len(questions.queries), DEPTH))
    for row, labels in enumerate(questions.judgements.values()):
        best = sorted(labels.values(), reverse=True)[:DEPTH]
        ideal[row, : len(best)] = best
    return ideal
