"""What an utterance means, by example."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self, cast, overload

from simplugin.encoders import Encoder, as_encoder
from simplugin.encoders.protocol import as_texts
from simplugin.errors import DataError, ModelError
from simplugin.intents.fitting import OUT_OF_SCOPE_SHARE
from simplugin.intents.judging import Cuts, settle
from simplugin.intents.knowledge import Knowledge, teach
from simplugin.intents.taught import grouped, said
from simplugin.intents.thresholds import as_target
from simplugin.intents.utterances import Utterance, in_scope, read_utterances
from simplugin.records import Match, Stored
from simplugin.routing import REST, Router

if TYPE_CHECKING:
    from simplugin.reranking import Reranker

__all__ = ["IntentMatcher", "UtteranceCollection"]

Files = str | Path | Sequence[str | Path]


class UtteranceCollection(Protocol):
    """A collection of utterances: each text has its ``intent`` in its metadata, and may have its ``lang``."""

    @property
    def encoder(self) -> Encoder | Router:
        """The model of its vectors, or one a language."""
        ...

    def stored(self) -> Iterable[Stored]:
        """Go through all texts."""
        ...


class IntentMatcher:
    """Matches utterances to intents by their similarity to example utterances, in any of the model's languages.

    With 4 intents and 24 utterances or more it learns by itself, from the utterances asked as if they were queries: how
    an intent is scored, how sure a match is, and from where on to accept it. With fewer an intent's score is the mean
    similarity of its closest two utterances, which must reach 0.45 and lead by 0.05, and ``confidence`` is a guess.

    With a router each of its models learns all utterances, and a query is matched by the model of its language.
    """

    def __init__(
        self,
        utterances: Mapping[str, Iterable[str] | Mapping[str, Iterable[str]]] | Iterable[Utterance],
        encoder: Encoder | Router | str,
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
        blank example; ``ValueError`` for a ``threshold`` that no cosine reaches.
        """
        self.encoder = as_encoder(encoder) if isinstance(encoder, str) else encoder
        self.reranker = reranker
        self._source: Callable[[], list[Utterance]] | None = None
        listed = (
            said(cast("Mapping[str, Iterable[str] | Mapping[str, Iterable[str]]]", utterances))
            if isinstance(utterances, Mapping)
            else list(utterances)
        )
        if isinstance(negatives, str):
            raise DataError("The negatives are one string, not a list of texts: write [text].")
        listed += [Utterance(text, None) for text in negatives]
        cuts = Cuts(threshold, ambiguity)
        self._knowledge: Mapping[str, Knowledge] = {
            key: teach(listed, model, cuts).learn_by_itself() for key, model in _models(self.encoder).items()
        }

    @classmethod
    def from_file(
        cls,
        files: Files,
        encoder: Encoder | Router | str,
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
        return self._knowledge[REST].taught.intents

    @property
    def utterances(self) -> tuple[Utterance, ...]:
        """The example utterances, those of each intent together."""
        return self._knowledge[REST].taught.utterances

    @property
    def negatives(self) -> tuple[Utterance, ...]:
        """What was told to mean none of the intents."""
        return self._knowledge[REST].negatives

    @property
    def knowledge(self) -> Mapping[str, Knowledge]:
        """What is known by each model, under the keys of the router; by a single one under ``"*"``."""
        return self._knowledge

    def routed(self, texts: Sequence[str], language: str | None = None) -> dict[str, list[int]]:
        """Return the places of the texts by the key of the model that matches them."""
        if not isinstance(self.encoder, Router):
            return {REST: list(range(len(texts)))}
        places = dict[str, list[int]]()
        for place, key in enumerate(self.encoder.route(texts, language)):
            places.setdefault(key, []).append(place)
        return places

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
        wanted = as_target(target)
        self._knowledge = {key: known.learn(wanted, out_of_scope) for key, known in self._knowledge.items()}
        return self

    def reload(self) -> bool:
        """Read the collection again, and say whether it had changed; only texts that are new are encoded.

        What was learned is learned again. Matches go on meanwhile, by what was there before. Raises ``DataError`` where
        no text has an intent any more, and ``ModelError`` for a matcher that was not made from a collection.
        """
        if self._source is None:
            raise ModelError("This matcher was not made from a collection: there is nothing to read again.")
        now = self._source()
        _, utterances, _ = grouped(now)
        negatives = {each for each in now if each.intent is None}
        if (set(utterances), negatives) == (set(self.utterances), set(self.negatives)):
            return False
        self._knowledge = {key: known.renewed(now) for key, known in self._knowledge.items()}
        return True

    @overload
    def match(self, texts: str, *, language: str | None = None) -> Match: ...  # type: ignore[overload-overlap]  # a string is a sequence of strings

    @overload
    def match(self, texts: Sequence[str], *, language: str | None = None) -> list[Match]: ...

    def match(self, texts: str | Sequence[str], *, language: str | None = None) -> Match | list[Match]:
        """Match each text; one string gives one ``Match``, a sequence gives a list in its order.

        ``language`` is that of the texts, where it is known: a language may have a threshold of its own, and a router a
        model. What is blank, or of which the model knows nothing, is out of scope. The first 1,000 characters of a text
        are read.
        """
        listed = as_texts([texts] if isinstance(texts, str) else texts)
        knowledge, found = self._knowledge, dict[int, Match]()
        for key, places in self.routed(listed, language).items():
            mine = knowledge[key].match([listed[place] for place in places], language)
            found |= zip(places, self._settled(knowledge[key], mine), strict=True)
        ordered = [found[place] for place in range(len(listed))]
        return ordered[0] if isinstance(texts, str) else ordered

    @overload
    async def amatch(self, texts: str, *, language: str | None = None) -> Match: ...  # type: ignore[overload-overlap]

    @overload
    async def amatch(self, texts: Sequence[str], *, language: str | None = None) -> list[Match]: ...

    async def amatch(self, texts: str | Sequence[str], *, language: str | None = None) -> Match | list[Match]:
        """Match like ``match``, without holding up the event loop; concurrent utterances are encoded together."""
        listed = [texts] if isinstance(texts, str) else list(texts)
        knowledge, found = self._knowledge, dict[int, Match]()
        for key, places in self.routed(listed, language).items():
            mine = await knowledge[key].amatch([listed[place] for place in places], language)
            if self.reranker is not None:
                mine = await asyncio.to_thread(self._settled, knowledge[key], mine)
            found |= zip(places, mine, strict=True)
        ordered = [found[place] for place in range(len(listed))]
        return ordered[0] if isinstance(texts, str) else ordered

    def save(self, path: str | Path) -> None:
        """Write all of it to one JSON file, with the models' fingerprints; ``load`` opens it."""
        from simplugin.intents.saving import save

        save(self._knowledge, path)

    @classmethod
    def load(
        cls, path: str | Path, model: Encoder | Router | str | None = None, *, reranker: Reranker | None = None
    ) -> Self:
        """Open what ``save`` wrote, with the model that made it, or the router; None opens what the file names.

        Raises ``DataError`` for a file that is none, ``ModelMismatchError`` for another model.
        """
        from simplugin.intents.saving import read

        made = cls.__new__(cls)
        made._knowledge, made.reranker, made._source = read(path, model), reranker, None
        opened = {key: known.encoder for key, known in made._knowledge.items()}
        made.encoder = Router(opened) if len(opened) > 1 else opened[REST]
        return made

    def _settled(self, known: Knowledge, matches: Sequence[Match]) -> list[Match]:
        reranker = self.reranker
        if reranker is None:
            return list(matches)
        return [settle(known.taught, each, reranker) if each.status == "ambiguous" else each for each in matches]


def _models(encoder: Encoder | Router) -> Mapping[str, Encoder]:
    return encoder.models if isinstance(encoder, Router) else {REST: encoder}


def _files(given: Files) -> list[str | Path]:
    return [given] if isinstance(given, str | Path) else list(given)


def _of_stored(stored: Stored) -> list[Utterance]:
    intent, language = stored.metadata.get("intent"), stored.metadata.get("lang")
    if intent is None:
        return []
    if not isinstance(intent, str) or not intent.strip():
        raise DataError(f"The intent of the text {stored.document_id!r} is {intent!r}, no name.")
    return [Utterance(stored.text, in_scope(intent), language if isinstance(language, str) else None)]
