"""Transformer checkpoints, run by sentence-transformers in batches of our own."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np

from simplugin.catalog import ModelCard, Precision
from simplugin.encoders.batching import CPU, GPU, plan, windows
from simplugin.encoders.fingerprint import Fingerprint, hash_files, take_fingerprint
from simplugin.encoders.inspector import Layout, read_layout
from simplugin.errors import CheckpointError, ModelError
from simplugin.measures import FloatArray, unit_rows

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

__all__ = ["LocalEncoder"]


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
    ) -> None:
        """Open the checkpoint; ``card`` says what is known beyond its files.

        ``device`` is torch's name of one, None the best there is. ``precision`` is ``"fp32"``, exact;
        ``"bf16"``, which processors with such instructions and GPUs run two to four times as fast; or ``"fp16"``,
        on a GPU. ``truncate_dim`` keeps the first numbers of each vector, for models trained to allow it.

        Raises ``CheckpointError`` where the files are missing, damaged, or of another kind; ``NotAnEmbedderError``
        for a pair model; ``ModelError`` for a device, precision or width that this machine or model has not.
        """
        # asyncio would add a tenth to the start of every command.
        from simplugin.encoders.microbatching import MicroBatcher

        self.layout = read_layout(folder)
        self._device = _choose_device(device)
        self._precision: Precision = _choose_precision(precision, self._device)
        self._model = _open(self.layout, self._device)
        self._budget = CPU if self._device.type == "cpu" else GPU
        self._fingerprint: Fingerprint | None = None
        self._truncated = 0
        # Truncation is the tokenizer's state; two forward passes at once only share the cores.
        self._tokenizing, self._computing = threading.Lock(), threading.Lock()
        self._queries = MicroBatcher(self.encode_query)
        known = card or ModelCard(name=folder.name, id=folder.resolve().as_posix())
        self._card = _complete(known, self.layout, self._model, self._precision, truncate_dim)
        self._pad = _padding(self._model.tokenizer)

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
        if self.layout.kind == "static":
            with self._tokenizing:  # the bare tokenizer of the tokenizers library
                bare: Any = self._model.tokenizer
                return [len(encoding) for encoding in bare.encode_batch(list(texts), add_special_tokens=False)]
        return [len(ids) for ids in self._tokenize(list(texts), limit=None)["input_ids"]]

    def _encode(self, texts: Iterable[str], prompt: str) -> FloatArray:
        rows = [self._encode_window(window, prompt) for window in windows(texts)]
        vectors = np.concatenate(rows) if rows else np.zeros((0, self.dimension), dtype=np.float32)
        return unit_rows(vectors) if self._card.normalize else vectors

    def _encode_window(self, texts: list[str], prompt: str) -> FloatArray:
        """Encode some texts, longest first. Returns float32 (n, dimension) in the order given, not yet normalised."""
        if self.layout.kind == "static":
            with self._tokenizing:
                model: Any = self._model  # overloads over images and sounds, which no text needs
                table = model.encode(texts, prompt=prompt or None, show_progress_bar=False, convert_to_numpy=True)
            return np.asarray(table, dtype=np.float32)[:, : self.dimension]
        tokens = self._cut([prompt + text for text in texts])
        skipped = self._prompt_length(prompt)
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        with _inference(self._device, self._precision):
            for places in plan([len(ids) for ids in tokens["input_ids"]], self._budget):
                batch = {key: [values[place] for place in places] for key, values in tokens.items()}
                vectors[places] = self._forward(batch, skipped)
        return vectors

    def _forward(self, batch: dict[str, list[list[int]]], skipped: int | None) -> FloatArray:
        """Run the modules over one batch of token lists. Returns float32 (rows, dimension)."""
        import torch

        features: dict[str, Any] = {
            key: torch.from_numpy(_rectangle(rows, self._pad.get(key, 0))).to(self._device)
            for key, rows in batch.items()
        }
        if skipped is not None:
            features["prompt_length"] = skipped
        with self._computing:
            embedded: torch.Tensor = self._model(features)["sentence_embedding"]
            kept = embedded[:, : self.dimension].float().cpu()
        return cast(FloatArray, kept.numpy())

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
        tokenizer: Any = self._model.tokenizer
        with self._tokenizing:
            encoded = tokenizer(texts, truncation=limit is not None, max_length=limit, padding=False, verbose=False)
        return dict(cast("Mapping[str, list[list[int]]]", encoded))

    def _prompt_length(self, prompt: str) -> int | None:
        """Count a prompt's tokens, the leading special one included, where the pooling leaves them out."""
        if self.layout.prompt_pooled or not prompt:
            return None
        ids = self._tokenize([prompt], limit=None)["input_ids"][0]
        special: Any = self._model.tokenizer
        return len(ids) - (ids[-1] in special.all_special_ids)


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


@contextmanager
def _inference(device: torch.device, precision: Precision) -> Generator[None, None, None]:
    """Compute without gradients and in this precision; within one context, converted weights are kept."""
    import torch

    half = torch.float16 if precision == "fp16" else torch.bfloat16
    with torch.inference_mode(), torch.autocast(device.type, half, enabled=precision != "fp32"):
        yield


def _choose_device(name: str | None) -> torch.device:
    import torch

    if name is None:
        best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(best)
    try:
        device = torch.device(name)
    except RuntimeError as error:
        message = f"There is no device {name!r}; torch calls them 'cpu', 'cuda', 'cuda:1', 'mps'."
        raise ModelError(message) from error
    if (device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()) or (
        device.type == "mps" and not torch.backends.mps.is_available()
    ):
        message = f"This machine has no device {name!r}; leave device out for the best there is."
        raise ModelError(message)
    return device


def _choose_precision(precision: Precision | None, device: torch.device) -> Precision:
    if precision is None:
        return "fp32"
    if precision not in get_args(Precision):
        message = f"There is no precision {precision!r}. Known: {', '.join(get_args(Precision))}."
        raise ModelError(message)
    if precision == "fp16" and device.type == "cpu":
        message = "Precision 'fp16' needs a GPU; on a processor use 'bf16' or 'fp32'."
        raise ModelError(message)
    return precision


def _open(layout: Layout, device: torch.device) -> SentenceTransformer:
    # Seconds to import: only when a checkpoint is opened.
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(
            str(layout.folder), device=str(device), trust_remote_code=False, local_files_only=True
        )
    except (SafetensorError, pickle.UnpicklingError, EOFError) as error:
        raise CheckpointError(layout.folder, f"its weights are damaged ({_first_line(error)}).") from error
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, TypeError, AttributeError) as error:
        # What the libraries raise for damaged configurations, tokenizers and weights of other shapes.
        raise CheckpointError(layout.folder, f"{_first_line(error)}.") from error
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


def _complete(
    card: ModelCard, layout: Layout, model: SentenceTransformer, precision: Precision, truncate_dim: int | None
) -> ModelCard:
    completed = layout.complete(card)
    width = cast(int, model.get_embedding_dimension())
    if truncate_dim is not None and not 0 < truncate_dim <= width:
        message = f"truncate_dim is {truncate_dim}; {card.name!r} has vectors of {width} numbers."
        raise ModelError(message)
    narrower = truncate_dim if truncate_dim != width else None
    return replace(completed, dimension=narrower or width, truncate_dim=narrower, precision=precision)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
