"""Transformer checkpoints, run by sentence-transformers in batches of our own."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np

from simplugin.catalog import Backend, ModelCard, Precision
from simplugin.encoders.batching import plan, windows
from simplugin.encoders.fingerprint import Fingerprint, hash_files, take_fingerprint
from simplugin.encoders.inspector import Layout, read_layout
from simplugin.encoders.network import Batch, Network, TorchNetwork, choose_device
from simplugin.encoders.protocol import as_texts
from simplugin.errors import CheckpointError, ModelError
from simplugin.measures import FloatArray, unit_rows
from simplugin.messages import first_line, without_bars

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

__all__ = ["LocalEncoder", "open_layout"]

_EXAMPLES = ("A text to trace a network with.", "And a shorter one.")


class LocalEncoder:
    """A transformer checkpoint in a folder. Safe to share between threads."""

    def __init__(
        self,
        folder: Path,
        card: ModelCard | None = None,
        *,
        device: str | None = None,
        precision: Precision | None = None,
        truncate_dim: int | None = None,
        backend: Backend = "torch",
    ) -> None:
        """Open the checkpoint; ``card`` says what is known beyond its files.

        ``device`` is torch's name of one, None the best there is. ``precision`` is ``"fp32"``, exact;
        ``"bf16"``, which processors with such instructions and GPUs run two to four times as fast; or ``"fp16"``,
        on a GPU. ``truncate_dim`` keeps the first numbers of each vector, for models trained to allow it. The
        ``backend`` ``"openvino"`` (an extra) runs the same network faster on a processor, in ``"fp32"`` or ``"bf16"``.

        Raises ``CheckpointError`` where the files are missing, damaged, or of another kind; ``NotAnEmbedderError``
        for a pair model; ``ModelError`` for a device, precision, width or backend that this machine or model has
        not; ``MissingExtraError`` for a backend that is not installed.
        """
        # asyncio would add a tenth to the start of every command.
        from simplugin.encoders.microbatching import MicroBatcher

        self.layout = read_layout(folder)
        chosen = choose_device("cpu" if device is None and backend == "openvino" else device)
        model = open_layout(self.layout, chosen)
        self._tokenizer: Any = model.tokenizer
        self._pad = _padding(self._tokenizer)
        self._tokenizing = threading.Lock()  # truncation is the tokenizer's state
        self._table = model if self.layout.kind == "static" else None
        self._network = self._open_network(model, chosen, precision, backend)
        known = card or ModelCard(name=folder.name, id=folder.resolve().as_posix())
        known = replace(known, precision=self._network.precision, backend=backend)
        self._card = _complete(known, self.layout, model, truncate_dim)
        self._fingerprint: Fingerprint | None = None
        self._truncated = 0
        self._queries = MicroBatcher(self.encode_query)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as what opens the model again, where it is unpickled, on the best device there."""
        from simplugin.encoders.loading import load

        card = self._card
        return load, (card.id, None, card.precision, card.truncate_dim, card.backend)

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
            weights = hash_files(self.layout.weights)
            self._fingerprint = take_fingerprint(self._card, self.encode_query, self.encode_document, weights)
        return self._fingerprint

    @property
    def truncated(self) -> int:
        """How many texts were longer than the model reads, since it was opened; their ends were not seen."""
        return self._truncated

    def encode_query(self, texts: Iterable[str]) -> FloatArray:
        """Encode questions, with the checkpoint's prompt for them. Returns float32 (n, dimension)."""
        return self._encode(texts, self._card.prompts.query)

    def encode_document(self, texts: Iterable[str]) -> FloatArray:
        """Encode texts to be found, with the checkpoint's prompt for them. Returns float32 (n, dimension)."""
        return self._encode(texts, self._card.prompts.document)

    async def aencode_query(self, texts: Iterable[str]) -> FloatArray:
        """Encode questions in one batch with those of other callers. Returns float32 (n, dimension)."""
        return await self._queries.encode(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text, untruncated, with the special ones and without the prompt."""
        listed = as_texts(texts)
        if self.layout.kind == "static":
            with self._tokenizing:  # the bare tokenizer of the tokenizers library
                return [len(found) for found in self._tokenizer.encode_batch(listed, add_special_tokens=False)]
        return [len(ids) for ids in self._tokenize(listed, limit=None)["input_ids"]]

    def encode_unscaled(self, texts: Iterable[str]) -> FloatArray:
        """Encode questions as the checkpoint's own modules do: float32 (n, dimension), not brought to length 1."""
        return self._run(texts, self._card.prompts.query)

    def _encode(self, texts: Iterable[str], prompt: str) -> FloatArray:
        vectors = self._run(texts, prompt)
        return unit_rows(vectors) if self._card.normalize else vectors

    def _run(self, texts: Iterable[str], prompt: str) -> FloatArray:
        rows = [self._encode_window(window, prompt) for window in windows(texts)]
        return np.concatenate(rows) if rows else np.zeros((0, self.dimension), dtype=np.float32)

    def _encode_window(self, texts: list[str], prompt: str) -> FloatArray:
        """Encode some texts, longest first. Returns float32 (n, dimension) in the order given, not yet normalised."""
        if self._table is not None:
            with self._tokenizing:
                rows = self._table.encode(texts, prompt=prompt or None, show_progress_bar=False, convert_to_numpy=True)
            return np.asarray(rows, dtype=np.float32)[:, : self.dimension]
        tokens = self._cut([prompt + text for text in texts])
        planned = plan([len(ids) for ids in tokens["input_ids"]], self._network.budget)
        batches = (self._batch(tokens, places) for places in planned)
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for places, rows in zip(planned, self._network.run(batches, self._prompt_length(prompt)), strict=True):
            vectors[places] = rows[:, : self.dimension]
        return vectors

    def _batch(self, tokens: Mapping[str, list[list[int]]], places: Sequence[int]) -> Batch:
        return {
            key: _rectangle([values[place] for place in places], self._pad.get(key, 0))
            for key, values in tokens.items()
        }

    def _open_network(
        self, model: SentenceTransformer, device: torch.device, precision: Precision | None, backend: Backend
    ) -> Network:
        if backend not in get_args(Backend):
            message = f"There is no backend {backend!r}. Known: {', '.join(get_args(Backend))}."
            raise ModelError(message)
        if backend == "torch":
            return TorchNetwork(model, device, precision)
        if device.type != "cpu" or self._table is not None:
            message = "The backend 'openvino' runs transformers on a processor; leave it out."
            raise ModelError(message)
        if not self.layout.prompt_pooled:
            message = (
                "The pooling of this model leaves its prompt out, which the backend 'openvino' cannot: use 'torch'."
            )
            raise ModelError(message)
        from simplugin.encoders.openvino import OpenVinoNetwork

        return OpenVinoNetwork(
            model, self._batch(self._tokenize(list(_EXAMPLES), limit=None), range(len(_EXAMPLES))), precision
        )

    def _cut(self, texts: list[str]) -> dict[str, list[list[int]]]:
        """Tokenize, to the model's length; the longer texts are counted and go through the tokenizer once more."""
        tokens = self._tokenize(texts, limit=None)
        limit = self._card.max_tokens
        if limit is None:
            return tokens
        long = [place for place, ids in enumerate(tokens["input_ids"]) if len(ids) > limit]
        if long:
            shorter = self._tokenize([texts[place] for place in long], limit)
            for key, values in shorter.items():
                for place, value in zip(long, values, strict=True):
                    tokens[key][place] = value
            with self._tokenizing:
                self._truncated += len(long)
        return tokens

    def _tokenize(self, texts: list[str], limit: int | None) -> dict[str, list[list[int]]]:
        if not texts:
            return {"input_ids": []}
        with self._tokenizing:
            encoded = self._tokenizer(
                texts, truncation=limit is not None, max_length=limit, padding=False, verbose=False
            )
        return dict(cast("Mapping[str, list[list[int]]]", encoded))

    def _prompt_length(self, prompt: str) -> int | None:
        """Count a prompt's tokens, the leading special one included, where the pooling leaves them out."""
        if self.layout.prompt_pooled or not prompt:
            return None
        ids = self._tokenize([prompt], limit=None)["input_ids"][0]
        return len(ids) - (ids[-1] in self._tokenizer.all_special_ids)


def _rectangle(rows: list[list[int]], filling: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Fill rows up to the longest, on the right. Returns (rows, longest)."""
    filled = np.full((len(rows), max(map(len, rows))), filling, dtype=np.int64)
    for number, row in enumerate(rows):
        filled[number, : len(row)] = row
    return filled


def _padding(tokenizer: Any) -> dict[str, int]:
    """Return what fills each input; the mask, where 0 means filling, needs no entry."""
    return {
        "input_ids": getattr(tokenizer, "pad_token_id", None) or 0,
        "token_type_ids": getattr(tokenizer, "pad_token_type_id", None) or 0,
    }


def open_layout(layout: Layout, device: torch.device) -> SentenceTransformer:
    """Open the network of a checkpoint in fp32, at the length its positions allow.

    Raises ``CheckpointError`` where its files are damaged or do not fit each other.
    """
    # Seconds to import: only when a checkpoint is opened.
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    try:
        with without_bars():
            model = SentenceTransformer(
                str(layout.folder), device=str(device), trust_remote_code=False, local_files_only=True
            )
    except (SafetensorError, pickle.UnpicklingError, EOFError) as error:
        raise CheckpointError(layout.folder, f"its weights are damaged ({first_line(error)}).") from error
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, TypeError, AttributeError) as error:
        # What the libraries raise for damaged configurations, tokenizers and weights of other shapes.
        raise CheckpointError(layout.folder, f"{first_line(error)}.") from error
    model.float().eval()  # weights stored as halves stay so by default: precision is what the caller says
    if layout.max_tokens is not None:
        model.max_seq_length = layout.max_tokens
    _check_vocabulary(layout, model)
    return model


def _check_vocabulary(layout: Layout, model: SentenceTransformer) -> None:
    """Refuse a tokenizer with more pieces than the network has rows: it would fail on the first text with one."""
    if layout.kind == "static":
        return
    transformer: Any = model[0]
    tokenizer: Any = model.tokenizer
    rows = int(transformer.model.get_input_embeddings().num_embeddings)
    highest = max(tokenizer.get_vocab().values(), default=0)
    if highest >= rows:
        raise CheckpointError(layout.folder, f"its tokenizer has pieces up to {highest}, its network only {rows} rows.")


def _complete(card: ModelCard, layout: Layout, model: SentenceTransformer, truncate_dim: int | None) -> ModelCard:
    completed = layout.complete(card)
    width = cast(int, model.get_embedding_dimension())
    if truncate_dim is not None and not 0 < truncate_dim <= width:
        message = f"truncate_dim is {truncate_dim}; {card.name!r} has vectors of {width} numbers."
        raise ModelError(message)
    narrower = truncate_dim if truncate_dim != width else None
    return replace(completed, dimension=narrower or width, truncate_dim=narrower)
