"""Texts as bags of piece ids."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

BATCH = 4096


@dataclass(frozen=True, slots=True)
class Bags:
    """The piece ids of n texts: text i owns `ids[starts[i]:starts[i + 1]]`; `ids` (total,), `starts` (n + 1,)."""

    ids: NDArray[np.int64]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the texts."""
        return len(self.starts) - 1

    def take(self, rows: NDArray[np.int64]) -> "Bags":
        """Give the bags of the named rows, in that order; a row may come twice."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        starts = _starts(lengths)
        within = np.arange(starts[-1], dtype=np.int64) - np.repeat(starts[:-1], lengths)
        return Bags(self.ids[np.repeat(self.starts[rows], lengths) + within], starts)


def to_bags(tokenizer: Tokenizer, texts: Sequence[str], *, max_pieces: int | None = None) -> Bags:
    """Split texts into pieces, keeping at most the first `max_pieces` of each."""
    parts: list[NDArray[np.int64]] = []
    for start in range(0, len(texts), BATCH):
        encodings = tokenizer.encode_batch_fast(list(texts[start : start + BATCH]), add_special_tokens=False)
        parts += [np.asarray(encoding.ids[:max_pieces], dtype=np.int64) for encoding in encodings]
    lengths = np.asarray([len(part) for part in parts], dtype=np.int64)
    ids = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
    return Bags(ids, _starts(lengths))


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])
