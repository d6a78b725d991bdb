"""What a training goes on from after it was cut short: its pieces, and the end of the last epoch of each stage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from simplugin.training.student import Student
from simplugin.training.vocabulary import Pieces

__all__ = ["Checkpoints"]

_PIECES = "pieces.json"


class Checkpoints:
    """Files in a folder, a stage's replaced after each epoch. Without a folder nothing is kept."""

    def __init__(self, folder: Path | None = None) -> None:
        """Look into a folder that is there."""
        self._folder = folder

    def pieces(self, choose: Callable[[], Pieces]) -> Pieces:
        """Return the pieces that the first call chose: the rows of a checkpoint are those of its pieces."""
        if self._folder is None:
            return choose()
        path = self._folder / _PIECES
        if not path.is_file():
            draft = path.with_suffix(".part")
            draft.write_text(json.dumps(choose(), ensure_ascii=False), encoding="utf-8")
            draft.replace(path)
        return [(piece, probability) for piece, probability in json.loads(path.read_text(encoding="utf-8"))]

    def resume(self, stage: str, student: Student, optimizer: torch.optim.Optimizer) -> int:
        """Bring both to the end of the last epoch of the stage, and return how many of its epochs are done."""
        path = None if self._folder is None else self._folder / f"{stage}.pt"
        if path is None or not path.is_file():
            return 0
        state: dict[str, Any] = torch.load(path, map_location=student.rows.device, weights_only=True)
        student.copy([state["rows"], state["runs"]])
        if state["optimizer"] is not None:
            optimizer.load_state_dict(state["optimizer"])
        return int(state["epochs"])

    def keep(self, stage: str, epochs: int, student: Student, optimizer: torch.optim.Optimizer, *, last: bool) -> None:
        """Write down the end of an epoch; that of the last one needs no optimizer any more."""
        if self._folder is None:
            return
        draft = self._folder / f"{stage}.part"
        rows, runs = student.rows.detach(), student.runs.detach()
        state = {"epochs": epochs, "rows": rows, "runs": runs, "optimizer": None if last else optimizer.state_dict()}
        torch.save(state, draft)
        draft.replace(self._folder / f"{stage}.pt")
