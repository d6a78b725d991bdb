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
from simplugin.encoders.retired import RetiredEncoder
from simplugin.errors import DataError, StoreError
from simplugin.evaluation import cosine_of_pairs, spearman
from simplugin.evaluation.datasets.pair_sources import Labelled
from simplugin_qdrant.calibrating import gather
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

__all__ = ["Comparison", "Migrating", "Migration", "compare", "finish_migration", "prepare", "rollback_migration"]

_SAMPLE = 200
_BEGINNING = 200  # characters of a stored text that stand for a question
_TOP = 10
_PAIRS = 3  # of two, each model has them in the right order or in the wrong one
_NOT_PLAIN = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the new model answers beside the old one.

    ``agreement`` is the share of the ten closest points, by the old vectors, that are among the ten closest by the
    new ones, as a mean over ``queries``; it is None where the old model is a starter that this version has no more. The
    rank correlations with the labels of ``pairs`` are None without pairs.
    """

    before: str
    after: str
    queries: int
    agreement: float | None
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
        return f"Migration({self._new.collection!r}, vector {self._old.vector!r} to {self._new.vector!r})"

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
        self, queries: Sequence[str] | None = None, *, pairs: Labelled | Mapping[str, Labelled] = ()
    ) -> Comparison:
        """Compare the answers to ``queries``, and how both models follow the labels of ``pairs`` of texts.

        Without queries the beginnings of 200 stored texts stand for them: what people really ask says more. Pairs are
        a file of them, or what ``Collection.calibrate`` takes: two texts and a number, higher for closer, such as
        ``("a cat", "a kitten", 4.5)``.
        Raises ``StoreError`` while points lack the new vector, ``DataError`` for fewer than three pairs.
        """
        self._require(self._old)
        check_filled(self._new.store, self._new.collection, self._new.vector, self._new_registration)
        return compare(self._old, self._new, self._new_registration.text_key, queries, pairs)

    def cutover(self) -> None:
        """Let the new vectors answer from now on, here and for all who open the collection.

        Who has it open goes on with the old vectors, which stay, and are kept up, until ``finish``. Raises
        ``StoreError`` while points lack the new vector.
        """
        self._require(self._new)
        if self._answering(self._old, self._new) != self._new.vector:
            _switch(self._new, self._role, self._new_registration, Serving(self._new.vector, before=self._old.vector))
        self._collection.become(self._new, _recorded(self._new))

    def rollback(self) -> None:
        """Let the old vectors answer again. Raises ``StoreError`` where they are gone, or points lack them."""
        self._require(self._old)
        if self._answering(self._old, self._new) != self._old.vector:
            _switch(self._old, self._role, self._old_registration, Serving(self._old.vector, spare=self._new.vector))
        self._collection.become(self._old, _recorded(self._old))

    def finish(self) -> None:
        """Take away the old vectors. Who still searches by them follows to the new model, if it can be opened there.

        Raises ``StoreError`` before ``cutover``.
        """
        if self._answering(self._new) != self._new.vector:
            message = f"{self!r} is not cut over, so there is nothing to finish; call cutover() first."
            raise StoreError(message)
        self._remove(self._old)

    def abandon(self) -> None:
        """Take away the new vectors. Raises ``StoreError`` while they answer: ``rollback`` first."""
        if self._answering(self._old) == self._new.vector:
            message = f"{self!r} is cut over, so its vectors answer; call rollback() before abandon()."
            raise StoreError(message)
        self._remove(self._new)

    def _answering(self, *expected: Space) -> str:
        """Return the vector that answers.

        Raises ``StoreError`` where it is none of those expected: another migration was cut over in between.
        """
        vector = read_serving(self._new.store.metadata(self._new.collection), self._role).vector
        if len(expected) > 1 and vector not in {space.vector for space in expected}:
            message = f"{self!r} does not hold any more: {vector!r} answers by now. Begin again with migrate()."
            raise StoreError(message)
        return vector

    def _require(self, space: Space) -> None:
        if space.vector not in registered_vectors(space.store.metadata(space.collection)):
            message = f"The vectors of {space.encoder.card.name!r} were taken away; migrate to that model instead."
            raise StoreError(message)

    def _remove(self, space: Space) -> None:
        with turn(space.store).alone():
            finish_removals(space.store, space.collection)
            if space.vector in registered_vectors(space.store.metadata(space.collection)):
                remove_space(space.store, space.collection, self._role, space.vector)


def _recorded(space: Space) -> Registration:
    """Return what is recorded by now: it may have been filled, or calibrated, since the migration began."""
    return read_registration(space.collection, space.store.metadata(space.collection), space.vector)


def compare(
    old: Space,
    new: Space,
    text_key: str,
    queries: Sequence[str] | None,
    pairs: Labelled | Mapping[str, Labelled],
) -> Comparison:
    """Compare two models' answers; see ``Migration.compare``. Raises ``DataError`` where there is nothing to ask."""
    if isinstance(queries, str):
        message = f"Expected a list of queries, got the single text {queries[:40]!r}: write [query]."
        raise TypeError(message)
    asked = _sample(new, text_key) if queries is None else list(queries)
    if not asked:
        raise DataError("There is nothing to compare by: the collection holds no text, and no query was given.")
    names = (old.encoder.card.full_name, new.encoder.card.full_name)
    if isinstance(old.encoder, RetiredEncoder):
        return Comparison(*names, 0, None)
    before, after = (ask(Question(space, "dense", _TOP, size=0), asked) for space in (old, new))
    judged = gather(pairs, None)
    if not judged:
        return Comparison(*names, len(asked), _agreement(before, after))
    if len(judged) < _PAIRS:
        message = f"How a model follows people's labels takes {_PAIRS} pairs of texts or more; there are {len(judged)}."
        raise DataError(message)
    left, right, labels = zip(*((pair.first, pair.second, pair.label) for pair in judged), strict=True)
    correlations = [spearman(cosine_of_pairs(space.encoder, left, right), labels) for space in (old, new)]
    return Comparison(*names, len(asked), _agreement(before, after), len(judged), *correlations)


