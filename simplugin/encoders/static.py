"""Static models: the mean of word-piece vectors, in numpy.

The folder is model2vec's: ``tokenizer.json``, and ``model.safetensors`` with ``embeddings`` (pieces, dimension) and,
where rows are scaled, ``weights`` (pieces,). model2vec itself reads it too, but importing it takes three times as
long as all of a search with this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from simplugin.catalog import ModelCard
from simplugin.encoders.checkpoint import read_json
from simplugin.encoders.fingerprint import Fingerprint, hash_files, take_fingerprint
from simplugin.encoders.pieces import word_pieces
from simplugin.encoders.protocol import as_texts
from simplugin.errors import CheckpointError, ModelError
from simplugin.measures import FloatArray, unit_rows

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["StaticEncoder", "is_static"]

_AT_ONCE = 20_000  # letters, which take a millisecond: handing them to a thread takes longer than a short question
_BEYOND = 1e15  # the square of it is a float32
_WINDOW = 4096  # texts tokenized at once: bounds memory whatever is passed in


def is_static(folder: Path) -> bool:
    """Say whether the folder holds a static model in model2vec's layout.

    Raises ``CheckpointError`` for a damaged ``config.json``: opened as of another kind it would give other vectors.
    """
    return (read_json(folder, "config.json") or {}).get("model_type") == "model2vec"


class StaticEncoder:
    """A static model, opened from its folder. Safe to share between threads."""

    def __init__(self, folder: Path, card: ModelCard | None = None, truncate_dim: int | None = None) -> None:
        """Open the folder; ``card`` says what is known beyond the files.

        ``truncate_dim`` keeps that many numbers of each vector, None all of them.

        Raises ``CheckpointError`` where a file is missing, damaged, or does not fit the others; ``ModelError`` for a
        ``truncate_dim`` that is no width of the model.
        """
        self._folder = folder
        self._fingerprint: Fingerprint | None = None
        self._tokenizer = _read_tokenizer(folder)
        table, self._scales = _read_table(folder)
        cut = _check_width(folder, truncate_dim, table.shape[1])
        self._table = table if cut is None else np.ascontiguousarray(table[:, :cut])
        if self._tokenizer.get_vocab_size() != len(self._table):
            reason = f"its tokenizer has {self._tokenizer.get_vocab_size()} pieces and its table {len(self._table)}."
            raise CheckpointError(folder, reason)
        config = read_json(folder, "config.json") or {}
        self._by_word = word_pieces(self._tokenizer) if _cuts_like_a_starter(self._tokenizer) else None
        known = card or ModelCard(name=folder.name, id=folder.resolve().as_posix())
        self._card = replace(
            known,
            dimension=self._table.shape[1],
            truncate_dim=cut,
            max_tokens=None,
            pooling="mean of word pieces",
            normalize=bool(config.get("normalize", True)),
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as what opens the model again, where it is unpickled: a cluster has its files on every machine."""
        from simplugin.encoders.loading import load

        return load, (self._card.id, None, None, self._card.truncate_dim)

    @property
    def card(self) -> ModelCard:
        """What is known of the model."""
        return self._card

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self._folder

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        return int(self._table.shape[1])

    @property
    def fingerprint(self) -> Fingerprint:
        """What tells this model from every other."""
        if self._fingerprint is None:
            weights = hash_files([self._folder / "model.safetensors", self._folder / "tokenizer.json"])
            self._fingerprint = take_fingerprint(self._card, self.encode_query, self.encode_document, weights)
        return self._fingerprint

    def encode_query(self, texts: Iterable[str]) -> FloatArray:
        """Encode questions. Returns float32 (n, dimension); a text of unknown pieces only gives zeros."""
        return self._encode(texts)

    def encode_document(self, texts: Iterable[str]) -> FloatArray:
        """Encode texts to be found. Returns float32 (n, dimension)."""
        return self._encode(texts)

    async def aencode_query(self, texts: Iterable[str]) -> FloatArray:
        """Encode questions, many letters in a thread; a batch with those of other callers would gain nothing here."""
        listed = as_texts(texts)
        if sum(map(len, listed)) <= _AT_ONCE:
            return self.encode_query(listed)
        import asyncio  # here, since it would add a tenth to the start of every command

        return await asyncio.to_thread(self.encode_query, listed)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the word pieces of each text."""
        sizes: list[int] = self._cut(as_texts(texts))[1].tolist()
        return sizes

    def _encode(self, texts: Iterable[str]) -> FloatArray:
        listed = as_texts(texts)
        vectors = np.zeros((len(listed), self.dimension), dtype=np.float32)
        for start in range(0, len(listed), _WINDOW):
            window = listed[start : start + _WINDOW]
            pieces, lengths = self._cut(window)
            if pieces.max(initial=0) >= len(self._table):
                message = f"tokenizer.json has pieces beyond the {len(self._table)} rows of model.safetensors."
                raise CheckpointError(self._folder, message)
            scales, rows = self._scales[pieces], self._table[pieces]
            end = 0
            for place, length in enumerate(lengths.tolist(), start):
                if length:
                    own, end = slice(end, end + length), end + length
                    # int8 rows times their scales, summed: a vector-matrix product does both at once.
                    vectors[place] = scales[own] @ rows[own].astype(np.float32) / length
        return unit_rows(vectors) if self._card.normalize else vectors

    def _cut(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.intp]]:
        """Return the piece ids of all texts, one after the other, and how many each text has."""
        if self._by_word is not None:
            return self._by_word.number(texts)
        found = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]
        sizes = np.fromiter(map(len, found), np.intp, len(found))
        return np.fromiter(chain.from_iterable(found), np.uint32, int(sizes.sum())), sizes


def _cuts_like_a_starter(tokenizer: Tokenizer) -> bool:
    """Say whether it is what ``distill`` makes, which cuts at every white space; what others do is their own affair."""
    from tokenizers.models import WordPiece
    from tokenizers.pre_tokenizers import BertPreTokenizer

    model = tokenizer.model
    has_starters_pieces = isinstance(model, WordPiece) and model.continuing_subword_prefix == ""
    return has_starters_pieces and isinstance(tokenizer.pre_tokenizer, BertPreTokenizer)


def _check_width(folder: Path, truncate_dim: int | None, width: int) -> int | None:
    """Return how many numbers are kept, None for all; raises ``ModelError`` for less than 1 and more than there are."""
    if truncate_dim is not None and not 1 <= truncate_dim <= width:
        message = f"truncate_dim is {truncate_dim}; the model in {str(folder)!r} has vectors of {width} numbers."
        raise ModelError(message)
    return None if truncate_dim == width else truncate_dim


def _read_tokenizer(folder: Path) -> Tokenizer:
    from tokenizers import Tokenizer  # here, so that naming a model does not load its tokenizer library

    path = folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(folder, f"tokenizer.json cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise CheckpointError(folder, "tokenizer.json is not a text file.") from error
    except Exception as error:  # tokenizers raises bare Exception for a damaged file
        raise CheckpointError(folder, f"tokenizer.json is damaged ({error}).") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _read_table(folder: Path) -> tuple[npt.NDArray[Any], FloatArray]:
    from safetensors import SafetensorError, safe_open

    path = folder / "model.safetensors"
    try:
        opened: Any = safe_open(path, framework="numpy")  # the library has no types
        with opened as tensors:
            stored: set[str] = set(tensors.keys())
            if "embeddings" not in stored:
                raise CheckpointError(folder, "model.safetensors holds no tensor named 'embeddings'.")
            table = cast("npt.NDArray[Any]", tensors.get_tensor("embeddings"))
            weights = cast("npt.NDArray[Any]", tensors.get_tensor("weights")) if "weights" in stored else None
    except OSError as error:
        raise CheckpointError(folder, f"model.safetensors cannot be read ({error.strerror or error}).") from error
    except SafetensorError as error:
        raise CheckpointError(folder, f"model.safetensors is damaged ({error}).") from error
    if table.ndim != 2 or (weights is not None and weights.shape != table.shape[:1]):
        raise CheckpointError(folder, f"its table has the shape {table.shape}, which its weights do not fit.")
    scales = np.ones(len(table), dtype=np.float32) if weights is None else weights.astype(np.float32)
    rows = 1.0 if table.dtype.kind in "iu" else float(np.abs(table).max(initial=0))
    if not float(np.abs(scales).max(initial=0)) * rows < _BEYOND:
        raise CheckpointError(folder, "model.safetensors holds numbers that are not finite, or beyond all use.")
    return table, scales
