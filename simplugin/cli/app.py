"""The verbs, and what becomes of an error."""

from __future__ import annotations

import os
import sys
import warnings

import typer

from simplugin.cli import collections, demo, encode, ingest, models, rerank, search
from simplugin.errors import SimpluginError

__all__ = ["app", "main"]

app = typer.Typer(
    name="simplugin",
    help="Multilingual similarity models, first-class in Qdrant and LangChain. Begin with: simplugin demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.add_typer(models.app, name="models")
app.command("encode")(encode.encode)
app.command("ingest")(ingest.ingest)
app.command("search")(search.search)
app.command("rerank")(rerank.rerank)
app.add_typer(collections.app, name="collections")


def main() -> None:
    """Run the command line: exit 0 done, 1 an error in one sentence, 2 wrong usage, 3 done in part."""
    warnings.showwarning = _say_warning
    try:
        app()
    except SimpluginError as error:
        _say(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        _say("Stopped.")
        sys.exit(130)
    except BrokenPipeError:
        # The reader has seen enough (`| head`); what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _say(message: str) -> None:
    sys.stderr.write(f"simplugin: {message}\n")


def _say_warning(message: Warning | str, category: type[Warning], *_place: object, **_line: object) -> None:
    # Ours are written for people; those of the libraries below are for whoever develops them.
    if category is UserWarning:
        _say(f"warning: {message}")
