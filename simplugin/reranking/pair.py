"""Reranking by a model that reads query and text together."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from simplugin.catalog import ModelCard, Precision
from simplugin.encoders.batching import CPU, GPU, plan
from simplugin.encoders.network import choose_device, choose_precision, half_type, inference, pack_for
from simplugin.encoders.protocol import check_query
from simplugin.measures import FloatArray
from simplugin.records import Hit
from simplugin.reranking.checkpoint import PairCheckpoint
from simplugin.reranking.ranking import as_hits, check_top, ranked
from simplugin.texts import whole

if TYPE_CHECKING:
    import torch

__all__ = ["PairReranker"]

_WINDOW = 1024  # pairs that are sorted by length together


class PairReranker:
    """A pair model: it scores two texts together, and has no vector for a single one. Made by ``load_reranker``."""

    def __init__(
        self,
        checkpoint: PairCheckpoint,
        *,
        symmetric: bool = False,
        device: str | None = None,
        precision: Precision | None = None,
    ) -> None:
        """Run an opened checkpoint; see ``load_reranker`` for the options."""
        self._checkpoint = checkpoint
        self._symmetric = symmetric
        self._device = choose_device(device)
        self._precision: Precision = choose_precision(precision, self._device)
        self._network = checkpoint.network.to(self._device)
        if self._precision != "fp32":
            from simplugin.reranking.network import halve

            halve(self._network, len(checkpoint.head.labels), half_type(self._precision))
        pack_for(self._device, self._network)
        # Truncation settings are the tokenizer's state.
        self._lock = threading.Lock()

    @property
    def card(self) -> ModelCard:
        """What is known of the model, completed by what its files say."""
        return self._checkpoint.card

    @property
    def labels(self) -> tuple[str, ...]:
        """What the columns of ``probabilities`` mean, in order."""
        return self._checkpoint.head.labels

    @property
    def max_tokens(self) -> int:
        """How many tokens both texts may have together, special tokens included; the longer text is cut first."""
        return self._checkpoint.max_tokens

    def probabilities(self, pairs: Iterable[tuple[str, str]]) -> FloatArray:
        """Classify pairs of texts. Returns float32 (n, classes) in input order, columns as in ``labels``.

        A symmetric reranker gives the mean of both directions. Any iterable is taken, in windows. Raises
        ``TypeError`` for anything but pairs of strings.
        """
        parts = [self._window(window) for window in _windows(pairs)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.labels)), dtype=np.float32)

    def score(self, pairs: Iterable[tuple[str, str]]) -> FloatArray:
        """Score pairs of texts: float32 (n,) in [0, 1], higher is closer, in input order.

        One class gives its sigmoid; the classes of inference give P(entailment) + ½ P(neutral), the expected grade.
        """
        return self._checkpoint.head.score(self.probabilities(pairs))

    def rerank(self, query: str, hits: Sequence[Hit | str], top_n: int | None = None) -> list[Hit]:
        """Return the hits, best first, with the model's score for query and text as ``score``, in [0, 1].

        Plain texts are taken too and come back as hits whose ids are their places, from 0. Equal scores keep their
        order. ``top_n`` keeps that many; None keeps all. Raises ``ValueError`` for a ``top_n`` below 1.
        """
        check_query(query)
        check_top(top_n)
        given = as_hits(hits)
        return ranked(given, self.score([(query, hit.text) for hit in given]), top_n)

    def _window(self, pairs: list[tuple[str, str]]) -> FloatArray:
        swapped = [(second, first) for first, second in pairs] if self._symmetric else []
        # Each pair once: the last bits of a sum depend on the row, and equal pairs must not differ by them.
        different = {pair: place for place, pair in enumerate(dict.fromkeys([*pairs, *swapped]))}
        rows = self._classify(list(different))
        one_way = rows[[different[pair] for pair in pairs]]
        if not swapped:
            return one_way
        return np.asarray((one_way + rows[[different[pair] for pair in swapped]]) / 2, dtype=np.float32)

    def _classify(self, pairs: list[tuple[str, str]]) -> FloatArray:
        tokenizer = self._checkpoint.tokenizer
        with self._lock:
            columns: dict[str, list[list[int]]] = dict(
                tokenizer(
                    [first for first, _ in pairs],
                    [second for _, second in pairs],
                    truncation="longest_first",
                    max_length=self.max_tokens,
                    padding=False,
                    return_attention_mask=True,
                    verbose=False,
                )
            )
        places = self._checkpoint.places
        lengths = [places or len(ids) for ids in columns["input_ids"]]
        logits = np.empty((len(pairs), len(self.labels)), dtype=np.float32)
        for batch in plan(lengths, CPU if self._device.type == "cpu" else GPU):
            width = max(lengths[place] for place in batch)
            rows = {
                name: self._pad(name, [column[place] for place in batch], width) for name, column in columns.items()
            }
            logits[batch] = self._run(rows)
        return self._checkpoint.head.probabilities(logits)

    def _pad(self, name: str, rows: list[list[int]], width: int) -> torch.Tensor:
        import torch

        tokenizer = self._checkpoint.tokenizer
        fillers = {"input_ids": tokenizer.pad_token_id, "token_type_ids": tokenizer.pad_token_type_id}
        padded = np.full((len(rows), width), fillers.get(name) or 0, dtype=np.int64)
        for place, row in enumerate(rows):
            if tokenizer.padding_side == "left":
                padded[place, width - len(row) :] = row
            else:
                padded[place, : len(row)] = row
        return torch.from_numpy(padded).to(self._device)

    def _run(self, rows: dict[str, torch.Tensor]) -> FloatArray:
        import torch

        with inference(self._device, self._precision):
            output: Any = self._network(**rows)
        logits: torch.Tensor = output if isinstance(output, torch.Tensor) else output.logits
        return cast(FloatArray, logits.float().cpu().numpy())


def _windows(pairs: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    given: Iterator[object] = iter(pairs)  # callers may be untyped
    while window := list(islice(given, _WINDOW)):
        yield [_as_pair(pair) for pair in window]


def _as_pair(pair: object) -> tuple[str, str]:
    match pair:
        case (str() as first, str() as second):
            return whole(first), whole(second)
        case _:
            message = f"Expected pairs of texts, got {pair!r:.60}: write [(text, other), …]."
            raise TypeError(message)
