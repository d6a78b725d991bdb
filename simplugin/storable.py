"""What a store can hold beside a text: JSON values, whose texts are Unicode, numbers finite, and depth bounded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple, cast

__all__ = ["Fault", "fault_of"]

_LARGEST = 2**63
_DEEPEST = 64  # lists and objects within each other; an engine that logs 128 of them cannot read its log again


class Fault(NamedTuple):
    """Where a value is that cannot be stored, and what is wrong with it, as the end of a sentence."""

    path: str
    reason: str


def fault_of(value: object, path: str, *, depth: int = 0) -> Fault | None:
    """Return the first fault of a value, and of what is inside; ``path`` names it."""
    match value:
        case None | bool():
            return None
        case int() if -_LARGEST <= value < _LARGEST:
            return None
        case float() if math.isfinite(value):
            return None
        case str():
            whole = value.isascii() or _is_unicode(value)
            return None if whole else Fault(path, "holds half a surrogate pair, which is no text")
        case dict() | list() | tuple() if depth == _DEEPEST:
            return Fault(path, f"is nested deeper than {_DEEPEST} levels, which no engine can store")
        case dict():
            return _fault_in(cast("Mapping[object, object]", value), path, depth + 1)
        case list() | tuple():
            faults = (fault_of(inner, path, depth=depth + 1) for inner in cast("Iterable[object]", value))
            return next(filter(None, faults), None)
        case int() | float():
            return Fault(path, f"is {value!r:.40}, which no engine can store")
        case date():
            return Fault(path, f"is a {type(value).__name__}, which is no JSON value; give its isoformat()")
        case _:
            return Fault(path, f"is a {type(value).__name__}, which is no JSON value")


def _fault_in(values: Mapping[object, object], path: str, depth: int) -> Fault | None:
    for key, inner in values.items():
        if not isinstance(key, str) or not _is_unicode(key):
            return Fault(path, f"has the key {key!r}; keys are text")
        if found := fault_of(inner, f"{path}.{key}", depth=depth):
            return found
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
