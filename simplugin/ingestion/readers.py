"""Files to documents."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from simplugin.errors import DataError
from simplugin.records import Document

__all__ = ["FORMATS", "Found", "find_files", "read_document"]

FORMATS = {".md": "markdown", ".markdown": "markdown", ".txt": "text"}
"""The file endings that are read, and the structure their texts have."""

_MAX_BYTES = 64 * 1024 * 1024  # of one file: no document written by people is longer


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read, or a path from which nothing can be read and why."""

    path: Path
    problem: str | None = None


def find_files(
    paths: Sequence[str | Path], *, include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> Iterator[Found]:
    """Go through the files that these files, folders and globs stand for, each once, in a fixed order.

    Folders are searched to the bottom for the endings in ``FORMATS``; names that begin with a dot are left out, and
    symbolic links to folders are not followed. A file that is named is taken whatever it is called. ``include`` and
    ``exclude`` are shell patterns over the path inside the folder and over the bare name.
    """
    seen: set[Path] = set()
    for given in paths:
        for found in _expand(given, include, exclude):
            if found.path not in seen:
                seen.add(found.path)
                yield found


def read_document(path: Path, *, root: Path | None = None) -> Document:
    """Read one file as UTF-8, with or without a byte-order mark.

    The document's id is the absolute POSIX path, or the path under ``root``. Raises ``DataError``, naming the path,
    where the file cannot be read, is no text, or is empty.
    """
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        known = ", ".join(sorted(FORMATS))
        raise DataError(f"files ending in {path.suffix or 'nothing'!r} are not read; known: {known}.", path=path)
    text = _read_text(path)
    if not text.strip():
        raise DataError("the file is empty.", path=path)
    return Document(
        id=_identify(path, root),
        text=text,
        source=str(path),
        metadata={"title": title} if (title := _title(text, form)) else {},
        format="markdown" if form == "markdown" else "text",
    )


def _expand(given: str | Path, include: Sequence[str], exclude: Sequence[str]) -> Iterator[Found]:
    path = Path(given)
    if path.is_dir():
        files = list(_walk(path, include, exclude))
        if not files:
            known = ", ".join(sorted(FORMATS))
            narrowed = " that is included and not excluded" if include or exclude else ""
            yield Found(path, f"the folder holds no file to read{narrowed} (endings: {known}).")
        yield from files
    elif path.exists():
        yield Found(path)
    elif glob.has_magic(str(given)):
        matches = sorted(glob.glob(str(given), recursive=True))  # noqa: PTH207  # Path.glob takes no absolute pattern
        matching = [Found(Path(match)) for match in matches if Path(match).is_file()]
        yield from matching or [Found(path, "no file matches this pattern.")]
    else:
        yield Found(path, "there is no such file or folder.")


def _walk(folder: Path, include: Sequence[str], exclude: Sequence[str]) -> Iterator[Found]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            if name.startswith(".") or path.suffix.lower() not in FORMATS:
                continue
            inside = path.relative_to(folder).as_posix()
            if include and not _matches(inside, include):
                continue
            if not _matches(inside, exclude):
                yield Found(path)


def _matches(inside: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(inside, pattern) or fnmatch(Path(inside).name, pattern) for pattern in patterns)


def _read_text(path: Path) -> str:
    try:
        if not path.is_file():
            raise DataError("this is no regular file.", path=path)
        if (size := path.stat().st_size) > _MAX_BYTES:
            raise DataError(f"the file has {size:,} bytes; at most {_MAX_BYTES:,} are read.", path=path)
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror}).", path=path) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError("the text is not UTF-8; convert the file first.", path=path, line=line) from error


def _identify(path: Path, root: Path | None) -> str:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise DataError("the name of the file is not UTF-8; rename it first.", path=path) from error
    absolute = Path(os.path.abspath(path))  # noqa: PTH100  # resolve() would follow links, and rename documents
    if root is None:
        return absolute.as_posix()
    top = Path(os.path.abspath(root))  # noqa: PTH100
    if not absolute.is_relative_to(top):
        raise DataError(f"the file does not lie under the root {str(root)!r}.", path=path)
    return absolute.relative_to(top).as_posix()


def _title(text: str, form: str) -> str | None:
    if form != "markdown":
        return None
    for line in text.splitlines():
        if line.startswith("# "):
            # FastAPI-style anchors ("# Title { #anchor }") are mark-up, not title.
            return line[2:].split("{ #")[0].strip() or None
    return None
