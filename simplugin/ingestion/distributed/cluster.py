"""A Ray cluster for the time of an ingest, and how an ingest is laid out on it."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from simplugin.encoders import Encoder
from simplugin.errors import MissingExtraError, SimpluginError

__all__ = ["READER_CPUS", "Layout", "is_address", "joined", "lay_out"]

READER_CPUS = 0.25
"""What reading asks of Ray; little, so that it always finds room beside the workers, which leave a quarter free."""

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing leaves the machine that the user did not ask for
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # its processes write beside a progress bar
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # what will be so anyway, and is announced at every start
}
_WORKER_SHARE = 0.75
_BLOCK = 4 * 1024 * 1024  # bytes of documents a worker is given at once
_ADDRESS = re.compile(r"auto|ray://\S+|(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}")


@dataclass(frozen=True, slots=True)
class Layout:
    """How many readers read and workers embed; a worker's processors and GPUs, and its threads."""

    readers: int
    workers: int
    cpus: float
    gpus: int
    threads: int


def is_address(word: str) -> bool:
    """Say whether a word is the address of a Ray cluster: ``auto``, ``ray://host:10001`` or ``host:6379``."""
    return _ADDRESS.fullmatch(word) is not None


@contextmanager
def joined(address: str | None) -> Generator[Any]:
    """Give Ray, joined to the cluster at this address; None starts one on this machine, and ends it afterwards.

    A program that has joined a cluster already stays in it, whatever the address.

    Raises ``MissingExtraError`` where Ray is not installed, ``SimpluginError`` where there is no such cluster.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data  # pyright: ignore[reportUnusedImport]  # ray alone does not load it
    except ImportError as error:
        raise MissingExtraError("ray", "ingesting on a Ray cluster") from error
    if ray.is_initialized():
        with _quiet(ray):
            yield ray
        return
    _start(ray, address)
    try:
        with _quiet(ray):
            yield ray
    finally:
        ray.shutdown()


def lay_out(ray: Any, encoder: Encoder, workers: int | None) -> Layout:
    """Lay an ingest out: a worker a GPU, or a processor, or two processors where the model is a transformer.

    Raises ``ValueError`` for less than one worker.
    """
    if workers is not None and workers < 1:
        message = f"workers is {workers}; it must be at least 1."
        raise ValueError(message)
    there = ray.cluster_resources()
    cpus, gpus = max(1.0, there.get("CPU", 1.0)), int(there.get("GPU", 0))
    heavy = _is_transformer(encoder)
    if heavy and gpus:
        return Layout(max(workers or gpus, int(cpus) // 2), workers or gpus, _WORKER_SHARE, 1, 1)
    number = workers or max(1, int(cpus) // (2 if heavy else 1))
    # A worker lies on one machine: it never asks for more than the smallest has.
    share = min([cpus / number, *_processors(ray)])
    return Layout(max(number, int(cpus) // 2), number, round(share * _WORKER_SHARE, 3), 0, max(1, int(share)))


def _start(ray: Any, address: str | None) -> None:
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        # Not None: Ray would take it for the cluster that runs here, or that RAY_ADDRESS names.
        settings |= {"include_dashboard": False}
    try:
        ray.init(address=address or "local", **settings)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        where = f"There is no Ray cluster to join at {address!r}" if address else "Ray cannot be started here"
        reason = str(error).strip().split("\n", 1)[0].rstrip(".")
        raise SimpluginError(f"{where}: {reason}.") from error


@contextmanager
def _quiet(ray: Any) -> Generator[None]:
    """Let Ray Data say nothing, and hand on small blocks, as long as an ingest runs."""
    context, log = ray.data.DataContext.get_current(), logging.getLogger("ray.data")
    chosen = {"enable_progress_bars": False, "print_on_execution_start": False, "target_max_block_size": _BLOCK}
    before, level = {name: getattr(context, name) for name in chosen}, log.level
    try:
        for name, value in chosen.items():
            setattr(context, name, value)
        log.setLevel(logging.ERROR)
        yield
    finally:
        for name, value in before.items():
            setattr(context, name, value)
        log.setLevel(level)


def _processors(ray: Any) -> list[float]:
    """Return the number of processors of each machine that has some."""
    found = [node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"]]
    return [float(number) for number in found if number]


def _is_transformer(encoder: Encoder) -> bool:
    module = sys.modules.get("simplugin.encoders.local")  # what was not loaded is not asked for
    return module is not None and isinstance(encoder, module.LocalEncoder)
