"""The stages of a search that need a store: an index, small copies of vectors, a user's own collection."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias, get_args

from simplugin.collection import Mode
from simplugin.encoders import Encoder
from simplugin.errors import DataError
from simplugin.evaluation.datasets.retrieval import RetrievalSet
from simplugin.evaluation.runs import holds
from simplugin.evaluation.scoring import scores_of_pairs
from simplugin.evaluation.stages import PairScores, Search, Searches, Stage, reranked
from simplugin.reranking import Reranker
from simplugin_qdrant.collection import Collection
from simplugin_qdrant.registering import register
from simplugin_qdrant.routed import RoutedCollection
from simplugin_qdrant.stores.protocol import Quantization, Store

__all__ = ["StoredStage", "collection_searches", "stage_searches"]

StoredStage: TypeAlias = Literal["index", "quantized"]

_BATCH = 256  # documents looked up at a time
_NEAREST = 3  # texts among which a document is sought by its own
_LEAST = 0.5  # share of the documents that a collection must have
_LETTERS = 2000  # of a document that is sought; models read no more


def stage_searches(
    store: Store,
    stages: Sequence[StoredStage] = get_args(StoredStage),
    *,
    mode: Mode = "dense",
    reranker: Reranker | None = None,
) -> Searches:
    """Return what an evaluation searches in a store: collections that are made for it, and taken away after it.

    ``index`` is a collection as ``register`` makes it, ``quantized`` one with int8 copies of its vectors, ``mode`` what
    they compare. A ``reranker`` orders the hits of the last one.
    """

    def searches(encoder: Encoder, asked: RetrievalSet) -> Iterator[Stage]:
        last: Stage | None = None
        made: list[str] = []
        try:
            for stage in stages:
                made.append(name := f"simplugin-judged-{uuid.uuid4().hex}")
                quantization: Quantization | None = "int8" if stage == "quantized" else None
                docs = register(store, name, encoder, mode=mode, quantization=quantization)
                docs.add(asked.documents.values(), ids=asked.documents, keep_blank=True)
                docs.optimize()
                last = Stage(stage, _search(docs, mode), _pair_scores(docs, mode), mode=mode)
                yield last
            if reranker is not None and last is not None:
                yield reranked(last, reranker)
        finally:
            for name in set(made) & set(store.names()):
                store.drop(name)

    return searches


def collection_searches(docs: Collection, *, mode: Mode | None = None, reranker: Reranker | None = None) -> Searches:
    """Return what an evaluation searches in a collection that is there, which stays as it is.

    Its hits are taken for documents of the data by their ids, where those are the file's own, by their texts, or as a
    piece of a document that was judged. Raises ``DataError``, once it is asked, where more than half of the judged
    documents are not there.
    """
    compared = docs.mode if mode is None else mode

    def searches(encoder: Encoder, asked: RetrievalSet) -> Iterator[Stage]:
        del encoder  # the collection has its own
        judged = list(dict.fromkeys(each for labels in asked.judgements.values() for each in labels))
        missing = _missing(docs, asked, judged)
        if len(missing) > (1 - _LEAST) * len(judged):
            message = (
                f"Of the {len(judged)} documents that {asked.name!r} has labels for, {len(missing)} are not in "
                f"collection {docs.name!r}, such as {asked.documents[missing[0]][:60]!r}; ingest them first, or judge "
                "by data about what is there."
            )
            raise DataError(message)
        found = Stage(
            "index",
            _search(docs, compared),
            _pair_scores(docs, compared),
            foreign=True,
            documents=docs.count_documents(),
            missing=len(missing),
            mode=compared,
        )
        yield found
        if reranker is not None:
            yield reranked(found, reranker)

    return searches


def _search(docs: Collection, mode: Mode) -> Search:
    return lambda queries, limit: docs.search_many(list(queries), limit=limit, mode=mode, group=True)


def _pair_scores(docs: Collection, mode: Mode) -> PairScores | None:
    """Return the scores of pairs where they are those of vectors alone; words weigh by what else is there."""
    if mode != "dense" or isinstance(docs, RoutedCollection):
        return None
    return lambda left, right: scores_of_pairs(docs.encoder, left, right)


def _missing(docs: Collection, asked: RetrievalSet, judged: Sequence[str]) -> list[str]:
    """Return the documents that are not there, under their ids nor with their texts."""
    there: set[str] = set()
    if asked.named:
        for start in range(0, len(judged), _BATCH):
            there |= {stored.document_id for stored in docs.get(judged[start : start + _BATCH])}
    unknown = {id_: asked.documents[id_].strip()[:_LETTERS] for id_ in judged if id_ not in there}
    missing = [id_ for id_, beginning in unknown.items() if not beginning]
    sought = [id_ for id_, beginning in unknown.items() if beginning]
    for start in range(0, len(sought), _BATCH):
        batch = sought[start : start + _BATCH]
        nearest = docs.search_many([unknown[id_] for id_ in batch], limit=_NEAREST)
        missing += [
            id_
            for id_, hits in zip(batch, nearest, strict=True)
            if not any(holds(asked.documents[id_], hit.text) for hit in hits)
        ]
    return missing
