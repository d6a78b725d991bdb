"""Example utterances that speak against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from simplugin.duplicates import near_pairs
from simplugin.intents.utterances import Utterance
from simplugin.measures import FloatArray
from simplugin.texts import as_read

__all__ = ["CLOSE", "Conflict", "ConflictKind", "conflicts_of"]

CLOSE = 0.9
"""The cosine from which two utterances say nearly the same."""

ConflictKind: TypeAlias = Literal["same_text", "translations", "too_close"]
"""The same text under two intents, texts of two languages that say the same under two, and texts that are too close."""

_REMEDIES: Mapping[ConflictKind, str] = {
    "same_text": "Keep it under the intent that is meant, or make one intent of the two.",
    "translations": "Look whether one is under the wrong intent: they seem to be translations of each other.",
    "too_close": "Say in one of them what tells it from the other, or make one intent of the two.",
}


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two utterances of different intents, the cosine of their vectors, and what to do about it."""

    kind: ConflictKind
    first: Utterance
    second: Utterance
    cosine: float
    remedy: str


def conflicts_of(
    utterances: Sequence[Utterance], vectors: FloatArray, *, close: float = CLOSE, limit: int | None = 100
) -> list[Conflict]:
    """Return the pairs of utterances (n,) of different intents whose vectors (n, dimension) are close, closest first.

    Texts that differ by case or by blanks around them are the same. ``limit`` keeps that many pairs of each kind.
    """
    found = dict[ConflictKind, list[Conflict]]()
    for i, j, cosine in near_pairs(vectors, close):
        first, second = utterances[i], utterances[j]
        if first.intent == second.intent:
            continue
        kind = _kind(first, second)
        found.setdefault(kind, []).append(Conflict(kind, first, second, cosine, _REMEDIES[kind]))
    return [each for kind in _REMEDIES for each in found.get(kind, [])[:limit]]


def _kind(first: Utterance, second: Utterance) -> ConflictKind:
    if _folded(first) == _folded(second):
        return "same_text"
    languages = {first.language, second.language}
    return "translations" if len(languages) == 2 and None not in languages else "too_close"


def _folded(utterance: Utterance) -> str:
    return " ".join(as_read(utterance.text).casefold().split())
