"""What an utterance means, by example."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self, cast, overload

import numpy as np

from simplugin.encoders import Encoder, as_encoder
from simplugin.errors import DataError, ModelError
from simplugin.intents.fitting import OUT_OF_SCOPE_SHARE, Fit, Judged, enough, fit
from simplugin.intents.judging import AMBIGUITY, THRESHOLD, Cuts, judge, settle
from simplugin.intents.scoring import SIMILARITIES, Scoring
from simplugin.intents.taught import Taught, grouped, heard, said, texts_of
from simplugin.intents.thresholds import Target, as_target
from simplugin.intents.utterances import Utterance, in_scope, read_utterances
from simplugin.languages import primary
from simplugin.measures import FloatArray
from simplugin.records import Match, Stored
from simplugin.routing import Router

if TYPE_CHECKING:
    from simplugin.reranking import Reranker

__all__ = ["IntentMatcher", "UtteranceCollection"]

_ALL: tuple[Scoring, ...] = (*SIMILARITIES, "head")

Files = str | Path | Sequence[str | Path]


class UtteranceCollection(Protocol):
    """A collection of utterances: each text has its ``intent`` in its metadata, and may have its ``lang``."""

    @property
    def encoder(self) -> Encoder:
        """The model of its vectors."""
        ...

    def stored(self) -> Iterable[Stored]:
        """Go through all texts."""
        ...


@dataclass(frozen=True, slots=True)
class State:
    """What a matcher answers by; it is replaced as a whole, so that a reload disturbs no match."""

    taught: Taught
    negatives: tuple[Utterance, ...]
    learned: Fit | None = None
    judged: Judged | None = None


class IntentMatcher:
    """Matches utterances to intents by their similarity to example utterances, in any of the model's languages.

    With 4 intents and 24 utterances or more it learns by itself, from the utterances asked as if they were queries: how
    an intent is scored, how sure a match is, and from where on to accept it. With fewer an intent's score is the mean
    similarity of its closest two utterances, which must reach 0.45 and lead by 0.05, and ``confidence`` is a guess.
    """

    def __init__(
        self,
        utterances: Mapping[str, Iterable[str] | Mapping[str, Iterable[str]]] | Iterable[Utterance],
        encoder: Encoder | str,
        *,
        negatives: Iterable[str] = (),
        threshold: float | None = None,
        ambiguity: float | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        """Learn the examples of each intent, with an encoder or with what ``simplugin.load`` takes.

        Utterances are ``{"pay": ["…"]}``, with languages ``{"pay": {"en": ["…"], "tr": ["…"]}}``, or ``Utterance``
        objects, of which those without an intent are ``negatives``: texts that mean none of the intents.
        ``threshold`` is the score that an intent needs, ``ambiguity`` the lead over the second that makes it clear,
        both in the units of the model's similarity. Where one is given it wins, nothing is learned unless ``fit`` is
        called, and an intent is scored by similarity alone. ``reranker`` decides what is ambiguous, best a pair model.

        Raises ``DataError`` for no intents, for an intent without examples, for one with a single string, and for a
        blank example.
        """
        self.encoder = _one(encoder)
        self.reranker = reranker
        self._cuts = Cuts(threshold, ambiguity)
        self._source: Callable[[], list[Utterance]] | None = None
        listed = (
            said(cast("Mapping[str, Iterable[str] | Mapping[str, Iterable[str]]]", utterances))
            if isinstance(utterances, Mapping)
            else list(utterances)
        )
        self._state = self._teach([*listed, *(Utterance(text, None) for text in negatives)], {})
        if self._cuts == Cuts() and enough(self._state.taught.owners):
            self.fit()

    @classmethod
    def from_file(
        cls,
        files: Files,
        encoder: Encoder | str,
        *,
        negatives: Files = (),
        threshold: float | None = None,
        ambiguity: float | None = None,
        reranker: Reranker | None = None,
    ) -> Self:
        """Read the utterances of a file, or of several: JSON lines, CSV, TSV, and YAML, Rasa's or plain.

        ``negatives`` are files of utterances that mean none of the intents; so do those whose intent is called
        ``oos``, ``out_of_scope``, ``none`` or ``nlu_fallback``.

        Raises ``DataError`` with file and line for what is no utterance with an intent.
        """
        read = [each for file in _files(files) for each in read_utterances(file).utterances]
        for file in _files(negatives):
            read += read_utterances(file, out_of_scope=True).utterances
        return cls(read, encoder, threshold=threshold, ambiguity=ambiguity, reranker=reranker)

    @classmethod
    def from_collection(
        cls,
        docs: UtteranceCollection,
        *,
        threshold: float | None = None,
        ambiguity: float | None = None,
        reranker: Reranker | None = None,
    ) -> Self:
        """Take the texts of a collection that have an ``intent`` in their metadata, and their ``lang``.

        They may be shared by several matchers; ``reload`` follows what becomes of them. Raises ``DataError`` where no
        text has an intent.
        """

        def source() -> list[Utterance]:
            return [each for stored in docs.stored() for each in _of_stored(stored)]

        made = cls(source(), docs.encoder, threshold=threshold, ambiguity=ambiguity, reranker=reranker)
        made._source = source
        return made

    @property
    def intents(self) -> tuple[str, ...]:
        """The names of the intents, in the order they were given."""
        return self._state.taught.intents

    @property
    def utterances(self) -> tuple[Utterance, ...]:
        """The example utterances, those of each intent together."""
        return self._state.taught.utterances

    @property
    def negatives(self) -> tuple[Utterance, ...]:
        """What was told to mean none of the intents."""
        return self._state.negatives

    @property
    def taught(self) -> Taught:
        """The example utterances with their vectors."""
        return self._state.taught

    @property
    def learned(self) -> Fit | None:
        """What was learned from the utterances, None where there are too few."""
        return self._state.learned

    @property
    def threshold(self) -> float:
        """What an intent needs: the score that was given, else the confidence that was learned, else 0.45 of score."""
        if self._cuts.threshold is not None:
            return self._cuts.threshold
        return THRESHOLD if self.learned is None else self.learned.threshold

    @property
    def ambiguity(self) -> float:
        """The lead over the second intent that makes it clear."""
        if self._cuts.ambiguity is not None:
            return self._cuts.ambiguity
        return AMBIGUITY if self.learned is None else self.learned.ambiguity

    def fit(self, *, target: Mapping[str, float] | None = None, out_of_scope: float = OUT_OF_SCOPE_SHARE) -> Self:
        """Learn how to score, how sure a match is and what to accept, from utterances asked as if they were queries.

        ``target`` is what to reach, ``{"precision": 0.95}`` of what matches or ``{"accept": 0.9}`` of what is in scope;
        None balances the share in scope that is accepted with the right intent, and the share out of scope that is
        refused. ``out_of_scope`` is the share of queries that mean none of the intents, on which probabilities and a
        precision depend.

        Raises ``DataError`` for too few utterances, and for a precision out of reach; ``ValueError`` for another
        target.
        """
        if not 0 < out_of_scope < 1:
            message = f"out_of_scope is {out_of_scope!r}, a share between 0 and 1."
            raise ValueError(message)
        self._state = self._learn(self._state, as_target(target), out_of_scope)
        return self

    def cross_validated(self) -> Judged:
        """Return what came of asking the utterances as if they were queries, by which the matcher learned.

        Raises ``DataError`` where nothing was learned.
        """
        state = self._state
        if state.learned is None:
            raise DataError(
                "Nothing was learned from these utterances, so they say nothing of the matcher: fit it, or give "
                "labelled queries."
            )
        if state.judged is None:  # it was opened from a file
            state = self._learn(state, state.learned.target, state.learned.share)
        assert state.judged is not None
        return state.judged

    def reload(self) -> bool:
        """Read the collection again, and say whether it had changed; only texts that are new are encoded.

        What was learned is learned again. Matches go on meanwhile, by what was there before. Raises ``DataError`` where
        no text has an intent any more, and ``ModelError`` for a matcher that was not made from a collection.
        """
        if self._source is None:
            raise ModelError("This matcher was not made from a collection: there is nothing to read again.")
        before = self._state
        now = self._source()
        known = dict(zip(texts_of(before.taught.utterances), before.taught.vectors, strict=True))
        _, utterances, _ = grouped(now)
        negatives = tuple(each for each in now if each.intent is None)
        if (set(utterances), set(negatives)) == (set(before.taught.utterances), set(before.negatives)):
            return False
        state = self._teach(now, known)
        learned = before.learned
        if learned is not None:
            state = self._learn(state, learned.target, learned.share)
        elif self._cuts == Cuts() and enough(state.taught.owners):
            state = self._learn(state, None, OUT_OF_SCOPE_SHARE)
        self._state = state
        return True

    @overload
    def match(self, texts: str, *, language: str | None = None) -> Match: ...  # type: ignore[overload-overlap]  # a string is a sequence of strings

    @overload
    def match(self, texts: Sequence[str], *, language: str | None = None) -> list[Match]: ...

    def match(self, texts: str | Sequence[str], *, language: str | None = None) -> Match | list[Match]:
        """Match each text; one string gives one ``Match``, a sequence gives a list in its order.

        ``language`` is that of the texts, where it is known: a language may have a threshold of its own. What is blank,
        or of which the model knows nothing, is out of scope. The first 1,000 characters of a text are read.
        """
        listed = [texts] if isinstance(texts, str) else list(texts)
        found = self._judge(listed, self._vectors(listed), language)
        return found[0] if isinstance(texts, str) else found

    @overload
    async def amatch(self, texts: str, *, language: str | None = None) -> Match: ...  # type: ignore[overload-overlap]

    @overload
    async def amatch(self, texts: Sequence[str], *, language: str | None = None) -> list[Match]: ...

    async def amatch(self, texts: str | Sequence[str], *, language: str | None = None) -> Match | list[Match]:
        """Match like ``match``, without holding up the event loop; concurrent utterances are encoded together."""
        listed = [texts] if isinstance(texts, str) else list(texts)
        words = _words(listed)
        vectors = _filled(listed, await self.encoder.aencode_query(words) if words else None, self.encoder.dimension)
        if self.reranker is None:
            found = self._judge(listed, vectors, language)
        else:
            found = await asyncio.to_thread(self._judge, listed, vectors, language)
        return found[0] if isinstance(texts, str) else found

    def save(self, path: str | Path) -> None:
        """Write all of it to one JSON file, with the model's fingerprint; ``load`` opens it."""
        from simplugin.intents.saving import save

        save(self, self._state, self._cuts, path)

    @classmethod
    def load(cls, path: str | Path, model: Encoder | str | None = None, *, reranker: Reranker | None = None) -> Self:
        """Open what ``save`` wrote, with the model that made it; None opens the one that the file names.

        Raises ``DataError`` for a file that is none, ``ModelMismatchError`` for another model.
        """
        from simplugin.intents.saving import read

        encoder, state, cuts = read(path, model)
        made = cls.__new__(cls)
        made.encoder, made.reranker = encoder, reranker
        made._state, made._cuts, made._source = state, cuts, None
        return made

    def _teach(self, utterances: Sequence[Utterance], known: Mapping[str, FloatArray]) -> State:
        intents, listed, owners = grouped(utterances)
        texts = texts_of(listed)
        missing = list(dict.fromkeys(text for text in texts if text not in known))
        # Both sides of a comparison of utterances are the same kind of text: the query side.
        made = dict(zip(missing, self.encoder.encode_query(missing), strict=True)) if missing else {}
        vectors = np.stack([known[text] if text in known else made[text] for text in texts])
        taught = Taught(intents, listed, owners, vectors, self.encoder.card.similarity)
        taught = replace(taught, vectors=taught.comparable(vectors))
        return State(taught, tuple(dict.fromkeys(each for each in utterances if each.intent is None)))

    def _learn(self, state: State, target: Target | None, share: float) -> State:
        taught = state.taught
        negatives = self._vectors([each.text for each in state.negatives])
        learned, judged = fit(
            taught.vectors,
            taught.owners,
            taught.languages,
            taught.comparable(negatives),
            function=taught.function,
            target=target,
            share=share,
            scorings=_ALL if self._cuts == Cuts() else SIMILARITIES,
        )
        return replace(state, learned=learned, judged=judged)

    def _judge(self, texts: Sequence[str], vectors: FloatArray, language: str | None) -> list[Match]:
        state = self._state
        tag = primary(language) if language else None
        found = judge(state.taught, state.learned, self._cuts, texts, vectors, tag)
        if self.reranker is None:
            return found
        return [settle(state.taught, each, self.reranker) if each.status == "ambiguous" else each for each in found]

    def _vectors(self, texts: Sequence[str]) -> FloatArray:
        words = _words(texts)
        return _filled(texts, self.encoder.encode_query(words) if words else None, self.encoder.dimension)


