"""Results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING, Any, TypeAlias

import typer

from simplugin.cli.display import isolated, plain, wrapped
from simplugin.cli.tables import fields, table

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = [
    "Show",
    "as_range",
    "counting",
    "meter",
    "note",
    "print_fields",
    "print_item",
    "print_json",
    "print_page",
    "print_table",
    "waiting",
]

_WIDE = 160  # columns where nothing says how many there are, as in a pipe
_PATIENCE = 1.0  # seconds in which a person asks for nothing
_READABLE = 80  # columns of what is read as prose
_SELDOM = 30.0  # seconds between two lines of a log
_MINUTES = 100.0  # seconds from which on they are told as minutes


def print_json(row: Mapping[str, Any]) -> None:
    """Print one JSON object on a line of its own."""
    line = json.dumps(row, ensure_ascii=False)
    # JSON escapes what is below the space, and may escape the others that a terminal acts on.
    sys.stdout.write(re.sub(r"[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", line) + "\n")


def as_range(interval: Sequence[float] | None, form: str = ".3f") -> str | None:
    """Return the two ends of an interval as a cell of a table."""
    return None if interval is None else f"{interval[0]:{form}} to {interval[1]:{form}}"


def print_table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    """Print a table of these columns (key to heading), no wider than the terminal; numbers stand at the right."""
    heads, lines = table(rows, columns, room=_columns())
    plainly = not sys.stdout.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    _print([*(head if plainly else typer.style(head, bold=True) for head in heads), *lines])


def print_fields(values: Mapping[str, Any]) -> None:
    """Print one record, a field below the other; those without a value are left out."""
    _print(fields({name: value for name, value in values.items() if value}, room=min(_columns(), _READABLE)))


def print_item(mark: str, text: str, *, indent: int | None = None) -> None:
    """Print a text after a mark, its further lines as far in as the mark is wide, or as ``indent`` says."""
    inner = " " * (len(mark) if indent is None else indent)
    first, *more = wrapped(plain(text), max(_columns() - len(mark), 1))
    _print([mark + isolated(first), *(inner + isolated(line) for line in more)])


def print_page(text: str) -> None:
    """Print a text of many lines as it is, but for what a terminal would act on."""
    _print([plain(line) for line in text.removesuffix("\n").split("\n")])


def _print(lines: Sequence[str]) -> None:
    typer.echo("\n".join(lines))


def _columns() -> int:
    """Return how wide stdout is, or what COLUMNS says."""
    return shutil.get_terminal_size((_WIDE, 24)).columns


def note(text: str) -> None:
    """Tell the person, not the program."""
    line = plain(text)
    lines = wrapped(line, _columns()) if sys.stderr.isatty() else [line]
    sys.stderr.write("\n".join(lines) + "\n")


Show: TypeAlias = Callable[[int, int | None, str], None]
"""Brings a progress bar up to date: what is done, of how many if that is known, and of what."""


@contextmanager
def meter(doing: str) -> Generator[Show, None, None]:
    """Show a progress bar on stderr while something long runs; where that is no terminal a line every half minute."""
    if not sys.stderr.isatty():
        yield _Log(doing)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn(plain(doing), markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[what]}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False, markup=False, emoji=False),
        transient=True,
    )
    task = bar.add_task(doing, total=None, what="")
    with bar:
        yield lambda done, total, what: bar.update(task, completed=done, total=total, what=plain(what))


class _Log:
    """Tells a log how far something is; what is soon done says nothing."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._started = self._told = time.monotonic()

    def __call__(self, done: int, total: int | None, what: str) -> None:
        now = time.monotonic()
        if now - self._told < _SELDOM:
            return
        self._told = now
        left = (now - self._started) * (total - done) / done if total and done else None
        of, end = f" of {total:,}" if total else "", "" if left is None else f", {_duration(left)} left"
        note(f"{self._doing}: {done:,}{of} {what}{end}")


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < _MINUTES else f"{seconds / 60:.0f} min"


@contextmanager
def waiting(doing: str) -> Generator[None, None, None]:
    """Show on stderr, after a second, that something goes on whose end is not known; not where it is no terminal."""
    if not sys.stderr.isatty():
        yield
        return
    shown: list[Progress] = []

    def begin() -> None:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn(plain(doing), markup=False), TimeElapsedColumn())
        shown.append(Progress(*columns, console=Console(stderr=True), transient=True))
        shown[0].add_task(doing, total=None)
        shown[0].start()

    timer = Timer(_PATIENCE, begin)  # what is quick shows nothing, and does not pay for what would show it
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        for bar in shown:
            bar.stop()


def counting(show: Show, what: str) -> Callable[[int, int], None]:
    """Return what brings a bar up to date by two numbers: what is done, and of how many."""
    return lambda done, total: show(done, total, what)
