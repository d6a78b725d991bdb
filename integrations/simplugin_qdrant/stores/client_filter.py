"""Conditions to the filters of qdrant-client. Pure."""

from __future__ import annotations

from typing import cast

from qdrant_client import models

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

__all__ = ["filter_for", "to_client_filter", "to_id"]


def to_client_filter(condition: Condition | None) -> models.Filter | None:
    """Translate a condition; None filters nothing."""
    return None if condition is None else filter_for(condition)


def to_id(id_: str) -> int | str:
    """Translate an id: digits are a number, all else a UUID."""
    return int(id_) if id_.isdigit() else id_


def filter_for(condition: Condition) -> models.Filter:
    """Translate a condition."""
    part = _translate(condition)
    return part if isinstance(part, models.Filter) else models.Filter(must=[part])


def _translate(condition: Condition) -> models.Filter | models.FieldCondition:
    match condition:
        case Equals(key, value):
            return models.FieldCondition(key=key, match=models.MatchValue(value=value))
        case NumberRange(key, bounds):
            return models.FieldCondition(key=key, range=models.Range(**bounds))
        case DateRange(key, dates):
            return models.FieldCondition(key=key, range=models.DatetimeRange(**dates))
        case OneOf(key, values) if values:
            return models.FieldCondition(key=key, match=models.MatchAny(any=cast("list[str]", list(values))))
        case OneOf():
            # "One of none" never holds, and an empty list would be no filter.
            return models.Filter(must=[models.HasIdCondition(has_id=[])])
        case AllOf(parts):
            return models.Filter(must=[_translate(part) for part in parts])
        case AnyOf(parts):
            return models.Filter(should=[_translate(part) for part in parts])
        case NotAnyOf(parts):
            return models.Filter(must_not=[_translate(part) for part in parts])
        case LacksVector(vector):
            return models.Filter(must_not=[models.HasVectorCondition(has_vector=vector)])
        case HasId(ids):
            return models.Filter(must=[models.HasIdCondition(has_id=[to_id(id_) for id_ in ids])])
        case Native(native):
            if not isinstance(native, models.Filter):
                message = f"This store takes qdrant_client filters, and got one of {type(native).__module__}."
                raise FilterError(message)
            return native
