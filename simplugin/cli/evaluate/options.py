"""Options that the tasks share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from simplugin.cli.completion import model_names
from simplugin.errors import DataError
from simplugin.parsing import parse_json

__all__ = ["Cross", "FailUnder", "Judged", "Out", "Resamples", "Seed", "page_of"]


def checked(out: Path | None) -> Path | None:
    """Refuse, before long work begins, a file that the result cannot be written to, or that is none of ours.

    Raises ``DataError``.
    """
    if out is None:
        return None
    from simplugin.evaluation.result import items_of

    folder = next(parent for parent in out.absolute().parents if parent.exists())
    if out.is_dir() or not folder.is_dir() or not os.access(out if out.exists() else folder, os.W_OK):
        raise DataError("the result cannot be written here.", path=out)
    if out.exists():
        if not _is_result(out):
            raise DataError("this file is no result of evaluate, so it is not written over; name another.", path=out)
    elif beside := next((each for each in (items_of(out), page_of(out)) if each.exists()), None):
        raise DataError("this file would be written too, and is there already; name another for --out.", path=beside)
    return out


def page_of(out: Path) -> Path:
    """Return where the page about a result is written."""
    return out.with_name(f"{out.name}.md") if out.suffix == ".md" else out.with_suffix(".md")


def _is_result(path: Path) -> bool:
    try:
        read = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(read, dict) and "schema_version" in read


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
