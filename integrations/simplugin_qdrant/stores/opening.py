"""From a location to a store."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard
from urllib.parse import urlsplit

from simplugin.errors import StoreError
from simplugin_qdrant.stores.protocol import Store

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

__all__ = ["check_location", "folder_of", "is_folder", "open_store"]

_MEANT_AS_URL = re.compile(r"(https?|grpcs?)(:|//)|localhost:\d", re.IGNORECASE)
_SECONDS = 60  # an answer may take: a large write that waits for every replica does


def open_store(location: str | Path | QdrantClient, *, read_consistency: int | str | None = None) -> Store:
    """Open a folder (Qdrant Edge), ``":memory:"``, ``"http://host:6333"``, ``"grpc://host:6334"``, or a client.

    A server's key is read from ``QDRANT_API_KEY``. A client that is handed in stays the caller's to close.
    ``read_consistency`` is how many replicas of a cluster must agree on an answer: a number, ``"majority"``,
    ``"quorum"`` or ``"all"``; None takes the first that answers.
    Raises ``StoreError`` for a location that is none of these, ``TypeError`` for what is no location at all,
    ``StoreLockedError`` for a folder in use.
    """
    if isinstance(location, Path) or is_folder(location):
        if not str(location).strip():
            raise StoreError("The location of a store is empty; give a folder, ':memory:' or a URL.")
        check_location(location)
        from simplugin_qdrant.stores.edge import EdgeStore  # each engine is loaded only where it is used

        return EdgeStore(folder_of(location))
    if not isinstance(location, str) and not hasattr(location, "query_batch_points"):
        kind = type(location).__name__
        message = f"A store's location is a folder, ':memory:', a URL or a QdrantClient; got a {kind}."
        raise TypeError(message)
    from simplugin_qdrant.stores.client import ClientStore

    if isinstance(location, str):
        return ClientStore(_connect(location), _shown(location), owned=True, read_consistency=read_consistency)
    return ClientStore(location, read_consistency=read_consistency)


def is_folder(location: object) -> TypeGuard[str | Path]:
    """Say whether a location is that of a folder, there or not."""
    return isinstance(location, Path) or (
        isinstance(location, str) and "://" not in location and location != ":memory:"
    )


def folder_of(location: str | Path) -> Path:
    """Return the folder of a location, of which a leading ``~`` is the home: no one but a shell reads it so."""
    return Path(os.path.expanduser(location))  # noqa: PTH111  # the method of Path fails where there is no such home


def check_location(location: object) -> None:
    """Raise ``StoreError`` for what was meant as a server's URL, and would be a folder."""
    if isinstance(location, str) and _MEANT_AS_URL.match(location) and is_folder(location):
        message = f"The store {location!r} is no URL; write 'http://…' for a server, './{location}' for a folder."
        raise StoreError(message)


def _shown(location: str) -> str:
    """Return a location without a user and password: it appears in messages."""
    return re.sub(r"//.*@", "//", location, flags=re.DOTALL)


def _connect(location: str) -> QdrantClient:
    from qdrant_client import QdrantClient

    if location == ":memory:":
        return QdrantClient(":memory:")
    key = os.environ.get("QDRANT_API_KEY") or None
    url = urlsplit(location)
    match url.scheme:
        case "http" | "https":
            return QdrantClient(url=location, api_key=key, timeout=_SECONDS, check_compatibility=False)
        case "grpc" | "grpcs" if url.hostname:
            port, secure = url.port or 6334, url.scheme == "grpcs"
            return QdrantClient(
                host=url.hostname,
                grpc_port=port,
                prefer_grpc=True,
                https=secure,
                api_key=key,
                timeout=_SECONDS,
                check_compatibility=False,
            )
        case _:
            message = (
                f"{_shown(location)!r} is no location of a store; give a folder, ':memory:', 'http://…' or 'grpc://…'."
            )
            raise StoreError(message)
