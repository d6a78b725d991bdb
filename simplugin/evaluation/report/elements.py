"""HTML and SVG, one element at a time; whatever is no markup is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TypeAlias

__all__ = ["Attributes", "Content", "Markup", "element", "join"]


class Markup(str):
    """Text that is markup, and goes into the page as it is."""

    __slots__ = ()


Content: TypeAlias = "str | Iterable[Content] | None"
Attributes: TypeAlias = Mapping[str, "str | float | None"]

_EMPTY = frozenset({"br", "col", "link", "meta"})


def element(tag: str, attributes: Attributes | None = None, *content: Content) -> Markup:
    """Return an element; attributes that are None are left out, those that are the empty string stand alone."""
    start = "".join(_attribute(name, value) for name, value in (attributes or {}).items() if value is not None)
    return Markup(f"<{tag}{start}>" if tag in _EMPTY else f"<{tag}{start}>{join(content)}</{tag}>")


def join(content: Content) -> Markup:
    """Return pieces one after the other, escaped where they are no markup."""
    if content is None:
        return Markup()
    if isinstance(content, str):
        return content if isinstance(content, Markup) else Markup(escape(content))
    return Markup("".join(join(piece) for piece in content))


def _attribute(name: str, value: str | float) -> str:
    if value == "":
        return f" {name}"
    return f' {name}="{escape(value) if isinstance(value, str) else f"{round(value, 2):g}"}"'
