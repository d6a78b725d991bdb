"""From one model to another, while the collection goes on answering.

The new model gets a vector of its own beside the old one. New points get both from the moment the new model is
recorded; ``run`` gives the old points theirs; ``compare`` says what will change; ``cutover`` lets the new vector
answer, in one step, and ``rollback`` the old one again; ``finish`` takes the old one away. Each of them may be cut
short and called again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, Protocol

from simplugin.collection import Mode
from simplugin.encoders import Encoder
from simplugin.errors import DataError, StoreError
from simplugin.evaluation import cosine_of_pairs, spearman
from simplugin_qdrant.filling import Filling, check_filled, fill
from simplugin_qdrant.registry import (
    Registration,
    Serving,
    add_space,
    finish_removals,
    read_registration,
    read_serving,
    registered_vectors,
    remove_space,
    serve,
    verify,
    warn_of_model,
)
from simplugin_qdrant.searching import Answers, Question, ask
from simplugin_qdrant.space import Space
from simplugin_qdrant.writing import turn

__all__ = ["Comparison", "Migrating", "Migration", "prepare"]

_SAMPLE = 200
_BEGINNING = 200  # characters of a stored text that stand for a question
_TOP = 10
_NOT_PLAIN = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the new model answers beside the old one.

    ``agreement`` is the share of the ten closest points, by the old vectors, that are among the ten closest by the
    new ones, as a mean over ``queries``. The rank correlations with the labels of ``pairs`` are None without pairs.
    """

    before: str
    after: str
    queries: int
    agreement: float
    pairs: int = 0
    spearman_before: float | None = None
    spearman_after: float | None = None


class Migrating(Protocol):
    """What a migration asks of the collection it was started from."""

    def become(self, space: Space, registration: Registration) -> None:
        """Answer by these vectors from now on."""
        ...


class Migration:
    """A collection on its way from one model to another. Made by ``Collection.migrate``."""

    def __init__(
        self,
        collection: Migrating,
        role: str,
        old: tuple[Space, Registration],
        new: tuple[Space, Registration],
    ) -> None:
        self._collection = collection
        self._role = role
        self._old, self._old_registration = old
        self._new, self._new_registration = new

    def __repr__(self) -> str:
        before, after = self._old.encoder.card.name, self._new.encoder.card.name
        return f"Migration({self._new.collection!r}, {before!r} to {after!r})"

    @property
    def vector(self) -> str:
        """The name of the new vector."""
        return self._new.vector

    def run(self, progress: Callable[[Filling], None] | None = None) -> int:
        """Embed every text by the new model, and return how many there were to embed.

        Killed, it goes on where it was when it is run again.
        """
        return fill(self._new, self._new_registration.text_key, progress)

    def compare(
        self, queries: Sequence[str] | None = None, *, pairs: Sequence[tuple[str, str, float]] = ()
    ) -> Comparison:
        """Compare the answers to ``queries``, and how both models follow the labels of ``pairs`` of texts.

        Without queries the beginnings of 200 stored texts stand for them: what people really ask says more.
        Raises ``StoreError`` while points lack the new vector.
        """
        check_filled(self._new, self._new_registration.text_key)
        asked = self._sample() if queries is None else list(queries)
        agreement = _agreement(self._top(self._old, asked), self._top(self._new, asked))
        correlations: list[float | None] = [None, None]
        if pairs:
            left, right, labels = zip(*pairs, strict=True)
            correlations = [
                spearman(cosine_of_pairs(space.encoder, left, right), labels) for space in (self._old, self._new)
            ]
        before, after = self._old.encoder.card.name, self._new.encoder.card.name
        return Comparison(before, after, len(asked), agreement, len(pairs), *correlations)

    def cutover(self) -> None:
        """Let the new vectors answer from now on, here and for all who open the collection.

        Who has it open goes on with the old vectors, which stay, and are kept up, until ``finish``. Raises
        ``StoreError`` while points lack the new vector.
        """
        check_filled(self._new, self._new_registration.text_key)
        self._serve(self._new, self._new_registration, before=self._old.vector)

    def rollback(self) -> None:
        """Let the old vectors answer again. Raises ``StoreError`` where they are gone, or points lack them."""
        if self._old.vector not in registered_vectors(self._old.store.metadata(self._old.collection)):
            message = f"The vectors of {self._old.encoder.card.name!r} were taken away; migrate to that model instead."
            raise StoreError(message)
        check_filled(self._old, self._old_registration.text_key)
        self._serve(self._old, self._old_registration, before=self._new.vector)

    def finish(self) -> None:
        """Take away the vectors that do not answer any more. Who still searches by them gets an error.

        Raises ``StoreError`` before ``cutover``.
        """
        serving = read_serving(self._new.store.metadata(self._new.collection), self._role)
        if serving.vector != self._new.vector:
            message = f"{self!r} is not cut over, so there is nothing to finish; call cutover() first."
            raise StoreError(message)
        if serving.before is not None:
            remove_space(self._new.store, self._new.collection, self._role, serving.before)

    def _serve(self, space: Space, registration: Registration, *, before: str) -> None:
        serve(space.store, space.collection, self._role, Serving(space.vector, before))
        self._collection.become(space, registration)

    def _sample(self) -> list[str]:
        key = self._new_registration.text_key
        records = islice(self._new.store.scroll(self._new.collection, keys=[key]), _SAMPLE)
        texts = [record.payload.get(key) for record in records]
        return [text[:_BEGINNING] for text in texts if isinstance(text, str) and text.strip()]

    def _top(self, space: Space, queries: Sequence[str]) -> Answers:
        if not queries:
            raise DataError("There is nothing to compare by: the collection holds no text, and no query was given.")
        return ask(Question(space, "dense", _TOP, size=0), queries)


