"""Vectors for chunks, each text embedded once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from simplugin.encoders import Encoder
from simplugin.ingestion.second import SecondProcess, SecondProcessError
from simplugin.measures import FloatArray
from simplugin.records import Chunk
from simplugin.texts import as_read

__all__ = ["Embedded", "Embedding"]

_MEMORY = 32 * 1024 * 1024
"""Bytes of vectors that are remembered, those last used: boilerplate comes again and again."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of some chunks, (n, dimension), and which of them the model read."""

    vectors: FloatArray
    fresh: Sequence[Chunk]


class Embedding:
    """Embeds chunks, and remembers the vectors of the last ones. For one thread."""

    def __init__(self, encoder: Encoder, second: SecondProcess | None = None) -> None:
        """Embed with this model, in a second process once it is ready."""
        self._encoder = encoder
        self._second = second
        self._remembered: OrderedDict[str, FloatArray] = OrderedDict()
        self._most = max(1024, _MEMORY // (4 * encoder.dimension))

    def embed(self, chunks: Sequence[Chunk], stored: Mapping[str, FloatArray], *, dry: bool = False) -> Embedded:
        """Return the vectors of chunks; ``stored`` are those the collection has, by the hash of the text.

        With ``dry`` the model reads nothing, and the vectors are zeros.
        """
        known = dict(stored)
        for chunk in chunks:
            hash_ = chunk.key.hash
            if hash_ not in known and hash_ in self._remembered:
                self._remembered.move_to_end(hash_)
                known[hash_] = self._remembered[hash_]
        missing = {chunk.key.hash: chunk for chunk in chunks if chunk.key.hash not in known}
        fresh = list(missing.values())
        if fresh:
            rows = self._zeros(len(fresh)) if dry else self._encode(fresh)
            found = dict(zip(missing, rows, strict=True))
            known |= found
            self._remember(found)
        vectors = np.stack([known[chunk.key.hash] for chunk in chunks]) if chunks else self._zeros(0)
        return Embedded(vectors, fresh)

    def _encode(self, chunks: Sequence[Chunk]) -> FloatArray:
        texts = [chunk.context + chunk.text for chunk in chunks]
        if self._second and self._second.is_ready:
            with suppress(SecondProcessError):
                return self._second.encode(texts)
        return self._encoder.encode_document([as_read(text) for text in texts])

    def _zeros(self, rows: int) -> FloatArray:
        return np.zeros((rows, self._encoder.dimension), dtype=np.float32)

    def _remember(self, rows: Mapping[str, FloatArray]) -> None:
        for hash_, row in rows.items():
            self._remembered[hash_] = row.copy()  # a view would keep the whole batch
        while len(self._remembered) > self._most:
            self._remembered.popitem(last=False)
