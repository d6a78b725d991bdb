"""What a matcher knows by one model: its utterances as vectors, and what was learned from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from simplugin.encoders import Encoder
from simplugin.errors import DataError
from simplugin.intents.fitting import OUT_OF_SCOPE_SHARE, Fit, Judged, aim, enough, fit
from simplugin.intents.judging import AMBIGUITY, THRESHOLD, Cuts, judge
from simplugin.intents.scoring import SIMILARITIES, Scoring
from simplugin.intents.taught import Taught, grouped, heard, texts_of
from simplugin.intents.thresholds import Target
from simplugin.intents.utterances import Utterance
from simplugin.languages import primary
from simplugin.measures import FloatArray
from simplugin.records import Match

__all__ = ["Knowledge", "teach"]

_ALL: tuple[Scoring, ...] = (*SIMILARITIES, "head")


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What queries are matched by; it is replaced as a whole, so that a reload disturbs no match."""

    encoder: Encoder
    taught: Taught
    negatives: tuple[Utterance, ...]
    cuts: Cuts
    learned: Fit | None = None
    judged: Judged | None = None

    @property
    def threshold(self) -> float:
        """What an intent needs: the score that was given, else the confidence that was learned, else 0.45 of score."""
        if self.cuts.threshold is not None:
            return self.cuts.threshold
        return THRESHOLD if self.learned is None else self.learned.threshold

    @property
    def ambiguity(self) -> float:
        """The lead over the second intent that makes it clear."""
        if self.cuts.ambiguity is not None:
            return self.cuts.ambiguity
        return AMBIGUITY if self.learned is None else self.learned.ambiguity

    def examples(self) -> tuple[list[Utterance], FloatArray]:
        """Return the utterances and what means none of the intents (n), with their vectors (n, dimension)."""
        negatives = self.taught.comparable(self._vectors([each.text for each in self.negatives]))
        return [*self.taught.utterances, *self.negatives], np.concatenate([self.taught.vectors, negatives])

    def match(self, texts: Sequence[str], language: str | None) -> list[Match]:
        """Match each text; what is blank is out of scope."""
        return self._judged_by(texts, self._vectors(texts), language)

    async def amatch(self, texts: Sequence[str], language: str | None) -> list[Match]:
        """Match like ``match``, without holding up the event loop."""
        words = _words(texts)
        vectors = await self.encoder.aencode_query(words) if words else None
        return self._judged_by(texts, _filled(texts, vectors, self.encoder.dimension), language)

    def learn(self, target: Target | None, share: float) -> Knowledge:
        """Return it with what the utterances teach; see ``fit`` in ``fitting``, which says what it raises.

        Utterances that were asked before are not asked again for another target.
        """
        if self.learned is not None and self.judged is not None and self.learned.share == share:
            return replace(self, learned=aim(self.learned, self.judged, target, self.taught.languages))
        negatives = self._vectors([each.text for each in self.negatives])
        learned, judged = fit(
            self.taught.vectors,
            self.taught.owners,
            self.taught.languages,
            self.taught.comparable(negatives),
            function=self.taught.function,
            target=target,
            share=share,
            scorings=_ALL if self.cuts == Cuts() else SIMILARITIES,
        )
        return replace(self, learned=learned, judged=judged)

    def learn_by_itself(self) -> Knowledge:
        """Return it with what the utterances teach where they are enough and no cut was given; else as it is."""
        if self.cuts == Cuts() and enough(self.taught.owners):
            return self.learn(None, OUT_OF_SCOPE_SHARE)
        return self

    def renewed(self, utterances: Sequence[Utterance]) -> Knowledge:
        """Return what is known by other utterances; only texts that are new are encoded."""
        known = dict(zip(texts_of(self.taught.utterances), self.taught.vectors, strict=True))
        fresh = teach(utterances, self.encoder, self.cuts, known)
        if self.learned is None:
            return fresh.learn_by_itself()
        return fresh.learn(self.learned.target, self.learned.share)

    def cross_validated(self) -> Judged:
        """Return what came of asking the utterances as if they were queries, the first time that they were.

        Raises ``DataError`` where nothing was learned.
        """
        if self.judged is not None:
            return self.judged.only(self.judged.rounds == 0)
        if self.learned is None:
            raise DataError(
                "Nothing was learned from these utterances, so they say nothing of the matcher: fit it, or give "
                "labelled queries."
            )
        return self.learn(self.learned.target, self.learned.share).cross_validated()  # it was opened from a file

    def _judged_by(self, texts: Sequence[str], vectors: FloatArray, language: str | None) -> list[Match]:
        tag = primary(language) if language else None
        return judge(self.taught, self.learned, self.cuts, texts, vectors, tag)

    def _vectors(self, texts: Sequence[str]) -> FloatArray:
        words = _words(texts)
        return _filled(texts, self.encoder.encode_query(words) if words else None, self.encoder.dimension)


def teach(
    utterances: Sequence[Utterance], encoder: Encoder, cuts: Cuts, known: Mapping[str, FloatArray] | None = None
) -> Knowledge:
    """Encode utterances but for those whose vectors are known; those without an intent mean none of the intents.

    Raises ``DataError`` where there is no intent, and for a text that is blank, or no text; ``ValueError`` for a score
    that is asked for and that no cosine reaches.
    """
    if cuts.threshold is not None and encoder.card.similarity == "cosine" and not -1 <= cuts.threshold <= 1:
        message = f"threshold is {cuts.threshold!r}; the scores of {encoder.card.name!r} are cosines, of -1 to 1."
        raise ValueError(message)
    intents, listed, owners = grouped(utterances)
    texts, vectors = texts_of(listed), dict(known or {})
    missing = list(dict.fromkeys(text for text in texts if text not in vectors))
    if missing:
        # Both sides of a comparison of utterances are the same kind of text: the query side.
        vectors |= zip(missing, encoder.encode_query(missing), strict=True)
    rows = np.stack([vectors[text] for text in texts])
    taught = Taught(intents, listed, owners, rows, encoder.card.similarity)
    taught = replace(taught, vectors=taught.comparable(rows))
    return Knowledge(encoder, taught, tuple(dict.fromkeys(each for each in utterances if each.intent is None)), cuts)


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
