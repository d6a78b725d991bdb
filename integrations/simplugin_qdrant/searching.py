"""A question to the points that answer it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from simplugin.collection import Mode
from simplugin.encoders import Encoder
from simplugin.errors import StoreError
from simplugin.records import Hit
from simplugin.words import weigh_query
from simplugin_qdrant import points
from simplugin_qdrant.filters import Condition
from simplugin_qdrant.fusion import POOL, fuse
from simplugin_qdrant.stores.protocol import Scored, Search, Store

__all__ = ["Space", "check_mode", "find", "one_a_document"]

_WIDER = 4  # times as many points are fetched where several may be of one document, and again if that was not enough


@dataclass(frozen=True, slots=True)
class Space:
    """Where to search: a collection of a store, the vectors of one model in it, and whether words lie beside them."""

    store: Store
    collection: str
    vector: str
    encoder: Encoder
    has_words: bool


def find(space: Space, query: str, *, mode: Mode, limit: int, condition: Condition | None) -> list[Scored]:
    """Return the ``limit`` points closest to the query, closest first; a higher score is closer.

    Raises ``StoreError`` for a mode that the collection has not.
    """
    check_mode(space, mode)
    asked = weigh_query(query) if mode != "dense" else None
    pool = max(limit, POOL) if mode == "hybrid" else limit
    searches: list[Search] = []
    if mode != "words":
        vector = space.encoder.encode_query([query])
        points.check_vectors(vector, [query], space.encoder.dimension)
        searches.append(Search(space.vector, vector[0], pool, condition))
    if asked is not None and len(asked):
        searches.append(Search(points.WORDS, asked, pool, condition))
    if not searches:
        return []  # words were wanted, and the query has none
    answers = space.store.search(space.collection, searches)
    if mode == "words":
        return answers[0]
    dense = _closer_is_higher(answers[0], space)
    if mode == "dense":
        return dense
    words = answers[1] if len(answers) > 1 else []
    terms = 0 if asked is None else len(asked)
    return fuse(dense, words, pool=pool, terms=terms, points=space.store.size(space.collection), limit=limit)


def check_mode(space: Space, mode: Mode) -> None:
    """Raise ``StoreError`` where the collection has no words, or where their weight has no scale to go with."""
    if mode != "dense" and not space.has_words:
        message = (
            f"Collection {space.collection!r} was made without words, so there is no mode {mode!r}; "
            "search it with mode='dense', or ingest into a new collection."
        )
        raise StoreError(message)
    card = space.encoder.card
    if mode == "hybrid" and not (card.similarity == "cosine" or (card.similarity == "dot" and card.normalize)):
        message = (
            f"Collection {space.collection!r} compares by {card.similarity!r}, which has no fixed range to weigh words "
            "against; search it with mode='dense' or mode='words'."
        )
        raise StoreError(message)


def one_a_document(fetch: Callable[[int], Sequence[Hit]], limit: int) -> list[Hit]:
    """Return the best hit of each of ``limit`` documents; ``fetch(n)`` gives the n best hits, in order."""
    wanted = limit * _WIDER
    while True:
        hits = fetch(wanted)
        best: dict[str, Hit] = {}
        for hit in hits:
            best.setdefault(hit.document_id, hit)
        if len(best) >= limit or len(hits) < wanted:
            return list(best.values())[:limit]
        wanted *= _WIDER


def _closer_is_higher(found: Sequence[Scored], space: Space) -> list[Scored]:
    """Turn the sign of the engine's score where it is a distance."""
    if space.encoder.card.similarity in {"euclidean", "manhattan"}:
        return [replace(point, score=-point.score) for point in found]
    return list(found)
