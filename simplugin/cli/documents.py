"""``simplugin collections documents``: which documents a collection holds, and what became of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simplugin.cli.options import AsJson, CollectionName, Filters, Location, Tenant, existing_store, filter_from
from simplugin.cli.output import note, print_item, print_json, print_table
from simplugin.errors import DataError

if TYPE_CHECKING:
    from simplugin.records import Stored
    from simplugin_qdrant import Store

__all__ = ["documents"]

_COLUMNS = {"document_id": "document", "chunks": "chunks", "written": "written"}


def documents(
    collection: CollectionName,
    ids: Annotated[
        list[str] | None,
        typer.Argument(help="Show the texts of these, by id or path; none lists them all.", metavar="[ID…]"),
    ] = None,
    filters: Filters = None,
    tenant: Tenant = None,
    store: Location = "./simplugin_db",
    as_json: AsJson = False,
) -> None:
    """List the documents of a collection; those that are named are shown chunk by chunk.

    With --filter those of which a chunk passes it, and how many do.

    Example: simplugin collections documents handbook ./docs/bus.txt
    """
    if ids and filters:
        raise typer.BadParameter("it chooses from a list; these are named.", param_hint="--filter")
    chosen = filter_from(filters or [])
    with existing_store(store) as opened:
        opened.describe(collection)
        if ids:
            missing = _show_texts(opened, collection, ids, tenant, as_json=as_json)
            if missing:
                raise DataError(f"there is no document {', '.join(map(repr, missing))} in {collection!r}.")
            return
        rows = _rows(opened, collection, tenant, chosen)
    if as_json:
        for row in rows:
            print_json(row)
    elif rows:
        of_tenants = {"tenant": "tenant"} if any(row["tenant"] is not None for row in rows) else {}
        print_table(rows, _COLUMNS | of_tenants)
    else:
        whose = f" of {tenant!r}" if tenant else ""
        note(f"Collection {collection!r} holds no document{whose}{' that passes the filter' if filters else ''}.")


def _rows(opened: Store, name: str, tenant: str | None, chosen: object) -> list[dict[str, Any]]:
    from simplugin_qdrant.filters import parse_filter
    from simplugin_qdrant.listing import list_documents

    return [asdict(each) for each in list_documents(opened, name, tenant, parse_filter(chosen))]


def _show_texts(opened: Store, name: str, ids: Sequence[str], tenant: str | None, *, as_json: bool) -> list[str]:
    """Show the texts of documents; return the ids that there are none of."""
    from simplugin_qdrant import register

    docs = register(opened, name, tenant=tenant)
    missing: list[str] = []
    for each in ids:
        found = docs.get([each]) or docs.get([Path(each).absolute().as_posix()])
        if not found:
            missing.append(each)
        for text in found:
            _show(text, as_json=as_json)
    return missing


def _show(text: Stored, *, as_json: bool) -> None:
    if as_json:
        row = asdict(text)
        del row["vector"]
        print_json(row)
        return
    place = "" if text.number is None else f" [{text.number}]"
    print_item("", text.document_id + place)
    print_item("    ", text.text)
