"""The verbs, and what becomes of an error."""

from __future__ import annotations

import io
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, NoReturn, TextIO

import typer
from typer.core import TyperGroup

import simplugin
from simplugin.cli import collections, demo, encode, evaluate, finetune, ingest, intents, models, rerank, search
from simplugin.cli.output import visible
from simplugin.errors import SimpluginError

__all__ = ["app", "main"]


class _Verbs(TyperGroup):
    """The verbs; what can go wrong in one becomes a sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
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
            _end(130, f"Stopped{after}; run the same command again to go on.")
        except BrokenPipeError:
            _discard_output()  # the reader has seen enough (`| head`)
            _end(0)
        except OSError as error:
            _discard_output()
            _end(1, f"{error.filename or 'The system'}: {error.strerror or error}.")


HELP = "Multilingual similarity models, first-class in Qdrant and LangChain. Begin with: simplugin demo"

app = typer.Typer(
    name="simplugin",
    cls=_Verbs,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(simplugin.__version__)
        raise typer.Exit


@app.callback(help=HELP)
def before_the_verb(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Take the options that stand before a verb."""


app.command("demo")(demo.demo)
app.add_typer(models.app, name="models")
app.command("encode")(encode.encode)
app.command("ingest", cls=ingest.WithRay)(ingest.ingest)
app.command("search")(search.search)
app.command("rerank")(rerank.rerank)
app.add_typer(collections.app, name="collections")
app.add_typer(intents.app, name="intents")
app.add_typer(evaluate.app, name="evaluate")
app.command("finetune")(finetune.finetune)


def main() -> None:
    """Run the command line: exit 0 done, 1 an error in one sentence, 2 wrong usage, 3 done in part."""
    warnings.showwarning = _say_warning
    # Python's streams are None where the caller closed them, and follow the locale, which may not know the texts.
    sys.stdout, sys.stderr = (stream or _nowhere() for stream in (sys.stdout, sys.stderr))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    app()


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _end(code: int, message: str | None = None) -> NoReturn:
    if message:
        _say(message)
    raise typer.Exit(code)


def _discard_output() -> None:
    """Let what is still buffered go nowhere, so that the end of the program does not fail on it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(message: str) -> None:
    sys.stderr.write(f"simplugin: {visible(message)}\n")


def _say_warning(message: Warning | str, category: type[Warning], *_place: object, **_line: object) -> None:
    # Ours are written for people; those of the libraries below are for whoever develops them.
    if category is UserWarning:
        _say(f"warning: {message}")
