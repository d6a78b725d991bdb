"""Whatever fsspec opens: object stores, archives, servers.

Every driver raises the exceptions of its own client, and few of them are of a kind that could be named here. So what
goes wrong while a place is searched becomes a ``Failure``, and what goes wrong while a file is read an ``OSError``.
"""

from __future__ import annotations

import io
import os
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from simplugin.errors import MissingExtraError
from simplugin.ingestion.report import Failure
from simplugin.ingestion.sources.content import Content
from simplugin.ingestion.sources.files import is_chosen

__all__ = ["find", "is_filesystem_url"]

_URL = re.compile(r"(?!https?://)[a-z][a-z0-9+.-]*(?:://|::)", re.IGNORECASE)
_WEB = re.compile(r"(?:^|::)https?[^:]*(?:://|::|$)", re.IGNORECASE)
_SECRETS = re.compile(r"(?<=://)[^/@]*@")
_NO_SECRETS = ("github://", "git://")  # here a name and what follows say where it is: github://owner:repository@branch/
_MAGIC = re.compile(r"[*?\[]")
_OUTSIDE = re.compile(r"^[/\\]|^[a-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)", re.IGNORECASE)
_CACHES = ("simplecache", "filecache", "blockcache", "cached")  # they show what they keep under its own names
_DATES = ("LastModified", "last_modified", "mtime", "modified", "updated", "last_write_time", "date_time")

_Details = Mapping[str, Any]


def is_filesystem_url(text: str) -> bool:
    """Say whether this names a place in a file system of fsspec: ``s3://…``, ``zip::docs.zip``.

    A local file whose name looks like that is given as ``./name``.
    """
    return _URL.match(text) is not None


