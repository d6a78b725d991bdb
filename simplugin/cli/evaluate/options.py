"""Options that the tasks share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Cross", "FailUnder", "Judged", "Out", "Resamples", "Seed"]

Judged = Annotated[
    str | None,
    typer.Option(
        "--model",
        envvar="SIMPLUGIN_MODEL",
        help="Catalog name, folder, Hub id or URL of what is judged. [default: starter]",
        metavar="NAME",
    ),
]
Cross = Annotated[
    bool, typer.Option("--cross", help="Across languages too; the files hold the same items, row by row.")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Write the result here, and beside it its items and a Markdown page.", metavar="FILE"),
]
FailUnder = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-under",
        help="Exit with 1 where a section is under it; one section alone: SECTION:METRIC=VALUE. Repeatable.",
        metavar="METRIC=VALUE",
    ),
]
Resamples = Annotated[
    int, typer.Option("--resamples", min=0, max=1_000_000, help="Draws of the bootstrap; 10000 for a publication.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the bootstrap's draws.")]
