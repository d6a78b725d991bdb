"""A second, closer look at retrieved documents."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
from langchain_core.callbacks import Callbacks
from langchain_core.documents import Document
from langchain_core.documents.compressor import BaseDocumentCompressor
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import RetrieverLike
from langchain_core.runnables import RunnableConfig, RunnableSerializable
from langchain_core.vectorstores import VectorStore
from pydantic import ConfigDict, Field, PrivateAttr, field_validator

from simplugin.encoders import Encoder
from simplugin.measures import FloatArray, similarity
from simplugin.records import Hit
from simplugin.reranking import Reranker, SimilarityReranker, open_reranker
from simplugin.texts import as_read
from simplugin_langchain.documents import Retrieved
from simplugin_langchain.embeddings import encoder_of

if TYPE_CHECKING:
    from simplugin_langchain.reranking_retriever import RerankingRetriever
    from simplugin_qdrant import Collection

__all__ = ["SimpluginReranker"]

_Scored: TypeAlias = list[tuple[Document, float]]


class SimpluginReranker(BaseDocumentCompressor, RunnableSerializable[Any, list[Document]]):
    """Orders documents by how well they answer a query, under a similarity model or a pair model::

        retriever | SimpluginReranker("bge-m3-ml-tr", top_n=3)         # after a SimpluginRetriever
        SimpluginReranker("az-mbert-pair").wrap(any_retriever)         # after any other
        {"query": RunnablePassthrough(), "documents": retriever} | reranker  # in any chain

    Documents come back as copies, with the score in their metadata; ids and all else stay.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    model: Any = "starter"
    """A model's name, an encoder, LangChain embeddings, or a reranker of simplugin."""

    top_n: int | None = Field(default=None, ge=1)
    """How many documents come back; None is all."""

    score_threshold: float | None = None
    """The score that a document must have, on the model's own scale; a pair model's is [0, 1]."""

    score_key: str | None = "relevance_score"
    """Under which key of the metadata the score is written; None writes none."""

    stored: Any = None
    """A collection or a SimpluginVectorStore whose vectors are used, where this model made them of the same text.

    Documents of a ``SimpluginRetriever`` bring their own. A chunk that was embedded under its headings is compared
    as it was embedded.
    """

    def __init__(self, model: Any = "starter", **fields: Any) -> None:
        """Rank by a model; the other fields are given by their names."""
        super().__init__(**{"model": model, **fields})

    _ranker: Reranker = PrivateAttr()
    _encoder: Encoder | None = PrivateAttr(default=None)  # where ranking is comparing vectors, which may be stored

    @field_validator("stored")
    @classmethod
    def _as_collection(cls, value: Any) -> Any:
        collection = getattr(value, "collection", value)
        if collection is None or hasattr(collection, "vector_of"):
            return collection
        message = f"stored is a {type(value).__name__}; give a collection of simplugin_qdrant or a SimpluginVectorStore"
        raise ValueError(message)

    def model_post_init(self, context: Any, /) -> None:
        """Open the model. Raises what ``simplugin.load`` raises."""
        super().model_post_init(context)
        self._ranker = _open(self.model)
        if type(self._ranker) is SimilarityReranker:  # a subclass may rank in its own way
            self._encoder = self._ranker.encoder

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Return copies of the documents, best first."""
        return self.invoke({"query": query, "documents": documents}, RunnableConfig(callbacks=callbacks))

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Return like ``compress_documents``; concurrent queries are encoded together."""
        return await self.ainvoke({"query": query, "documents": documents}, RunnableConfig(callbacks=callbacks))

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> list[Document]:  # noqa: A002
        """Rerank ``{"query": …, "documents": …}``."""
        return self._call_with_config(self._rerank, input, config, **kwargs)

    async def ainvoke(
        self,
        input: Any,  # noqa: A002
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """Rerank ``{"query": …, "documents": …}``, without holding up the event loop."""
        return await self._acall_with_config(self._arerank, input, config, **kwargs)

    def wrap(self, retriever: RetrieverLike | VectorStore, *, k: int | None = None) -> RerankingRetriever:
        """Return a retriever that retrieves by another one, and reranks; ``k`` documents come back."""
        from simplugin_langchain.reranking_retriever import RerankingRetriever

        first = retriever.as_retriever() if isinstance(retriever, VectorStore) else retriever
        return RerankingRetriever(retriever=first, reranker=self, k=k)

    def _rerank(self, given: Any) -> list[Document]:
        query, documents = _read(given)
        if not documents:
            return []
        if self._encoder is not None:
            row = self._encoder.encode_query([as_read(query)])
            return self._best(documents, self._compared(self._encoder, row, documents))
        return self._best(documents, _judged(documents, self._ranker.rerank(query, _texts(documents))))

    async def _arerank(self, given: Any) -> list[Document]:
        query, documents = _read(given)
        if not documents:
            return []
        if self._encoder is not None:
            row = await self._encoder.aencode_query([as_read(query)])
            return self._best(documents, await asyncio.to_thread(self._compared, self._encoder, row, documents))
        waiting = getattr(self._ranker, "arerank", None)  # a server's
        if waiting is not None:
            return self._best(documents, _judged(documents, await waiting(query, _texts(documents))))
        hits = await asyncio.to_thread(self._ranker.rerank, query, _texts(documents))
        return self._best(documents, _judged(documents, hits))

    def _best(self, given: Sequence[Document], scored: _Scored) -> list[Document]:
        best = sorted(scored, key=lambda pair: -pair[1])  # equal ones keep their order
        if self.score_threshold is not None:
            best = [pair for pair in best if pair[1] >= self.score_threshold]
        copies = [self._copy(document, score) for document, score in best[: self.top_n]]
        return Retrieved(copies, given.query, given.collection) if isinstance(given, Retrieved) else copies

    def _copy(self, document: Document, score: float) -> Document:
        said = {} if self.score_key is None else {self.score_key: score}
        return document.model_copy(update={"metadata": deepcopy(document.metadata) | said})

    def _compared(self, encoder: Encoder, row: FloatArray, documents: Sequence[Document]) -> _Scored:
        """Compare the query's vector (1, dimension) with the documents."""
        known = self._stored_vectors(encoder, documents)
        new = list(dict.fromkeys(each.page_content for each in documents if _key(each) not in known))
        encoded = dict(zip(new, encoder.encode_document([as_read(text) for text in new]), strict=True))
        vectors = np.stack(
            [known[_key(each)] if _key(each) in known else encoded[each.page_content] for each in documents]
        )
        scores: list[float] = similarity(row, vectors, encoder.card.similarity)[0].tolist()
        return list(zip(documents, scores, strict=True))

    def _stored_vectors(
        self, encoder: Encoder, documents: Sequence[Document]
    ) -> dict[tuple[str | None, str], FloatArray]:
        """Look up the vectors (dimension,) that this model made of these texts, by id and text."""
        collection = cast("Collection | None", self.stored)
        if collection is None and isinstance(documents, Retrieved):
            collection = documents.collection
        vector = None if collection is None else collection.vector_of(encoder)
        if collection is None or vector is None:
            return {}
        wanted = {each.id: each.page_content for each in documents if each.id}
        found = [
            ((id_, each.text), each.vector)
            for each in collection.get(list(wanted), vector=vector)
            for id_ in (each.id, each.document_id)
        ]
        return {key: row for key, row in found if row is not None and wanted.get(key[0]) == key[1]}


def _open(model: Any) -> Reranker:
    if isinstance(model, str):
        return open_reranker(model)
    if isinstance(model, Embeddings) or hasattr(model, "encode_document"):
        return SimilarityReranker(encoder_of(model))
    if callable(getattr(model, "rerank", None)):
        return cast(Reranker, model)
    message = f"model is a {type(model).__name__}; give a model's name, an encoder, embeddings, or a reranker."
    raise TypeError(message)


def _read(given: Any) -> tuple[str, Sequence[Document]]:
    if isinstance(given, Retrieved):
        return given.query, given
    if isinstance(given, Mapping):
        asked = cast("Mapping[str, Any]", given)
        query, documents = asked.get("query"), asked.get("documents")
        if isinstance(query, str) and isinstance(documents, Sequence) and not isinstance(documents, str):
            return query, _documents(cast("Sequence[object]", documents))
    message = (
        'A reranker needs the query beside the documents: {"query": …, "documents": …}. '
        "After a retriever of another library, whose output has no query any more, use reranker.wrap(retriever)."
    )
    raise TypeError(message)


def _documents(given: Sequence[object]) -> Sequence[Document]:
    for place, each in enumerate(given):
        if not isinstance(each, Document):
            message = f"Document {place} is a {type(each).__name__}; give LangChain's, Document(page_content=text)."
            raise TypeError(message)
    return cast("Sequence[Document]", given)


def _texts(documents: Sequence[Document]) -> list[str]:
    return [each.page_content for each in documents]


def _judged(documents: Sequence[Document], hits: Sequence[Hit]) -> _Scored:
    """Return the documents that a reranker returned as hits; the ids of these are their places."""
    return [(documents[int(hit.id)], hit.score) for hit in hits]


def _key(document: Document) -> tuple[str | None, str]:
    return document.id, document.page_content
