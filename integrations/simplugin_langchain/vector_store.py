"""A collection as a LangChain vector store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore
from langchain_core.vectorstores.utils import maximal_marginal_relevance

from simplugin.encoders import Encoder
from simplugin.measures import similarity
from simplugin.records import Hit, Stored
from simplugin_langchain.documents import to_document
from simplugin_langchain.embeddings import as_embeddings, encoder_of

if TYPE_CHECKING:
    from simplugin.collection import Mode
    from simplugin.reranking import Reranker
    from simplugin_langchain.record_manager import SimpluginRecordManager
    from simplugin_langchain.retriever import SimpluginRetriever
    from simplugin_qdrant import Collection, Store

__all__ = ["SimpluginVectorStore"]


class SimpluginVectorStore(VectorStore):
    """A collection where LangChain asks for a vector store::

        notes = SimpluginVectorStore(register(open_store("./db"), "notes", "starter"))
        notes = SimpluginVectorStore.from_texts(texts, SimpluginEmbeddings(), store="./db", collection="notes")

    Ids are any strings, and documents come back as they were given. A document without an id gets one that follows
    from its text and metadata, so that adding it again adds nothing; what is there unchanged is not embedded again.

    ``filter`` follows the grammar of ``simplugin_qdrant.filters``, ``{"lang": ["tr", "az"]}``, or is the engine's own.
    ``score_threshold`` is always on one scale, that of relevance: from 0 to 1, the probability that a calibrated
    collection gives, else the cosine, where 0 stands for all below it.
    """

    def __init__(self, collection: Collection) -> None:
        self.collection = collection

    def __repr__(self) -> str:
        return f"SimpluginVectorStore({self.collection!r})"

    @classmethod
    def from_texts(
        cls,
        texts: Iterable[str],
        embedding: Embeddings | Encoder | str,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        store: object = ":memory:",
        collection: str = "langchain",
        **options: Any,
    ) -> Self:
        """Add texts to a collection, which is made where it is not there yet.

        ``embedding`` is any LangChain embeddings, an encoder, or what ``simplugin.load`` takes; a collection that
        another model made refuses it. ``store`` is what ``simplugin_qdrant.open_store`` takes, or an open store, and
        ``options`` are those of ``simplugin_qdrant.register``.
        """
        made = cls.from_existing_collection(collection, embedding, store=store, **options)
        made.add_texts(texts, metadatas, ids=ids)
        return made

    @classmethod
    async def afrom_texts(
        cls,
        texts: list[str],
        embedding: Embeddings | Encoder | str,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        store: object = ":memory:",
        collection: str = "langchain",
        **options: Any,
    ) -> Self:
        """Make like ``from_texts``, without holding up the event loop."""
        made = await asyncio.to_thread(cls.from_existing_collection, collection, embedding, store=store, **options)
        await made.aadd_texts(texts, metadatas, ids=ids)
        return made

    @classmethod
    def from_existing_collection(
        cls,
        collection: str,
        embedding: Embeddings | Encoder | str | None = None,
        *,
        store: object,
        adopt: bool = False,
        **options: Any,
    ) -> Self:
        """Open a collection, or make it; without ``embedding`` with the model that it records.

        ``adopt`` takes over a collection of langchain-qdrant's, where the embeddings made its vectors: see
        ``simplugin_qdrant.register``, whose ``options`` ``vector=`` and ``text_key=`` are then langchain-qdrant's own.
        """
        from simplugin_langchain.locations import open_shared
        from simplugin_qdrant import register

        if adopt:
            options = {"vector": "", "text_key": "page_content"} | options
        model = None if embedding is None else encoder_of(embedding)
        return cls(register(open_shared(store), collection, model, adopt=adopt, **options))

    @property
    def store(self) -> Store:
        """The store that the collection lives in; ``close`` it when a folder is to be opened elsewhere."""
        return self.collection.store

    @property
    def embeddings(self) -> Embeddings:
        """The collection's model, as embeddings."""
        return as_embeddings(self.collection.encoder)

    @property
    def record_manager(self) -> SimpluginRecordManager:
        """What ``langchain_core.indexing.index`` may ask which documents are there: the collection itself."""
        from simplugin_langchain.record_manager import SimpluginRecordManager

        return SimpluginRecordManager(self.collection)

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: Iterable[Mapping[str, Any]] | None = None,
        *,
        ids: Iterable[str | None] | None = None,
        batch_size: int | None = None,
        **unknown: Any,
    ) -> list[str]:
        """Store texts, and return their ids in order; an id that is there already is replaced.

        ``batch_size`` is a hint that is not needed: texts are encoded in batches of about equal length.

        Raises ``ValueError``, before anything is written, for ids or metadata of another number than the texts.
        """
        _refuse(unknown)
        rows = _rows(texts, metadatas, ids)
        return self.collection.add(rows[0], ids=rows[2], metadata=rows[1], keep_blank=True)

    async def aadd_texts(
        self,
        texts: Iterable[str],
        metadatas: Iterable[Mapping[str, Any]] | None = None,
        *,
        ids: Iterable[str | None] | None = None,
        batch_size: int | None = None,
        **unknown: Any,
    ) -> list[str]:
        """Store like ``add_texts``, without holding up the event loop."""
        _refuse(unknown)
        rows = _rows(texts, metadatas, ids)
        return await self.collection.aadd(rows[0], ids=rows[2], metadata=rows[1], keep_blank=True)

    def add_documents(self, documents: Iterable[Document], **kwargs: Any) -> list[str]:
        """Store documents under their ids; see ``add_texts``. ``ids`` takes the place of their own."""
        texts, metadatas, ids = _of_documents(documents)
        return self.add_texts(texts, metadatas, **dict[str, Any](ids=ids) | kwargs)

    async def aadd_documents(self, documents: Iterable[Document], **kwargs: Any) -> list[str]:
        """Store like ``add_documents``, without holding up the event loop."""
        texts, metadatas, ids = _of_documents(documents)
        return await self.aadd_texts(texts, metadatas, **dict[str, Any](ids=ids) | kwargs)

    def delete(self, ids: Sequence[str] | None = None, **unknown: Any) -> bool:
        """Delete documents by their ids, missing ones without a word; None deletes all, as the interface has it."""
        _refuse(unknown)
        if ids is None:
            self.collection.clear()
        else:
            self.collection.delete(ids)
        return True

    async def adelete(self, ids: Sequence[str] | None = None, **unknown: Any) -> bool:
        """Delete like ``delete``, without holding up the event loop."""
        _refuse(unknown)
        return await asyncio.to_thread(self.delete, ids)

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return the documents of these ids, in their order; ids that are not there are left out.

        The id of an ingested document brings all its chunks.
        """
        return [to_document(each) for each in self.collection.get(ids)]

    async def aget_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return like ``get_by_ids``, without holding up the event loop."""
        return [to_document(each) for each in await self.collection.aget(ids)]

    def similarity_search_with_score(
        self,
        query: str,
        k: int = 4,
        filter: object = None,  # noqa: A002  # LangChain's word
        *,
        mode: Mode | None = None,
        group: bool = False,
        rerank: Reranker | str | None = None,
        **unknown: Any,
    ) -> list[tuple[Document, float]]:
        """Return the ``k`` documents that answer best, with their scores: the engine's own, higher is closer.

        ``mode``, ``group`` and ``rerank`` are those of ``Collection.search``.
        """
        _refuse(unknown)
        if k < 1:
            return []
        return _scored(self.collection.search(query, limit=k, filter=filter, mode=mode, group=group, rerank=rerank))

    async def asimilarity_search_with_score(
        self,
        query: str,
        k: int = 4,
        filter: object = None,  # noqa: A002
        *,
        mode: Mode | None = None,
        group: bool = False,
        rerank: Reranker | str | None = None,
        **unknown: Any,
    ) -> list[tuple[Document, float]]:
        """Return like ``similarity_search_with_score``; concurrent queries are encoded together."""
        _refuse(unknown)
        if k < 1:
            return []
        return _scored(
            await self.collection.asearch(query, limit=k, filter=filter, mode=mode, group=group, rerank=rerank)
        )

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
        return [document for document, _ in found]

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
        return [document for document, _ in found]

    def similarity_search_by_vector(
        self,
        embedding: Sequence[float],
        k: int = 4,
        filter: object = None,  # noqa: A002
        **unknown: Any,
    ) -> list[Document]:
        """Return the ``k`` documents whose vectors are closest to this one."""
        _refuse(unknown)
        if k < 1:
            return []
        return [to_document(hit) for hit in self.collection.search_vector(embedding, limit=k, filter=filter)]

    async def asimilarity_search_by_vector(
        self,
        embedding: Sequence[float],
        k: int = 4,
        filter: object = None,  # noqa: A002
        **unknown: Any,
    ) -> list[Document]:
        """Return like ``similarity_search_by_vector``, without holding up the event loop."""
        _refuse(unknown)
        if k < 1:
            return []
        return [to_document(hit) for hit in await self.collection.asearch_vector(embedding, limit=k, filter=filter)]

    def similarity_search_with_relevance_scores(
        self,
        query: str,
        k: int = 4,
        *,
        score_threshold: float | None = None,
        filter: object = None,  # noqa: A002
        group: bool = False,
        **unknown: Any,
    ) -> list[tuple[Document, float]]:
        """Return the ``k`` closest documents, with their relevance in [0, 1]; see the class for its scale.

        Without a calibration they are searched by their vectors alone: words have no place on the scale of a cosine.
        """
        _refuse(unknown)
        if k < 1:
            return []
        hits = self.collection.search(query, limit=k, filter=filter, mode="dense", group=group)
        return _at_least(score_threshold, self._relevance(query, hits))

    async def asimilarity_search_with_relevance_scores(
        self,
        query: str,
        k: int = 4,
        *,
        score_threshold: float | None = None,
        filter: object = None,  # noqa: A002
        group: bool = False,
        **unknown: Any,
    ) -> list[tuple[Document, float]]:
        """Return like ``similarity_search_with_relevance_scores``; concurrent queries are encoded together."""
        _refuse(unknown)
        if k < 1:
            return []
        hits = await self.collection.asearch(query, limit=k, filter=filter, mode="dense", group=group)
        if _is_cosine(self.collection.encoder):
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
        _refuse(unknown)
        vector = self.collection.encoder.encode_query([query])[0]
        return self.max_marginal_relevance_search_by_vector(vector.tolist(), k, fetch_k, lambda_mult, filter)

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
        _refuse(unknown)
        vector = (await self.collection.encoder.aencode_query([query]))[0]
        return await self.amax_marginal_relevance_search_by_vector(vector.tolist(), k, fetch_k, lambda_mult, filter)

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
        _refuse(unknown)
        if k < 1:
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
        _refuse(unknown)
        if k < 1:
            return []
        hits = await self.collection.asearch_vector(embedding, limit=max(k, fetch_k), filter=filter)
        return _diverse(embedding, await asyncio.to_thread(self._stored, hits), k, lambda_mult)

    def as_retriever(self, **kwargs: Any) -> SimpluginRetriever:
        """Return a retriever; its fields may be given here, or in ``search_kwargs``, as LangChain has it."""
        from simplugin_langchain.retriever import SimpluginRetriever

        return SimpluginRetriever(vectorstore=self, **kwargs)

    def close(self) -> None:
        """Close the store that the collection lives in, for everyone who uses it."""
        self.collection.store.close()

    def _stored(self, hits: Sequence[Hit]) -> list[Stored]:
        """Return what hits stand for, with the vectors, in order."""
        vector = self.collection.vector_of(self.collection.encoder)
        return self.collection.get([hit.id for hit in hits], vector=vector)

    def _relevance(self, query: str, hits: Sequence[Hit]) -> list[tuple[Document, float]]:
        encoder = self.collection.encoder
        if _is_cosine(encoder) or all(hit.probability is not None for hit in hits):
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


