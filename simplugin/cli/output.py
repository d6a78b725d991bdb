"""Results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Show", "as_range", "counting", "meter", "note", "print_json", "print_table", "visible"]

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but the ends of lines and tabs
_UNESCAPED = re.compile("[\x7f-\x9f]")  # of these, those that JSON does not write out


def print_json(row: Mapping[str, Any]) -> None:
    """Print one JSON object on a line of its own."""
    written = json.dumps(row, ensure_ascii=False)
    sys.stdout.write(_UNESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", written) + "\n")


def as_range(interval: Sequence[float] | None, form: str = ".3f") -> str | None:
    """Return the two ends of an interval as a cell of a table."""
    return None if interval is None else f"{interval[0]:{form}} to {interval[1]:{form}}"


def print_table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    """Print a table of these columns (key to heading); numbers stand at the right."""
    from rich.table import Table  # half the cost of starting up, and unused with --json

    table = Table(box=None, pad_edge=False, header_style="bold")
    for key, heading in columns.items():
        numeric = all(isinstance(row.get(key), int | float | None) for row in rows)
        table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(key)) for key in columns))
    console = _console(stderr=False)
    with console.capture() as captured:  # rich would end the program itself where the pipe is broken
        console.print(table)
    sys.stdout.write(captured.get())


def note(text: str) -> None:
    """Tell the person, not the program."""
    sys.stderr.write(visible(text) + "\n")


def visible(text: str) -> str:
    """Return a text with its control characters written out: in a terminal those of a document would be commands."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


Show: TypeAlias = Callable[[int, int | None, str], None]
"""Brings a progress bar up to date: what is done, of how many if that is known, and of what."""


@contextmanager
def meter(doing: str) -> Generator[Show | None, None, None]:
    """Show a progress bar on stderr while something long runs; none where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn(doing),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[what]}", markup=False),
        TimeRemainingColumn(),
        console=_console(stderr=True),
        transient=True,
    )
    task = bar.add_task(doing, total=None, what="")
    with bar:
        yield lambda done, total, what: bar.update(task, completed=done, total=total, what=visible(what))


def counting(show: Show | None, what: str) -> Callable[[int, int], None] | None:
    """Return what brings a bar up to date by two numbers: what is done, and of how many; None where there is no bar."""
    return None if show is None else lambda done, total: show(done, total, what)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    # Without a terminal rich takes 80 columns and cuts; a pipe has no width.
    return Console(stderr=stderr, width=None if stream.isatty() else 160, highlight=False, markup=False, emoji=False)


def _cell(value: object) -> str:
    match value:
        case None:
            return "–"
        case float():
            return f"{value:.3f}"
        case list() | tuple():
            return visible(" ".join(map(str, value)))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case _:
            return visible(str(value))
