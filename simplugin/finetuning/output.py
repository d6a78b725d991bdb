"""The folder that becomes a model: what is being made in it, by which it goes on after it was cut short."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from simplugin.errors import DataError
from simplugin.evaluation.result import DataRecord
from simplugin.rows import read_text
from simplugin.writing import write_whole

__all__ = ["RECORD", "Run", "begin", "finish"]

RECORD = "finetuning.json"
"""What was done, beside the finished model."""

_WORK = "training"
_RUN = "run.json"


class Run(BaseModel):
    """What decides how a training ends: two that are equal here give the same model."""

    model_config = ConfigDict(frozen=True)

    recipe: str
    hyperparameters: dict[str, float | int | None]
    seed: int
    base: str
    weights: str
    data: dict[str, tuple[DataRecord, ...]]
    worth: dict[str, float] = {}
    folds: int = 0
    trials: int = 0

    def differs_in(self, other: Run) -> list[str]:
        """Return the names of what is not the same."""
        ours, theirs = self.model_dump(mode="json"), other.model_dump(mode="json")
        return [name for name in ours if ours[name] != theirs[name]]


def begin(out: Path, run: Run, *, overwrite: bool) -> Path:
    """Return the folder to work in, inside ``out``; what a run like this one left there is kept.

    Raises ``DataError`` for a folder that holds a finished model, another run, or something else; ``overwrite`` starts
    anew in the first two.
    """
    work = out / _WORK
    if out.exists() and not out.is_dir():
        raise DataError("this is a file; name a folder that the model may fill.", path=out)
    if out.is_dir() and any(out.iterdir()):
        finished, unfinished = (out / RECORD).is_file(), (work / _RUN).is_file()
        if not finished and not unfinished:
            raise DataError("the folder holds something else; name an empty one, or one that is not there.", path=out)
        if overwrite:
            shutil.rmtree(out)
        elif finished:
            raise DataError("the folder holds a finished model; name another, or give --overwrite.", path=out)
        elif different := _read(work / _RUN).differs_in(run):
            raise DataError(
                f"the folder holds an unfinished run with other {', '.join(different)}; go on with those, "
                "name another folder, or give --overwrite.",
                path=out,
            )
    try:
        work.mkdir(parents=True, exist_ok=True)
        _write(work / _RUN, run.model_dump(mode="json"))
    except OSError as error:
        raise DataError(f"the model cannot be written here ({error.strerror}).", path=out) from error
    return work


def finish(out: Path, record: dict[str, Any]) -> None:
    """Say that the model is complete, and take away what it was made with."""
    _write(out / RECORD, record)
    shutil.rmtree(out / _WORK)


def _read(path: Path) -> Run:
    try:
        return Run.model_validate_json(read_text(path)[0])
    except ValidationError as error:
        raise DataError("the record of an unfinished run is damaged; give --overwrite.", path=path) from error


def _write(path: Path, content: dict[str, Any]) -> None:
    write_whole(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
