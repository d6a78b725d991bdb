"""Between simplugin's records and LangChain's documents. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.documents import Document

from simplugin.records import Hit, Stored

if TYPE_CHECKING:
    from simplugin_qdrant import Collection

__all__ = ["Retrieved", "to_document", "with_score"]


class Retrieved(list[Document]):
    """Documents that remember the query they answer, and the collection they are from.

    A chain hands on no more than what a retriever returns, and a reranker behind it needs both.
    """

    def __init__(self, documents: Iterable[Document], query: str, collection: Collection) -> None:
        super().__init__(documents)
        self.query = query
        self.collection = collection

    def __reduce__(self) -> tuple[type[list[Document]], tuple[list[Document]]]:
        """Copy, and pickle, as a plain list: a collection is no data."""
        return list, (list(self),)


def to_document(found: Hit | Stored) -> Document:
    """Return the document that a hit, or a stored text, stands for.

    A document that was added whole comes back as it was given: id, text and metadata. A chunk of an ingested one has
    the id of its point, since several share their document's, and beside its metadata ``source``, ``document_id`` and
    ``chunk``, its place in the document from 0.
    """
    metadata: dict[str, Any] = dict(found.metadata)
    if found.number is None:
        return Document(id=found.document_id, page_content=found.text, metadata=metadata)
    origin = {"source": found.source, "document_id": found.document_id, "chunk": found.number}
    return Document(id=found.id, page_content=found.text, metadata=origin | metadata)


def with_score(documents: Sequence[tuple[Document, float]], key: str | None) -> list[Document]:
    """Return copies of the documents with their scores in the metadata; without a key, the documents."""
    if key is None:
        return [document for document, _ in documents]
    return [
        document.model_copy(update={"metadata": {**document.metadata, key: score}}) for document, score in documents
    ]
