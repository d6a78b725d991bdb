"""A group of verbs: what its help lists, and what becomes of an error in one."""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from simplugin.cli.output import note
from simplugin.errors import SimpluginError

__all__ = ["Terminated", "Verbs"]

_SENTENCE = 200  # letters that the first sentence of a verb may have


class Terminated(KeyboardInterrupt):
    """The system asks the program to end (SIGTERM), as containers and services do; it ends as after Ctrl-C."""


class Verbs(TyperGroup):
    """The verbs; what can go wrong in one becomes a sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb that is named."""
        # Not in main(): typer has exit codes of its own for Ctrl-C and a broken pipe, and no sentences.
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # what the system will not take is told here, not while the interpreter ends
        except SimpluginError as error:
            _end(1, str(error))
        except KeyboardInterrupt as stop:
            after = stop.args[0] if stop.args else ""  # how far a verb was, where it knows
            _end(143 if isinstance(stop, Terminated) else 130, f"Stopped{after}; run the same command again to go on.")
        except BrokenPipeError:
            _discard_output()  # the reader has seen enough (`| head`)
            _end(0)
        except OSError as error:
            _discard_output()
            _end(1, f"{error.filename or 'The system'}: {error.strerror or error}.")

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the verbs, each with its first sentence; typer cuts it where the line ends."""
        verbs = [(name, self.commands[name].get_short_help_str(_SENTENCE)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(verbs)


def _end(code: int, message: str | None = None) -> NoReturn:
    if message:
        note(f"simplugin: {message}")
    raise typer.Exit(code)


def _discard_output() -> None:
    """Let what is still buffered go nowhere, so that the end of the program does not fail on it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
