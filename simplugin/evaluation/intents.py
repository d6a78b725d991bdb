"""Intents: how often an utterance is matched to what it means, and whether one that means nothing known is told.

Utterances are matched to examples by ``IntentMatcher``: examples that are given, in the same or in another language, or
those of the other folds of the data.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from simplugin.encoders import Encoder, as_encoder
from simplugin.errors import DataError, ModelError, NotAnEmbedderError
from simplugin.evaluation.bootstrap import Floats, Interval
from simplugin.evaluation.datasets.sources import Source, read_all
from simplugin.evaluation.findings import Finding, Severity
from simplugin.evaluation.judged import Progress, describe, is_encoder
from simplugin.evaluation.matching import FOLDS, Matching, cut_out, match_all, plan_matching
from simplugin.evaluation.metrics.auc import resampled_auc
from simplugin.evaluation.metrics.classes import resampled_macro_f1
from simplugin.evaluation.remembering import Remembering
from simplugin.evaluation.result import DataRecord, Evaluation, Part, Result, packages
from simplugin.evaluation.sections import Told, inverted, part_names, sections, weighted_mean
from simplugin.intents.utterances import Utterances, read_utterances
from simplugin.reranking import PairReranker
from simplugin.texts import as_read

__all__ = ["METRICS", "evaluate_intents", "resampled"]

METRICS = (
    "accuracy",
    "macro_f1",
    "auc_intent",
    "auc_out_of_scope",
    "in_scope_accepted",
    "out_of_scope_refused",
    "ambiguous",
)
_CONFUSED = 10  # pairs of intents that are told
_NAMED = 5  # intents that one sentence holds


def evaluate_intents(
    model: Encoder | str,
    data: Source[Utterances],
    *,
    train: Source[Utterances] | None = None,
    out_of_scope: Source[Utterances] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Judge an embedding model by how well it matches utterances to intents.

    ``data`` is a file of utterances, or several by language. ``train`` has the examples, those of all its files
    together; where there are none, each utterance is matched to the examples of the other ``FOLDS`` - 1 folds of its
    file, which are drawn by ``seed`` so that each intent is in all of them as evenly as can be. Utterances of
    ``out_of_scope`` mean none of the intents; they are for the files of their language, and for all where they have
    none. Each different text is encoded once. Examples of which the data are translations flatter a model: each
    utterance finds its own (xSID, en to de, starter: accuracy .84, and .72 by the other half of the examples).

    Metrics, in [0, 1]: ``accuracy`` and ``macro_f1`` of the best intent, in scope; ``auc_intent``, the share of other
    intents that score lower than the right one; ``auc_out_of_scope``, how well the confidence parts what is in scope;
    at the matcher's own threshold ``in_scope_accepted`` and ``out_of_scope_refused``; ``ambiguous``, the share in scope
    whose best two intents are too close. An intent without an example is never matched, and counts as wrong.

    Raises ``DataError`` for a broken file, for data or examples in which no utterance has an intent, and for utterances
    out of scope in a language of no data; ``NotAnEmbedderError`` for a pair model, ``ModelError`` for what is no model
    of simplugin's.
    """
    started = time.perf_counter()
    opened = _encoder(model)
    sets, taught, foreign = _read(data), _read(train), _read(out_of_scope, out_of_scope=True)
    _check(foreign, sets)
    files = part_names([_key(each.language, each.name, taught) for each in sets], [each.name for each in sets])
    planned = [plan_matching(name, each, taught, foreign, seed) for name, each in zip(files, sets, strict=True)]
    shares = [
        _Share(
            each, _key(language or data.language, data.name, taught), f"{name}-{language}" if language else name, own
        )
        for each, data, name in zip(planned, sets, files, strict=True)
        for language, own in each.by_language().items()
    ]
    keys = [each.key for each in shares]
    names = part_names(keys, [each.name for each in shares])
    intents = sorted({intent for each in planned for intent in each.intents()})
    encoder = Remembering(opened)
    encoder.learn((text for each in planned for text in each.texts()), progress=progress)
    matched = {each.name: match_all(each, encoder, intents) for each in planned}
    parts = tuple(
        cut_out(matched[each.planned.name], name, each.places) for name, each in zip(names, shares, strict=True)
    )
    untaught = {name: each.untaught() for name, each in zip(names, shares, strict=True)}
    examples = {as_read(each.text) for source in taught for each in source.utterances}
    copied = {name: each.copied(examples) for name, each in zip(names, shares, strict=True)}

    def tell(
        items: Part, members: Sequence[str], figures: Mapping[str, float | None], intervals: Mapping[str, Interval]
    ) -> Told:
        found = [
            finding
            for metric, what in (
                ("auc_intent", "other intents score higher than the right one"),
                ("auc_out_of_scope", "what is out of scope scores higher than what is in it"),
            )
            for finding in inverted(items.name, metric, figures[metric], intervals.get(metric), what)
        ]
        lost = [intent for member in members for intent in untaught[member]]
        found += [*_untaught(items, lost), *_learned_from(items, sum(copied[member] for member in members))]
        return Told(_counts(items, len(lost)), _confused(items, intents), tuple(found))

    result = Result(
        task="intents",
        main="accuracy",
        model=describe(opened),
        data=tuple(
            DataRecord.of(each.name, each.language, each.utterances, each.file) for each in (*sets, *taught, *foreign)
        ),
        sections=tuple(sections(parts, keys, resampled, METRICS, tell, resamples=resamples, seed=seed)),
        settings={
            "resamples": resamples,
            "seed": seed,
            "folds": None if taught else FOLDS,
            "train": [each.name for each in taught],
            "intents": intents,
        },
        packages=packages(),
        seconds=time.perf_counter() - started,
    )
    return Evaluation(result, parts)


