"""Turning a finished table so that its leading numbers say the most."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cosine_similarity

__all__ = ["turn"]

_STEPS = 1500
_BATCH = 4096
_RATE = 1e-2


def turn(
    table: NDArray[np.float32],
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    *,
    short: int,
    seed: int,
) -> NDArray[np.float32]:
    """Turn the rows of a table, (V, d), about the origin: no cosine changes, but its ``short`` leading numbers do.

    ``first`` and ``second`` (n, d) are vectors of paired texts, rows of length 1. The cosine that the leading numbers
    give a pair is brought as near as can be to that of all numbers: a search over the planes of ``short`` dimensions
    that begins at the principal one. The numbers behind them follow by what they explain.
    """
    width = table.shape[1]
    if short >= width or not len(first):
        return table
    leading = _leading(first, second, short=short, seed=seed)
    rest = _principal(first - (first @ leading) @ leading.T)
    rotation = np.concatenate([leading, rest[:, : width - short]], axis=1)
    return np.ascontiguousarray(table @ rotation, dtype=np.float32)


def _leading(first: NDArray[np.float32], second: NDArray[np.float32], *, short: int, seed: int) -> NDArray[np.float32]:
    chance = np.random.default_rng([seed, 3])
    plane = torch.tensor(_principal(first)[:, :short].copy(), requires_grad=True)
    optimizer = torch.optim.Adam([plane], lr=_RATE)
    for step in range(_STEPS):
        optimizer.param_groups[0]["lr"] = _RATE * (1.0 - step / _STEPS)
        rows = chance.integers(0, len(first), _BATCH)
        left, right = torch.from_numpy(first[rows]), torch.from_numpy(second[rows])
        axes = _orthonormal(plane)
        loss = ((cosine_similarity(left @ axes, right @ axes) - (left * right).sum(dim=1)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without annotations
        optimizer.step()
    return np.asarray(_orthonormal(plane.detach()).numpy(), dtype=np.float32)


def _orthonormal(plane: torch.Tensor) -> torch.Tensor:
    return cast("tuple[torch.Tensor, torch.Tensor]", torch.linalg.qr(plane))[0]


def _principal(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Give the principal axes as columns, (d, d), those that explain the most first."""
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    return np.asarray(axes[:, ::-1], dtype=np.float32)
