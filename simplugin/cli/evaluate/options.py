"""Options that the tasks share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from simplugin.cli.completion import model_names
from simplugin.errors import DataError

__all__ = ["Cross", "FailUnder", "Judged", "Out", "Resamples", "Seed"]


def checked(out: Path | None) -> Path | None:
    """Refuse, before long work begins, a file that the result cannot be written to. Raises ``DataError``."""
    if out is None:
        return None
    folder = next(parent for parent in out.absolute().parents if parent.exists())
    if out.is_dir() or not folder.is_dir() or not os.access(out if out.exists() else folder, os.W_OK):
        raise DataError("the result cannot be written here.", path=out)
    return out


Judged = Annotated[
    str | None,
    typer.Option(
        "--model",
        envvar="SIMPLUGIN_MODEL",
        help="Catalog name, folder, Hub id or URL of what is judged. [default: starter]",
        metavar="NAME",
        autocompletion=model_names,
    ),
]
Cross = Annotated[
    bool, typer.Option("--cross", help="Across languages too; the files hold the same items, row by row.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="Write the result here, and beside it its items and a Markdown page.",
        metavar="FILE",
        callback=checked,
    ),
]
FailUnder = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-under",
        help="Exit with 1 where a section is under it; one section, or stage, alone: SECTION:METRIC=VALUE. Repeatable.",
        metavar="METRIC=VALUE",
    ),
]
Resamples = Annotated[
    int, typer.Option("--resamples", min=0, max=1_000_000, help="Draws of the bootstrap; 10000 for a publication.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the bootstrap's draws.")]
