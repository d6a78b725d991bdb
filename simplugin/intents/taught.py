"""The example utterances of a matcher, with their vectors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np

from simplugin.errors import DataError
from simplugin.intents.scoring import Ints
from simplugin.intents.utterances import Utterance
from simplugin.languages import primary
from simplugin.measures import FloatArray, SimilarityFunction, similarity, unit_rows
from simplugin.records import Evidence
from simplugin.texts import as_read

__all__ = ["EVIDENCE", "Taught", "grouped", "heard", "said", "texts_of"]

_LONGEST = 1000
_ASKING = "?؟？"
_EMPHASIS = re.compile(r"[!?.,…؟。！？]{2,}")
EVIDENCE = 3
"""Utterances that are told to speak for a match."""


@dataclass(frozen=True)
class Taught:
    """Utterances of intents, those of an intent together: ``owners`` (n,) numbers them, ``vectors`` is (n, dimension).

    Vectors that are compared by their cosine have length 1.
    """

    intents: tuple[str, ...]
    utterances: tuple[Utterance, ...]
    owners: Ints
    vectors: FloatArray
    function: SimilarityFunction

    @cached_property
    def starts(self) -> Ints:
        """Where the utterances of each intent (intents,) begin."""
        return np.flatnonzero(np.diff(self.owners, prepend=-1))

    @cached_property
    def sizes(self) -> Ints:
        """How many utterances each intent (intents,) has."""
        return np.diff(np.append(self.starts, len(self.owners)))

    @cached_property
    def verbatim(self) -> Mapping[str, int]:
        """Whose each utterance is, by what is heard of it, in any case; one of several intents is not among them."""
        whose = dict[str, set[int]]()
        for each, owner in zip(self.utterances, self.owners.tolist(), strict=True):
            whose.setdefault(heard(each.text).casefold(), set()).add(owner)
        return {text: owners.pop() for text, owners in whose.items() if len(owners) == 1}

    @property
    def languages(self) -> list[str | None]:
        """The language of each utterance, where it is known."""
        return [each.language for each in self.utterances]

    def evidence(self, intent: int, vector: FloatArray, *, without: int | None = None) -> tuple[Evidence, ...]:
        """Return the utterances of an intent that are closest to a query, by its vector (dimension,); best first.

        ``without`` is the place of one that is left out.
        """
        start = int(self.starts[intent])
        closeness = self.closeness(vector[None], intent)[0]
        order: list[int] = np.argsort(-closeness, kind="stable")[: EVIDENCE + 1].tolist()
        nearest = [place for place in order if start + place != without][:EVIDENCE]
        return tuple(
            Evidence(each.text, float(closeness[place]), each.language)
            for place in nearest
            for each in (self.utterances[start + place],)
        )

    def closest(self, vectors: FloatArray, intents: Ints) -> FloatArray:
        """Return how close the closest utterance of an intent (m,) is to each query (m, dimension): (m,)."""
        found = np.empty(len(vectors), dtype=np.float32)
        for intent in np.unique(intents).tolist():
            mine = intents == intent
            found[mine] = self.closeness(vectors[mine], intent).max(axis=1)
        return found

    def closeness(self, vectors: FloatArray, intent: int | None = None) -> FloatArray:
        """Return how close queries (m, dimension) are to the utterances, or to those of an intent: (m, n)."""
        others = self.vectors
        if intent is not None:
            start = int(self.starts[intent])
            others = others[start : start + int(self.sizes[intent])]
        if self.function == "cosine":
            return np.asarray(vectors @ others.T, dtype=np.float32)
        return similarity(vectors, others, self.function)

    def comparable(self, vectors: FloatArray) -> FloatArray:
        """Return vectors (m, dimension) as they are compared; what is no number counts as nothing known."""
        rows = np.where(np.isfinite(vectors).all(axis=1, keepdims=True), vectors, np.float32(0))
        return unit_rows(rows) if self.function == "cosine" else rows


def said(given: Mapping[str, Iterable[str] | Mapping[str, Iterable[str]]]) -> list[Utterance]:
    """Read ``{"pay": ["…"]}`` or, with languages, ``{"pay": {"en": ["…"], "tr": ["…"]}}``.

    Raises ``DataError`` for an intent without utterances, and where there is one string in place of a list.
    """
    read = list[Utterance]()
    for intent, group in given.items():
        by_language: Iterable[tuple[str | None, Iterable[str]]] = (
            cast("Mapping[str, Iterable[str]]", group).items() if isinstance(group, Mapping) else [(None, group)]
        )
        mine = list[Utterance]()
        for language, texts in by_language:
            if isinstance(texts, str):
                raise DataError(
                    f"Intent {intent!r} has one string, not a list of example utterances: write [utterance]."
                )
            mine += [Utterance(text, intent, language) for text in texts]
        if not mine:
            raise DataError(f"Intent {intent!r} has no example utterance.")
        read += mine
    return read


def grouped(utterances: Iterable[Utterance]) -> tuple[tuple[str, ...], tuple[Utterance, ...], Ints]:
    """Put the utterances of each intent together, each different text of it once; return also their intents' numbers.

    Raises ``DataError`` where there is none, and for a text that is blank, or no text.
    """
    groups = dict[str, dict[str, Utterance]]()
    for each in utterances:
        if not isinstance(each, Utterance):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may be untyped
            raise DataError(f"Utterances are {{'pay': ['…']}} or Utterance objects; got {each!r}.")
        if each.intent is None:
            continue
        text = cast(object, each.text)  # callers may be untyped
        if not isinstance(text, str) or not heard(text).strip():
            raise DataError(f"An example utterance of {each.intent!r} is blank, or no text: {text!r}.")
        language = primary(each.language) if each.language else None
        groups.setdefault(each.intent, {}).setdefault(heard(each.text), Utterance(each.text, each.intent, language))
    if not groups:
        raise DataError(
            "There are no intents to match: no text has one (in a collection, as `intent` in its metadata)."
        )
    flat = [(each, owner) for owner, group in enumerate(groups.values()) for each in group.values()]
    return tuple(groups), tuple(each for each, _ in flat), np.array([owner for _, owner in flat], dtype=np.int64)


def heard(text: str) -> str:
    """Return what a model reads of an utterance: its first 1,000 characters, as all texts are read, said calmly.

    What is longer is no utterance, and a tokenizer may take 20 seconds for 10,000 letters without a blank. Of several
    marks at the end of a sentence one stays: to a mean of word pieces "Help!!!" is mostly exclamation.
    """
    return _EMPHASIS.sub(_calm, as_read(text[:_LONGEST]))


def _calm(marks: re.Match[str]) -> str:
    return next((mark for mark in marks[0] if mark in _ASKING), marks[0][0])


def texts_of(utterances: Sequence[Utterance]) -> list[str]:
    """Return what a model reads of utterances."""
    return [heard(each.text) for each in utterances]
