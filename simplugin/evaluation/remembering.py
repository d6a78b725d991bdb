"""An encoder that reads a text once, however often it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from simplugin.catalog import ModelCard
from simplugin.encoders import Encoder, Fingerprint
from simplugin.encoders.protocol import as_texts
from simplugin.evaluation.judged import STEP, Progress
from simplugin.measures import FloatArray

__all__ = ["Remembering"]


class Remembering:
    """An encoder that encodes each different text once."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._documents: dict[str, FloatArray] = {}
        prompts = encoder.card.prompts
        self._queries = self._documents if prompts.query == prompts.document else {}

    @property
    def card(self) -> ModelCard:
        """That of the encoder."""
        return self._encoder.card

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        return self._encoder.dimension

    @property
    def fingerprint(self) -> Fingerprint:
        """That of the encoder."""
        return self._encoder.fingerprint

    def encode_query(self, texts: Iterable[str]) -> FloatArray:
        """Encode questions; see ``Encoder``."""
        return self._encode(texts, self._queries, self._encoder.encode_query)

    def encode_document(self, texts: Iterable[str]) -> FloatArray:
        """Encode texts to be found; see ``Encoder``."""
        return self._encode(texts, self._documents, self._encoder.encode_document)

    async def aencode_query(self, texts: Iterable[str]) -> FloatArray:
        """Encode questions; see ``Encoder``."""
        return self.encode_query(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text; see ``Encoder``."""
        return self._encoder.count_tokens(texts)

    def learn(self, queries: Iterable[str], documents: Iterable[str] = (), progress: Progress | None = None) -> None:
        """Encode what will be asked for, and tell how many texts are done, of how many."""
        sides = [
            (self.encode_query, list(dict.fromkeys(queries))),
            (self.encode_document, list(dict.fromkeys(documents))),
        ]
        total, done = sum(len(texts) for _, texts in sides), 0
        for encode, texts in sides:
            for start in range(0, len(texts), STEP):
                encode(part := texts[start : start + STEP])
                done += len(part)
                if progress is not None:
                    progress(done, total)

    def _encode(
        self, texts: Iterable[str], known: dict[str, FloatArray], encode: Callable[[list[str]], FloatArray]
    ) -> FloatArray:
        listed = as_texts(texts)
        if missing := [text for text in dict.fromkeys(listed) if text not in known]:
            known.update(zip(missing, encode(missing), strict=True))
        return np.stack([known[text] for text in listed]) if listed else np.zeros((0, self.dimension), np.float32)