@dataclass(frozen=True, slots=True)
class _Share:
    """The utterances of one language in a file, by their places; all of it where there are not several."""

    planned: Matching
    key: str
    name: str
    places: Sequence[int]

    def untaught(self) -> list[str]:
        """Return the intents without an example that its utterances mean, that of each."""
        meant = (self.planned.utterances[place].intent for place in self.planned.untaught().intersection(self.places))
        return [intent for intent in meant if intent is not None]

    def copied(self, examples: Set[str]) -> int:
        """Count the utterances that are examples, word for word."""
        return sum(self.planned.utterances[place].text in examples for place in self.places)


def resampled(items: Part, weights: Floats, metrics: Iterable[str]) -> dict[str, Floats]:
    """Return each of these metrics (draws,) where item i is taken ``weights[draw, i]`` times; nan for one not defined.

    Raises ``KeyError`` for another metric.
    """
    return {metric: _RESAMPLED[metric](items.numbers, weights) for metric in metrics}


def _accuracy(columns: Mapping[str, Floats], weights: Floats) -> Floats:
    return _in_scope(columns, columns["predicted"] == columns["label"], weights)


def _macro_f1(columns: Mapping[str, Floats], weights: Floats) -> Floats:
    here = np.isfinite(columns["label"])
    return resampled_macro_f1(columns["predicted"][here], columns["label"][here], weights[:, here])


def _auc_intent(columns: Mapping[str, Floats], weights: Floats) -> Floats:
    return weighted_mean(columns["auc"], weights)


def _auc_out_of_scope(columns: Mapping[str, Floats], weights: Floats) -> Floats:
    return resampled_auc(columns["score"], np.isfinite(columns["label"]), weights)


def _accepted(columns: Mapping[str, Floats], weights: Floats) -> Floats:
    return _in_scope(columns, columns["accepted"], weights)


def _ambiguous(columns: Mapping[str, Floats], weights: Floats) -> Floats:
    return _in_scope(columns, columns["ambiguous"], weights)


def _refused(columns: Mapping[str, Floats], weights: Floats) -> Floats:
    return weighted_mean(np.where(np.isnan(columns["label"]), 1 - columns["accepted"], np.nan), weights)


