"""A collection as a LangChain vector store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any, Self, cast

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from simplugin.encoders import Encoder
from simplugin.errors import ModelError, UnknownModelError
from simplugin.threads import long_work
from simplugin_langchain.documents import to_document
from simplugin_langchain.embeddings import OF_LANGCHAIN, encoder_of
from simplugin_langchain.searching import Searching, refuse

if TYPE_CHECKING:
    from simplugin_langchain.record_manager import SimpluginRecordManager
    from simplugin_langchain.retriever import SimpluginRetriever
    from simplugin_qdrant import Store

__all__ = ["SimpluginVectorStore"]


class SimpluginVectorStore(Searching):
    """A collection where LangChain asks for a vector store::

        notes = SimpluginVectorStore(register(open_store("./db"), "notes", "starter"))
        notes = SimpluginVectorStore.from_texts(texts, SimpluginEmbeddings(), store="./db", collection="notes")

    Ids are any strings, and documents come back as they were given. A document without an id gets one that follows
    from its text and metadata, so that adding it again adds nothing; what is there unchanged is not embedded again.

    ``filter`` follows the grammar of ``simplugin_qdrant.filters``, ``{"lang": ["tr", "az"]}``, or is the engine's own.
    ``score_threshold`` is always on one scale, that of relevance: from 0 to 1, the probability that a calibrated
    collection gives, else the cosine, where 0 stands for all below it.
    """

    def __repr__(self) -> str:
        return f"SimpluginVectorStore({self.collection!r})"

    @classmethod
    def from_texts(
        cls,
        texts: Iterable[str],
        embedding: Embeddings | Encoder | str,
        metadatas: Iterable[Mapping[str, Any]] | None = None,
        *,
        ids: Iterable[str | None] | None = None,
        store: object = ":memory:",
        collection: str = "langchain",
        **options: Any,
    ) -> Self:
        """Add texts to a collection, which is made where it is not there yet.

        ``embedding`` is any LangChain embeddings, an encoder, or what ``simplugin.load`` takes; a collection that
        another model made refuses it. ``store`` is what ``simplugin_qdrant.open_store`` takes, or an open store, and
        ``options`` are those of ``simplugin_qdrant.register``.
        """
        made = cls._open(collection, _given(embedding), store, options)
        made.add_texts(texts, metadatas, ids=ids)
        return made

    @classmethod
    async def afrom_texts(
        cls,
        texts: Iterable[str],
        embedding: Embeddings | Encoder | str,
        metadatas: Iterable[Mapping[str, Any]] | None = None,
        *,
        ids: Iterable[str | None] | None = None,
        store: object = ":memory:",
        collection: str = "langchain",
        **options: Any,
    ) -> Self:
        """Make like ``from_texts``, without holding up the event loop."""
        made = await long_work(cls._open, collection, _given(embedding), store, options)
        await made.aadd_texts(texts, metadatas, ids=ids)
        return made

    @classmethod
    def from_documents(
        cls,
        documents: Iterable[Document],
        embedding: Embeddings | Encoder | str,
        *,
        ids: Iterable[str | None] | None = None,
        **options: Any,
    ) -> Self:
        """Make like ``from_texts``, of documents; ``ids`` takes the place of their own."""
        texts, metadatas, own = _of_documents(documents)
        return cls.from_texts(texts, embedding, metadatas, ids=own if ids is None else ids, **options)

    @classmethod
    async def afrom_documents(
        cls,
        documents: Iterable[Document],
        embedding: Embeddings | Encoder | str,
        *,
        ids: Iterable[str | None] | None = None,
        **options: Any,
    ) -> Self:
        """Make like ``from_documents``, without holding up the event loop."""
        texts, metadatas, own = _of_documents(documents)
        return await cls.afrom_texts(texts, embedding, metadatas, ids=own if ids is None else ids, **options)

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
        """Open a collection; without ``embedding`` with the model that it records.

        ``adopt`` takes over a collection of langchain-qdrant's, where the embeddings made its vectors: see
        ``simplugin_qdrant.register``, whose ``options`` ``vector=`` and ``text_key=`` are then langchain-qdrant's own.

        Raises ``UnknownCollectionError`` where there is none of this name: ``from_texts`` makes one.
        """
        from simplugin_langchain.locations import open_shared

        opened = open_shared(store)
        opened.metadata(collection)  # raises where it is not there
        if adopt:
            options = {"vector": "", "text_key": "page_content", "adopt": True} | options
        return cls._open(collection, embedding, opened, options)

    @classmethod
    def _open(
        cls, collection: str, embedding: Embeddings | Encoder | str | None, store: object, options: Mapping[str, Any]
    ) -> Self:
        """Open a collection, or make it. Raises ``TypeError`` for what is no option of ``register``."""
        from simplugin_langchain.locations import open_shared
        from simplugin_qdrant import register

        known = [name for name, each in signature(register).parameters.items() if each.kind is each.KEYWORD_ONLY]
        if unknown := next((name for name in options if name not in known), None):
            message = f"There is no argument {unknown!r}. Known beside store and collection: {', '.join(known)}."
            raise TypeError(message)
        model = None if embedding is None else encoder_of(embedding)
        opened = open_shared(store)
        try:
            return cls(register(opened, collection, model, **options))
        except UnknownModelError as error:
            if not error.name.startswith(OF_LANGCHAIN):
                raise
            made_by = error.name.removeprefix(OF_LANGCHAIN)
            message = f"Collection {collection!r} was made with the embeddings {made_by}; open it with embedding=…"
            raise ModelError(message) from error

    @property
    def store(self) -> Store:
        """The store that the collection lives in; ``close`` it when a folder is to be opened elsewhere."""
        return self.collection.store

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
        refuse(unknown)
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
        refuse(unknown)
        rows = _rows(texts, metadatas, ids)
        return await self.collection.aadd(rows[0], ids=rows[2], metadata=rows[1], keep_blank=True)

    def add_documents(
        self, documents: Iterable[Document], *, ids: Iterable[str | None] | None = None, **options: Any
    ) -> list[str]:
        """Store documents under their ids; see ``add_texts``. ``ids`` takes the place of their own."""
        texts, metadatas, own = _of_documents(documents)
        return self.add_texts(texts, metadatas, ids=own if ids is None else ids, **options)

    async def aadd_documents(
        self, documents: Iterable[Document], *, ids: Iterable[str | None] | None = None, **options: Any
    ) -> list[str]:
        """Store like ``add_documents``, without holding up the event loop."""
        texts, metadatas, own = _of_documents(documents)
        return await self.aadd_texts(texts, metadatas, ids=own if ids is None else ids, **options)

    def delete(self, ids: Sequence[str] | None = None, **unknown: Any) -> bool:
        """Delete documents by their ids, missing ones without a word; None deletes all, as the interface has it."""
        refuse(unknown)
        if ids is None:
            self.collection.clear()
        else:
            self.collection.delete(ids)
        return True

    async def adelete(self, ids: Sequence[str] | None = None, **unknown: Any) -> bool:
        """Delete like ``delete``, without holding up the event loop."""
        refuse(unknown)
        return await long_work(self.delete, ids)

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return the documents of these ids, in their order; ids that are not there are left out.

        The id of an ingested document brings all its chunks.
        """
        return [to_document(each) for each in self.collection.get(ids)]

    async def aget_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return like ``get_by_ids``, without holding up the event loop."""
        return [to_document(each) for each in await self.collection.aget(ids)]

    def as_retriever(self, **kwargs: Any) -> SimpluginRetriever:
        """Return a retriever; its fields may be given here, or in ``search_kwargs``, as LangChain has it."""
        from simplugin_langchain.retriever import SimpluginRetriever

        tags = kwargs.pop("tags", None) or self._get_retriever_tags()
        return SimpluginRetriever(vectorstore=self, tags=tags, **kwargs)

    def close(self) -> None:
        """Close the store that the collection lives in, for everyone who uses it."""
        self.store.close()


def _rows(
    texts: Iterable[str], metadatas: Iterable[Mapping[str, Any]] | None, ids: Iterable[str | None] | None
) -> tuple[Iterable[str], list[Mapping[str, Any]] | None, list[str | None] | None]:
    """Return texts, metadata and ids of equal number; the texts alone go on as they come."""
    if isinstance(texts, str):
        message = f"Expected texts, got the single text {texts[:40]!r}: write [text]."
        raise TypeError(message)
    if metadatas is None and ids is None:
        return texts, None, None
    if isinstance(metadatas, Mapping) or isinstance(ids, str):
        message = f"{'ids is a text' if isinstance(ids, str) else 'metadatas is a dictionary'}; give a list of them."
        raise TypeError(message)
    listed = list(texts)
    data = None if metadatas is None else [each or {} for each in metadatas]
    named = None if ids is None else list(ids)
    for others, word in ((data, "metadatas"), (named, "ids")):
        if others is not None and len(others) != len(listed):
            message = f"There are {len(listed)} texts and {len(others)} {word}; nothing was written."
            raise ValueError(message)
    for number, each in enumerate(cast("list[object]", data or [])):
        if not isinstance(each, Mapping):
            message = f"The metadata of text {number} is a {type(each).__name__}, no dictionary; nothing was written."
            raise TypeError(message)
    return listed, data, named


def _of_documents(documents: Iterable[Document]) -> tuple[list[str], list[dict[str, Any]], list[str | None]]:
    listed = list(documents)
    for number, each in enumerate(cast("list[object]", listed)):
        if not isinstance(each, Document):
            message = f"Expected a list of documents, but number {number} is a {type(each).__name__}."
            raise TypeError(message)
    return (
        [each.page_content for each in listed],
        [each.metadata for each in listed],
        [each.id for each in listed],
    )


def _given(embedding: Embeddings | Encoder | str | None) -> Embeddings | Encoder | str:
    if embedding is None:
        raise TypeError("embedding is None; give LangChain embeddings, an encoder, or the name of a model.")
    return embedding
