"""What Python hands in: documents of ours, documents of LangChain, and its loaders.

LangChain is not imported: whatever has a ``page_content`` and ``metadata`` is a document of its.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import PurePath
from typing import Any, TypeGuard, cast
from uuid import UUID

from simplugin.ingestion.options import digest
from simplugin.ingestion.report import Failure
from simplugin.records import Document

__all__ = ["as_documents", "is_loader"]

_NAME = 32  # hexadecimal digits of a hash that names a text: 128 bits
_NUMBERS = "biuf"  # the kinds of numpy's types that JSON has: booleans, integers and fractions


def is_loader(entry: object) -> bool:
    """Say whether this is a LangChain loader: something that loads documents lazily."""
    return not isinstance(entry, type) and callable(getattr(entry, "lazy_load", None))


def as_documents(entries: object) -> Iterator[Document | Failure]:
    """Go through the documents of a loader, or of an iterable of documents and loaders, lazily, as ours.

    A LangChain document keeps its ``id``. One without is named by its source and page, and the second and later ones
    of the same name are numbered; without a source the name follows from text and metadata. Metadata becomes JSON
    values; what has no such form, and a blank text, is a ``Failure``. Nothing that is handed in is changed.

    Raises ``TypeError`` for anything that is no document.
    """
    names = _Names()
    for entry in _each(entries):
        if isinstance(entry, Document | Failure):
            yield entry
        elif _is_langchain(entry):
            yield _convert(entry, names)
        else:
            message = (
                f"Among documents to ingest there is a {type(entry).__name__}; "
                "give documents of simplugin or LangChain, LangChain loaders, or paths alone."
            )
            raise TypeError(message)


class _Names:
    """The ids that were given, as 64 bits of hash each."""

    def __init__(self) -> None:
        self._times: Counter[int] = Counter()

    def keep(self, name: str) -> str:
        """Return a name that is the document's own; that it came before is for the ingest to say."""
        self._times[digest(name)] += 1
        return name

    def number(self, name: str) -> str:
        """Return a name that was not given before: this one, or it with a number."""
        key = digest(name)
        self._times[key] += 1
        # A source may itself be called "a#2": what was numbered must be looked for as well.
        return name if self._times[key] == 1 else self.number(f"{name}#{self._times[key]}")


def _each(entries: object) -> Iterator[object]:
    if is_loader(entries):
        yield from cast(Any, entries).lazy_load()
        return
    for entry in cast("Iterable[object]", entries):
        if is_loader(entry):
            yield from cast(Any, entry).lazy_load()
        else:
            yield entry


def _is_langchain(entry: object) -> TypeGuard[Any]:
    return isinstance(getattr(entry, "page_content", None), str) and isinstance(
        getattr(entry, "metadata", None), Mapping
    )


def _convert(entry: Any, names: _Names) -> Document | Failure:
    text, given = cast("tuple[str, Mapping[object, object]]", (entry.page_content, entry.metadata))
    source = str(given["source"]) if given.get("source") else None
    own: str | None = getattr(entry, "id", None)
    name = names.keep(str(own)) if own else names.number(_place(source, given.get("page"))) if source else None
    metadata: dict[str, Any] = {}
    for key, value in given.items():
        try:
            metadata[str(key)] = _plain(value)
        except (TypeError, RecursionError) as error:
            reason = "is nested without end" if isinstance(error, RecursionError) else str(error)
            return Failure(name or "a document without a source", f"its metadata {key!r} {reason}.")
    if name is None:
        name = names.number(_fingerprint(text, metadata))
    if not text.strip():
        return Failure(name, "the text is blank.")
    return Document(name, text, source=source, metadata=metadata)


def _place(source: str, page: object) -> str:
    return source if page is None or isinstance(page, bool) or not isinstance(page, int) else f"{source}#page={page}"


def _fingerprint(text: str, metadata: Mapping[str, Any]) -> str:
    """Return a name that any run gives to the same text with the same metadata."""
    content = json.dumps([text, metadata], sort_keys=True, ensure_ascii=False)
    return "content:" + hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:_NAME]


def _plain(value: object) -> Any:
    """Return a value as JSON knows it, in new containers. Raises ``TypeError`` for what has no such form."""
    match value:
        case None | bool():
            return value
        case str():
            return str.__str__(value)  # of an enumeration the text, not the member's name
        case int():
            return int(value)
        case float():
            return _finite(float(value))
        case date():  # and its subclass datetime
            return value.isoformat()
        case PurePath() | UUID():
            return str(value)
        case Mapping():
            return {str(key): _plain(inner) for key, inner in cast("Mapping[object, object]", value).items()}
        case list() | tuple():
            return [_plain(inner) for inner in cast("Iterable[object]", value)]
        case set() | frozenset():
            # Python goes through a set in another order each time: the document would look changed.
            return sorted((_plain(inner) for inner in cast("Iterable[object]", value)), key=_order)
        case _ if getattr(getattr(value, "dtype", None), "kind", "?") in _NUMBERS:  # numbers and arrays of numpy
            return _plain(cast(Any, value).tolist())
        case _:
            message = f"is a {type(value).__name__}, for which JSON has no form"
            raise TypeError(message)


def _finite(number: float) -> float:
    if not math.isfinite(number):
        message = f"is {number}, for which JSON has no form"
        raise TypeError(message)
    return number


def _order(value: object) -> tuple[str, str]:
    return type(value).__name__, json.dumps(value, sort_keys=True)
