"""Questions to the points that answer them.

A ``Question`` says in which order what is asked of a store and makes rankings of the answers. ``ask`` and ``aask``
drive it, in a thread and in an event loop: they only send, so there is one text of the rules for both.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from simplugin.collection import Mode
from simplugin.encoders import Encoder
from simplugin.errors import StoreError
from simplugin.measures import FloatArray
from simplugin.texts import as_read
from simplugin.words import WordVector, weigh_query
from simplugin_qdrant import points
from simplugin_qdrant.filters import Condition, HasId
from simplugin_qdrant.fusion import POOL, fuse
from simplugin_qdrant.space import Space, first_stage_name
from simplugin_qdrant.stores.protocol import Payload, Scored, Search

__all__ = ["Answers", "Question", "aask", "ask", "check_mode"]

_WIDER = 4  # times as many points are fetched where several may be of one document, and again if that was not enough
_FIRST = 10  # times as many points the first stage finds by the beginnings of vectors
_LEAST = 100  # … and at least this many
_OVERSAMPLING = 2.0  # times as many points are found by int8 copies; twice was enough for the recall of exact search

Answers: TypeAlias = list[list[Scored]]


class Step(NamedTuple):
    """What is asked of a store next: searches, and the payloads of points by id."""

    searches: Sequence[Search]
    ids: Sequence[str] = ()


class Reply(NamedTuple):
    """What the store says: an answer to each search, and the payloads of those points that are there."""

    answers: Answers
    payloads: Mapping[str, Payload]


Steps: TypeAlias = Generator[Step, Reply, Answers]


@dataclass(frozen=True, slots=True)
class Question:
    """What is wanted of each query: the ``limit`` closest points by ``mode``, each document once with ``group``.

    With ``second`` the vectors of another model order the points that the first one finds, inside the engine.
    ``size`` is about how many points the collection has. ``measured`` asks for the similarity of every point, also of
    those that were found by their words alone.
    """

    space: Space
    mode: Mode
    limit: int
    size: int
    condition: Condition | None = None
    group: bool = False
    second: Space | None = None
    measured: bool = False

    def similarity(self, point: Scored) -> float | None:
        """Return the similarity of vectors behind a point's score, None where the words alone count."""
        by_vectors = self.mode == "dense" or self.second is not None
        return point.score if by_vectors else point.similarity

    def steps(self, queries: Sequence[str], vectors: FloatArray | None, seconds: FloatArray | None) -> Steps:
        """Go through what has to be asked; the end is one ranking a query, higher scores closer.

        ``vectors`` (n, dimension) encode the queries, None in mode ``"words"``; ``seconds`` by the second model.
        """
        found = [
            _One(
                self,
                None if self.mode == "dense" else weigh_query(query),
                None if vectors is None or self._says_nothing(vectors[number]) else vectors[number],
                None if seconds is None else seconds[number],
            )
            for number, query in enumerate(queries)
        ]
        limit = self.limit * _WIDER if self.group else self.limit
        again = False
        while True:
            searches = [one.searches(limit) for one in found]
            flat = [search for each in searches for search in each]
            answers = iter((yield Step(flat)).answers if flat else [])  # none where words count, and no query has any
            rankings = [
                one.ranking([next(answers) for _ in each], limit) for one, each in zip(found, searches, strict=True)
            ]
            whole = (yield from self._complete(found, rankings)) if self.bare else rankings
            if not again and sum(map(len, whole)) < sum(map(len, rankings)):
                again = True  # points were deleted meanwhile, or the alias asked by is another collection's since
                continue
            if not self.group:
                return whole
            grouped = [_one_a_document(ranking) for ranking in whole]
            if all(
                len(best) >= self.limit or len(ranking) < limit for best, ranking in zip(grouped, rankings, strict=True)
            ):
                return [best[: self.limit] for best in grouped]
            limit *= _WIDER

    @property
    def bare(self) -> bool:
        """Whether its searches are: to read the payloads of two hundred candidates takes longer than to find them."""
        return self.mode == "hybrid" and self.second is None

    def _says_nothing(self, vector: FloatArray) -> bool:
        """Say whether it has no direction: of emoji alone, say. Every text would be as close, with a cosine of 0."""
        return self.space.encoder.card.similarity == "cosine" and not vector.any()

    def _complete(self, found: Sequence[_One], rankings: Answers) -> Steps:
        """Ask for the payloads of a hybrid search's points, and, ``measured``, for the similarities it left open.

        A point that was deleted since it was found is left out.
        """
        open_ = {
            number: Search(self.space.vector, one.vector, len(left), HasId(left), exact=True, bare=True)
            for number, (one, ranking) in enumerate(zip(found, rankings, strict=True))
            if self.measured
            and one.vector is not None
            and (left := tuple(point.id for point in ranking if point.similarity is None))
        }
        ids = {point.id: None for ranking in rankings for point in ranking}
        if not ids:
            return rankings
        reply = yield Step(list(open_.values()), list(ids))
        cosines = {
            (number, point.id): point.score
            for number, answer in zip(open_, reply.answers, strict=True)
            for point in answer
        }
        return [
            [
                Scored(point.id, point.score, there, cosines.get((number, point.id), point.similarity))
                for point in ranking
                if (there := reply.payloads.get(point.id)) is not None
            ]
            for number, ranking in enumerate(rankings)
        ]


