"""Ours and langchain-qdrant's vector store behind one face, so that one scenario runs on both."""

from __future__ import annotations

import gc
import warnings
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest
from langchain_core.documents import Document
from langchain_core.indexing import InMemoryRecordManager, RecordManager
from langchain_core.vectorstores import VectorStore

from simplugin.measures import FloatArray, SimilarityFunction
from simplugin_langchain import SimpluginEmbeddings, SimpluginVectorStore
from tests.hashing import HashEncoder

__all__ = ["LongEncoder", "Ours", "Peer", "RememberingEncoder", "Side", "both_sides", "side"]

_DISTANCES: dict[SimilarityFunction, str] = {
    "cosine": "Cosine",
    "dot": "Dot",
    "euclidean": "Euclid",
    "manhattan": "Manhattan",
}


class RememberingEncoder(HashEncoder):
    """An encoder that remembers what it was given to encode."""

    def __init__(self) -> None:
        super().__init__()
        self.given: Counter[str] = Counter()

    def encode_document(self, texts: Iterable[str]) -> FloatArray:
        listed = list(texts)
        self.given.update(listed)
        return super().encode_document(listed)


class LongEncoder(HashEncoder):
    """Its vectors are longer than 1, like those of models that were trained for other measures than the cosine."""

    def __init__(self, similarity: SimilarityFunction) -> None:
        super().__init__(similarity=similarity)
        self._card = replace(self._card, normalize=False)

    def _encode(self, texts: Sequence[str]) -> FloatArray:
        return 3 * super()._encode(texts)


class Side(Protocol):
    """A vector store's maker. ``location`` is ``":memory:"``, a folder or a URL."""

    name: ClassVar[str]

    def open(self, encoder: HashEncoder, location: str | Path = ":memory:") -> VectorStore:
        """Open the collection of that place, or make it."""
        ...

    def fill(self, documents: Sequence[Document], encoder: HashEncoder, location: str | Path) -> VectorStore:
        """Call ``from_documents``."""
        ...

    def count(self, documents: VectorStore) -> int:
        """Count the stored points."""
        ...

    def records(self, documents: VectorStore) -> RecordManager:
        """Return what ``index`` is to ask which documents are there."""
        ...

    def close(self) -> None:
        """Close all that was opened."""
        ...


class Ours:
    """``SimpluginVectorStore``."""

    name = "ours"

    def __init__(self) -> None:
        self._opened: list[SimpluginVectorStore] = []

    def open(self, encoder: HashEncoder, location: str | Path = ":memory:") -> VectorStore:
        return self._keep(SimpluginVectorStore.from_texts([], encoder, store=location, collection="docs"))

    def fill(self, documents: Sequence[Document], encoder: HashEncoder, location: str | Path) -> VectorStore:
        return self._keep(SimpluginVectorStore.from_documents(documents, encoder, store=location, collection="docs"))

    def count(self, documents: VectorStore) -> int:
        assert isinstance(documents, SimpluginVectorStore)
        return documents.collection.count()

    def records(self, documents: VectorStore) -> RecordManager:
        assert isinstance(documents, SimpluginVectorStore)
        return documents.record_manager

    def close(self) -> None:
        for documents in self._opened:
            documents.close()

    def _keep(self, documents: SimpluginVectorStore) -> SimpluginVectorStore:
        self._opened.append(documents)
        return documents


class Peer:
    """``langchain_qdrant.QdrantVectorStore``, with the record manager that LangChain's guide puts beside it."""

    name = "langchain-qdrant"

    def __init__(self) -> None:
        self._kind: Any = pytest.importorskip("langchain_qdrant").QdrantVectorStore
        self._opened: list[Any] = []
        self._records = InMemoryRecordManager("docs")

    def open(self, encoder: HashEncoder, location: str | Path = ":memory:") -> VectorStore:
        from qdrant_client.models import Distance

        distance, refused = Distance(_DISTANCES[encoder.card.similarity]), ""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            try:
                made = self._kind.construct_instance(
                    SimpluginEmbeddings(encoder),
                    client_options=_client_options(location),
                    collection_name="docs",
                    distance=distance,
                )
                return self._keep(made)
            except RuntimeError as error:
                refused = str(error)
            gc.collect()  # the client that failed left a file open, and would tell so in another test
        raise RuntimeError(refused)

    def fill(self, documents: Sequence[Document], encoder: HashEncoder, location: str | Path) -> VectorStore:
        embeddings, options = SimpluginEmbeddings(encoder), _client_options(location)
        return self._keep(self._kind.from_documents(documents, embeddings, collection_name="docs", **options))

    def count(self, documents: VectorStore) -> int:
        opened: Any = documents
        counted: int = opened.client.count("docs").count
        return counted

    def records(self, documents: VectorStore) -> RecordManager:
        return self._records

    def close(self) -> None:
        for documents in self._opened:
            documents.client.close()

    def _keep(self, documents: Any) -> VectorStore:
        self._opened.append(documents)
        opened: VectorStore = documents
        return opened


def both_sides(fails: type[BaseException] | tuple[type[BaseException], ...]) -> pytest.MarkDecorator:
    """Run a test on ours, where it must pass, and on the peer, where it must fail, and in this way.

    Where it passes on the peer the test fails, and so tells that the peer was mended.
    """
    known = pytest.mark.xfail(raises=fails, strict=True, reason="langchain-qdrant does not keep this")
    return pytest.mark.parametrize("side", [Ours, pytest.param(Peer, marks=known)], indirect=True)


@pytest.fixture
def side(request: pytest.FixtureRequest) -> Generator[Side, None, None]:
    made: Side = request.param()
    yield made
    made.close()


def _client_options(location: str | Path) -> dict[str, Any]:
    if isinstance(location, Path):
        return {"path": str(location)}
    return {"location": location} if location == ":memory:" else {"url": location, "check_compatibility": False}
