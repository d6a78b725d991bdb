"""What ran, as a trace shows it."""

from __future__ import annotations

from langchain_core.tracers.schemas import Run

__all__ = ["names_of"]


def names_of(run: Run) -> list[str]:
    """Return the names of a run and of all below it, in the order in which they began."""
    return [run.name, *(name for child in run.child_runs for name in names_of(child))]