@dataclass(frozen=True, slots=True)
class _One:
    """One query of a question, as the words and vectors it consists of."""

    question: Question
    words: WordVector | None
    vector: FloatArray | None
    second: FloatArray | None

    def searches(self, limit: int) -> list[Search]:
        """Return what to ask for the ``limit`` best."""
        question = self.question
        pool = max(limit, POOL) if question.mode == "hybrid" or question.second else limit
        searches: list[Search] = []
        if self.vector is not None:
            searches.append(_dense(question.space, self.vector, pool, question.condition))
        if self.words is not None and len(self.words):
            searches.append(Search(points.WORDS, self.words, pool, question.condition))
        if question.bare:
            return [replace(search, bare=True) for search in searches]
        if question.second is None or self.second is None or not searches:
            return searches  # none where words were wanted, and the query has none
        return [Search(question.second.vector, self.second, limit, question.condition, first=tuple(searches))]

    def ranking(self, answers: Sequence[Sequence[Scored]], limit: int) -> list[Scored]:
        """Make one ranking of the answers."""
        question = self.question
        if not answers:
            return []
        if question.second is not None:
            return _closer_is_higher(answers[0], question.second.encoder)
        if question.mode == "words":
            return list(answers[0])
        left = iter(answers)
        dense = [] if self.vector is None else _closer_is_higher(next(left), question.space.encoder)
        if question.mode == "dense":
            return dense
        words: Sequence[Scored] = next(left, ())
        terms = 0.0 if self.words is None else self.words.total
        return fuse(dense, words, pool=max(limit, POOL), terms=terms, points=question.size, limit=limit)


def ask(question: Question, queries: Sequence[str], vectors: FloatArray | None = None) -> Answers:
    """Return one ranking a query. ``vectors`` (n, dimension) are theirs, None encodes them.

    Raises ``PointError`` where a query's vector is not finite, or of another width.
    """
    space, second = question.space, question.second
    queries = [as_read(query) for query in queries]
    if vectors is None and question.mode != "words":
        vectors = space.encoder.encode_query(queries)
    _check(space, vectors, queries)
    seconds = None if second is None else second.encoder.encode_query(queries)
    _check(second, seconds, queries)
    steps = question.steps(queries, vectors, seconds)
    try:
        step = next(steps)
        while True:
            answers = space.store.search(space.collection, step.searches) if step.searches else []
            there = space.store.retrieve(space.collection, step.ids) if step.ids else []
            step = steps.send(Reply(answers, {record.id: record.payload for record in there}))
    except StopIteration as end:
        rankings: Answers = end.value
        return rankings


async def aask(question: Question, queries: Sequence[str], vectors: FloatArray | None = None) -> Answers:
    """Answer like ``ask``, without holding up the event loop."""
    space, second = question.space, question.second
    queries = [as_read(query) for query in queries]
    if vectors is None and question.mode != "words":
        vectors = await space.encoder.aencode_query(queries)
    _check(space, vectors, queries)
    seconds = None if second is None else await second.encoder.aencode_query(queries)
    _check(second, seconds, queries)
    steps = question.steps(queries, vectors, seconds)
    try:
        step = next(steps)
        while True:
            answers = await space.store.asearch(space.collection, step.searches) if step.searches else []
            there = await space.store.aretrieve(space.collection, step.ids) if step.ids else []
            step = steps.send(Reply(answers, {record.id: record.payload for record in there}))
    except StopIteration as end:
        rankings: Answers = end.value
        return rankings


def check_mode(space: Space, mode: Mode) -> None:
    """Raise ``StoreError`` where the collection has no words, or where their weight has no scale to go with."""
    if mode != "dense" and not space.has_words:
        message = (
            f"Collection {space.collection!r} was made without words, so there is no mode {mode!r}; "
            "search it with mode='dense', or ingest into a new collection."
        )
        raise StoreError(message)
    card = space.encoder.card
    if mode == "hybrid" and not card.scores_by_cosine:
        message = (
            f"Collection {space.collection!r} compares by {card.similarity!r}, which has no fixed range to weigh words "
            "against; search it with mode='dense' or mode='words'."
        )
        raise StoreError(message)


def _check(space: Space | None, vectors: FloatArray | None, queries: Sequence[str]) -> None:
    if space is not None and vectors is not None:
        points.check_vectors(vectors, queries, space.encoder.dimension)


def _dense(space: Space, vector: FloatArray, limit: int, condition: Condition | None) -> Search:
    """Return the search by vectors: in two stages where their beginnings lie apart, twice as many by small copies."""
    if space.first_stage is not None:
        wider = max(limit * _FIRST, _LEAST)
        first = Search(first_stage_name(space.vector), space.shorten(vector), wider, condition)
        return Search(space.vector, vector, limit, condition, first=(first,))
    return Search(space.vector, vector, limit, condition, oversampling=_OVERSAMPLING if space.quantization else None)


def _one_a_document(ranking: Sequence[Scored]) -> list[Scored]:
    """Keep the best point of each document."""
    best: dict[str, Scored] = {}
    for point in ranking:
        best.setdefault(str(point.payload.get("document_id", point.id)), point)
    return list(best.values())


def _closer_is_higher(found: Sequence[Scored], encoder: Encoder) -> list[Scored]:
    """Turn the sign of the engine's score where it is a distance."""
    if encoder.card.similarity in {"euclidean", "manhattan"}:
        return [replace(point, score=-point.score) for point in found]
    return list(found)
