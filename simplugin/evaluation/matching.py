"""Utterances matched to examples: those that are given, or those of the other folds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simplugin.encoders import Encoder
from simplugin.errors import DataError
from simplugin.evaluation.pooling import clusters_of_texts
from simplugin.evaluation.result import Part
from simplugin.intents import IntentMatcher
from simplugin.intents.utterances import Utterance, Utterances
from simplugin.records import Match
from simplugin.texts import as_read

__all__ = ["FOLDS", "Matching", "Turn", "cut_out", "match_all", "plan_matching"]

FOLDS = 5
_BLOCK = 512  # utterances that are compared with all examples at a time


@dataclass(frozen=True, slots=True)
class Turn:
    """Examples, and the utterances that are matched to them, by their places in the set.

    ``negatives`` are examples of what means none of the intents.
    """

    examples: Mapping[str, Sequence[str]]
    places: Sequence[int]
    negatives: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Matching:
    """Utterances of a file, and in which turns they are matched to which examples."""

    name: str
    utterances: Sequence[Utterance]
    turns: Sequence[Turn]

    def intents(self) -> set[str]:
        """Return the intents that are meant, or that there are examples of."""
        meant = {each.intent for each in self.utterances if each.intent is not None}
        return meant.union(*(turn.examples for turn in self.turns))

    def texts(self) -> list[str]:
        """Return all texts that will be compared."""
        examples = [text for turn in self.turns for texts in turn.examples.values() for text in texts]
        negatives = [text for turn in self.turns for text in turn.negatives]
        return [each.text for each in self.utterances] + examples + negatives

    def untaught(self) -> set[int]:
        """Return the places of the utterances in scope whose intent has no example."""
        meant = [(place, self.utterances[place].intent, turn.examples) for turn in self.turns for place in turn.places]
        return {place for place, intent, examples in meant if intent is not None and intent not in examples}

    def by_language(self) -> dict[str | None, list[int]]:
        """Return the places of the utterances of each language; None alone where there are not several."""
        found: dict[str | None, list[int]] = {}
        for place, each in enumerate(self.utterances):
            found.setdefault(each.language, []).append(place)
        several = len(found.keys() - {None}) > 1
        return found if several else {None: list(range(len(self.utterances)))}


def plan_matching(
    name: str, data: Utterances, taught: Sequence[Utterances], foreign: Sequence[Utterances], seed: int
) -> Matching:
    """Plan to match utterances to the examples of ``taught``, or where there are none to those of the other folds.

    ``foreign`` are out of scope, and are matched beside the data of their language.

    Raises ``DataError`` where no utterance or no example has an intent, and for too few utterances to fold.
    """
    own = [Utterance(as_read(each.text), each.intent, each.language) for each in data.utterances]
    if all(each.intent is None for each in own):
        raise DataError(f"No utterance of {data.name!r} has an intent; all are out of scope.")
    more = [
        Utterance(as_read(each.text), None, each.language)
        for source in foreign
        if source.language in {None, data.language}
        for each in source.utterances
    ]
    utterances = own + more
    if taught:
        examples = _examples(each for source in taught for each in source.utterances)
        if not examples:
            raise DataError("No example has an intent; all are out of scope.")
        negatives = [as_read(each.text) for source in taught for each in source.utterances if each.intent is None]
        return Matching(name, utterances, [Turn(examples, range(len(utterances)), negatives)])
    return Matching(name, utterances, list(_folds(data.name, utterances, seed)))


def _examples(utterances: Iterable[Utterance]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in utterances:
        if each.intent is not None:
            found.setdefault(each.intent, []).append(as_read(each.text))
    return found


def _folds(name: str, utterances: Sequence[Utterance], seed: int) -> list[Turn]:
    """Deal the different texts of each intent into folds, one after the other; what is out of scope likewise."""
    random = np.random.default_rng(seed)
    groups: dict[str | None, list[str]] = {}
    # A text that is there under two intents is in one fold all the same.
    for text, intent in {each.text: each.intent for each in utterances}.items():
        groups.setdefault(intent, []).append(text)
    dealt: list[str] = []
    for group in groups.values():
        order: list[int] = random.permutation(len(group)).tolist()
        dealt.extend(group[place] for place in order)
    fold = {text: number % FOLDS for number, text in enumerate(dealt)}
    turns = [
        Turn(
            _examples(each for each in utterances if fold[each.text] != number),
            [place for place, each in enumerate(utterances) if fold[each.text] == number],
        )
        for number in range(min(FOLDS, len(dealt)))
    ]
    if not all(turn.examples for turn in turns):
        raise DataError(f"{name!r} has too few utterances to match some to the others; give examples of their own.")
    return turns


def match_all(planned: Matching, encoder: Encoder, intents: Sequence[str]) -> Part:
    """Match each utterance at the matcher's own threshold; ``intents`` number the labels, nan is out of scope."""
    number = {intent: place for place, intent in enumerate(intents)}
    matches: dict[int, Match] = {}
    for turn in planned.turns:
        matcher = IntentMatcher(turn.examples, encoder, negatives=turn.negatives)
        for start in range(0, len(turn.places), _BLOCK):
            places = turn.places[start : start + _BLOCK]
            found = matcher.match([planned.utterances[place].text for place in places])
            matches |= dict(zip(places, found, strict=True))
    ordered = [matches[place] for place in range(len(planned.utterances))]
    meant = [each.intent for each in planned.utterances]
    columns: dict[str, list[float]] = {
        "label": [np.nan if intent is None else number[intent] for intent in meant],
        "predicted": [number[match.intent] for match in ordered],
        "score": [match.confidence for match in ordered],
        "margin": [match.margin for match in ordered],
        "accepted": [match.status != "out_of_scope" for match in ordered],
        "ambiguous": [match.status == "ambiguous" for match in ordered],
        "auc": [
            np.nan if intent is None else _share(match, intent) for match, intent in zip(ordered, meant, strict=True)
        ],
    }
    texts = tuple(each.text for each in planned.utterances)
    numbers = {name: np.array(values, dtype=np.float64) for name, values in columns.items()}
    return Part(planned.name, clusters_of_texts(texts), numbers, {"text": texts})


def cut_out(part: Part, name: str, places: Sequence[int]) -> Part:
    """Return some of the items as a part of their own."""
    texts = {column: tuple(values[place] for place in places) for column, values in part.texts.items()}
    numbers = {column: values[np.array(places, dtype=np.intp)] for column, values in part.numbers.items()}
    return Part(name, clusters_of_texts(*texts.values()), numbers, texts)


def _share(match: Match, intent: str) -> float:
    """Return the share of other intents that score lower than the right one; equal scores count half."""
    scores = dict(((match.intent, match.score), *match.alternatives))
    if len(scores) < 2 or intent not in scores:
        return np.nan
    others = np.array([score for other, score in scores.items() if other != intent])
    return float(((others < scores[intent]) + (others == scores[intent]) / 2).mean())
