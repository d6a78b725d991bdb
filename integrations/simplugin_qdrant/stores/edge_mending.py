"""What a process leaves of a vector when it dies while the engine adds or removes one.

The engine writes the vector's name into each segment's ``segment.json``, one after another, and then into
``edge_config.json``. It opens no collection in which these differ, so a kill in between would shut it for good. Which
vectors there should be is in the sidecar: it is written after a vector was added everywhere, and before one is removed
anywhere.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Container
from pathlib import Path
from typing import Any

from simplugin.writing import write_whole

__all__ = ["forget_strays", "stray_vectors"]


def forget_strays(shard: Path, known: Container[str]) -> None:
    """Take the vectors that are not known from a closed collection's segments, with what was stored for them."""
    for listing in sorted(shard.glob("segments/*/segment.json")):
        try:
            segment = json.loads(listing.read_text(encoding="utf-8"))
            vectors, words = segment["config"]["vector_data"], segment["config"].get("sparse_vector_data", {})
        except (OSError, ValueError, LookupError, TypeError):
            continue  # damaged: the engine says how
        for stray in (strays := _strays(vectors, known)):
            del vectors[stray]
        if strays:
            write_whole(listing, json.dumps(segment))
        for part in listing.parent.glob("vector_*-*"):
            if part.name.split("-", 1)[1] not in {*vectors, *words}:
                shutil.rmtree(part)


def stray_vectors(shard: Path, known: Container[str]) -> list[str]:
    """Return the vectors that an open collection has and should not: its log was replayed, and may add one again."""
    return _strays(json.loads((shard / "edge_config.json").read_text(encoding="utf-8"))["vectors"], known)


def _strays(vectors: dict[str, Any], known: Container[str]) -> list[str]:
    return [vector for vector in vectors if vector not in known]
