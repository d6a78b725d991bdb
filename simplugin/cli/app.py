"""The verbs put together, and the streams they write to."""

from __future__ import annotations

import io
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Annotated, NoReturn, TextIO

import typer

import simplugin
from simplugin.cli import collections, demo, encode, evaluate, finetune, ingest, intents, models, rerank, search
from simplugin.cli.output import note
from simplugin.cli.verbs import Terminated, Verbs

__all__ = ["app", "main"]


HELP = "Multilingual similarity models, first-class in Qdrant and LangChain. Begin with: simplugin demo"

app = typer.Typer(
    name="simplugin",
    cls=Verbs,
    no_args_is_help=True,
    rich_markup_mode=None,
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
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # which the first process of a container would not notice
        signal.signal(signal.SIGTERM, _terminate)
    warnings.showwarning = _say_warning
    # Python's streams are None where the caller closed them, and follow the locale, which may not know the texts.
    sys.stdout, sys.stderr = (stream or _nowhere() for stream in (sys.stdout, sys.stderr))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    app(prog_name="simplugin")  # which completion is installed for, however this was started


def _terminate(*_signal: object) -> NoReturn:
    raise Terminated


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _say_warning(message: Warning | str, category: type[Warning], *_place: object, **_line: object) -> None:
    # Ours are written for people; those of the libraries below are for whoever develops them.
    if category is UserWarning:
        note(f"simplugin: warning: {message}")
