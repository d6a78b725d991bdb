"""Time to the first answer."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from simplugin import samples
from simplugin_qdrant import open_store, register

RUNS = 9
HEAVY = ("torch", "qdrant_client", "langchain_core", "sentence_transformers")


def run(_data: Path) -> None:
    """Print the wall time of a search from a cold start, as a ratio to importing numpy and tokenizers."""
    with tempfile.TemporaryDirectory() as folder:
        with open_store(folder) as store:
            register(store, "docs", "starter").ingest([samples.documents_folder()])
        search = ["-m", "simplugin", "search", "docs", "When is the library open?", "--store", folder, "--json"]
        floor, ours, package = seconds_of(["-c", "import numpy, tokenizers"], search, ["-c", "import simplugin"])
    print(f"import numpy, tokenizers   {floor * 1000:6.0f} ms")
    print(f"simplugin search           {ours * 1000:6.0f} ms   ratio {ours / floor:.2f}")
    print(f"import simplugin           {package * 1000:6.0f} ms   ratio {package / floor:.2f}")
    code = f"import sys, simplugin; print([name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    print(f"of {', '.join(HEAVY)}, import simplugin loads {loaded}")


def seconds_of(*commands: list[str]) -> list[float]:
    """Return the median wall time of each command; the runs take turns, so that noise falls on all alike."""
    times: list[list[float]] = [[] for _ in commands]
    for _ in range(RUNS):
        for taken, command in zip(times, commands, strict=True):
            started = time.perf_counter()
            subprocess.run([sys.executable, *command], capture_output=True, check=True)
            taken.append(time.perf_counter() - started)
    return [statistics.median(taken) for taken in times]
