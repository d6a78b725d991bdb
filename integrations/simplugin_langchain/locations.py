"""Stores by their locations, each folder opened once in a process."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from simplugin_qdrant import Store

__all__ = ["open_shared"]

_OPEN: WeakValueDictionary[str, Any] = WeakValueDictionary()
_OPENING = threading.Lock()


def open_shared(location: object) -> Store:
    """Open what ``simplugin_qdrant.open_store`` takes; return an open store as it is.

    A process may open a folder once. But a notebook runs its cells again, and a chain may have several vector stores
    in one folder: they get the store that is open already.
    """
    from simplugin_qdrant import open_store
    from simplugin_qdrant.stores import folder_of, is_folder

    if hasattr(location, "upsert") and hasattr(location, "annotate"):
        return cast("Store", location)
    if not isinstance(location, str | Path) and not hasattr(location, "query_batch_points"):
        message = f"store is a {type(location).__name__}; give a folder, ':memory:', a URL, a store or a QdrantClient."
        raise TypeError(message)
    if not is_folder(location) or not str(location).strip():
        return open_store(cast("Any", location))
    folder = str(folder_of(location).resolve())
    with _OPENING:
        store = _OPEN.get(folder)
        if store is None or store.closed:
            store = _OPEN[folder] = open_store(folder)
        return cast("Store", store)