def prepare(
    collection: Migrating,
    old: tuple[Space, Registration],
    encoder: Encoder,
    *,
    role: str,
    vector: str | None,
    mode: Mode,
) -> Migration:
    """Record the new model beside the old one, or find it there from a migration that was cut short.

    Raises ``StoreError`` where it is the model that answers already.
    """
    space, registration = old
    store, name = space.store, space.collection
    if not registration.fingerprint.compare(encoder.fingerprint).refusals:
        message = f"Collection {name!r} answers by {encoder.card.name!r} already; there is nothing to migrate."
        raise StoreError(message)
    with turn(store):
        finish_removals(store, name)
        metadata = store.metadata(name)
        chosen = vector or _free_name(name, metadata, encoder)
        kept, first_stage = registration.quantization, registration.first_stage
        new = Space(store, name, chosen, encoder, space.has_words, kept, first_stage)
        if chosen in registered_vectors(metadata):
            recorded = read_registration(name, metadata, chosen)
            verify(name, recorded, encoder)
        else:
            warn_of_model(encoder)
            recorded = Registration(
                encoder.fingerprint, registration.text_key, mode, quantization=kept, first_stage=first_stage
            )
            add_space(new, recorded)
    return Migration(collection, role, old, (new, recorded))


def _free_name(name: str, metadata: Mapping[str, Any], encoder: Encoder) -> str:
    """Return the name of the vector that is this model's already, or one after the model that is not taken."""
    base = _NOT_PLAIN.sub("-", encoder.card.name)
    for number in count(1):
        vector = base if number == 1 else f"{base}-{number}"
        if vector not in registered_vectors(metadata):
            return vector
        if not read_registration(name, metadata, vector).fingerprint.compare(encoder.fingerprint).refusals:
            return vector
    raise AssertionError("There are more names than vectors.")


def _agreement(before: Answers, after: Answers) -> float:
    """Return the mean share of each ranking before that is in the one after too; 1 where nothing was found before."""
    shares = [
        len({point.id for point in old} & {point.id for point in new}) / len(old)
        for old, new in zip(before, after, strict=True)
        if old
    ]
    return sum(shares) / len(shares) if shares else 1.0
