"""Files and folders of this machine."""

from __future__ import annotations

import glob
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

from simplugin.errors import DataError
from simplugin.ingestion.report import Failure
from simplugin.ingestion.sources.content import Content

__all__ = ["describe", "find_files", "identify", "is_chosen", "open_file"]

_STORES = ((".lock", "collections"), ("meta.json", "collection"))  # what a folder of simplugin's, or Qdrant's, holds


def find_files(
    paths: Sequence[str | Path],
    *,
    wanted: Callable[[str], bool],
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    skipped: Counter[str] | None = None,
) -> Iterator[str | Failure]:
    """Go through the files that these files, folders and globs stand for, each once, in a fixed order.

    Folders are searched to the bottom for names that are ``wanted``, the others counted in ``skipped`` by their
    endings; names that begin with a dot are left out, and so is a store that lies among them. Symbolic links to folders
    are not followed, and one to a file outside the folder is a failure. A file that is named is taken whatever it is
    called. ``include`` and ``exclude`` are shell patterns over the path inside the folder and over the bare name; with
    a folder all of it is excluded.
    """
    seen: set[str] = set()
    walk = _Walk(wanted, include, exclude, Counter() if skipped is None else skipped)
    for given in paths:
        for found in _expand(given, walk):
            if isinstance(found, Failure):
                yield found
            elif found not in seen:
                seen.add(found)
                yield found


def open_file(path: str, root: Path | None = None) -> Content | Failure:
    """Return what is in a file, to be read; the document's id is the absolute path, or the path under ``root``."""
    try:
        status = os.stat(path)  # noqa: PTH116  # hundreds of thousands of paths stay strings
        if not stat.S_ISREG(status.st_mode):  # a pipe or a device would hold up the reader for ever
            return Failure(describe(path), "this is no regular file.")
        id_ = identify(path, root)
    except FileNotFoundError:
        return Failure(describe(path), "there is no such file.")
    except OSError as error:
        return Failure(describe(path), f"the file cannot be read ({error.strerror}).")
    except DataError as error:
        return Failure(describe(path), error.reason)
    return Content(
        id=id_,
        source=path,
        name=os.path.basename(path),  # noqa: PTH119
        open=lambda: open(path, "rb"),  # noqa: PTH123
        size=status.st_size,
        modified=datetime.fromtimestamp(status.st_mtime, UTC).isoformat(timespec="seconds"),
    )


def identify(path: str, root: Path | None) -> str:
    """Return the id of the document in a file. Raises ``DataError`` where it can have none."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise DataError("the name of the file is not UTF-8; rename it first.", path=describe(path)) from error
    absolute = os.path.abspath(path)  # noqa: PTH100  # resolve() would follow links, and rename documents
    if root is None:
        return absolute.replace(os.sep, "/")
    top = os.path.join(os.path.abspath(root), "")  # noqa: PTH100, PTH118
    if not os.path.normcase(absolute).startswith(os.path.normcase(top)):
        raise DataError(f"the file does not lie under the root {str(root)!r}.", path=path)
    return absolute[len(top) :].replace(os.sep, "/")


def is_chosen(inside: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Say whether a path inside a folder is included, and neither it nor a folder above it is excluded."""
    if include and not _matches(inside, include):
        return False
    folders = inside.split("/")[:-1]
    above = ["/".join(folders[:depth]) for depth in range(1, len(folders) + 1)]
    return not any(_matches(each, exclude) for each in (inside, *above))


def _matches(inside: str, patterns: Sequence[str]) -> bool:
    """Say whether one of these shell patterns fits a path inside a folder, or its last part; ``**/`` may be nothing."""
    name = inside.rpartition("/")[2]
    bare = [pattern.removeprefix("**/") for pattern in patterns]
    return any(fnmatch(inside, pattern) or fnmatch(name, pattern) for pattern in (*patterns, *bare))


def describe(path: str | Path) -> str:
    """Return a path as text; a name may hold bytes that are none."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def _is_store(parent: str, name: str) -> bool:
    """Say whether a folder is what is ingested *into*: ``ingest .`` makes one right there."""
    return any(all(os.path.exists(os.path.join(parent, name, part)) for part in parts) for parts in _STORES)  # noqa: PTH110, PTH118


class _Walk:
    """The files of a folder that are wanted."""

    def __init__(
        self, wanted: Callable[[str], bool], include: Sequence[str], exclude: Sequence[str], skipped: Counter[str]
    ) -> None:
        self._wanted = wanted
        self._include = include
        self._exclude = exclude
        self._skipped = skipped

    def through(self, folder: str) -> Iterator[str | Failure]:
        """Go through a folder, to the bottom."""
        top = os.path.realpath(folder)
        empty, unread = True, list[OSError]()
        for found in self._files(folder, unread):
            empty = False
            if os.path.islink(found) and not Path(os.path.realpath(found)).is_relative_to(top):  # noqa: PTH114
                yield Failure(describe(found), "this is a link to a file outside the folder; name that file itself.")
            else:
                yield found
        for error in unread:
            yield Failure(describe(error.filename), f"the folder cannot be read ({error.strerror}).")
        if empty and not unread:
            narrowed = " that is included and not excluded" if self._include or self._exclude else ""
            yield Failure(describe(folder), f"the folder holds no file of a known format{narrowed}.")

    def _files(self, folder: str, unread: list[OSError]) -> Iterator[str]:
        for parent, folders, files in os.walk(folder, onerror=unread.append):
            folders[:] = sorted(name for name in folders if not name.startswith(".") and not _is_store(parent, name))
            for name in sorted(files):
                if name.startswith("."):
                    continue
                if not self._wanted(name):
                    self._skipped[os.path.splitext(name)[1].lower() or "no ending"] += 1  # noqa: PTH122
                    continue
                path = os.path.join(parent, name)  # noqa: PTH118
                if not (self._include or self._exclude) or self._is_chosen(os.path.relpath(path, folder)):
                    yield path

    def _is_chosen(self, path: str) -> bool:
        return is_chosen(path.replace(os.sep, "/"), self._include, self._exclude)


def _expand(given: str | Path, walk: _Walk) -> Iterator[str | Failure]:
    path = os.fspath(given)
    if os.path.isdir(path):  # noqa: PTH112
        yield from walk.through(path)
    elif os.path.lexists(path):
        yield path
    elif glob.has_magic(path):
        matching = [match for match in sorted(glob.glob(path, recursive=True)) if Path(match).is_file()]  # noqa: PTH207
        yield from matching
        if not matching:
            yield Failure(describe(path), "no file matches this pattern.")
    else:
        yield Failure(describe(path), "there is no such file or folder.")
