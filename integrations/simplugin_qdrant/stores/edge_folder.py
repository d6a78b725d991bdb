"""The folder of an embedded store: who holds it, which collections are there, and what the engine has no place for.

::

    .lock                             held while a process has the store open
    aliases.json                      further names of collections
    collections/NAME/shard/           the engine's files
    collections/NAME/simplugin.json   the collection's vectors, words and metadata

Every file of ours is replaced in one step; a collection appears whole and goes whole.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast, get_args
from urllib.parse import quote, unquote

from filelock import FileLock, Timeout

from simplugin.errors import StoreError, StoreLockedError, UnknownCollectionError
from simplugin.measures import SimilarityFunction
from simplugin.parsing import parse_json

__all__ = ["EdgeFolder", "names_in"]

_SIDECAR = "simplugin.json"
_ALIASES = "aliases.json"
_SPARE = 32 * 2**20  # bytes: several times what an update of a few hundred points takes
_WIDEST = 65_536  # numbers of a vector that Qdrant takes


def names_in(folder: Path) -> list[str]:
    """Return the names of the collections in a folder, sorted; it is not taken for this."""
    top = folder / "collections"
    if not top.is_dir():
        return []
    return sorted(unquote(entry.name) for entry in top.iterdir() if (entry / _SIDECAR).is_file())


class EdgeFolder:
    """One process holds it; what it reads is kept, since nobody else may write."""

    def __init__(self, folder: str | Path) -> None:
        """Take the folder, if it is there.

        Raises ``StoreLockedError`` where another process, or another store, has it open.
        """
        self._given = str(Path(folder))
        self._folder = Path(folder).absolute()  # a program may go elsewhere while it is open
        self._lock = FileLock(self._folder / ".lock", timeout=0, thread_local=False)  # the process holds it
        self._sidecars: dict[str, dict[str, Any]] = {}
        self._aliases: dict[str, str] = {}
        if self._folder.exists():
            self._take()

    def require_room(self, size: int) -> None:
        """Raise ``StoreError`` where the disk has no room for so many bytes, and some more.

        The engine maps its files, and where a disk is full the system ends a process that writes to such a file,
        without a word.
        """
        needed = size + _SPARE
        if (left := _room(self._folder)) < needed:
            message = (
                f"The disk of {str(self)!r} has {left / 2**20:,.0f} MB left, and {needed / 2**20:,.0f} MB are "
                "needed to go on; what was stored before is safe. Make room and run it again."
            )
            raise StoreError(message)

    def __str__(self) -> str:
        return self._given

    def names(self) -> list[str]:
        """Return the names of the collections, sorted."""
        return names_in(self._folder)

    @property
    def aliases(self) -> Mapping[str, str]:
        """The further names of collections."""
        return self._aliases

    def alias(self, alias: str, name: str | None) -> None:
        """Point an alias at a collection, or take it away."""
        if name is not None and self._path(alias).exists():
            message = f"{alias!r} is a collection in {str(self)!r}, so it cannot be an alias."
            raise StoreError(message)
        changed = {known: target for known, target in self._aliases.items() if known != alias}
        if name is not None:
            changed[alias] = self.resolve(name)
        if changed != self._aliases:
            _write_json(self._folder / _ALIASES, changed)
            self._aliases = changed

    def resolve(self, name: str) -> str:
        """Return the collection that a name or an alias stands for."""
        return self._aliases.get(name, name)

    def shard(self, name: str) -> Path:
        """Return where the engine's files are. Raises ``UnknownCollectionError``."""
        self.sidecar(name)
        return self._path(self.resolve(name)) / "shard"

    def sidecar(self, name: str) -> Mapping[str, Any]:
        """Return what is kept beside a collection. Raises ``UnknownCollectionError``."""
        real = self.resolve(name)
        if real not in self._sidecars:
            self._sidecars[real] = self._read_sidecar(real)
        return self._sidecars[real]

    def amend(self, name: str, changes: Mapping[str, Any]) -> None:
        """Replace entries of what is kept beside a collection."""
        real = self.resolve(name)
        changed = dict(self.sidecar(real)) | dict(changes)
        _write_json(self._path(real) / _SIDECAR, changed)
        self._sidecars[real] = changed

    def create(self, name: str, sidecar: Mapping[str, Any], fill: Callable[[Path], None]) -> None:
        """Make a collection, whose engine files ``fill`` writes into an empty folder."""
        target = self._path(name)
        if target.exists() or name in self._aliases:
            message = (
                f"There is {'an alias' if name in self._aliases else 'a collection'} {name!r} in {str(self)!r} already."
            )
            raise StoreError(message)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"The store in {str(self)!r} cannot be made ({error.strerror})."
            raise StoreError(message) from error
        self._take()
        target.parent.mkdir(exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".new-", dir=self._folder))
        try:
            (draft / "shard").mkdir()
            fill(draft / "shard")
            _write_json(draft / _SIDECAR, sidecar)
            draft.rename(target)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise

    def drop(self, name: str) -> None:
        """Delete a collection and its aliases: out of sight in one step, then at leisure."""
        self.sidecar(name)
        for alias in [alias for alias, target in self._aliases.items() if target == name]:
            self.alias(alias, None)
        doomed = Path(tempfile.mkdtemp(prefix=".old-", dir=self._folder))
        self._path(name).rename(doomed / "collection")
        del self._sidecars[name]
        shutil.rmtree(doomed)

    def release(self) -> None:
        """Let others have the folder."""
        self._lock.release()

    def _take(self) -> None:
        if self._lock.is_locked:
            return
        if not self._folder.is_dir():
            message = f"{str(self)!r} is a file; a store is a folder."
            raise StoreError(message)
        if (self._folder / "meta.json").exists() and (self._folder / "collection").is_dir():
            message = (
                f"{str(self)!r} was written by QdrantClient(path=…); "
                "open it with open_store(QdrantClient(path=…)), or choose another folder."
            )
            raise StoreError(message)
        try:
            self._lock.acquire()
        except Timeout:
            raise StoreLockedError(str(self)) from None
        except OSError as error:
            message = f"The store in {str(self)!r} cannot be opened ({error.strerror})."
            raise StoreError(message) from error
        for leftover in (*self._folder.glob(".new-*"), *self._folder.glob(".old-*")):
            shutil.rmtree(leftover, ignore_errors=True)  # of a process that died while creating or dropping
        self._aliases = self._read_aliases()

    def _path(self, name: str) -> Path:
        encoded = quote(name, safe="", errors="replace")  # half a surrogate pair is no letter, and in no name of ours
        if not name or name.startswith(".") or len(encoded) > 200:
            message = f"{name!r} cannot name a collection: it needs 1 to 200 characters and no dot at the start."
            raise StoreError(message)
        return self._folder / "collections" / encoded

    def _read_sidecar(self, name: str) -> dict[str, Any]:
        path = self._path(name) / _SIDECAR
        try:
            read = cast("dict[str, Any]", parse_json(path.read_text(encoding="utf-8")))
            if not _is_sound(read):
                raise TypeError(_SIDECAR)
        except (FileNotFoundError, NotADirectoryError):
            raise UnknownCollectionError(name, self.names(), str(self)) from None
        except (OSError, ValueError) as error:
            message = f"Collection {name!r} in {str(self)!r} is damaged: {_SIDECAR} cannot be read ({error})."
            raise StoreError(message) from error
        except (KeyError, TypeError) as error:
            message = f"Collection {name!r} in {str(self)!r} is damaged: {_SIDECAR} is not what it should be."
            raise StoreError(message) from error
        return read

    def _read_aliases(self) -> dict[str, str]:
        try:
            read = cast("dict[str, Any]", parse_json((self._folder / _ALIASES).read_text(encoding="utf-8")))
            return {str(alias): str(name) for alias, name in read.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError) as error:
            message = f"The store in {str(self)!r} is damaged: {_ALIASES} cannot be read ({error})."
            raise StoreError(message) from error


