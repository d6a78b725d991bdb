"""An encoder without a model: a hashed bag of words, so that texts with the same words are close."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from simplugin.catalog import ModelCard, Prompts
from simplugin.encoders import Fingerprint, take_fingerprint
from simplugin.measures import FloatArray, SimilarityFunction, unit_rows


class HashEncoder:
    """Each word gets a fixed random direction; a text is their sum. ``seed`` makes another model of equal width."""

    def __init__(
        self,
        dimension: int = 64,
        *,
        seed: int = 0,
        noise: float = 0.0,
        max_tokens: int | None = 512,
        query_prompt: str = "",
        similarity: SimilarityFunction = "cosine",
        name: str | None = None,
    ) -> None:
        self.seed = seed
        self.noise = noise
        self.texts_encoded = 0
        self._card = ModelCard(
            name=name or f"hash-{dimension}-{seed}",
            id=name or f"hash-{dimension}-{seed}",
            dimension=dimension,
            max_tokens=max_tokens,
            pooling="sum of words",
            normalize=True,
            similarity=similarity,
            prompts=Prompts(query=query_prompt),
        )

    @property
    def card(self) -> ModelCard:
        return self._card

    @property
    def dimension(self) -> int:
        assert self._card.dimension is not None
        return self._card.dimension

    @property
    def fingerprint(self) -> Fingerprint:
        return take_fingerprint(self._card, self.encode_query, self.encode_document)

    def encode_query(self, texts: Iterable[str]) -> FloatArray:
        return self._encode([self._card.prompts.query + text for text in texts])

    def encode_document(self, texts: Iterable[str]) -> FloatArray:
        listed = list(texts)
        self.texts_encoded += len(listed)
        return self._encode(listed)

    async def aencode_query(self, texts: Iterable[str]) -> FloatArray:
        return self.encode_query(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def _encode(self, texts: Sequence[str]) -> FloatArray:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row] += self._direction(word)
        return unit_rows(vectors)

    def _direction(self, word: str) -> FloatArray:
        digest = hashlib.sha256(f"{self.seed}\0{word}".encode()).digest()
        random = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        direction = random.standard_normal(self.dimension)
        return (direction + self.noise * random.standard_normal(self.dimension)).astype(np.float32)
