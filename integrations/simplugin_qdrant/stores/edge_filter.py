"""Conditions to the filters of Qdrant Edge. Pure."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import qdrant_edge as edge

from simplugin.errors import FilterError
from simplugin_qdrant.filters import (
    AllOf,
    AnyOf,
    Condition,
    DateRange,
    Equals,
    HasId,
    LacksVector,
    Native,
    NotAnyOf,
    NumberRange,
    OneOf,
)

__all__ = ["filter_for", "to_edge_filter", "to_id"]


def to_edge_filter(condition: Condition | None) -> edge.Filter | None:
    """Translate a condition; None filters nothing."""
    return None if condition is None else filter_for(condition)


def to_id(id_: str) -> Any:
    """Translate an id: digits are a number, all else a UUID."""
    return int(id_) if id_.isdigit() else id_


def filter_for(condition: Condition) -> edge.Filter:
    """Translate a condition."""
    part = _translate(condition)
    return part if isinstance(part, edge.Filter) else edge.Filter(must=[part])


def _translate(condition: Condition) -> edge.Filter | edge.FieldCondition:
    match condition:
        case Equals(key, value):
            # The binding reads Python's True as the integer 1, and numpy's as what it is.
            exact: Any = np.bool_(value) if isinstance(value, bool) else value
            return edge.FieldCondition(key, match=edge.MatchValue(exact))
        case NumberRange(key, bounds):
            return edge.FieldCondition(key, range=edge.RangeFloat(**bounds))
        case DateRange(key, dates):
            limits = {name: bound.isoformat() for name, bound in dates.items()}
            return edge.FieldCondition(key, range=edge.RangeDateTime(**limits))
        case OneOf(key, values) if values:
            return edge.FieldCondition(key, match=edge.MatchAny(cast("list[str]", list(values))))
        case OneOf():
            # "One of none" never holds, and the engine takes an empty list as no filter.
            return edge.Filter(must=[edge.HasIdCondition(set())])
        case AllOf(parts):
            return edge.Filter(must=[_translate(part) for part in parts])
        case AnyOf(parts):
            return edge.Filter(should=[_translate(part) for part in parts])
        case NotAnyOf(parts):
            return edge.Filter(must_not=[_translate(part) for part in parts])
        case LacksVector(vector):
            return edge.Filter(must_not=[edge.HasVectorCondition(vector)])
        case HasId(ids):
            return edge.Filter(must=[edge.HasIdCondition({to_id(id_) for id_ in ids})])
        case Native(native):
            if not isinstance(native, edge.Filter):
                message = f"This store takes qdrant_edge filters, and got one of {type(native).__module__}."
                raise FilterError(message)
            return native