def _is_sound(read: Mapping[str, Any]) -> bool:
    """Say whether what is kept beside a collection has the shape in which it is written: the folder may be anyone's."""
    json.dumps(read, ensure_ascii=False).encode()  # the engine takes no half of a surrogate pair
    vectors: object = read["vectors"]
    return (
        isinstance(vectors, dict)
        and all(_is_space(space) for space in cast("dict[str, Any]", vectors).values())
        and (len(cast("dict[str, Any]", vectors)) > 0 or bool(read.get("words")))
        and isinstance(read["metadata"], dict)
        and all(_are_names(read.get(part, [])) for part in ("words", "linked"))
    )


def _room(folder: Path) -> float:
    """Return the bytes that are free on the disk of a folder, which may not be there yet; infinite if nobody knows."""
    for path in (folder, folder.parent):
        with suppress(OSError):
            return shutil.disk_usage(path).free
    return math.inf


def _are_names(given: Any) -> bool:
    return isinstance(given, list) and all(isinstance(each, str) for each in cast("list[object]", given))


def _is_space(given: Any) -> bool:
    match given:
        case [int(width), str(similarity)] | [int(width), str(similarity), "int8"]:
            return 0 < width <= _WIDEST and similarity in get_args(SimilarityFunction)
        case _:
            return False


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a file so that a reader sees the old content or the new, also after a loss of power."""
    draft = path.with_suffix(".tmp")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
