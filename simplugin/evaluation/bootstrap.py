"""How sure a figure is: the cluster bootstrap.

Items that share a text are not independent, so whole clusters of them are drawn again, with replacement (Field & Welsh
2007, "Bootstrapping clustered data"); on the STS benchmark that widens an interval by a tenth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "Interval", "Ints", "cluster", "interval", "resample", "weights"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Interval = tuple[float, float]

_NUMBERS = 2_000_000  # float64 numbers of a block of weights: 16 MB, which the allocator keeps and reuses
_LEVEL = 0.95


def cluster(members: Sequence[Sequence[int]], items: int) -> Ints:
    """Return the cluster (items,) of each item, from 0.

    ``members`` are groups of items that belong together, such as those with one text; groups that share an item are
    one cluster.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components  # pyright: ignore[reportUnknownVariableType]  # untyped

    left = [group[0] for group in members for _ in group[1:]]
    right = [item for group in members for item in group[1:]]
    edges = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(items, items))
    return np.asarray(connected_components(edges, directed=False)[1], dtype=np.int64)


def weights(clusters: Ints, draws: int, seed: int) -> Iterator[Floats]:
    """Give, in blocks (draws of the block, n), how often each draw takes each item.

    Every draw takes as many clusters as there are, with replacement. The same clusters and seed give the same draws,
    so that two models are compared on the same ones.
    """
    _, place = np.unique(clusters, return_inverse=True)
    count = int(place.max(initial=-1)) + 1
    random = np.random.default_rng(seed)
    block = max(1, _NUMBERS // max(1, len(place)))
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        drawn = random.integers(0, count, (rows, count)) + np.arange(rows)[:, None] * count
        taken = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        yield taken.astype(np.float64)[:, place]


def resample(
    measure: Callable[[Floats], Mapping[str, Floats]], clusters: Ints, *, draws: int, seed: int
) -> dict[str, Floats]:
    """Return each figure (draws,) that ``measure`` gives for weights (some draws, n)."""
    parts: dict[str, list[Floats]] = {}
    for block in weights(clusters, draws, seed):
        for name, values in measure(block).items():
            parts.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in parts.items()}


def interval(values: Floats) -> Interval | None:
    """Return the middle 95 % of resampled figures; None where too many draws gave none."""
    given = values[np.isfinite(values)]
    if len(given) < max(2, len(values) / 2):
        return None
    low, high = np.quantile(given, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)