def _sample(space: Space, text_key: str) -> list[str]:
    records = islice(space.store.scroll(space.collection, keys=[text_key]), _SAMPLE)
    texts = [record.payload.get(text_key) for record in records]
    return [text[:_BEGINNING] for text in texts if isinstance(text, str) and text.strip()]


def rollback_migration(store: Store, name: str, role: str = "default") -> str:
    """Let the vectors answer that did before the last cutover; return their model's name.

    Neither model is opened. Raises ``StoreError`` where there are none.
    """
    metadata = store.metadata(name)
    serving = read_serving(metadata, role)
    if serving.before is None:
        message = f"Collection {name!r} has no vectors to go back to: nothing was cut over, or they were taken away."
        raise StoreError(message)
    registration = read_registration(name, metadata, serving.before)
    check_filled(store, name, serving.before, registration)
    serve(store, name, role, Serving(serving.before, spare=serving.vector))
    return registration.fingerprint.card.full_name


def finish_migration(store: Store, name: str, role: str = "default") -> str:
    """Take away the vectors that a cutover or a rollback left behind; return the name of the model that answers.

    Done already, nothing is left to do. Raises ``StoreError`` where there are other vectors that never answered.
    """
    with turn(store).alone():
        finish_removals(store, name)
        metadata = store.metadata(name)
        serving = read_serving(metadata, role)
        left = [vector for vector in (serving.before, serving.spare) if vector is not None]
        waiting = [vector for vector in registered_vectors(metadata) if vector != serving.vector]
        if waiting and not left:
            message = (
                f"Nothing was cut over in collection {name!r}, so there is nothing to finish. It also has vectors of "
                f"{_models(name, metadata, waiting)}: migrate to that model to have them answer, or abandon them."
            )
            raise StoreError(message)
        for vector in left:
            remove_space(store, name, role, vector)
        return read_registration(name, store.metadata(name), serving.vector).fingerprint.card.full_name


def _models(name: str, metadata: Mapping[str, Any], vectors: Sequence[str]) -> str:
    """Name the models of these vectors, each once."""
    named = (read_registration(name, metadata, vector).fingerprint.card.full_name for vector in vectors)
    return " and ".join(repr(each) for each in dict.fromkeys(named))


def _switch(space: Space, role: str, registration: Registration, serving: Serving) -> None:
    check_filled(space.store, space.collection, space.vector, registration)
    serve(space.store, space.collection, role, serving)


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
    if registration.fingerprint.is_same(encoder.fingerprint):
        known, given = (each.card.full_name for each in (registration.fingerprint, encoder))
        alike = "" if known == given else f", which gives the same vectors as {given!r}"
        message = (
            f"Collection {name!r} answers by {known!r} already{alike}; there is nothing to migrate. "
            "What a cutover left behind goes with finish_migration(store, name), or --finish alone."
        )
        raise StoreError(message)
    with turn(store).alone():
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
        if read_registration(name, metadata, vector).fingerprint.is_same(encoder.fingerprint):
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
