"""``make bench``: speeds and qualities, each as a ratio where there is something to compare with.

Run one alone with ``python -m tests.benchmarks start`` (or another name of ``--help``).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import (
    calibration,
    crossing,
    encode,
    evaluating,
    finetuning,
    gpu,
    hybrid,
    ingest,
    intents,
    intents_chosen,
    langchain,
    neighbours,
    pairs,
    retrieval,
    routing,
    searching,
    setfit,
    sizes,
    start,
    store,
    sts,
    tasks,
)
from tests.conftest import ROOT

BENCHMARKS: dict[str, Callable[[Path], None]] = {
    "start": start.run,
    "sizes": sizes.run,
    "encode": encode.run,
    "ingest": ingest.run,
    "langchain": langchain.run,
    "crossing": crossing.run,
    "hybrid": hybrid.run,
    "sts": sts.run,
    "evaluating": evaluating.run,
    "calibration": calibration.run,
    "retrieval": retrieval.run,
    "routing": routing.run,
    "tasks": tasks.run,
    "finetuning": finetuning.run,
    "intents": intents.run,
    "intents_chosen": intents_chosen.run,
    "setfit": setfit.run,
    "pairs": pairs.run,
    "gpu": gpu.run,
    "store": store.run,
    "searching": searching.run,
    "neighbours": neighbours.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(BENCHMARKS), help=", ".join(BENCHMARKS))
    folder = os.environ.get("SIMPLUGIN_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(folder))
    chosen = parser.parse_args()
    if not chosen.data.is_dir():
        sys.exit(f"The benchmarks need the data folder; there is none at {chosen.data}. Set SIMPLUGIN_DATA.")
    for name in chosen.names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}; known: {', '.join(BENCHMARKS)}")
        print(f"\n== {name}")
        BENCHMARKS[name](chosen.data)


main()
