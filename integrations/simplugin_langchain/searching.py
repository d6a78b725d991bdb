"""How a collection is searched where LangChain asks a vector store."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore
from langchain_core.vectorstores.utils import maximal_marginal_relevance

from simplugin.measures import similarity
from simplugin.records import Hit, Stored
from simplugin_langchain.documents import Retrieved, to_document
from simplugin_langchain.embeddings import as_embeddings

if TYPE_CHECKING:
    from simplugin.collection import Mode
    from simplugin.reranking import Reranker
    from simplugin_qdrant import Collection

__all__ = ["Searching", "refuse"]


class Searching(VectorStore):
    """A vector store that answers."""

    def __init__(self, collection: Collection) -> None:
        if not callable(getattr(collection, "search_vector", None)):
            message = (
                f"collection is a {type(collection).__name__}; give one that simplugin_qdrant.register made, or call "
                f"{type(self).__name__}.from_existing_collection(name, embedding, store=…)."
            )
            raise TypeError(message)
        self.collection = collection

    @property
    def embeddings(self) -> Embeddings:
        """The collection's model, as embeddings."""
        return as_embeddings(self.collection.encoder)

    def similarity_search_with_score(
        self,
        query: str,
        k: int = 4,
        filter: object = None,  # noqa: A002  # LangChain's word
        *,
        mode: Mode | None = None,
        group: bool = False,
        rerank: Reranker | str | None = None,
        language: str | None = None,
        **unknown: Any,
    ) -> list[tuple[Document, float]]:
        """Return the ``k`` documents that answer best, with their scores: the engine's own, higher is closer.

        ``mode``, ``group``, ``rerank`` and ``language`` are those of ``Collection.search``.
        """
        refuse(unknown)
        if _is_none(k):
            return []
        chosen = {"mode": mode, "group": group, "rerank": rerank, "language": language}
        return _scored(self.collection.search(query, limit=k, filter=filter, **cast("Any", chosen)))

    async def asimilarity_search_with_score(
        self,
        query: str,
        k: int = 4,
        filter: object = None,  # noqa: A002
        *,
        mode: Mode | None = None,
        group: bool = False,
        rerank: Reranker | str | None = None,
        language: str | None = None,
        **unknown: Any,
    ) -> list[tuple[Document, float]]:
        """Return like ``similarity_search_with_score``; concurrent queries are encoded together."""
        refuse(unknown)
        if _is_none(k):
            return []
        chosen = {"mode": mode, "group": group, "rerank": rerank, "language": language}
        return _scored(await self.collection.asearch(query, limit=k, filter=filter, **cast("Any", chosen)))

    def similarity_search(
        self,
        query: str,
        k: int = 4,
        filter: object = None,  # noqa: A002
        *,
        score_threshold: float | None = None,
        **options: Any,
    ) -> list[Document]:
        """Return the ``k`` documents that answer best; with ``score_threshold`` those of at least this relevance.

        ``options`` are those of ``similarity_search_with_score``.
        """
        if score_threshold is None:
            found = self.similarity_search_with_score(query, k, filter, **options)
        else:
            found = self.similarity_search_with_relevance_scores(
                query, k, filter=filter, score_threshold=score_threshold, **options
            )
        return Retrieved((document for document, _ in found), query, self.collection)

    async def asimilarity_search(
        self,
        query: str,
        k: int = 4,
        filter: object = None,  # noqa: A002
        *,
        score_threshold: float | None = None,
        **options: Any,
    ) -> list[Document]:
        """Return like ``similarity_search``; concurrent queries are encoded together."""
        if score_threshold is None:
            found = await self.asimilarity_search_with_score(query, k, filter, **options)
        else:
            found = await self.asimilarity_search_with_relevance_scores(
                query, k, filter=filter, score_threshold=score_threshold, **options
            )
        return Retrieved((document for document, _ in found), query, self.collection)

    def similarity_search_with_score_by_vector(
        self,
        embedding: Sequence[float],
        k: int = 4,
        filter: object = None,  # noqa: A002
        **unknown: Any,
    ) -> list[tuple[Document, float]]:
        """Return the ``k`` documents whose vectors are closest to this one, with their scores."""
        refuse(unknown)
        if _is_none(k):
            return []
        return _scored(self.collection.search_vector(embedding, limit=k, filter=filter))

    async def asimilarity_search_with_score_by_vector(
        self,
        embedding: Sequence[float],
        k: int = 4,
        filter: object = None,  # noqa: A002
        **unknown: Any,
    ) -> list[tuple[Document, float]]:
        """Return like ``similarity_search_with_score_by_vector``, without holding up the event loop."""
        refuse(unknown)
        if _is_none(k):
            return []
        return _scored(await self.collection.asearch_vector(embedding, limit=k, filter=filter))

    def similarity_search_by_vector(
        self,
        embedding: Sequence[float],
        k: int = 4,
        filter: object = None,  # noqa: A002
        **unknown: Any,
    ) -> list[Document]:
        """Return the ``k`` documents whose vectors are closest to this one."""
        found = self.similarity_search_with_score_by_vector(embedding, k, filter, **unknown)
        return [document for document, _ in found]

    async def asimilarity_search_by_vector(
        self,
        embedding: Sequence[float],
        k: int = 4,
        filter: object = None,  # noqa: A002
        **unknown: Any,
    ) -> list[Document]:
        """Return like ``similarity_search_by_vector``, without holding up the event loop."""
        found = await self.asimilarity_search_with_score_by_vector(embedding, k, filter, **unknown)
        return [document for document, _ in found]

    def similarity_search_with_relevance_scores(
        self,
        query: str,
        k: int = 4,
        *,
        score_threshold: float | None = None,
        filter: object = None,  # noqa: A002
        group: bool = False,
        language: str | None = None,
        **unknown: Any,
    ) -> list[tuple[Document, float]]:
        """Return the ``k`` closest documents, with their relevance in [0, 1]; see the class for its scale.

        They are searched by their vectors alone: words and rerankers have no place on that scale. Raises
        ``ValueError`` for a ``score_threshold`` outside it.
        """
        _check_relevance(score_threshold, unknown)
        if _is_none(k):
            return []
        hits = self.collection.search(query, limit=k, filter=filter, mode="dense", group=group, language=language)
        return _at_least(score_threshold, self._relevance(query, hits))

    async def asimilarity_search_with_relevance_scores(
        self,
        query: str,
        k: int = 4,
        *,
        score_threshold: float | None = None,
        filter: object = None,  # noqa: A002
        group: bool = False,
        language: str | None = None,
        **unknown: Any,
    ) -> list[tuple[Document, float]]:
        """Return like ``similarity_search_with_relevance_scores``; concurrent queries are encoded together."""
        _check_relevance(score_threshold, unknown)
        if _is_none(k):
            return []
        hits = await self.collection.asearch(
            query, limit=k, filter=filter, mode="dense", group=group, language=language
        )
        if self.collection.encoder.card.scores_by_cosine:
            return _at_least(score_threshold, self._relevance(query, hits))
        return _at_least(score_threshold, await asyncio.to_thread(self._relevance, query, hits))

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: object = None,  # noqa: A002
        **unknown: Any,
    ) -> list[Document]:
        """Return ``k`` of the ``fetch_k`` closest documents, chosen to differ from each other.

        ``lambda_mult`` goes from 0, as different as can be, to 1, as close to the query as can be.
        """
        refuse(unknown)
        vector = self.collection.query_vector(query).tolist()
        return self.max_marginal_relevance_search_by_vector(vector, k, fetch_k, lambda_mult, filter)

    async def amax_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: object = None,  # noqa: A002
        **unknown: Any,
    ) -> list[Document]:
        """Return like ``max_marginal_relevance_search``; concurrent queries are encoded together."""
        refuse(unknown)
        vector = (await self.collection.aquery_vector(query)).tolist()
        return await self.amax_marginal_relevance_search_by_vector(vector, k, fetch_k, lambda_mult, filter)

    def max_marginal_relevance_search_by_vector(
        self,
        embedding: Sequence[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: object = None,  # noqa: A002
        **unknown: Any,
    ) -> list[Document]:
        """Choose like ``max_marginal_relevance_search``, for a vector."""
        refuse(unknown)
        _check_share("lambda_mult", lambda_mult)
        if _is_none(k):
            return []
        hits = self.collection.search_vector(embedding, limit=max(k, fetch_k), filter=filter)
        return _diverse(embedding, self._stored(hits), k, lambda_mult)

    async def amax_marginal_relevance_search_by_vector(
        self,
        embedding: Sequence[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: object = None,  # noqa: A002
        **unknown: Any,
    ) -> list[Document]:
        """Choose like ``max_marginal_relevance_search_by_vector``, without holding up the event loop."""
        refuse(unknown)
        _check_share("lambda_mult", lambda_mult)
        if _is_none(k):
            return []
        hits = await self.collection.asearch_vector(embedding, limit=max(k, fetch_k), filter=filter)
        return _diverse(embedding, await asyncio.to_thread(self._stored, hits), k, lambda_mult)

    def _stored(self, hits: Sequence[Hit]) -> list[Stored]:
        """Return what hits stand for, with the vectors, in order."""
        vector = self.collection.vector_of(self.collection.encoder)
        return self.collection.get([hit.id for hit in hits], vector=vector)

    def _relevance(self, query: str, hits: Sequence[Hit]) -> list[tuple[Document, float]]:
        encoder = self.collection.encoder
        if encoder.card.scores_by_cosine or all(hit.probability is not None for hit in hits):
            return [
                (to_document(hit), _clamp(hit.score if hit.probability is None else hit.probability)) for hit in hits
            ]
        stored = [each for each in self._stored(hits) if each.vector is not None]
        vectors = np.stack([cast("Any", each.vector) for each in stored])
        cosines: list[float] = similarity(encoder.encode_query([query]), vectors)[0].tolist()
        found = [(to_document(each), _clamp(cosine)) for each, cosine in zip(stored, cosines, strict=True)]
        return sorted(found, key=lambda pair: -pair[1])

    def _select_relevance_score_fn(self) -> Any:
        return _clamp


def refuse(unknown: Mapping[str, Any]) -> None:
    """Raise ``TypeError`` for arguments that LangChain lets through: a misspelt filter would find everything."""
    if unknown:
        message = f"There is no argument {next(iter(unknown))!r} here, so it would have had no effect."
        raise TypeError(message)


def _check_relevance(threshold: float | None, others: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` for what has no place on the scale of relevance."""
    if threshold is not None:
        _check_share("score_threshold", threshold)
    unknown = dict(others)
    mode, rerank = unknown.pop("mode", None), unknown.pop("rerank", None)
    if rerank is not None or mode not in {None, "dense"}:
        message = f"{'mode' if rerank is None else 'rerank'} does not go with relevance, which compares vectors alone."
        raise ValueError(message)
    refuse(unknown)


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        message = f"{name} is {value}; it must be from 0 to 1."
        raise ValueError(message)


def _scored(hits: Sequence[Hit]) -> list[tuple[Document, float]]:
    return [(to_document(hit), hit.score) for hit in hits]


def _at_least(threshold: float | None, found: list[tuple[Document, float]]) -> list[tuple[Document, float]]:
    return [pair for pair in found if threshold is None or pair[1] >= threshold]


def _diverse(embedding: Sequence[float], stored: Sequence[Stored], k: int, lambda_mult: float) -> list[Document]:
    # A blank text has nothing in common with any other, so that it would be chosen before all that are.
    with_vectors = [each for each in stored if each.vector is not None and each.vector.any()]
    vectors = [cast("Any", each.vector) for each in with_vectors]
    if not vectors:
        return []
    chosen = maximal_marginal_relevance(np.asarray(embedding, dtype=np.float32), vectors, lambda_mult, k)
    return [to_document(with_vectors[place]) for place in chosen]


def _clamp(score: float) -> float:
    return min(1.0, max(0.0, score))


def _is_none(k: int) -> bool:
    """Say whether no documents are wanted. Raises ``TypeError`` for what is no number of them."""
    if not isinstance(cast("object", k), Integral):  # callers may be untyped, and have numpy's numbers
        message = f"k is {k!r}; give a whole number of documents."
        raise TypeError(message)
    return k < 1
