"""The engine lists a vector in one file after another; a process may die between any two of them."""

from __future__ import annotations

import itertools
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from simplugin.errors import StoreError
from simplugin_qdrant.filters import LacksVector
from simplugin_qdrant.stores.edge import EdgeStore
from simplugin_qdrant.stores.protocol import Point, Quantization, VectorSpace

States = tuple[Path, Quantization | None]

POINTS = 11_000  # above the size for which the engine builds an index: the indexed points make a segment of their own
SHARD = Path("collections/c/shard")
SIDECAR = Path("collections/c/simplugin.json")


@pytest.fixture(scope="module", params=[None, "int8"], ids=["plain", "small copies"])
def states(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> States:
    """Return a folder with copies of a store: before a vector is added, with it, and without it again."""
    folder, quantization = tmp_path_factory.mktemp("states"), request.param
    with EdgeStore(folder / "without") as store:
        store.create("c", {"a": VectorSpace(512, "cosine", quantization)}, {}, {}, ["words"])
        rows = np.random.default_rng(0).standard_normal((POINTS, 512)).astype(np.float32)
        points = [Point(str(uuid.UUID(int=row)), {"a": rows[row]}, {}) for row in range(POINTS)]
        store.upsert("c", points)
        store.optimize("c")
        store.upsert("c", points[:500])
    assert len(list((folder / "without" / SHARD / "segments").iterdir())) > 1
    shutil.copytree(folder / "without", folder / "with")
    with EdgeStore(folder / "with") as store:
        store.add_vector("c", "b", VectorSpace(64, "cosine", quantization))
    shutil.copytree(folder / "with", folder / "removed")
    with EdgeStore(folder / "removed") as store:
        store.remove_vector("c", "b")
    return folder, quantization


def half_way(old: Path, new: Path, sidecar: Path, mixed: Path) -> Iterator[Path]:
    """Yield a store in every mixture of old and new files that a kill can leave; its log is the new one."""
    parts = [
        *sorted(part.relative_to(old) for part in (old / SHARD / "segments").iterdir()),
        SHARD / "edge_config.json",
    ]
    for from_old in itertools.product([True, False], repeat=len(parts)):
        shutil.rmtree(mixed, ignore_errors=True)
        shutil.copytree(new, mixed)
        shutil.copy(sidecar / SIDECAR, mixed / SIDECAR)
        for part in itertools.compress(parts, from_old):
            if (old / part).is_dir():
                shutil.rmtree(mixed / part)
                shutil.copytree(old / part, mixed / part)
            else:
                shutil.copy(old / part, mixed / part)
        yield mixed


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new", "sidecar"), [("without", "with", "without"), ("with", "removed", "removed")])
def test_a_collection_opens_wherever_a_kill_fell_while_a_vector_was_added_or_removed(
    states: States, old: str, new: str, sidecar: str, tmp_path: Path
) -> None:
    folder, quantization = states
    for mixed in half_way(folder / old, folder / new, folder / sidecar, tmp_path / "mixed"):
        with EdgeStore(mixed) as store:
            assert store.describe("c").vectors.keys() == {"a"}
            store.add_vector(
                "c", "b", VectorSpace(32, "dot", quantization)
            )  # of another width than the one that is gone
            store.fill("c", {str(uuid.UUID(int=7)): {"b": np.ones(32, np.float32)}}, "b")
        with EdgeStore(mixed) as store:
            assert store.count("c") == POINTS
            assert store.count("c", LacksVector("b")) == POINTS - 1


def test_a_damaged_segment_is_told_by_the_engine(tmp_path: Path) -> None:
    with EdgeStore(tmp_path / "db") as store:
        store.create("c", {"a": VectorSpace(8, "cosine")}, {}, {})
        store.upsert("c", [Point(str(uuid.UUID(int=1)), {"a": np.ones(8, np.float32)}, {})])
    (segment,) = (tmp_path / "db" / SHARD).glob("segments/*/segment.json")
    segment.write_text("{", encoding="utf-8")

    with EdgeStore(tmp_path / "db") as store, pytest.raises(StoreError, match="refused an operation"):
        store.count("c")
