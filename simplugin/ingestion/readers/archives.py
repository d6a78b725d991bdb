"""Documents that are archives: looked into before they are opened, and never unpacked to the disk."""

from __future__ import annotations

import re
import zipfile
import zlib
from io import BytesIO

from simplugin.errors import DataError
from simplugin.ingestion.sources.content import Content
from simplugin.records import Document

__all__ = ["check_archive", "to_document"]

_MEMBERS = 10_000
_BYTES = 256 * 1024 * 1024  # of all members, unpacked
_PACKED = 200  # times that a member of some size may grow: text shrinks by ten, a bomb by a thousand
_SIZE = 10 * 1024 * 1024
_ENTITY = b"<!ENTITY"


def check_archive(raw: bytes, parts: tuple[str, ...]) -> None:
    """Raise ``DataError`` for an archive that would fill memory, that is locked, or whose XML declares entities.

    ``parts`` are the members whose XML will be read.
    """
    try:
        with zipfile.ZipFile(BytesIO(raw)) as archive:
            _check_sizes(archive.infolist())
            for part in parts:
                if part in archive.namelist():
                    with archive.open(part) as member:
                        if _ENTITY in member.read(65_536):
                            raise DataError(f"its {part} declares XML entities, which can grow without end.")
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise DataError(f"the archive is damaged or locked ({error}).") from error


def to_document(content: Content, text: str, title: str) -> Document:
    """Return what an archive holds as a document in Markdown, called after its first heading if it has no title."""
    heading = re.search(r"^# (.+)$", text, re.M)
    title = title or (heading[1] if heading else "")
    return Document(
        id=content.id,
        text=text,
        source=content.source,
        metadata={"title": title} if title else {},
        format="markdown",
        modified=content.modified,
    )


def _check_sizes(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > _MEMBERS:
        raise DataError(f"the archive has {len(members):,} members; at most {_MEMBERS:,} are read.")
    unpacked = sum(member.file_size for member in members)
    swollen = any(member.file_size > _SIZE and member.file_size > _PACKED * member.compress_size for member in members)
    if unpacked > _BYTES or swollen:
        raise DataError(f"the archive unpacks to {unpacked:,} bytes, as no document does.")
