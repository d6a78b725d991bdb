"""Results as Markdown: the figures, what is wrong with them, and what they were made with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from simplugin.errors import DataError
from simplugin.evaluation.report import tables
from simplugin.evaluation.report.naming import TASKS, labels
from simplugin.evaluation.report.provenance import provenance
from simplugin.evaluation.report.table import Cell, Code, Table, shown
from simplugin.evaluation.result import Result

__all__ = ["to_markdown", "write_markdown"]

_SPECIAL = re.compile(r"([\\`*\[\]<>|])")


def write_markdown(results: Sequence[Result], path: str | Path) -> None:
    """Write results as one Markdown page. Raises ``DataError`` where it cannot be written."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(to_markdown(results), encoding="utf-8")
    except OSError as error:
        raise DataError(f"the page cannot be written ({error.strerror}).", path=path) from error


def to_markdown(results: Sequence[Result]) -> str:
    """Return results as one Markdown page, those of one task side by side."""
    names = ", ".join(dict.fromkeys(result.model.name for result in results))
    blocks = [f"# Evaluation of {_escaped(names)}"]
    for task in dict.fromkeys(result.task for result in results):
        chosen = [result for result in results if result.task == task]
        blocks += [f"## {TASKS[task]}", *_task(chosen)]
    return "\n\n".join(blocks) + "\n"


def _task(results: Sequence[Result]) -> Iterator[str]:
    found = tables.findings(results)
    if found.rows:
        yield from _headed(found)
    mains = list(dict.fromkeys(result.main for result in results))
    for main in mains if len(results) > 1 else ():
        chosen = [result for result in results if result.main == main]
        yield from _headed(tables.side_by_side(chosen, f"{main}, with 95 % intervals"))
    for name, result in zip(labels(results), results, strict=True):
        yield from _headed(tables.sections(result, f"Figures of {name}"))
        for table in tables.grids(result):
            yield from _headed(table)
    for table in provenance(results):
        yield from _headed(table)


def _headed(table: Table) -> Iterator[str]:
    yield f"### {_escaped(table.caption)}"
    yield "\n".join(_lines(table))


def _lines(table: Table) -> Iterator[str]:
    yield _line(_escaped(head) for head in table.heads)
    yield _line("---:" if table.numeric(column) else "---" for column in range(len(table.heads)))
    for row in table.rows:
        yield _line(_cell(cell) for cell in row)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    return f"`{cell.text}`" if isinstance(cell, Code) and cell.text.isalnum() else _escaped(shown(cell))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
