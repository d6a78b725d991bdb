"""Files of trec_eval, read by ir_measures, which has no types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ir_measures

__all__ = ["read_qrels", "read_run"]

_untyped: Any = ir_measures


def read_qrels(path: Path) -> list[Any]:
    return list(_untyped.read_trec_qrels(str(path)))


def read_run(path: Path) -> list[Any]:
    return list(_untyped.read_trec_run(str(path)))
