"""SetFit on the texts that ``setfit`` left in a folder; leaves its answers there.

Run by the environment of the peers, which has neither simplugin nor its tests' libraries.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    folder = Path(sys.argv[1])
    answers: dict[str, Any] = {}
    for number, job in enumerate(json.loads((folder / "jobs.json").read_text(encoding="utf-8"))):
        best, score = answer(job, str(folder / "starter"))
        answers |= {f"{number}.best": best, f"{number}.score": score}
    np.savez(folder / "answers.npz", **answers)


def answer(job: dict[str, Any], model: str) -> tuple[Any, Any]:
    """Return the best intent of each query, by its place, and its probability."""
    library: Any = import_module("setfit")
    rows = import_module("datasets").Dataset.from_dict({"text": job["texts"], "label": job["owners"]})
    trained = library.SetFitModel.from_pretrained(model)
    with tempfile.TemporaryDirectory() as out:
        arguments = library.TrainingArguments(output_dir=out, report_to="none", show_progress_bar=False, seed=0)
        library.Trainer(model=trained, args=arguments, train_dataset=rows).train()
    shares = np.asarray(trained.predict_proba(job["queries"], as_numpy=True), dtype=np.float64)
    return np.asarray(trained.model_head.classes_)[shares.argmax(axis=1)], shares.max(axis=1)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    main()
