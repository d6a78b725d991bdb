"""How well a search finds what people called alike: of a model alone, of an index over it, of a whole stack.

An STS file as a set for retrieval has about one judged document a query, and nine in ten of those found were never
judged. So its main score is selective retrieval (see ``selective``), its other figures are those of known items, and
there is none that asks for the order of labels: by that a ranking of words is better than a neural model. Other sets
are judged by nDCG@10.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np

from simplugin.encoders import Encoder, as_encoder
from simplugin.errors import ModelError
from simplugin.evaluation import bootstrap
from simplugin.evaluation.bootstrap import Floats, Interval
from simplugin.evaluation.datasets.retrieval import RetrievalSet
from simplugin.evaluation.findings import Finding
from simplugin.evaluation.judged import describe, is_encoder
from simplugin.evaluation.metrics.auc import resampled_auc
from simplugin.evaluation.metrics.ranking import mean, resampled_mean
from simplugin.evaluation.outcomes import Outcome, ask
from simplugin.evaluation.questions import Asked, RetrievalSource, plan, read_sources
from simplugin.evaluation.remembering import Remembering
from simplugin.evaluation.result import DataRecord, Evaluation, Part, Result, Section, packages
from simplugin.evaluation.runs import overlap, prepare_trec, write_trec
from simplugin.evaluation.selective import resampled_selective
from simplugin.evaluation.stages import Searches, Stage, exact

__all__ = ["METRICS", "RetrievalSource", "Step", "evaluate_retrieval", "resampled"]

METRICS = ("selective@10", "AUC", "RR@10", "R@1", "R@10", "Judged@10", "nDCG@10")

Step: TypeAlias = Callable[[int, int, str], None]
"""Told how many are done, of how many, and of what."""

_COLUMNS = {"RR@10": "rr10", "R@1": "r1", "R@10": "r10", "Judged@10": "judged10", "nDCG@10": "ndcg10"}
_SUCCESS = {"Success@1": "s1", "Success@10": "s10"}
_LOST = ("selective@10", "RR@10", "R@1", "R@10", "nDCG@10")
_FEW = 0.5  # share of the ten best under which figures say less than they seem to
_SHARED = 0.05  # share of queries that the dev part has too, from which that is told …
_SAME = 0.5  # … and from which both are the same data under two names


def evaluate_retrieval(
    model: Encoder | str,
    data: RetrievalSource,
    *,
    dev: RetrievalSource | None = None,
    corpus: RetrievalSource | None = None,
    cross: bool = False,
    exact_search: bool = True,
    searches: Searches | None = None,
    trec: str | Path | None = None,
    resamples: int = 1000,
    seed: int = 0,
    progress: Step | None = None,
) -> Evaluation:
    """Judge a search by labelled queries and documents, in stages.

    ``data`` is a set or several by language, see ``read_retrieval``. ``dev`` are sets of the same languages by which
    thresholds are fitted; without one, each half of the queries gets the threshold of the other half. ``corpus`` are
    sets whose documents are searched too. ``cross`` asks in every language and searches in every other one as well;
    the sets must be translations of each other. ``searches`` gives the stages after the exact search, which
    ``exact_search=False`` leaves out; ``simplugin_qdrant.stage_searches`` makes them in a store. ``trec`` is a folder
    for judgements and runs in the form of trec_eval.

    Sections: each language and each direction, in each stage. Raises ``DataError`` for broken files, for sets of
    different kinds, and for sets that are no translations of each other; ``ModelError`` for a model without vectors.
    """
    started = time.perf_counter()
    sets, tuned, more = map(read_sources, (data, dev, corpus))
    asked = list(plan(sets, tuned, more, cross=cross))
    if trec is not None:
        prepare_trec(trec)
    opened = _open(model)
    encoder = Remembering(opened)
    if exact_search:
        _learn(encoder, asked, progress)
    order = {each.questions.name: place for place, each in enumerate(asked)}
    outcomes = sorted(
        _outcomes(encoder, asked, exact_search, searches, progress), key=lambda each: order[each.part.name]
    )
    if trec is not None:
        for each in outcomes:
            write_trec(trec, each.part.name, each.stage.name, each.asked.questions, each.run)
    main = "selective@10" if asked[0].questions.graded else "nDCG@10"
    result = Result(
        task="retrieval",
        main=main,
        model=describe(opened),
        data=tuple(_record(each) for each in sets),
        sections=tuple(_sections(outcomes, resamples, seed)),
        settings={
            "resamples": resamples,
            "seed": seed,
            "cross": cross,
            "dev": [each.name for each in tuned],
            "corpus": [each.name for each in more],
        },
        packages=packages(stores=searches is not None),
        seconds=time.perf_counter() - started,
    )
    return Evaluation(result, tuple(each.part for each in outcomes))


def resampled(items: Part, weights: Floats, metrics: Iterable[str]) -> dict[str, Floats]:
    """Return each of these metrics (draws,) where query i is taken ``weights[draw, i]`` times.

    ``AUC`` is one of pairs, not of queries, and is not among them: raises ``KeyError``.
    """
    numbers = items.numbers
    return {
        metric: resampled_selective(numbers["kept"], numbers["answerable"], weights)
        if metric == "selective@10"
        else resampled_mean(numbers[_COLUMNS[metric]], weights)
        for metric in metrics
    }


def _open(model: object) -> Encoder:
    if isinstance(model, str):
        return as_encoder(model)
    if is_encoder(model):
        return model
    message = f"{type(model).__name__} is no encoder of queries and texts; give one, or judge a collection."
    raise ModelError(message)


def _learn(encoder: Remembering, plan: Sequence[Asked], progress: Step | None) -> None:
    """Encode all texts, each once."""
    encoder.learn(
        (text for asked in plan for text in asked.questions.queries.values()),
        (text for asked in plan for text in asked.questions.documents.values()),
        progress and (lambda done, total: progress(done, total, "texts")),
    )


def _outcomes(
    encoder: Encoder, plan: Sequence[Asked], exact_search: bool, searches: Searches | None, progress: Step | None
) -> Iterator[Outcome]:
    """Ask each stage; sets with the same documents one after the other, so that these are stored once.

    Stages are ended where asking them fails, too.
    """
    groups: dict[tuple[str, ...], list[Asked]] = {}
    for asked in plan:
        groups.setdefault(tuple(asked.questions.documents.values()), []).append(asked)
    for group in groups.values():
        first = group[0].questions
        with closing(_stages(encoder, first, exact_search, searches)) as stages:
            for stage, asked in ((stage, asked) for stage in stages for asked in group):
                total = len(asked.questions.queries)
                told = f"queries ({asked.questions.name}, {stage.name})"
                yield ask(stage, asked, progress and _telling(progress, total, told))


def _telling(progress: Step, total: int, what: str) -> Callable[[int], None]:
    return lambda done: progress(done, total, what)


def _stages(encoder: Encoder, first: RetrievalSet, exact_search: bool, searches: Searches | None) -> Generator[Stage]:
    if exact_search:
        yield exact(encoder, first.documents)
    if searches is not None:
        yield from searches(encoder, first)


def _record(given: RetrievalSet) -> DataRecord:
    return DataRecord(
        name=given.name,
        language=given.language,
        rows=sum(map(len, given.judgements.values())),
        sha256=given.sha256,
        scale=given.scale,
    )


def _sections(outcomes: Sequence[Outcome], resamples: int, seed: int) -> Iterator[Section]:
    """Give the stages of each set together, each with what was lost on the way."""
    by_name: dict[str, list[Outcome]] = {}
    for each in outcomes:
        by_name.setdefault(each.part.name, []).append(each)
    for stages in by_name.values():
        made: list[Section] = []
        for place, outcome in enumerate(stages):
            section = _section(outcome, resamples, seed)
            before = _before(stages, place)
            if before is not None:
                section = section.model_copy(
                    update={"details": section.details | _loss(section, made[before], outcome, stages[before])}
                )
            made.append(section)
        yield from made


def _before(stages: Sequence[Outcome], place: int) -> int | None:
    """Return the stage that one is told against: for a reranker what it was given, else the first of its mode."""
    stage = stages[place].stage
    if stage.name == "rerank":
        return place - 1 if place else None
    # Words find what vectors do not: beside a search of vectors alone that is a gain, and no loss of an index.
    alike = (number for number in range(place) if (stages[number].stage.mode or "dense") == (stage.mode or "dense"))
    return next(alike, None)


def _section(outcome: Outcome, resamples: int, seed: int) -> Section:
    part, pairs, questions = outcome.part, outcome.pairs, outcome.asked.questions
    names = [metric for metric in METRICS if metric != "AUC" and _COLUMNS.get(metric, "kept") in part.numbers]

    def measure(taken: Floats) -> dict[str, Floats]:
        found = resampled(part, taken, names)
        if pairs is not None:
            found["AUC"] = resampled_auc(pairs.scores, pairs.labels >= questions.relevant, taken[:, pairs.owners])
        return found

    once = measure(np.ones((1, len(part))))
    metrics = {metric: _finite(once[metric][0]) if metric in once else None for metric in METRICS}
    draws = bootstrap.resample(measure, part.clusters, draws=resamples, seed=seed) if resamples else {}
    intervals = {metric: bootstrap.interval(draws[metric]) for metric in METRICS if metric in draws}
    ci95 = {metric: found for metric, found in intervals.items() if found is not None}
    return Section(
        section=part.name,
        stage=part.stage,
        counts={
            "queries": len(part),
            "documents": len(questions.documents) if outcome.stage.documents is None else outcome.stage.documents,
        },
        metrics=metrics,
        ci95=ci95,
        details=_details(outcome),
        parts=(part.name,),
        warnings=tuple(_findings(outcome, metrics, ci95)),
    )


def _details(outcome: Outcome) -> dict[str, Any]:
    """Return the threshold, and how many queries the figures rest on."""
    numbers = outcome.part.numbers
    details: dict[str, Any] = {
        "mode": outcome.stage.mode or "dense",
        "threshold": None,
        **outcome.threshold,
        "known_items": _count(numbers["rr10"] >= 0),
    }
    details |= {name: mean(numbers[column]) for name, column in _SUCCESS.items()}
    if "answerable" in numbers:
        details |= {
            "answerable": _count(numbers["answerable"] == 1),
            "unanswerable": _count(numbers["answerable"] == 0),
        }
    if outcome.stage.foreign:
        details["missing"] = outcome.stage.missing
    return details


def _loss(section: Section, before: Section, outcome: Outcome, other: Outcome) -> dict[str, Any]:
    pairs = {metric: (before.metrics[metric], section.metrics[metric]) for metric in _LOST}
    loss = {metric: was - now for metric, (was, now) in pairs.items() if was is not None and now is not None}
    return {"against": other.stage.name, "loss": loss, "overlap@10": overlap(outcome.run, other.run)}


def _findings(outcome: Outcome, metrics: Mapping[str, float | None], ci95: Mapping[str, Interval]) -> Iterator[Finding]:
    asked, name = outcome.asked, outcome.part.name
    share = cast("float", metrics["Judged@10"])
    if asked.questions.graded and share < _FEW:
        yield Finding(
            code="few_judged",
            severity="note",
            message=(
                f"{name}: of the ten best, {share:.0%} were judged; RR@10 and R@10 are a lower bound, since what was "
                "not judged counts as wrong."
            ),
            evidence={"Judged@10": share},
        )
    if asked.dev is not None and outcome.threshold.get("threshold_from") == "dev":
        yield from _tuned(asked.questions, asked.dev)
    low_high = ci95.get("AUC")
    if low_high is not None and low_high[1] < 0.5:
        yield Finding(
            code="inverted_polarity",
            severity="error",
            message=(
                f"{name}: pairs that people called alike score lower than others (AUC {metrics['AUC']:.3f}); scores or "
                "labels are turned round."
            ),
            evidence={"AUC": metrics["AUC"], "ci95": list(low_high)},
        )


def _tuned(questions: RetrievalSet, dev: RetrievalSet) -> Iterator[Finding]:
    """Tell where the threshold was fitted on what is scored."""
    known = set(dev.queries.values())
    shared = sum(text in known for text in questions.queries.values())
    share = shared / len(questions.queries)
    if share >= _SHARED:
        yield Finding(
            code="threshold_tuned_on_test",
            severity="error" if share >= _SAME else "warning",
            message=(
                f"{questions.name}: {shared} of the {len(questions.queries)} queries are in the dev set too, so the "
                "threshold was fitted on what it is scored by; give another dev set, or none."
            ),
            evidence={"shared": shared, "queries": len(questions.queries)},
        )


def _count(chosen: Any) -> int:
    return int(np.count_nonzero(chosen))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
