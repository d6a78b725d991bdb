"""Encoders as LangChain embeddings, and LangChain embeddings as encoders."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence

import numpy as np
from langchain_core.embeddings import Embeddings

from simplugin.catalog import ModelCard
from simplugin.encoders import Encoder, Fingerprint, as_encoder, take_fingerprint
from simplugin.encoders.protocol import as_texts
from simplugin.errors import ModelError
from simplugin.measures import FloatArray
from simplugin.threads import long_work

__all__ = ["OF_LANGCHAIN", "EmbeddingsEncoder", "SimpluginEmbeddings", "as_embeddings", "encoder_of"]

OF_LANGCHAIN = "langchain:"
"""What the id of a model begins with that only its LangChain embeddings can open."""

_CHARACTERS = 4  # a token, about: LangChain's embeddings count none
_NAMES = ("model", "model_name", "model_id", "repo_id", "deployment")


class SimpluginEmbeddings(Embeddings):
    """A model of simplugin where LangChain asks for embeddings.

    Queries and documents get the checkpoint's own prompts, and texts go in as they are: a newline stays a newline.
    ``model`` is what ``simplugin.load`` takes, or an encoder; left out, it is read from ``SIMPLUGIN_MODEL``, and is
    the starter where that is not set.
    """

    def __init__(self, model: str | Encoder | None = None) -> None:
        self.encoder = as_encoder(model or os.environ.get("SIMPLUGIN_MODEL") or "starter")

    def __repr__(self) -> str:
        return f"SimpluginEmbeddings({self.encoder.card.name!r})"

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
        """Embed texts to be found; a vector each, in order. Equal texts are embedded once."""
        listed = as_texts(texts)
        different = list(dict.fromkeys(listed))
        rows: list[list[float]] = self.encoder.encode_document(different).tolist()
        by_text = dict(zip(different, rows, strict=True))
        return [list(by_text[text]) for text in listed]

    def embed_query(self, text: str) -> list[float]:
        """Embed a question."""
        row: list[float] = self.encoder.encode_query([text])[0].tolist()
        return row

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed texts to be found, in a thread."""
        return await long_work(self.embed_documents, texts)

    async def aembed_query(self, text: str) -> list[float]:
        """Embed a question, in one batch with those that are asked at the same time."""
        row: list[float] = (await self.encoder.aencode_query([text]))[0].tolist()
        return row


class EmbeddingsEncoder:
    """Any LangChain embeddings where simplugin asks for an encoder.

    They say little of themselves, so the fingerprint rests on the vectors they make of a few fixed sentences.
    Opening it embeds one text, for the width.
    """

    def __init__(self, embeddings: Embeddings) -> None:
        self.embeddings = embeddings
        kind = type(embeddings).__name__
        said = (getattr(embeddings, name, None) for name in _NAMES)
        model = next((each for each in said if isinstance(each, str) and each), "")
        name = f"{kind}({model})" if model else kind
        width = len(embeddings.embed_query("width"))
        if width < 1:
            message = f"{name!r} makes vectors without numbers."
            raise ModelError(message)
        self._card = ModelCard(name=name, id=OF_LANGCHAIN + name, dimension=width, similarity="cosine")
        self._fingerprint: Fingerprint | None = None

    @property
    def card(self) -> ModelCard:
        """What is known of the model, which is little."""
        return self._card

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        assert self._card.dimension is not None
        return self._card.dimension

    @property
    def fingerprint(self) -> Fingerprint:
        """What tells this model from every other."""
        if self._fingerprint is None:
            self._fingerprint = take_fingerprint(self._card, self.encode_query, self.encode_document)
        return self._fingerprint

    def encode_query(self, texts: Iterable[str]) -> FloatArray:
        """Encode questions, one by one, as the interface has it. Returns float32 (n, dimension)."""
        return self._rows([self.embeddings.embed_query(text) for text in as_texts(texts)])

    def encode_document(self, texts: Iterable[str]) -> FloatArray:
        """Encode texts to be found. Returns float32 (n, dimension)."""
        listed = as_texts(texts)
        return self._rows(self.embeddings.embed_documents(listed) if listed else [])

    async def aencode_query(self, texts: Iterable[str]) -> FloatArray:
        """Encode questions by the embeddings' own asynchronous way. Returns float32 (n, dimension)."""
        return self._rows(list(await asyncio.gather(*map(self.embeddings.aembed_query, as_texts(texts)))))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Estimate the tokens of each text by its characters."""
        return [1 + len(text) // _CHARACTERS for text in texts]

    def _rows(self, rows: Sequence[Sequence[float]]) -> FloatArray:
        if not rows:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.asarray(rows, dtype=np.float32)


def encoder_of(model: Embeddings | Encoder | str) -> Encoder:
    """Return the encoder behind embeddings, an encoder as it is, and open what ``simplugin.load`` takes."""
    if isinstance(model, SimpluginEmbeddings):
        return model.encoder
    if isinstance(model, Embeddings):
        return EmbeddingsEncoder(model)
    return as_encoder(model)


def as_embeddings(encoder: Encoder) -> Embeddings:
    """Return the LangChain face of an encoder: the embeddings it was made of, or ours."""
    return encoder.embeddings if isinstance(encoder, EmbeddingsEncoder) else SimpluginEmbeddings(encoder)