def _refuse(unknown: Mapping[str, Any]) -> None:
    """Raise ``TypeError`` for arguments that LangChain lets through: a misspelt filter would find everything."""
    if unknown:
        message = f"There is no argument {next(iter(unknown))!r} here."
        raise TypeError(message)


def _rows(
    texts: Iterable[str], metadatas: Iterable[Mapping[str, Any]] | None, ids: Iterable[str | None] | None
) -> tuple[Iterable[str], list[Mapping[str, Any]] | None, list[str | None] | None]:
    """Return texts, metadata and ids of equal number; the texts alone go on as they come."""
    if isinstance(texts, str):
        message = f"Expected texts, got the single text {texts[:40]!r}: write [text]."
        raise TypeError(message)
    if metadatas is None and ids is None:
        return texts, None, None
    listed = list(texts)
    given = None if metadatas is None else [each or {} for each in metadatas]
    named = None if ids is None else list(ids)
    for others, word in ((given, "metadatas"), (named, "ids")):
        if others is not None and len(others) != len(listed):
            message = f"There are {len(listed)} texts and {len(others)} {word}; nothing was written."
            raise ValueError(message)
    return listed, given, named


def _of_documents(documents: Iterable[Document]) -> tuple[list[str], list[dict[str, Any]], list[str | None]]:
    listed = list(documents)
    return (
        [each.page_content for each in listed],
        [each.metadata for each in listed],
        [each.id for each in listed],
    )


def _scored(hits: Sequence[Hit]) -> list[tuple[Document, float]]:
    return [(to_document(hit), hit.score) for hit in hits]


def _at_least(threshold: float | None, found: list[tuple[Document, float]]) -> list[tuple[Document, float]]:
    return [pair for pair in found if threshold is None or pair[1] >= threshold]


def _diverse(embedding: Sequence[float], stored: Sequence[Stored], k: int, lambda_mult: float) -> list[Document]:
    with_vectors = [each for each in stored if each.vector is not None]
    vectors = [cast("Any", each.vector) for each in with_vectors]
    if not vectors:
        return []
    chosen = maximal_marginal_relevance(np.asarray(embedding, dtype=np.float32), vectors, lambda_mult, k)
    return [to_document(with_vectors[place]) for place in chosen]


def _is_cosine(encoder: Encoder) -> bool:
    """Say whether the engine's score is the cosine."""
    card = encoder.card
    return card.similarity == "cosine" or (card.similarity == "dot" and bool(card.normalize))


def _clamp(score: float) -> float:
    return min(1.0, max(0.0, score))
