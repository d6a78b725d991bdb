"""What is asked of a collection: the texts closest to a query or to a vector, and the texts of given ids."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Self

import numpy as np

from simplugin.calibration import Calibration
from simplugin.collection import Mode, as_mode
from simplugin.encoders import Encoder
from simplugin.encoders.protocol import as_texts, check_query
from simplugin.errors import PointError, StoreError
from simplugin.measures import FloatArray
from simplugin.records import Hit, Stored
from simplugin.reranking import Reranker, candidates, open_reranker
from simplugin.texts import as_read
from simplugin_qdrant import points
from simplugin_qdrant.asked import Asked, Wanted
from simplugin_qdrant.calibrating import check_probability
from simplugin_qdrant.filling import check_filled
from simplugin_qdrant.filters import LacksVector, NotAnyOf, both, parse_filter
from simplugin_qdrant.lookup import look_up
from simplugin_qdrant.recording import Recording
from simplugin_qdrant.registry import Registration, read_registration, read_serving, registered_vectors
from simplugin_qdrant.rows import as_ids
from simplugin_qdrant.searching import Answers, Question, aask, ask, check_mode
from simplugin_qdrant.space import Space
from simplugin_qdrant.stores.protocol import Wanted as Vectors
from simplugin_qdrant.writing import gone

__all__ = ["Asking"]

_STALE = 60.0  # seconds for which the size of a collection, which weighs its words, is good enough


class Asking(Recording):
    """A collection that answers."""

    def __init__(
        self,
        space: Space,
        registration: Registration,
        *,
        role: str,
        mode: Mode | None,
        tenant: str | None,
        others: Sequence[Encoder] = (),
    ) -> None:
        super().__init__(space, registration, tenant=tenant, others=others)
        self._role = role
        self._chosen_mode: Mode | None = mode
        self._seconds: dict[str, Space] = {}
        self._size = (-_STALE, 0)

    def __deepcopy__(self, memo: object) -> Self:
        """Return itself: what holds a collection may be copied, and the copy has the same one."""
        return self

    @property
    def mode(self) -> Mode:
        """What a search compares unless told otherwise."""
        return self._chosen_mode or self._model.registration.mode

    def search(
        self,
        query: str,
        *,
        limit: int = 5,
        mode: Mode | None = None,
        filter: object = None,  # noqa: A002  # the word of the grammar, and of every engine
        min_score: float | None = None,
        min_probability: float | None = None,
        group: bool = False,
        rerank: Reranker | str | None = None,
        language: str | None = None,
    ) -> list[Hit]:
        """Return the texts closest to the query, closest first.

        ``mode`` is ``"dense"``, by the similarity of vectors; ``"words"``, by the words they share (BM25); or
        ``"hybrid"``, by both (see ``simplugin_qdrant.fusion`` for its score); None is the collection's own. ``filter``
        follows the grammar of ``simplugin_qdrant.filters``, or is the engine's own. ``min_score`` keeps hits with at
        least this score, on the scale of the first stage. With ``group`` a document comes once, with its best chunk.
        With ``rerank`` the first stage fetches a pool of four times ``limit``, at least 20, and the reranker orders
        it. It may be named: where the collection holds that model's vectors, the engine orders the pool by them.

        A calibrated collection gives each hit its ``probability`` and ``grade``, by the similarity of the vectors
        alone, whatever order a hybrid search puts the hits in; a search by words, and a reranker's own scores, have
        none. ``min_probability`` keeps hits with at least this one, before they are reranked. ``language`` says of
        which language the texts are, so that its own calibration is used where there is one.

        Raises ``FilterError``; ``StoreError`` for a mode that the collection has not, while points lack the vector,
        and for ``min_probability`` where hits have no probability; ``ValueError`` for a ``limit`` below 1, a blank
        query and an unknown mode.
        """
        _check_query(query)
        wanted = Wanted(limit, mode, filter, min_score, group, rerank, min_probability, language)
        (hits,) = self._answer([query], None, wanted)
        return hits

    def search_many(
        self,
        queries: Iterable[str],
        *,
        limit: int = 5,
        mode: Mode | None = None,
        filter: object = None,  # noqa: A002
        min_score: float | None = None,
        min_probability: float | None = None,
        group: bool = False,
        rerank: Reranker | str | None = None,
        language: str | None = None,
    ) -> list[list[Hit]]:
        """Answer several queries like ``search``, encoded together and sent in one request."""
        asked = as_texts(queries)
        for number, query in enumerate(asked):
            if not query.strip():
                message = f"Query {number} is blank."
                raise ValueError(message)
        wanted = Wanted(limit, mode, filter, min_score, group, rerank, min_probability, language)
        return self._answer(asked, None, wanted) if asked else []

    async def asearch(
        self,
        query: str,
        *,
        limit: int = 5,
        mode: Mode | None = None,
        filter: object = None,  # noqa: A002
        min_score: float | None = None,
        min_probability: float | None = None,
        group: bool = False,
        rerank: Reranker | str | None = None,
        language: str | None = None,
    ) -> list[Hit]:
        """Search like ``search``, without holding up the event loop; concurrent calls are encoded together."""
        _check_query(query)
        wanted = Wanted(limit, mode, filter, min_score, group, rerank, min_probability, language)
        (hits,) = await self._aanswer([query], None, wanted)
        return hits

    def search_vector(
        self,
        vector: Sequence[float] | FloatArray,
        *,
        limit: int = 5,
        filter: object = None,  # noqa: A002
        min_score: float | None = None,
        min_probability: float | None = None,
        group: bool = False,
        language: str | None = None,
    ) -> list[Hit]:
        """Return the texts whose vectors are closest to this one (dimension,), closest first; see ``search``.

        Raises ``PointError`` for a vector of another width than the model's, or with numbers that are not finite.
        """
        wanted = Wanted(limit, "dense", filter, min_score, group, None, min_probability, language)
        (hits,) = self._answer([""], _as_rows(vector), wanted)
        return hits

    async def asearch_vector(
        self,
        vector: Sequence[float] | FloatArray,
        *,
        limit: int = 5,
        filter: object = None,  # noqa: A002
        min_score: float | None = None,
        min_probability: float | None = None,
        group: bool = False,
        language: str | None = None,
    ) -> list[Hit]:
        """Search like ``search_vector``, without holding up the event loop."""
        wanted = Wanted(limit, "dense", filter, min_score, group, None, min_probability, language)
        (hits,) = await self._aanswer([""], _as_rows(vector), wanted)
        return hits

    def query_vector(self, query: str) -> FloatArray:
        """Return the vector (dimension,) that a search compares for this query. Raises ``ValueError`` for a blank."""
        _check_query(query)
        row: FloatArray = self.encoder.encode_query([as_read(query)])[0]
        return row

    async def aquery_vector(self, query: str) -> FloatArray:
        """Return like ``query_vector``, without holding up the event loop."""
        _check_query(query)
        row: FloatArray = (await self.encoder.aencode_query([as_read(query)]))[0]
        return row

    def get(self, ids: Iterable[str], *, vector: str | None = None) -> list[Stored]:
        """Return the texts of these ids, in their order; ids that are not there are left out.

        An id is a document's, and brings all its chunks in order; or a hit's, and brings that text alone. ``vector``
        names the vector that comes along; see ``vector_of``.
        """
        wanted = as_ids(ids)
        return look_up(self._model.space, self._model.registration.text_key, self._tenant, self._mine(), wanted, vector)

    async def aget(self, ids: Iterable[str], *, vector: str | None = None) -> list[Stored]:
        """Return like ``get``, in a thread."""
        return await asyncio.to_thread(self.get, ids, vector=vector)

    def stored(self, *, filter: object = None, vector: str | None = None) -> Iterator[Stored]:  # noqa: A002
        """Go through all texts for which the filter holds, in the order of the engine's ids.

        ``vector`` names the vector that comes along; see ``vector_of``. Raises ``FilterError``.
        """
        wanted: Vectors = False if vector is None else [vector]
        condition = both(self._mine(), parse_filter(filter))
        for record in self._store.scroll(self._name, condition=condition, with_vectors=wanted):
            yield points.to_stored(record, self._model.registration.text_key, vector)

    def vector_of(self, encoder: Encoder) -> str | None:
        """Return the name of the vector that this model made of the texts here, None where there is none."""
        space, registration = self._model.space, self._model.registration
        if encoder is space.encoder or _agrees(registration, encoder):
            return space.vector
        metadata = self._store.metadata(self._name)
        others = (vector for vector in registered_vectors(metadata) if vector != space.vector)
        return next(
            (vector for vector in others if _agrees(read_registration(self._name, metadata, vector), encoder)),
            None,
        )

    def _answer(self, queries: Sequence[str], vectors: FloatArray | None, wanted: Wanted) -> list[list[Hit]]:
        asked, found = self._find(queries, vectors, wanted)
        return asked.hits(queries, found)

    async def _aanswer(self, queries: Sequence[str], vectors: FloatArray | None, wanted: Wanted) -> list[list[Hit]]:
        asked, found = await self._afind(queries, vectors, wanted)
        if asked.reranker is None:
            return asked.hits(queries, found)
        return await asyncio.to_thread(asked.hits, queries, found)

    def _find(self, queries: Sequence[str], vectors: FloatArray | None, wanted: Wanted) -> tuple[Asked, Answers]:
        """Return the rankings, one a query, and how they were asked for."""
        asked = self._read(wanted)
        try:
            return asked, ask(asked.question, queries, vectors)
        except StoreError as error:
            self._follow(error, asked.question.space)
            asked = self._read(wanted)
            return asked, ask(asked.question, queries, vectors)

    async def _afind(self, queries: Sequence[str], vectors: FloatArray | None, wanted: Wanted) -> tuple[Asked, Answers]:
        asked = await asyncio.to_thread(self._read, wanted)
        try:
            return asked, await aask(asked.question, queries, vectors)
        except StoreError as error:
            await asyncio.to_thread(self._follow, error, asked.question.space)
            asked = await asyncio.to_thread(self._read, wanted)
            return asked, await aask(asked.question, queries, vectors)

    def _read(self, wanted: Wanted) -> Asked:
        """Read what is asked, and look whether it can be answered."""
        space = self._model.space
        chosen = self.mode if wanted.mode is None else as_mode(wanted.mode)
        check_mode(space, chosen)
        if chosen != "words":
            self._check_filled()
        rerank = wanted.rerank
        second, ordering = (self._second(rerank) if isinstance(rerank, str) else None) or (None, None)
        calibration = self._calibration(wanted, chosen, ordering)
        reranker = None if second else open_reranker(rerank) if isinstance(rerank, str) else rerank
        pool = wanted.limit if reranker is None else candidates(wanted.limit)
        size = self._points() if chosen == "hybrid" else 0
        condition = both(self._mine(), parse_filter(wanted.filter))
        if chosen == "hybrid" and self._model.registration.language is not None:
            # Words lie beside the texts of every language, and only those of this model's have a similarity.
            condition = both(condition, NotAnyOf((LacksVector(space.vector),)))
        question = Question(space, chosen, pool, size, condition, wanted.group, second, calibration is not None)
        text_key = self._model.registration.text_key
        given = (wanted.min_probability, calibration, wanted.language)
        return Asked(question, reranker, wanted.limit, wanted.min_score, text_key, *given)

    def _calibration(self, wanted: Wanted, mode: Mode, ordering: Registration | None) -> Calibration | None:
        """Return what the scores stand for: those of the vectors that order the hits, none of words alone."""
        by_words = mode == "words" and ordering is None
        calibration = None if by_words else (ordering or self._model.registration).calibration
        if wanted.min_probability is not None:
            check_probability(self._name, wanted.min_probability, calibration, by_words=by_words)
        return calibration

    def _second(self, name: str) -> tuple[Space, Registration] | None:
        """Return another model's vectors in the collection, by the name of the vector or of the model."""
        metadata = self._store.metadata(self._name)
        for vector in registered_vectors(metadata):
            registration = read_registration(self._name, metadata, vector)
            card = registration.fingerprint.card
            if name not in {vector, card.name, card.full_name}:
                continue
            if vector == self._model.space.vector:
                return self._model.space, self._model.registration
            if vector not in self._seconds:
                self._seconds[vector] = self._model.writer.open(vector, metadata)
            check_filled(self._store, self._name, vector, registration)
            return self._seconds[vector], registration
        return None

    def _check_filled(self) -> None:
        """Raise ``StoreError`` while points lack the vector that is searched by."""
        model = self._model
        if not model.registration.filled:
            check_filled(self._store, self._name, model.space.vector, model.registration)
            self.become(model.space, replace(model.registration, filled=True))

    def _points(self) -> int:
        """Return about how many points there are, without asking a server at every search."""
        at, size = self._size
        if time.monotonic() - at > _STALE:
            size = self._store.size(self._name)
            self._size = (time.monotonic(), size)
        return size

    def _follow(self, error: StoreError, space: Space) -> None:
        """Answer by the model that the collection was migrated to, where that is why a search by ``space`` failed.

        Raises the error where it is not; ``StoreError`` where that model cannot be opened here.
        """
        if self._model.space is not space:
            return  # another thread has been here meanwhile
        metadata = self._store.metadata(self._name)
        if space.vector in registered_vectors(metadata):
            raise error
        vector = read_serving(metadata, self._role).vector
        if vector not in registered_vectors(metadata):
            raise StoreError(gone(self._name, space.encoder.card.name)) from error
        opened = self._model.writer.open(vector, metadata)
        self.become(opened, read_registration(self._name, metadata, vector))


def _check_query(query: str) -> None:
    check_query(query)
    if not query.strip():
        raise ValueError("The query is blank.")


def _as_rows(vector: Sequence[float] | FloatArray) -> FloatArray:
    row = np.asarray(vector, dtype=np.float32)
    if row.ndim != 1:
        message = f"Expected one vector, got numbers of shape {row.shape}."
        raise PointError(message)
    if not np.isfinite(row).all():
        raise PointError("The vector to search by has numbers that are not finite.")
    return row[None]


def _agrees(registration: Registration, encoder: Encoder) -> bool:
    """Say whether this model's vectors may stand for the stored ones: a close model's may not, whoever's it is."""
    comparison = registration.fingerprint.compare(encoder.fingerprint)
    return not comparison.refusals and not comparison.warnings
