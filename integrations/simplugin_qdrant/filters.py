"""The filter grammar: the same in Python, on the command line and in LangChain.

====================================  =========================================================
``{"lang": "tr"}``                    the metadata value is this one
``{"lang": ["tr", "az"]}``            it is one of these
``{"year": {"gte": 2020, "lt": 26}}``  it lies in this range (gt, gte, lt, lte; numbers or ISO dates)
``{"not": {...}}``                    the inner filter does not hold
``{"or": [{...}, {...}]}``            one of the inner filters holds
``{"lang": "tr", "year": 2020}``      both hold
====================================  =========================================================

Keys name the user's metadata, ``"a.b"`` a value inside another; ``"document_id"`` names the document itself, and
``"source"`` where it came from. A filter object of the engine's own library is taken as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeAlias, cast

import numpy as np

from simplugin.errors import FilterError

__all__ = [
    "OWN_SOURCE",
    "AllOf",
    "AnyOf",
    "Condition",
    "DateRange",
    "Equals",
    "HasId",
    "LacksVector",
    "Native",
    "NotAnyOf",
    "NumberRange",
    "OneOf",
    "both",
    "filter_key",
    "keys_of",
    "parse_choice",
    "parse_filter",
]

_BOUNDS = ("gt", "gte", "lt", "lte")
_LARGEST = 2**63  # integers beyond it are none to an engine

OWN_SOURCE = "metadata.source"
"""Where a text that was added, or one of another program, says where it came from."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Equals:
    """The value at ``key`` is ``value``, or a list that has it."""

    key: str
    value: str | int | bool


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value at ``key`` is one of these, all texts or all integers; it never is where there are none."""

    key: str
    values: tuple[str, ...] | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NumberRange:
    """The number at ``key`` lies within the bounds (gt, gte, lt, lte)."""

    key: str
    bounds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class DateRange:
    """The ISO date at ``key`` lies within the bounds (gt, gte, lt, lte); a time without a zone is UTC."""

    key: str
    bounds: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Each part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class NotAnyOf:
    """No part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class LacksVector:
    """The point has no vector of this name; no filter of the grammar says so."""

    vector: str


@dataclass(frozen=True, slots=True)
class HasId:
    """The point is one of these, by the engine's ids; no filter of the grammar says so."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Native:
    """A filter object of the engine's own library."""

    filter: object


Condition: TypeAlias = (
    Equals | OneOf | NumberRange | DateRange | AllOf | AnyOf | NotAnyOf | LacksVector | HasId | Native
)


def parse_filter(given: object) -> Condition | None:
    """Read a filter; None and ``{}`` filter nothing.

    Raises ``FilterError``, which says what was found and what may stand there.
    """
    if given is None:
        return None
    if not isinstance(given, Mapping):
        if type(given).__name__ == "Filter":
            return Native(given)  # which library's it is, the store knows without loading the others
        message = (
            f"A filter is a dictionary such as {{'lang': 'tr'}}, or a Filter of the engine's library; got {given!r}."
        )
        raise FilterError(message)
    parts: list[Condition] = []
    for key, wanted in cast("Mapping[object, object]", given).items():
        if not isinstance(key, str) or not key:
            message = f"A filter's keys are names of metadata; got {key!r}."
            raise FilterError(message)
        if key.startswith("$"):
            message = (
                f"There is no operator {key!r}: all entries of a filter hold together, and of several filters one with "
                "{'or': [{…}, {…}]}."
            )
            raise FilterError(message)
        parts.append(_negate(wanted) if key == "not" else _any_of(wanted) if key == "or" else _at(key, wanted))
    return AllOf(tuple(parts)) if parts else None


def parse_choice(given: object) -> Condition:
    """Read a filter of what is to be deleted. Raises ``FilterError``, also for one that passes everything."""
    condition = parse_filter(given)
    if condition is None:
        raise FilterError("This filter passes every text; to delete all, leave it out (clear()).")
    return condition


def both(one: Condition | None, other: Condition | None) -> Condition | None:
    """Join two conditions; None holds always."""
    parts = tuple(part for part in (one, other) if part is not None)
    return AllOf(parts) if len(parts) > 1 else parts[0] if parts else None


def keys_of(condition: Condition) -> set[str] | None:
    """Return the payload keys that a condition looks at; None where a filter of the engine's own does not say."""
    match condition:
        case Native():
            return None
        case LacksVector() | HasId():
            return set()
        case AllOf(parts) | AnyOf(parts) | NotAnyOf(parts):
            found = [keys_of(part) for part in parts]
            known = [keys for keys in found if keys is not None]
            return {key for keys in known for key in keys} if len(known) == len(found) else None
        case _:
            return {condition.key}


