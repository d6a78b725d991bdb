"""A pair model that goes by a rule, so that what it will say is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from simplugin.catalog import ModelCard
from simplugin.reranking import PairReranker
from simplugin.reranking.checkpoint import PairCheckpoint
from simplugin.reranking.heads import Head
from simplugin.reranking.tokenizer import open_tokenizer
from tests.reranking.checkpoints import tokenizer_folder

__all__ = ["rule_reranker"]


class _Rule(torch.nn.Module):
    """Adds up the logits of the tokens."""

    def __init__(self, table: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("table", table)

    def forward(self, input_ids: torch.Tensor, **_: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.embedding(input_ids, self.get_buffer("table")).sum(dim=1)


def rule_reranker(folder: Path, labels: Sequence[str], logits: Mapping[str, Sequence[float]]) -> PairReranker:
    """Return a pair model of these columns, whose logits are the sum of those of the words of both texts."""
    tokenizer = open_tokenizer(str(tokenizer_folder(folder, tuple(logits))))
    rows = torch.zeros(len(tokenizer), len(labels))
    for word, row in logits.items():
        rows[tokenizer.convert_tokens_to_ids(word)] = torch.tensor(row)
    card = ModelCard(name="rule", id="rule", kind="pair")
    return PairReranker(PairCheckpoint(card, tokenizer, _Rule(rows), Head(labels), 48), device="cpu")
