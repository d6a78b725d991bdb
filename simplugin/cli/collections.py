"""``simplugin collections``: what is stored, and with which model."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simplugin.cli.options import AsJson, CollectionName, Location, existing_store
from simplugin.cli.output import note, print_json, print_table

if TYPE_CHECKING:
    from simplugin_qdrant import Store

__all__ = ["app"]

app = typer.Typer(help="What is stored, and with which model.", no_args_is_help=True)


@app.command("list")
def list_collections(store: Location = "./simplugin_db", as_json: AsJson = False) -> None:
    """List the collections of a store.

    Example: simplugin collections list --store ./simplugin_db
    """
    with existing_store(store) as opened:
        rows = [_describe(opened, name) for name in opened.names()]
    if as_json:
        for row in rows:
            print_json(row)
    elif rows:
        table = [row | {"models": [vector["model"] or "unknown" for vector in row["vectors"]]} for row in rows]
        print_table(table, {"name": "collection", "points": "points", "documents": "documents", "models": "models"})
    else:
        note(f"The store at {store!r} holds no collection yet.")


@app.command("show")
def show(
    collection: CollectionName,
    store: Location = "./simplugin_db",
    as_json: AsJson = False,
) -> None:
    """Show one collection: how much it holds, and the model behind each vector.

    Example: simplugin collections show handbook
    """
    with existing_store(store) as opened:
        row = _describe(opened, collection)
    if as_json:
        print_json(row)
        return
    print_table([row], {"name": "collection", "points": "points", "documents": "documents", "location": "store"})
    print_table(row["vectors"], {"name": "vector", "model": "model", "dimension": "width", "fingerprint": "weights"})


@app.command("delete")
def delete(
    collection: CollectionName,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask. Away from a terminal nothing is asked in any case.")
    ] = False,
    store: Location = "./simplugin_db",
    as_json: AsJson = False,
) -> None:
    """Delete a collection with all that is in it.

    Example: simplugin collections delete handbook --yes
    """
    with existing_store(store) as opened:
        row = _describe(opened, collection)
        points = row["points"]
        if not yes and sys.stdin.isatty():
            typer.confirm(f"Delete {collection!r} with its {points:,} points?", abort=True, err=True)
        opened.drop(collection)
    if as_json:
        print_json(row)
    note(f"Deleted {collection!r} ({points:,} points).")


def _describe(opened: Store, name: str) -> dict[str, Any]:
    from simplugin_qdrant.listing import count_documents, describe

    return describe(opened, name, opened.describe(name), count_documents(opened, name))