def payload_key(key: str) -> str:
    """Return where in a payload this filter key's value lies, as a JSON path."""
    if key == "document_id":
        return key
    return ".".join(["metadata", *(part if _PLAIN.fullmatch(part) else f'"{part}"' for part in key.split("."))])


def filter_key(path: str) -> str:
    """Return the filter key whose values lie here in a payload, as ``payload_key`` names the place."""
    return path.removeprefix("metadata.").replace('"', "")


def _at(key: str, wanted: object) -> Condition:
    if key != "source":
        return _condition(payload_key(key), wanted)
    # Of an ingested document it lies beside the metadata; a text that was added may have one of its own there.
    return AnyOf((_condition(key, wanted), _condition(OWN_SOURCE, wanted)))


def _negate(wanted: object) -> Condition:
    inner = parse_filter(wanted)
    if inner is None:
        raise FilterError("'not' needs a filter that says what must not hold.")
    return NotAnyOf((inner,))


def _any_of(wanted: object) -> Condition:
    listed = cast("Sequence[object]", wanted) if isinstance(wanted, list | tuple) else ()
    parts = [parse_filter(each) for each in listed]
    known = tuple(part for part in parts if part is not None)
    if not known or len(known) < len(parts):
        raise FilterError("'or' needs a list of filters, of which one has to hold; none of them may be empty.")
    return AnyOf(known)


def _condition(key: str, wanted: object) -> Condition:
    wanted = _plain(wanted)
    if isinstance(wanted, Mapping):
        return _range(key, cast("Mapping[str, Any]", wanted))
    if isinstance(wanted, Sequence) and not isinstance(wanted, str | bytes):
        return _one_of(key, cast("Sequence[object]", wanted))
    return _equals(key, wanted)


def _one_of(key: str, values: Sequence[object]) -> Condition:
    values = [_plain(value) for value in values]
    texts = tuple(value for value in values if isinstance(value, str))
    if len(texts) == len(values):
        return OneOf(key, texts)
    integers = tuple(value for value in values if isinstance(value, int) and not isinstance(value, bool))
    if len(integers) == len(values):
        return OneOf(key, integers)
    return AnyOf(tuple(_equals(key, value) for value in values))


def _plain(value: object) -> object:
    """Return what numpy's scalars and arrays stand for."""
    return cast("object", value.tolist()) if isinstance(value, np.generic | np.ndarray) else value


def _equals(key: str, value: object) -> Condition:
    if isinstance(value, date):
        value = value.isoformat()  # as an ingest stores it
    if isinstance(value, float):
        return NumberRange(key, {"gte": value, "lte": value})
    if isinstance(value, str) or (isinstance(value, int) and -_LARGEST <= value < _LARGEST):
        return Equals(key, value)
    kinds = "text, numbers and true or false" if not isinstance(value, int) else "integers of at most 64 bits"
    message = f"A filter compares with {kinds}; {_shown(key)} has {value!r}."
    raise FilterError(message)


def _range(key: str, bounds: Mapping[str, Any]) -> Condition:
    bounds = {name: _plain(bound) for name, bound in bounds.items()}
    if not bounds or not set(bounds) <= set(_BOUNDS):
        hint = " What must not hold is written {'not': {…}} around the key." if "not" in bounds else ""
        if any(str(name).startswith("$") for name in bounds):
            hint = " There are no operators: a value has to be equal, and a list holds one that is."
        message = f"A range has the bounds {', '.join(_BOUNDS)}; {_shown(key)} has {dict(bounds)!r}.{hint}"
        raise FilterError(message)
    if all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in bounds.values()):
        try:
            return NumberRange(key, {name: float(bound) for name, bound in bounds.items()})
        except OverflowError as error:
            message = f"A bound of the range of {_shown(key)} is larger than any number that is stored."
            raise FilterError(message) from error
    dates = {name: _date(bound) for name, bound in bounds.items()}
    known = {name: bound for name, bound in dates.items() if bound is not None}
    if len(known) == len(dates):
        return DateRange(key, known)
    message = f"The bounds of a range are all numbers or all ISO dates; {_shown(key)} has {dict(bounds)!r}."
    raise FilterError(message)


def _shown(key: str) -> str:
    """Return a payload key as the user wrote it."""
    return repr(filter_key(key))


def _date(bound: object) -> datetime | None:
    if isinstance(bound, str):
        try:
            bound = datetime.fromisoformat(bound)
        except ValueError:
            return None
    if isinstance(bound, date) and not isinstance(bound, datetime):
        bound = datetime(bound.year, bound.month, bound.day, tzinfo=UTC)
    if not isinstance(bound, datetime):
        return None
    return bound if bound.tzinfo else bound.replace(tzinfo=UTC)