def _one(model: Encoder | str) -> Encoder:
    """Open the model. Raises ``ModelError`` for a router: its models' vectors cannot be compared with each other."""
    opened = as_encoder(model)
    if isinstance(cast(object, opened), Router):
        raise ModelError("A matcher has one model, and a router has several: give it one of them, router.encoder(key).")
    return opened


def _words(texts: Sequence[str]) -> list[str]:
    """Return what a model reads, of the texts that say something."""
    return [read for read in map(heard, texts) if read.strip()]


def _filled(texts: Sequence[str], vectors: FloatArray | None, dimension: int) -> FloatArray:
    """Put the vectors of the texts that say something at their places; a blank one has a vector of zeros."""
    if vectors is not None and len(vectors) == len(texts):
        return vectors
    rows = np.zeros((len(texts), dimension), dtype=np.float32)
    if vectors is not None:
        rows[[bool(heard(text).strip()) for text in texts]] = vectors
    return rows


def _files(given: Files) -> list[str | Path]:
    return [given] if isinstance(given, str | Path) else list(given)


def _of_stored(stored: Stored) -> list[Utterance]:
    intent, language = stored.metadata.get("intent"), stored.metadata.get("lang")
    if intent is None:
        return []
    if not isinstance(intent, str) or not intent.strip():
        raise DataError(f"The intent of the text {stored.document_id!r} is {intent!r}, no name.")
    return [Utterance(stored.text, in_scope(intent), language if isinstance(language, str) else None)]
