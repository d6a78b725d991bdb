"""The student: one row of numbers for each piece, and their mean for a text."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from simplugin.training.bags import Bags
from simplugin.training.vocabulary import UNKNOWN

SHARED_LENGTHS = range(3, 6)
"""Lengths, in letters, of the letter runs that pieces share while they learn."""

FREQUENT = -10.5
"""Log probability above which a piece learns alone.

It is met often enough, and what it shared would pull its false friends after it: `que` to `queen`.
"""


@dataclass(frozen=True, slots=True)
class Student:
    """Rows of the pieces (V, d) and of the letter runs (G, d), which runs a piece has, and which pieces count.

    A piece stands for its own row plus the mean of the rows of its runs, so a rare form learns from its
    relatives (as in Bojanowski et al. 2017, https://arxiv.org/abs/1607.04606). `fold` adds the two up: what ships
    has one row a piece.
    """

    rows: torch.Tensor
    runs: torch.Tensor
    spelling: Bags
    counting: torch.Tensor
    """1 for a piece that counts, 0 for one that says nothing and stays a row of zeros, (V, 1)."""

    @property
    def parameters(self) -> list[torch.Tensor]:
        """The tensors to train."""
        return [self.rows, self.runs]

    def copy(self, values: Sequence[torch.Tensor]) -> None:
        """Take over the values of ``parameters``, in their order."""
        with torch.no_grad():
            for own, value in zip(self.parameters, values, strict=True):
                own.copy_(value)

    def embed(self, bags: Bags) -> torch.Tensor:
        """Give the mean of the pieces of each text, (n, d), not normalised."""
        present, places = np.unique(bags.ids, return_inverse=True)
        known = torch.from_numpy(present).to(self.rows.device)
        spelling = self.spelling.take(present)
        table = torch.nn.functional.embedding(known, self.rows) + _mean(self.runs, spelling)
        table = table * self.counting[known]
        return _mean(table, Bags(places.reshape(-1).astype(np.int64), bags.starts))

    def fold(self) -> NDArray[np.float32]:
        """Give the finished table, (V, d)."""
        with torch.no_grad():
            table = (self.rows + _mean(self.runs, self.spelling)) * self.counting
        return table.cpu().numpy().astype(np.float32)


def create_student(pieces: Sequence[tuple[str, float]], *, width: int, seed: int, device: str = "cpu") -> Student:
    """Create an untrained student for (piece, log probability) rows.

    Its rows are small and random, so that a piece never met weighs next to nothing.
    """
    generator = torch.Generator().manual_seed(seed)
    spelling, count = _spell(pieces)
    rows = torch.randn(len(pieces), width, generator=generator) * 0.01
    runs = torch.zeros(max(count, 1), width)
    counting = torch.tensor([[float(piece != UNKNOWN)] for piece, _ in pieces])
    rows, runs = rows.to(device), runs.to(device)
    return Student(rows.requires_grad_(), runs.requires_grad_(), spelling, counting.to(device))


def _mean(table: torch.Tensor, bags: Bags) -> torch.Tensor:
    return torch.nn.functional.embedding_bag(
        torch.from_numpy(bags.ids).to(table.device),
        table,
        torch.from_numpy(bags.starts[:-1]).to(table.device),
        mode="mean",
    )


def _spell(pieces: Sequence[tuple[str, float]]) -> tuple[Bags, int]:
    """Number the letter runs that at least two pieces share, and list those of each piece."""
    runs = [[] if probability > FREQUENT else _letter_runs(piece) for piece, probability in pieces]
    holders = Counter(run for found in runs for run in found)
    numbers = {run: number for number, run in enumerate(run for run, count in holders.items() if count > 1)}
    ids = [[numbers[run] for run in found if run in numbers] for found in runs]
    lengths = np.asarray([0] + [len(found) for found in ids], dtype=np.int64)
    flat = np.asarray([run for found in ids for run in found], dtype=np.int64)
    return Bags(flat, np.cumsum(lengths)), len(numbers)


def _letter_runs(piece: str) -> list[str]:
    shared = SHARED_LENGTHS if _is_alphabetic(piece) else range(1, 3)
    found = (piece[start : start + length] for length in shared for start in range(len(piece) - length + 1))
    return list(dict.fromkeys(found))


def _is_alphabetic(piece: str) -> bool:
    """Tell letters that spell sounds from characters that carry meaning one by one (Han, kana)."""
    return all(letter < "\u3000" for letter in piece)
