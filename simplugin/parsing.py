"""JSON that others wrote."""

from __future__ import annotations

import json
from typing import NoReturn

__all__ = ["parse_json"]


def parse_json(text: str | bytes, *, finite: bool = False) -> object:
    """Return the value that a JSON text holds; a ``finite`` one has no NaN and no Infinity, as JSON itself has none.

    Raises ``ValueError`` for what is no JSON and, unlike ``json.loads``, for what is nested deeper than Python calls;
    ``json.JSONDecodeError``, which is one, where the place is known.
    """
    try:
        value: object = json.loads(text, parse_constant=_refuse if finite else None)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    return value


def _refuse(constant: str) -> NoReturn:
    message = f"{constant} is no JSON number"
    raise ValueError(message)
