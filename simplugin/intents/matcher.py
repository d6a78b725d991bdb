"""What an utterance means, by example."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from simplugin.encoders import Encoder, as_encoder
from simplugin.errors import DataError
from simplugin.measures import FloatArray, similarity
from simplugin.records import Match, Status

__all__ = ["IntentMatcher"]

_BEST = 2  # an intent's score is the mean of its best two utterances: one lucky hit is not enough
_EVIDENCE = 3


@dataclass(frozen=True, slots=True)
class _Examples:
    texts: tuple[str, ...]
    vectors: FloatArray
    owners: tuple[int, ...]


class IntentMatcher:
    """Matches utterances to intents by their similarity to example utterances, in any of the model's languages.

    ``threshold`` is the score an intent needs, ``ambiguity`` the lead over the second that makes it clear; both in
    the units of the model's similarity.
    """

    def __init__(
        self,
        utterances: Mapping[str, Iterable[str]],
        encoder: Encoder | str,
        *,
        threshold: float = 0.45,
        ambiguity: float = 0.05,
    ) -> None:
        """Learn the examples of each intent, with an encoder or with what ``simplugin.load`` takes.

        Raises ``DataError`` for no intents, for an intent without examples, and for one with a single string.
        """
        self.encoder = as_encoder(encoder)
        self.threshold = threshold
        self.ambiguity = ambiguity
        examples = {intent: list(dict.fromkeys(texts)) for intent, texts in utterances.items()}
        for intent, group in examples.items():
            if isinstance(utterances[intent], str):
                raise DataError(
                    f"Intent {intent!r} has one string, not a list of example utterances: write [utterance]."
                )
            if not group:
                raise DataError(f"Intent {intent!r} has no example utterance.")
        if not examples:
            raise DataError("There are no intents to match.")
        self.intents = tuple(examples)
        flat = [(text, owner) for owner, group in enumerate(examples.values()) for text in group]
        texts = tuple(text for text, _ in flat)
        # Both sides of a comparison of utterances are the same kind of text: the query side.
        self._examples = _Examples(texts, self.encoder.encode_query(texts), tuple(owner for _, owner in flat))

    @overload
    def match(self, texts: str) -> Match: ...  # type: ignore[overload-overlap]  # a string is a sequence of strings

    @overload
    def match(self, texts: Sequence[str]) -> list[Match]: ...

    def match(self, texts: str | Sequence[str]) -> Match | list[Match]:
        """Match each text; one string gives one ``Match``, a sequence gives a list in its order."""
        if isinstance(texts, str):
            return self._compare([texts], self.encoder.encode_query([texts]))[0]
        return self._compare(texts, self.encoder.encode_query(texts))

    @overload
    async def amatch(self, texts: str) -> Match: ...  # type: ignore[overload-overlap]

    @overload
    async def amatch(self, texts: Sequence[str]) -> list[Match]: ...

    async def amatch(self, texts: str | Sequence[str]) -> Match | list[Match]:
        """Match like ``match``, without holding up the event loop; concurrent utterances are encoded together."""
        if isinstance(texts, str):
            return self._compare([texts], await self.encoder.aencode_query([texts]))[0]
        return self._compare(texts, await self.encoder.aencode_query(texts))

    def _compare(self, texts: Sequence[str], vectors: FloatArray) -> list[Match]:
        closeness = similarity(vectors, self._examples.vectors, self.encoder.card.similarity)
        return [self._judge(text, row) for text, row in zip(texts, closeness, strict=True)]

    def _judge(self, text: str, row: FloatArray) -> Match:
        owners = np.asarray(self._examples.owners)
        scores = np.array([_mean_of_best(row[owners == owner]) for owner in range(len(self.intents))])
        order: list[int] = np.argsort(-scores, kind="stable").tolist()
        best = order[0]
        margin = float(scores[best] - scores[order[1]]) if len(order) > 1 else float(scores[best])
        status: Status = (
            "out_of_scope" if scores[best] < self.threshold else "ambiguous" if margin < self.ambiguity else "match"
        )
        nearest: list[int] = np.argsort(-row, kind="stable").tolist()
        mine = [i for i in nearest if owners[i] == best][:_EVIDENCE]
        return Match(
            text=text,
            status=status,
            intent=self.intents[best],
            score=float(scores[best]),
            margin=margin,
            alternatives=tuple((self.intents[i], float(scores[i])) for i in order[1:]),
            evidence=tuple((self._examples.texts[i], float(row[i])) for i in mine),
        )


def _mean_of_best(closeness: FloatArray) -> float:
    return float(np.sort(closeness)[::-1][:_BEST].mean())
