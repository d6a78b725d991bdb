"""What the shell may complete: names of models, and of the collections in a folder."""

from __future__ import annotations

from pathlib import Path

import typer

__all__ = ["collection_names", "model_names"]


def model_names(incomplete: str) -> list[str]:
    """Return the names of the catalog that begin like this; the shell adds files where there is none."""
    from simplugin.catalog import names

    return [name for name in names() if name.startswith(incomplete)]


def collection_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the collections that begin like this in the store of the line so far; no engine is opened for it."""
    from simplugin_qdrant.stores.edge_folder import names_in

    store = ctx.params.get("store")
    return [name for name in names_in(Path(store)) if name.startswith(incomplete)] if isinstance(store, str) else []