def _in_scope(columns: Mapping[str, Floats], column: Any, weights: Floats) -> Floats:
    return weighted_mean(np.where(np.isfinite(columns["label"]), column, np.nan), weights)


_RESAMPLED: dict[str, Callable[[Mapping[str, Floats], Floats], Floats]] = {
    "accuracy": _accuracy,
    "macro_f1": _macro_f1,
    "auc_intent": _auc_intent,
    "auc_out_of_scope": _auc_out_of_scope,
    "in_scope_accepted": _accepted,
    "out_of_scope_refused": _refused,
    "ambiguous": _ambiguous,
}


def _encoder(model: Encoder | str) -> Encoder:
    opened: object = as_encoder(model)  # callers may be untyped
    if isinstance(opened, PairReranker):
        raise NotAnEmbedderError(opened.card.name)
    if not is_encoder(opened):
        message = (
            f"{type(opened).__name__} is no encoder, which matching intents needs: give what simplugin.load opens."
        )
        raise ModelError(message)
    return opened


def _read(source: Source[Utterances] | None, *, out_of_scope: bool = False) -> tuple[Utterances, ...]:
    if source is None:
        return ()
    return read_all(source, lambda path, language: read_utterances(path, language=language, out_of_scope=out_of_scope))


def _check(foreign: Sequence[Utterances], sets: Sequence[Utterances]) -> None:
    languages = {each.language for each in sets}
    for each in foreign:
        if each.language not in {None, *languages}:
            there = ", ".join(sorted(map(repr, languages)))
            raise DataError(f"{each.name!r} is out of scope in {each.language!r}, and the data is in {there}.")


def _key(language: str | None, name: str, taught: Sequence[Utterances]) -> str:
    """Return the language of data, behind that of the examples where it is another; ``name`` where it is not known."""
    languages = {each.language for each in taught}
    if len(languages) != 1 or None in {language, *languages} or language in languages:
        return language or name
    return f"{languages.pop()}-{language}"


def _untaught(items: Part, intents: Sequence[str]) -> list[Finding]:
    if not intents:
        return []
    named = sorted(set(intents))
    listed = ", ".join(map(repr, named[:_NAMED])) + (f" and {len(named) - _NAMED} more" if len(named) > _NAMED else "")
    message = (
        f"{items.name}: {len(intents)} of the {len(items)} utterances mean an intent without an example ({listed}), "
        "which nothing is matched to: they count as wrong, and as in scope."
    )
    return [Finding(code="untaught", severity="warning", message=message, evidence={"intents": named})]


def _learned_from(items: Part, copied: int) -> list[Finding]:
    if not copied:
        return []
    message = f"{items.name}: {copied} of the {len(items)} utterances are among the examples, which flatters a matcher."
    severity: Severity = "error" if 2 * copied >= len(items) else "warning"
    return [Finding(code="learned_from", severity=severity, message=message, evidence={"utterances": copied})]


def _counts(items: Part, untaught: int) -> dict[str, int]:
    label = items.numbers["label"]
    return {
        "utterances": len(items),
        "out_of_scope": int(np.isnan(label).sum()),
        "intents": len(set(label[np.isfinite(label)].tolist())),
        "untaught": untaught,
    }


def _confused(items: Part, intents: Sequence[str]) -> dict[str, Any]:
    """Tell which intents are taken for which others most often."""
    label, predicted = items.numbers["label"], items.numbers["predicted"]
    wrong = np.isfinite(label) & (label != predicted)
    pairs = Counter(zip(label[wrong].astype(int).tolist(), predicted[wrong].astype(int).tolist(), strict=True))
    most = sorted(pairs.items(), key=lambda each: (-each[1], each[0]))[:_CONFUSED]
    return {
        "confused": [
            {"intent": intents[true], "matched": intents[taken], "utterances": count} for (true, taken), count in most
        ]
    }
