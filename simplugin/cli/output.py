"""Results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from simplugin.ingestion import Progress

__all__ = ["Meter", "meter", "note", "print_json", "print_table"]


def print_json(row: Mapping[str, Any]) -> None:
    """Print one JSON object on a line of its own."""
    sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")


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
    sys.stderr.write(text + "\n")


class Meter:
    """Shows how far an ingest is."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("ingesting"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("documents · {task.fields[chunks]} chunks"),
            TimeRemainingColumn(),
            console=_console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("ingesting", total=None, chunks=0)

    def show(self, progress: Progress) -> None:
        """Bring the bar up to date."""
        self._bar.update(self._task, completed=progress.documents, total=progress.total, chunks=progress.chunks)

    def start(self) -> None:
        """Begin to draw."""
        self._bar.start()

    def stop(self) -> None:
        """Wipe the bar away."""
        self._bar.stop()


@contextmanager
def meter() -> Generator[Callable[[Progress], None] | None, None, None]:
    """Show a progress bar on stderr while something long runs; none where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    shown = Meter()
    shown.start()
    try:
        yield shown.show
    finally:
        shown.stop()


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
            return " ".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case _:
            return str(value)
