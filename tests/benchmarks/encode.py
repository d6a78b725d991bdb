"""Sentences a second with the starter."""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path

from simplugin import load


def run(data: Path) -> None:
    """Print how many STSb sentences one core encodes in a second: processor time, so that idle cores do not count."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    sentences: list[str] = []
    for language in ("en", "de", "tr", "zh"):
        with (data / "stsb" / f"stsb-{language}-train.csv").open(encoding="utf-8", newline="") as file:
            sentences += [text for row in csv.reader(file) for text in row[:2]]
    model = load("starter")
    model.encode_document(sentences[:1000])
    started = time.process_time()
    model.encode_document(sentences)
    seconds = time.process_time() - started
    print(f"{len(sentences)} sentences in {seconds:.2f} s of one core: {len(sentences) / seconds:,.0f} sentences/s")
