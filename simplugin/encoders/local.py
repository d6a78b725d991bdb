"""Checkpoints on this machine or on the Hub, run by sentence-transformers."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from simplugin.catalog import ModelCard, Prompts
from simplugin.encoders.fingerprint import Fingerprint, hash_files, take_fingerprint
from simplugin.encoders.protocol import as_texts
from simplugin.errors import CheckpointError
from simplugin.measures import FloatArray, SimilarityFunction, unit_rows

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["LocalEncoder"]

_WEIGHTS = ("*.safetensors", "*.bin")


class LocalEncoder:
    """A sentence-transformers checkpoint: a folder, or an id that the Hub or its cache knows."""

    def __init__(self, location: str, card: ModelCard | None = None) -> None:
        """Open the checkpoint; ``card`` says what is known beyond its files.

        Raises ``CheckpointError`` where the files are missing, damaged, or of another kind.
        """
        folder = Path(location)
        self._folder = folder.resolve() if folder.is_dir() else None
        self._fingerprint: Fingerprint | None = None
        self._model = _open(location)
        # One model, one text at a time through its tokenizer: truncation settings are the tokenizer's state.
        self._lock = threading.Lock()
        name, identity = (folder.name, self._folder.as_posix()) if self._folder else (location, location)
        self._card = _complete(card or ModelCard(name=name, id=identity), self._model)

    @property
    def card(self) -> ModelCard:
        """What is known of the model, completed by what its files say."""
        return self._card

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        return cast(int, self._card.dimension)

    @property
    def fingerprint(self) -> Fingerprint:
        """What tells this model from every other."""
        if self._fingerprint is None:
            files = [] if self._folder is None else [p for kind in _WEIGHTS for p in sorted(self._folder.rglob(kind))]
            weights = hash_files(files) if files else None
            self._fingerprint = take_fingerprint(self._card, self.encode_query, self.encode_document, weights)
        return self._fingerprint

    def encode_query(self, texts: Iterable[str]) -> FloatArray:
        """Encode questions, with the checkpoint's prompt for them. Returns float32 (n, dimension)."""
        return self._encode(texts, query=True)

    def encode_document(self, texts: Iterable[str]) -> FloatArray:
        """Encode texts to be found, with the checkpoint's prompt for them. Returns float32 (n, dimension)."""
        return self._encode(texts, query=False)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text, untruncated, with the special ones and without the prompt."""
        tokenizer: Any = self._model.tokenizer
        with self._lock:
            if not callable(tokenizer):  # that of a static embedding is the bare one of tokenizers
                return [len(encoding) for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False)]
            encoded: Any = tokenizer(list(texts), truncation=False, padding=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def _encode(self, texts: Iterable[str], *, query: bool) -> FloatArray:
        listed = as_texts(texts)
        if not listed:
            return np.zeros((0, self.dimension), dtype=np.float32)
        model: Any = self._model  # overloads over images and sounds, which no text needs
        encode = model.encode_query if query else model.encode_document
        with self._lock:
            vectors = encode(listed, show_progress_bar=False, convert_to_numpy=True)
        rows = np.asarray(vectors, dtype=np.float32)
        return unit_rows(rows) if self._card.normalize else rows


def _open(location: str) -> SentenceTransformer:
    # Seconds to import: only when a checkpoint is opened.
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(location)
    except (SafetensorError, pickle.UnpicklingError, EOFError) as error:
        raise CheckpointError(location, f"its weights are damaged ({_first_line(error)}).") from error
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, TypeError, AttributeError) as error:
        # What the libraries raise for folders of another layout, damaged configurations and unknown Hub ids.
        raise CheckpointError(location, f"{_first_line(error)}.") from error


def _complete(card: ModelCard, model: SentenceTransformer) -> ModelCard:
    """Fill in what the opened checkpoint says of itself; where it differs from the card, the checkpoint is right."""
    similarity = cast(SimilarityFunction, str(model.similarity_fn_name))
    prompts = {side: text or "" for side, text in model.prompts.items()}
    return replace(
        card,
        dimension=model.get_embedding_dimension(),
        max_tokens=_length(model),
        pooling=_pooling(model),
        # Where closeness is the angle, length carries nothing: unit vectors make every engine agree.
        normalize=similarity == "cosine" or card.normalize,
        similarity=similarity,
        prompts=Prompts(query=prompts.get("query", ""), document=prompts.get("document", "")),
    )


def _length(model: SentenceTransformer) -> int | None:
    length = model.max_seq_length
    # Static embeddings say infinity, tokenizers without a limit 10^30.
    return int(length) if length is not None and length < 2**31 else None


def _pooling(model: SentenceTransformer) -> str | None:
    for module in model.modules():
        mode = getattr(module, "pooling_mode", None)
        if mode is not None:
            return str(mode)
    return None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
