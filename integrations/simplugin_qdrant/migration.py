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
from simplugin_qdrant.stores.protocol import Store
from simplugin_qdrant.writing import turn

__all__ = ["Comparison", "Migrating", "Migration", "compare", "finish", "prepare", "rollback"]

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
        check_filled(self._new.store, self._new.collection, self._new.vector, self._new_registration)
        return compare(self._old, self._new, self._new_registration.text_key, queries, pairs)

    def cutover(self) -> None:
        """Let the new vectors answer from now on, here and for all who open the collection.

        Who has it open goes on with the old vectors, which stay, and are kept up, until ``finish``. Raises
        ``StoreError`` while points lack the new vector.
        """
        _switch(self._new.store, self._new.collection, self._role, self._new.vector)
        self._collection.become(self._new, self._new_registration)

    def rollback(self) -> None:
        """Let the old vectors answer again. Raises ``StoreError`` where they are gone, or points lack them."""
        if self._old.vector not in registered_vectors(self._old.store.metadata(self._old.collection)):
            message = f"The vectors of {self._old.encoder.card.name!r} were taken away; migrate to that model instead."
            raise StoreError(message)
        _switch(self._old.store, self._old.collection, self._role, self._old.vector)
        self._collection.become(self._old, self._old_registration)

    def finish(self) -> None:
        """Take away the vectors that do not answer any more. Who still searches by them gets an error.

        Raises ``StoreError`` before ``cutover``.
        """
        if read_serving(self._new.store.metadata(self._new.collection), self._role).vector != self._new.vector:
            message = f"{self!r} is not cut over, so there is nothing to finish; call cutover() first."
            raise StoreError(message)
        finish(self._new.store, self._new.collection, self._role)


def compare(
    old: Space,
    new: Space,
    text_key: str,
    queries: Sequence[str] | None,
    pairs: Sequence[tuple[str, str, float]],
) -> Comparison:
    """Compare two models' answers; see ``Migration.compare``. Raises ``DataError`` where there is nothing to ask."""
    asked = _sample(new, text_key) if queries is None else list(queries)
    if not asked:
        raise DataError("There is nothing to compare by: the collection holds no text, and no query was given.")
    before, after = (ask(Question(space, "dense", _TOP, size=0), asked) for space in (old, new))
    correlations: list[float | None] = [None, None]
    if pairs:
        left, right, labels = zip(*pairs, strict=True)
        correlations = [spearman(cosine_of_pairs(space.encoder, left, right), labels) for space in (old, new)]
    names = (old.encoder.card.name, new.encoder.card.name)
    return Comparison(*names, len(asked), _agreement(before, after), len(pairs), *correlations)


def _sample(space: Space, text_key: str) -> list[str]:
    records = islice(space.store.scroll(space.collection, keys=[text_key]), _SAMPLE)
    texts = [record.payload.get(text_key) for record in records]
    return [text[:_BEGINNING] for text in texts if isinstance(text, str) and text.strip()]


def rollback(store: Store, name: str, role: str = "default") -> str:
    """Let the vectors answer that did before the last cutover; return their model's name.

    Neither model is opened. Raises ``StoreError`` where there are none.
    """
    before = read_serving(store.metadata(name), role).before
    if before is None:
        message = (
            f"Collection {name!r} has no vectors to go back to: it was not migrated, or the old ones were removed."
        )
        raise StoreError(message)
    return _switch(store, name, role, before)


def finish(store: Store, name: str, role: str = "default") -> None:
    """Take away the vectors that answered before the last cutover, if they are still there."""
    with turn(store):
        finish_removals(store, name)
        before = read_serving(store.metadata(name), role).before
        if before is not None:
            remove_space(store, name, role, before)


def _switch(store: Store, name: str, role: str, vector: str) -> str:
    metadata = store.metadata(name)
    registration = read_registration(name, metadata, vector)
    check_filled(store, name, vector, registration)
    current = read_serving(metadata, role).vector
    if current != vector:
        serve(store, name, role, Serving(vector, before=current))
    return registration.fingerprint.card.name


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
        chosen = vector or _find_vector(name, metadata, encoder) or _free_name(metadata, encoder)
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


def _find_vector(name: str, metadata: Mapping[str, Any], encoder: Encoder) -> str | None:
    """Return the vector that is this model's already."""
    for vector in registered_vectors(metadata):
        if not read_registration(name, metadata, vector).fingerprint.compare(encoder.fingerprint).refusals:
            return vector
    return None


def _free_name(metadata: Mapping[str, Any], encoder: Encoder) -> str:
    """Return a name for a vector, after its model, that no other has."""
    base, taken = _NOT_PLAIN.sub("-", encoder.card.name), registered_vectors(metadata)
    return next(name for number in count(1) if (name := base if number == 1 else f"{base}-{number}") not in taken)


def _agreement(before: Answers, after: Answers) -> float:
    """Return the mean share of each ranking before that is in the one after too; 1 where nothing was found before."""
    shares = [
        len({point.id for point in old} & {point.id for point in new}) / len(old)
        for old, new in zip(before, after, strict=True)
        if old
    ]
    return sum(shares) / len(shares) if shares else 1.0
