"""simplugin in LangChain: its models as embeddings, its collections as vector stores and retrievers, its rerankers."""

from typing import TYPE_CHECKING

from simplugin.deferral import deferred as _deferred
from simplugin_langchain.embeddings import SimpluginEmbeddings

if TYPE_CHECKING:
    from simplugin_langchain.cross_encoder import SimpluginCrossEncoder
    from simplugin_langchain.intents import IntentRouter
    from simplugin_langchain.record_manager import SimpluginRecordManager
    from simplugin_langchain.reranker import SimpluginReranker
    from simplugin_langchain.reranking_retriever import RerankingRetriever
    from simplugin_langchain.retriever import SimpluginRetriever
    from simplugin_langchain.vector_store import SimpluginVectorStore
else:
    __getattr__ = _deferred(
        __name__,
        {
            "simplugin_langchain.cross_encoder": ("SimpluginCrossEncoder",),
            "simplugin_langchain.intents": ("IntentRouter",),
            "simplugin_langchain.record_manager": ("SimpluginRecordManager",),
            "simplugin_langchain.reranker": ("SimpluginReranker",),
            "simplugin_langchain.reranking_retriever": ("RerankingRetriever",),
            "simplugin_langchain.retriever": ("SimpluginRetriever",),
            "simplugin_langchain.vector_store": ("SimpluginVectorStore",),
        },
    )

__all__ = [
    "IntentRouter",
    "RerankingRetriever",
    "SimpluginCrossEncoder",
    "SimpluginEmbeddings",
    "SimpluginRecordManager",
    "SimpluginReranker",
    "SimpluginRetriever",
    "SimpluginVectorStore",
]
