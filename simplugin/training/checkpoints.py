"""What a training goes on from after it was cut short: the state at the end of its last epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch

from simplugin.training.student import Student

__all__ = ["Checkpoints", "Stage"]

Stage = Literal["distillation", "similarity"]

_FILE = "epoch.pt"


class Checkpoints:
    """One file in a folder, replaced after each epoch. Without a folder nothing is kept."""

    def __init__(self, folder: Path | None = None) -> None:
        """Look into a folder that is there."""
        self._folder = folder

    def resume(self, stage: Stage, student: Student, optimizer: torch.optim.Optimizer) -> int | None:
        """Bring both to the end of the last epoch and return how many of the stage are done; None where all are."""
        path = None if self._folder is None else self._folder / _FILE
        if path is None or not path.is_file():
            return 0
        state: dict[str, Any] = torch.load(path, map_location=student.rows.device, weights_only=True)
        with torch.no_grad():
            student.rows.copy_(state["rows"])
            student.runs.copy_(state["runs"])
        if state["stage"] != stage:
            return None if stage == "distillation" else 0
        optimizer.load_state_dict(state["optimizer"])
        return int(state["epochs"])

    def keep(self, stage: Stage, epochs: int, student: Student, optimizer: torch.optim.Optimizer) -> None:
        """Write down the end of an epoch."""
        if self._folder is None:
            return
        draft = self._folder / f"{_FILE}.part"
        rows, runs = student.rows.detach(), student.runs.detach()
        torch.save(
            {"stage": stage, "epochs": epochs, "rows": rows, "runs": runs, "optimizer": optimizer.state_dict()}, draft
        )
        draft.replace(self._folder / _FILE)
