"""semantic-router over the vectors that ``intents`` left in a folder; leaves its answers there.

Run by the environment of the peers, which has neither simplugin nor its tests' libraries.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    folder, rare = Path(sys.argv[1]), int(sys.argv[2])
    with np.load(folder / "turns.npz") as file:
        arrays = dict(file)
    answers: dict[str, Any] = {}
    for number in sorted({name.partition(".")[0] for name in arrays}):
        mine = {name.partition(".")[2]: value for name, value in arrays.items() if name.startswith(f"{number}.")}
        answers |= {f"{number}.{name}": value for name, value in answer(mine, rare).items()}
    np.savez(folder / "answers.npz", **answers)


def answer(turn: dict[str, Any], rare: int) -> dict[str, Any]:
    """Return the raw answers to the queries, those to what is held out, and the calibrated confidence."""
    owners, inside, right, outside = turn["owners"], list[Any](), list[Any](), list[Any]()
    for kept, asked in jobs(turn, "inside"):
        best, score = ask(turn, kept, [f"utterances {row}" for row in asked])
        inside.append(score)
        right.append(best == owners[asked])
    everything = np.arange(len(owners))
    if len(turn["negatives"]):
        outside.append(ask(turn, everything, [f"negatives {row}" for row in range(len(turn["negatives"]))])[1])
    else:
        outside += [ask(turn, kept, [f"utterances {row}" for row in asked])[1] for kept, asked in jobs(turn, "outside")]
    held = {"inside": np.concatenate(inside), "right": np.concatenate(right), "outside": np.concatenate(outside)}
    foreign = held["outside"][::rare]
    calibrator: Any = import_module("semantic_router.calibration").Calibrator.fit(
        np.concatenate([held["inside"], foreign]), np.concatenate([held["right"], np.zeros(len(foreign))])
    )
    best, score = ask(turn, everything, [f"queries {row}" for row in range(len(turn["queries"]))])
    return held | {"best": best, "score": score, "confidence": calibrator(score)}


def jobs(turn: dict[str, Any], kind: str) -> list[tuple[Any, Any]]:
    names = sorted(name for name in turn if name.startswith(f"{kind}.") and name.endswith(".kept"))
    return [(turn[name], turn[name.removesuffix(".kept") + ".asked"]) for name in names]


def ask(turn: dict[str, Any], taught: Any, queries: list[str]) -> tuple[Any, Any]:
    """Return the place of the best route of each query and its score, by a router of its defaults."""
    router = router_of(turn, taught)

    async def all_of_them() -> list[Any]:
        return [await router.acall(query) for query in queries]

    choices = asyncio.run(all_of_them())
    return np.array([int(each.name) for each in choices]), np.array([each.confidence for each in choices], np.float64)


def router_of(turn: dict[str, Any], taught: Any) -> Any:
    route: Any = import_module("semantic_router").Route
    routers: Any = import_module("semantic_router.routers")
    encoders: Any = import_module("semantic_router.encoders")

    class Looked(encoders.DenseEncoder):  # type: ignore[misc]  # the library is not there for mypy
        """Looks vectors up: a text is the name of an array and a row in it."""

        def __call__(self, docs: list[str]) -> list[Any]:
            return [turn[name][int(row)] for name, _, row in (text.partition(" ") for text in docs)]

        async def acall(self, docs: list[str]) -> list[Any]:
            return self(docs)

    owners = turn["owners"][taught]
    routes = [
        route(name=str(owner), utterances=[f"utterances {row}" for row in taught[owners == owner]])
        for owner in np.unique(owners)
    ]
    return routers.IndexedRouter(encoder=Looked(name="starter"), routes=routes)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    main()
