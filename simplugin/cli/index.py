"""``simplugin collections index``."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from simplugin.cli.options import AsJson, CollectionName, Location, existing_store
from simplugin.cli.output import note, print_json, waiting
from simplugin.errors import UnregisteredCollectionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simplugin_qdrant.stores.protocol import IndexKind

__all__ = ["index"]

_LOOKED_AT = 1000  # texts that show whether a key is there
_KINDS: Mapping[str, IndexKind] = {
    "keyword": "keyword",
    "integer": "integer",
    "float": "float",
    "bool": "bool",
    "datetime": "datetime",
}


def index(
    collection: CollectionName,
    keys: Annotated[
        list[str], typer.Argument(help="Metadata that filters name, and what it holds: year=integer.", metavar="KEY…")
    ],
    store: Location = "./simplugin_db",
    as_json: AsJson = False,
) -> None:
    """Index metadata, so that a filter by it need not look at every point.

    A key holds words or codes (keyword) unless it says integer, float, bool or datetime. lang, source and document_id
    have an index in every new collection.

    Example: simplugin collections index handbook kind year=integer
    """
    from simplugin_qdrant.filters import payload_key
    from simplugin_qdrant.registry import add_indexes, registered_vectors

    kinds = _kinds(keys)
    with existing_store(store) as opened:
        # The model itself is not opened: it may be one that is not on this machine.
        described = opened.describe(collection)
        if not registered_vectors(described.metadata):
            raise UnregisteredCollectionError(collection, "default")
        points = described.points
        with waiting("indexing"):
            add_indexes(opened, collection, {payload_key(key): kind for key, kind in kinds.items()})
            known = set[str]()
            for record in islice(opened.scroll(collection, keys=["metadata"]), _LOOKED_AT):
                known.update(cast("dict[str, Any]", record.payload.get("metadata") or {}))
    missing = [key for key in kinds if key.split(".")[0] not in {*known, "source", "document_id"}]
    if as_json:
        print_json({"collection": collection, "points": points, "indexes": kinds})
    note(f"Indexed {', '.join(kinds)} of {collection!r} ({points:,} point{'' if points == 1 else 's'}).")
    if points and missing:
        note(f"No text looked at has {', '.join(missing)} in its metadata by now.")


def _kinds(keys: list[str]) -> dict[str, IndexKind]:
    """Read ``KEY`` and ``KEY=KIND``."""
    kinds: dict[str, IndexKind] = {}
    for each in keys:
        key, said, named = each.partition("=")
        kind = _KINDS.get(named if said else "keyword")
        if not key or kind is None:
            message = f"{each!r} is no KEY or KEY=KIND; the kinds are {', '.join(_KINDS)}."
            raise typer.BadParameter(message, param_hint="KEY")
        kinds[key] = kind
    return kinds
