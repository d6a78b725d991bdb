"""simplugin's models in LangChain."""

from simplugin_langchain.embeddings import SimpluginEmbeddings

__all__ = ["SimpluginEmbeddings"]
