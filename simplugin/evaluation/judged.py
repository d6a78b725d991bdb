"""Whatever can be judged, seen one way: encoders, pair models, and the embeddings of other libraries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from typing_extensions import TypeIs

from simplugin.encoders import Encoder, load
from simplugin.encoders.protocol import as_texts
from simplugin.errors import ModelError
from simplugin.evaluation.result import ModelRecord
from simplugin.measures import FloatArray
from simplugin.reranking import PairReranker, is_pair_model, load_reranker

__all__ = ["STEP", "Embeddings", "Judged", "Progress", "describe", "encode_alike", "is_encoder", "open_judged"]

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many texts are done, and of how many."""

STEP = 4096
"""Texts between two reports of progress; enough to sort by length."""


@runtime_checkable
class Embeddings(Protocol):
    """LangChain's interface: https://docs.langchain.com/oss/python/integrations/text_embedding."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed texts to be found."""
        ...

    def embed_query(self, text: str) -> list[float]:
        """Embed a question."""
        ...


@runtime_checkable
class Unscaled(Protocol):
    """An encoder whose vectors can be had as its checkpoint gives them, before they are brought to length 1."""

    def encode_unscaled(self, texts: Sequence[str]) -> FloatArray:
        """Encode questions: float32 (n, dimension)."""
        ...


Judged: TypeAlias = Encoder | PairReranker | Embeddings
"""What makes vectors of texts, or scores pairs of them."""


def open_judged(model: Judged | str | Path) -> Judged:
    """Return a model as it is, and open what ``simplugin.load`` or ``simplugin.load_reranker`` takes."""
    if not isinstance(model, str | Path):
        return model
    return load_reranker(model) if is_pair_model(model) else load(model)


def describe(model: Judged) -> ModelRecord:
    """Say which model it is."""
    if isinstance(model, PairReranker):
        card = model.card
        return ModelRecord(name=card.name, id=card.id, kind="pair", languages=card.languages)
    if is_encoder(model):
        card = model.card
        taken = json.dumps(model.fingerprint.to_json(), sort_keys=True).encode()
        return ModelRecord(
            name=card.full_name,
            id=card.id,
            kind="embedder",
            dimension=model.dimension,
            languages=card.languages,
            fingerprint=hashlib.sha256(taken).hexdigest(),
        )
    name = type(model).__name__
    return ModelRecord(name=name, id=name, kind="embedder")


def encode_alike(model: Encoder | Embeddings, texts: Sequence[str], progress: Progress | None = None) -> FloatArray:
    """Encode texts that are of one kind, as the two sides of an STS pair are: float32 (n, dimension).

    Where a model reads questions otherwise than texts, both sides are read as questions, as the authors of such models
    advise for comparing sentences (the model card of intfloat/multilingual-e5-base). Vectors are those of the
    checkpoint, before they are brought to length 1: so the figures of cards were made, and only the cosine stays.
    """
    encode = _side(model)
    rows: list[FloatArray] = []
    for start in range(0, len(texts), STEP):
        rows.append(encode(list(texts[start : start + STEP])))
        if progress is not None:
            progress(min(start + STEP, len(texts)), len(texts))
    return np.concatenate(rows) if rows else np.zeros((0, 0), dtype=np.float32)


def _side(model: Encoder | Embeddings) -> Callable[[list[str]], FloatArray]:
    if isinstance(model, Unscaled):
        return model.encode_unscaled
    if is_encoder(model):
        prompts = model.card.prompts
        return model.encode_document if prompts.query == prompts.document else model.encode_query
    if callable(getattr(model, "embed_documents", None)):
        return lambda texts: np.asarray(model.embed_documents(as_texts(texts)), dtype=np.float32)
    message = f"{type(model).__name__} makes no vectors: give an encoder, embeddings of LangChain, or a pair model."
    raise ModelError(message)


def is_encoder(model: object) -> TypeIs[Encoder]:
    """Say whether a model is an encoder of ours; embeddings of LangChain have no card."""
    return callable(getattr(model, "encode_query", None)) and hasattr(model, "card")