def find(
    url: str, *, wanted: Callable[[str], bool], include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> Iterator[Content | Failure]:
    """Go through what a URL of a file system stands for, in a fixed order: a file, a folder, or what fits a glob.

    A folder is searched to the bottom for names that are ``wanted``; names that begin with a dot are left out, and so
    are links out of it. What is named, or fits a glob, is taken whatever it is called. ``include`` and ``exclude`` are
    shell patterns over the path inside the folder and over the bare name. Nothing is copied or unpacked: each file is
    opened when it is read. What cannot be opened becomes a ``Failure``.

    Raises ``MissingExtraError`` where fsspec is not installed.
    """
    shown = _without_secrets(url)
    if _WEB.search(url):
        # A driver would not look at the address before it connects to it.
        yield Failure(shown, "what lies at http:// or https:// is not opened by fsspec; download it first.")
        return
    try:
        core: Any = import_module("fsspec.core")
    except ImportError as error:
        raise MissingExtraError("fsspec", f"Opening {shown!r}") from error
    try:
        system, path = core.url_to_fs(url)
        system.invalidate_cache()  # what was listed in an earlier run may have changed
        place = _Place(shown, system, posixpath.normpath(path) if _is_local(system) else path)
        yield from _choose(place, wanted, include, exclude)
    except ImportError as error:
        yield Failure(shown, f"the driver of this file system is not installed ({error}).")
    except Exception as error:  # noqa: BLE001  # see the head of this module
        yield Failure(shown, f"it cannot be opened ({_describe(error)}).")


class _Entry(NamedTuple):
    """A file that was found: its path in the file system, and what the driver says of it."""

    name: str
    details: _Details


@dataclass(frozen=True, slots=True)
class _Place:
    """Where to look: the URL as it may be shown, the file system, and the path in it."""

    url: str
    system: Any
    path: str

    @property
    def top(self) -> str:
        """The folder that is searched: that of a glob ends before its first pattern."""
        found = _MAGIC.search(self.path)
        return self.path if found is None else self.path[: found.start()].rpartition("/")[0]

    def inside(self, name: str) -> str:
        """Return the path of a file inside the folder."""
        top = self.top.rstrip("/")
        return name[len(top) :].lstrip("/") if top and name.startswith(f"{top}/") else name.removeprefix("/")

    def full(self, name: str) -> str:
        """Return the URL of a file."""
        return _full(self.url, name, self.system, self.path)


def _choose(
    place: _Place, wanted: Callable[[str], bool], include: Sequence[str], exclude: Sequence[str]
) -> Iterator[Content | Failure]:
    details = _look(place)
    if details is not None and details.get("type") != "directory":
        named = _Entry(place.path, details)
        yield _check(place, named) or _content(place, named)
        return
    is_glob = details is None
    empty = True
    for found in _match(place) if is_glob else _walk(place):
        if isinstance(found, Failure):
            yield found
            continue
        inside = place.inside(found.name)
        if _is_hidden(inside) or not (is_glob or wanted(found.name)):
            continue
        if is_chosen(inside, include, exclude):
            empty = False
            yield _check(place, found) or _content(place, found)
    if empty and is_glob:
        yield Failure(place.url, "there is nothing of that name.")
    elif empty:
        narrowed = " that is included and not excluded" if include or exclude else ""
        yield Failure(place.url, f"the folder holds no file of a known format{narrowed}.")


def _look(place: _Place) -> _Details | None:
    """Return what is known of the path itself, None where there is nothing: then it may be a glob."""
    if _MAGIC.search(place.path) and not place.system.exists(place.path):
        return None  # not every driver knows what to say of a name with a star in it
    try:
        details: _Details = place.system.info(place.path)
    except FileNotFoundError:
        return None
    return details


def _match(place: _Place) -> Iterator[_Entry | Failure]:
    if _MAGIC.search(place.path):
        yield from _files(place.system.glob(place.path, detail=True))


def _walk(place: _Place) -> Iterator[_Entry | Failure]:
    """Go through the files below a folder: first its own, then those of its folders, each by their names."""
    if _is_archive(place.system):
        # Its table of contents: asked for one folder at a time, it is gone through for each.
        top = f"{place.path.strip('/')}/".lstrip("/")
        yield from _files({name: found for name, found in place.system.dir_cache.items() if name.startswith(top)})
        return
    folders = [place.path]
    while folders:
        folder = folders.pop()
        try:
            listed: list[_Details] = place.system.ls(folder, detail=True)
        except Exception as error:  # noqa: BLE001  # see the head of this module
            yield Failure(place.full(folder), f"the folder cannot be read ({_describe(error)}).")
            continue
        # Object stores keep an empty file of the folder's own name, to mark it.
        inner = {name: each for each in listed if (name := str(each["name"]).rstrip("/")) != folder.rstrip("/")}
        yield from _files(inner)
        names = sorted(name for name, each in inner.items() if each.get("type") == "directory")
        folders += [name for name in reversed(names) if not _is_hidden(posixpath.basename(name))]


def _files(found: Mapping[str, _Details]) -> Iterator[_Entry]:
    for name in sorted(found):
        if found[name].get("type") != "directory":
            yield _Entry(name, found[name])


def _is_hidden(inside: str) -> bool:
    return any(part.startswith(".") and part not in {".", ".."} for part in re.split(r"[/\\]", inside))


def _is_local(system: Any) -> bool:
    protocol = _behind(system).protocol
    return "file" in ([protocol] if isinstance(protocol, str) else protocol)


def _is_archive(system: Any) -> bool:
    return isinstance(system, import_module("fsspec.archive").AbstractArchiveFileSystem)


def _behind(system: Any) -> Any:
    """Return the file system that another one keeps copies of, or the system itself."""
    return getattr(system, "fs", system)


def _check(place: _Place, entry: _Entry) -> Failure | None:
    """Say what speaks against a file."""
    if _is_archive(_behind(place.system)) and _OUTSIDE.search(entry.name):
        return Failure(place.full(entry.name), "its path leads out of the archive.")
    is_regular = entry.details.get("type", "file") == "file"
    if _is_local(place.system) and os.path.islink(entry.name):  # noqa: PTH114
        if not Path(os.path.realpath(entry.name)).is_relative_to(os.path.realpath(place.top)):
            reason = "this is a link to a file outside the folder; name that file itself."
            return Failure(place.full(entry.name), reason)
        is_regular = os.path.isfile(entry.name)  # noqa: PTH113
    # A pipe or a device would hold up the reader for ever; where a server's links lead to cannot be seen from here.
    return None if is_regular else Failure(place.full(entry.name), "this is no regular file.")


def _content(place: _Place, entry: _Entry) -> Content:
    full = place.full(entry.name)
    size = entry.details.get("size")
    return Content(
        id=full,
        source=full,
        name=posixpath.basename(entry.name),
        open=lambda: _open(place.system, entry.name),
        size=size if isinstance(size, int) else None,
        modified=_date(entry.details),
    )


def _full(url: str, name: str, system: Any, path: str) -> str:
    first, chained, rest = url.partition("::")
    scheme, separated, address = first.partition("://")
    if chained:
        return _full(rest, name, system, path) if scheme in _CACHES else f"{scheme}://{name}::{rest}"
    inside = path.lstrip("/")
    if separated and not _is_local(system) and address.strip("/") != path.strip("/") and address.endswith(inside):
        # The driver took a host or a repository out of the path; without it two documents would share an id.
        return f"{scheme}://{address.removesuffix(inside).rstrip('/')}/{name.lstrip('/')}"
    full: str = system.unstrip_protocol(name)
    return full


def _without_secrets(url: str) -> str:
    """Return a URL without users and passwords: it is stored, and shown in messages."""
    links = url.split("::")
    return "::".join(link if link.startswith(_NO_SECRETS) else _SECRETS.sub("", link) for link in links)


def _date(details: _Details) -> str | None:
    value = next((details[key] for key in _DATES if details.get(key)), None)
    try:
        if isinstance(value, tuple):  # of a member of a ZIP archive, which knows no time zone
            value = datetime(*cast("tuple[int, int, int]", value))  # noqa: DTZ001
        elif isinstance(value, int | float):
            value = datetime.fromtimestamp(value, UTC)
        elif isinstance(value, str):
            value = datetime.fromisoformat(value)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else None


def _open(system: Any, name: str) -> BinaryIO:
    try:
        return io.BufferedReader(_Reading(system.open(name, "rb")))
    except Exception as error:  # see the head of this module
        raise OSError(_describe(error)) from error


class _Reading(io.RawIOBase):
    """A file of a driver, whose failures are those of a file."""

    def __init__(self, opened: Any) -> None:
        self._opened = opened

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._opened.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._try(lambda: self._opened.seek(offset, whence)))

    def tell(self) -> int:
        return int(self._opened.tell())

    def readinto(self, buffer: Any) -> int:
        got: bytes = self._try(lambda: self._opened.read(len(buffer)))
        buffer[: len(got)] = got
        return len(got)

    def close(self) -> None:
        if not self.closed:
            self._opened.close()
        super().close()

    def _try(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Exception as error:  # see the head of this module
            raise OSError(_describe(error)) from error


def _describe(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is nothing of that name"
    said = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return _SECRETS.sub("", said).rstrip(".") or type(error).__name__
