"""Options that several verbs share."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simplugin.errors import FilterError, StoreError

if TYPE_CHECKING:
    from simplugin_qdrant import Store

__all__ = ["AsJson", "Location", "Model", "Tenant", "existing_store", "filter_from"]

Location = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="SIMPLUGIN_STORE",
        help="A folder, or the URL of a Qdrant server (http://… or grpc://…).",
        metavar="LOCATION",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        envvar="SIMPLUGIN_MODEL",
        help="Catalog name, folder or Hub id. For a new collection: one that exists opens with its own. "
        "[default: starter]",
        metavar="NAME",
    ),
]
Tenant = Annotated[str | None, typer.Option("--tenant", help="See and change this tenant's documents alone.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line, and nothing else.")]


def existing_store(location: str) -> AbstractContextManager[Store]:
    """Open a store to read from; a folder that is not there is an error here, and is not made."""
    from simplugin_qdrant import open_store  # engines load after the arguments were found right

    if "://" not in location and location != ":memory:" and not Path(location).exists():
        message = f"There is no store at {location!r}. Ingest something first, or name another with --store."
        raise StoreError(message)
    return open_store(location)


def filter_from(texts: list[str]) -> dict[str, Any]:
    """Read ``key=value`` pairs and JSON objects into one filter; numbers and true or false are read as such.

    Raises ``FilterError`` for a text that is neither, and for a key that is given twice.
    """
    joined: dict[str, Any] = {}
    for text in texts:
        part = _json_object(text) if text.lstrip().startswith("{") else _pair(text)
        for key, value in part.items():
            if key in joined:
                message = f'The filter key {key!r} is given twice; write {{"{key}": ["…", "…"]}} for one of several.'
                raise FilterError(message)
            joined[key] = value
    return joined


def _json_object(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError as error:
        message = f"The filter {text!r} is no JSON object ({error})."
        raise FilterError(message) from error


def _pair(text: str) -> dict[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        message = f"The filter {text!r} is neither key=value nor a JSON object."
        raise FilterError(message)
    try:
        read = json.loads(value)
    except ValueError:
        read = value
    return {key: read if isinstance(read, bool | int | float) else value}
