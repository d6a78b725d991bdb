"""What is wrong with labels, models or a way of scoring, as data."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

__all__ = ["Code", "Finding", "Severity"]

Severity: TypeAlias = Literal["error", "warning", "note"]
"""``error``: the figures mislead; ``warning``: they may; ``note``: good to know."""

Code: TypeAlias = Literal[
    "labels_out_of_range",
    "class_labels",
    "inverted_polarity",
    "random_head",
    "dropped_head",
    "collapsed_space",
    "not_multilingual",
    "truncated",
    "few_judged",
    "threshold_tuned_on_test",
    "learned_from",
    "untaught",
]


class Finding(BaseModel):
    """One thing that was found, in words, with the numbers that show it."""

    model_config = ConfigDict(frozen=True)

    code: Code
    severity: Severity
    message: str
    evidence: dict[str, Any] = {}
