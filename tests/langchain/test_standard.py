"""LangChain's own standard suites, none of their tests overridden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool
from langchain_core.vectorstores import VectorStore
from langchain_tests.integration_tests import (
    EmbeddingsIntegrationTests,
    RetrieversIntegrationTests,
    ToolsIntegrationTests,
    VectorStoreIntegrationTests,
)
from langchain_tests.unit_tests import EmbeddingsUnitTests, ToolsUnitTests

from simplugin.intents import IntentMatcher
from simplugin_langchain import (
    IntentRouter,
    RerankingRetriever,
    SimpluginEmbeddings,
    SimpluginReranker,
    SimpluginRetriever,
    SimpluginVectorStore,
)
from simplugin_qdrant import Store
from tests.hashing import HashEncoder


class TestEmbeddingsUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[SimpluginEmbeddings]:
        return SimpluginEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, str]:
        return {"model": "starter-3"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        return {"SIMPLUGIN_MODEL": "starter-3"}, {}, {"model": "starter-3"}


class TestEmbeddingsIntegration(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> type[SimpluginEmbeddings]:
        return SimpluginEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, str]:
        return {"model": "starter"}


class TestVectorStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, store: Store, fresh: Callable[[str], str]) -> VectorStore:
        return SimpluginVectorStore.from_texts([], self.get_embeddings(), store=store, collection=fresh("standard"))


def _collection(store: Store, name: str) -> SimpluginVectorStore:
    texts = [f"text {number}" for number in range(8)]
    return SimpluginVectorStore.from_texts(texts, DeterministicFakeEmbedding(size=6), store=store, collection=name)


class _OverEachStore(RetrieversIntegrationTests):
    """Gives the properties, by which the suite asks for a retriever, the store of the test."""

    @pytest.fixture(autouse=True)
    def _store(self, store: Store, fresh: Callable[[str], str]) -> None:
        self.documents = _collection(store, fresh("retrieved"))

    @property
    def retriever_query_example(self) -> str:
        return "text 1"


class TestRetriever(_OverEachStore):
    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return SimpluginRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"vectorstore": self.documents}


class TestRerankingRetriever(_OverEachStore):
    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return RerankingRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"retriever": self.documents.as_retriever(), "reranker": SimpluginReranker(model=HashEncoder())}


def _tool() -> BaseTool:
    matcher = IntentMatcher({"pay": ["pay my bill"], "lost": ["lost my bag"]}, HashEncoder())
    return IntentRouter(matcher).as_tool()


class TestIntentToolUnit(ToolsUnitTests):
    @property
    def tool_constructor(self) -> BaseTool:
        return _tool()

    @property
    def tool_invoke_params_example(self) -> dict[str, str]:
        return {"utterance": "pay my bill"}


class TestIntentToolIntegration(ToolsIntegrationTests):
    @property
    def tool_constructor(self) -> BaseTool:
        return _tool()

    @property
    def tool_invoke_params_example(self) -> dict[str, str]:
        return {"utterance": "pay my bill"}
