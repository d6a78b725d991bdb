"""``simplugin collections delete``: a collection, what one tenant has in it, or documents."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from simplugin.cli.options import AsJson, CollectionName, Filters, Location, Tenant, existing_store, filter_from
from simplugin.cli.output import note, print_json
from simplugin.errors import DataError

__all__ = ["delete"]


def delete(
    collection: CollectionName,
    named: Annotated[
        list[str] | None,
        typer.Option("--document", help="Only this document, by its id or its path (repeatable).", metavar="ID"),
    ] = None,
    filters: Filters = None,
    tenant: Tenant = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask. Away from a terminal nothing is asked in any case.")
    ] = False,
    store: Location = "./simplugin_db",
    as_json: AsJson = False,
) -> None:
    """Delete a collection with all that is in it, or documents of it; with --tenant all of this tenant's.

    With --filter those documents of which a chunk passes it, each as a whole; collections documents lists them.

    Example: simplugin collections delete handbook --document ./docs/old.md
    """
    if named or filters:
        _delete_documents(collection, named or [], filters or [], tenant, store, yes=yes, as_json=as_json)
        return
    if tenant is not None:
        _delete_tenant(collection, tenant, store, yes=yes, as_json=as_json)
        return
    from simplugin_qdrant.listing import describe

    with existing_store(store) as opened:
        row = describe(opened, collection, tolerant=True)
        points = row["points"]
        if not yes and sys.stdin.isatty():
            typer.confirm(f"Delete {collection!r} with its {points:,} points?", abort=True, err=True)
        opened.drop(collection)
    if as_json:
        print_json(row)
    note(f"Deleted {collection!r} ({points:,} points).")


def _delete_tenant(name: str, tenant: str, store: str, *, yes: bool, as_json: bool) -> None:
    from simplugin_qdrant import register

    with existing_store(store) as opened:
        opened.describe(name)
        docs = register(opened, name, tenant=tenant)
        if not yes and sys.stdin.isatty():
            points = docs.count()
            typer.confirm(f"Delete the {points:,} points of {tenant!r} in {name!r}?", abort=True, err=True)
        gone = docs.clear()
    if as_json:
        print_json({"name": name, "tenant": tenant, "points": gone})
    note(f"Deleted what {tenant!r} had in {name!r} ({gone:,} points).")


def _delete_documents(
    name: str, ids: list[str], filters: list[str], tenant: str | None, store: str, *, yes: bool, as_json: bool
) -> None:
    from simplugin_qdrant import register
    from simplugin_qdrant.filters import parse_choice
    from simplugin_qdrant.listing import list_documents

    chosen = parse_choice(filter_from(filters)) if filters else None
    with existing_store(store) as opened:
        opened.describe(name)
        docs = register(opened, name, tenant=tenant)
        passing = [] if chosen is None else list_documents(opened, name, tenant, chosen)
        found = [each.document_id for each in passing]
        if found and not yes and sys.stdin.isatty():
            typer.confirm(f"Delete the {len(found):,} documents of {name!r} that pass?", abort=True, err=True)
        gone = {each: docs.delete([each]) or docs.delete([Path(each).absolute().as_posix()]) for each in ids}
        points = sum(gone.values()) + docs.delete(found)
    missing = [each for each in gone if not gone[each]]
    if as_json:
        deleted = [each for each in gone if gone[each]]
        print_json({"name": name, "documents": [*deleted, *found], "missing": missing, "points": points})
    if points:
        note(f"Deleted {points:,} point{'' if points == 1 else 's'} of {name!r}.")
    elif not missing:
        note(f"No document of {name!r} passes the filter.")
    if missing:
        named = ", ".join(map(repr, missing))
        raise DataError(
            f"there is no document {named} in {name!r}" + ("; what else was named is gone." if points else ".")
        )
