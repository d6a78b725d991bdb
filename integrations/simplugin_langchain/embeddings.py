"""simplugin's encoders as LangChain embeddings."""

from __future__ import annotations

import os

from langchain_core.embeddings import Embeddings

from simplugin.encoders import Encoder, Fingerprint, as_encoder

__all__ = ["SimpluginEmbeddings"]


class SimpluginEmbeddings(Embeddings):
    """A model of simplugin where LangChain asks for embeddings.

    Queries and documents get the checkpoint's own prompts, and texts go in as they are: a newline stays a newline.
    ``model`` is what ``simplugin.load`` takes, or an encoder; left out, it is read from ``SIMPLUGIN_MODEL``, and is
    the starter where that is not set.
    """

    def __init__(self, model: str | Encoder | None = None) -> None:
        self.encoder = as_encoder(model or os.environ.get("SIMPLUGIN_MODEL") or "starter")

    @property
    def model(self) -> str:
        """What opens the model again: a catalog name, a Hub id or a folder."""
        return self.encoder.card.id

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        return self.encoder.dimension

    @property
    def fingerprint(self) -> Fingerprint:
        """What tells this model from every other."""
        return self.encoder.fingerprint

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed texts to be found; a vector each, in order."""
        return [[float(number) for number in row] for row in self.encoder.encode_document(texts)]

    def embed_query(self, text: str) -> list[float]:
        """Embed a question."""
        return [float(number) for number in self.encoder.encode_query([text])[0]]

    async def aembed_query(self, text: str) -> list[float]:
        """Embed a question, in one batch with those that are asked at the same time."""
        return [float(number) for number in (await self.encoder.aencode_query([text]))[0]]
