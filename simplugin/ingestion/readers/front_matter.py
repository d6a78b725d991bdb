"""What a Markdown file says about itself: the block of YAML, or of TOML, between two rules at its head."""

from __future__ import annotations

import math
import re
import tomllib
from datetime import date, time
from typing import Any, cast

import yaml

from simplugin.storable import fault_of

__all__ = ["cut_front_matter"]

_FRONT = re.compile(r"\ufeff?---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TOML = re.compile(r"\ufeff?\+\+\+[ \t]*\n(.*?\n)?\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
_MOST = 4096  # characters that are read as YAML: nothing can be nested too deep in so few
_NAMES = re.compile(r"^(title|lang|language)[ \t]*:(.*)$", re.M | re.I)
_KEY = re.compile(r"""["']?[^\s:"'#-][^:"'\n]{0,60}["']?[ \t]*:(?:[ \t]|$)""")
_QUOTES = {'"', "'"}
_CODE = 2  # letters of a language's code
_OURS = {"headings", "page", "modified", "document_id", "chunk"}  # keys under which something else is told of a chunk
# YAML 1.1 takes 010 for 8, 12:30 for 750, and the language "no" for false; here a text is what does not look otherwise.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9]\d{0,17})")
_FRACTION = re.compile(r"[-+]?\d+\.\d+(?:[eE][-+]?\d{1,2})?")
_TRUTHS = {"true": True, "false": False}
_NULL = "tag:yaml.org,2002:null"
# Not every build of the library has the fast one.
_LOADER = cast("type[yaml.SafeLoader]", getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def cut_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """Return what the front matter says, and the text behind it.

    That are ``title``, ``lang``, and all else that is a text, a number, true or false, or a list of these; dates stay
    texts. TOML stands between lines of ``+++``. Of front matter that is no YAML, or has over 4,096 characters, title
    and language are read. What stands between two rules and names nothing is a text.
    """
    front = _FRONT.match(text)
    if front is None:
        return _cut_toml(text)
    lines = front[1] or ""
    entries = _entries(lines)
    if not _names_something(lines, entries):
        return {}, text
    said = _names(lines) if entries is None else _named(entries)
    return {**_others(entries or {}), **said}, text[front.end() :]


def _cut_toml(text: str) -> tuple[dict[str, Any], str]:
    front = _TOML.match(text)
    if front is None or len(front[1] or "") > _MOST:
        return {}, text
    try:
        entries = tomllib.loads(front[1] or "")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}, text
    found: dict[str, Any] = {}
    for name, value in entries.items():
        if _NAMES.match(f"{name}:"):
            found |= _said(name, value) if isinstance(value, str) else {}
        elif name and name not in _OURS and (plain := _of_toml(value)) not in (None, []):
            found[name] = plain
    return found, text[front.end() :]


def _of_toml(value: object) -> Any:
    """Return a scalar, or a list of scalars; None for anything else."""
    match value:
        case str() | bool() | int():
            return value if fault_of(value, "") is None else None
        case float():
            return value if math.isfinite(value) else None
        case date() | time():  # a datetime is a date
            return value.isoformat()
        case list():
            items = [_of_toml(item) for item in cast("list[object]", value)]
            return items if all(isinstance(item, str | int | float) for item in items) else None
        case _:
            return None


def _entries(lines: str) -> dict[str, yaml.Node] | None:
    """Return what each key stands for; None where the lines are no mapping."""
    if len(lines) > _MOST:
        return None
    try:
        # Composed and not constructed: constructing merges mappings, which a few lines can make without end.
        root = cast("yaml.Node | None", yaml.compose(lines, Loader=_LOADER))
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    if not isinstance(root, yaml.MappingNode):
        return None
    entries = cast("list[tuple[yaml.Node, yaml.Node]]", root.value)
    return {key.value: node for key, node in entries if isinstance(key, yaml.ScalarNode)}


def _names_something(lines: str, entries: dict[str, yaml.Node] | None) -> bool:
    """Say whether the lines are front matter, and not the first slide or paragraph, between rules of its own."""
    first = lines.partition("\n")[0]
    if not lines.strip():
        return not lines
    if not first.strip():
        return _NAMES.search(lines) is not None
    return entries is not None or _KEY.match(first) is not None or _NAMES.search(lines) is not None


def _others(entries: dict[str, yaml.Node]) -> dict[str, Any]:
    """Return what is said beside title and language."""
    found = {name: _value(node) for name, node in entries.items()}
    own = {name for name in found if _NAMES.match(f"{name}:") or name in _OURS or not name}
    return {name: value for name, value in found.items() if name not in own and value not in (None, [])}


def _named(entries: dict[str, yaml.Node]) -> dict[str, Any]:
    """Return title and language."""
    found: dict[str, Any] = {}
    for name, node in entries.items():
        if _NAMES.match(f"{name}:") and isinstance(node, yaml.ScalarNode) and (node.style or node.tag != _NULL):
            found |= _said(name, " ".join(str(cast("object", node.value)).split()))
    return found


def _value(node: yaml.Node) -> Any:
    """Return a scalar, or a list of scalars; None for anything else."""
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        items = cast("list[yaml.Node]", node.value)
        if all(isinstance(item, yaml.ScalarNode) for item in items):
            return [value for item in items if (value := _scalar(cast("yaml.ScalarNode", item))) is not None]
    return None


def _scalar(node: yaml.ScalarNode) -> Any:
    written = cast("str", node.value)
    if node.style:  # quoted, or a block
        return written.strip()
    if node.tag == _NULL:
        return None
    if written.lower() in _TRUTHS:
        return _TRUTHS[written.lower()]
    if _INTEGER.fullmatch(written):
        return int(written)
    return float(written) if _FRACTION.fullmatch(written) else written


def _names(lines: str) -> dict[str, Any]:
    """Return title and language, by the letter: in the files there are, both often stand in what is no YAML."""
    found: dict[str, Any] = {}
    for key, written in _NAMES.findall(lines):
        found |= _said(key, _unquoted(written.strip(" \t")))
    return found


def _said(key: str, value: str) -> dict[str, str]:
    if key.lower() == "title":
        return {"title": value} if value else {}
    if value[:_CODE].isalpha() and value[_CODE : _CODE + 1] in {"", "-", "_"}:
        code = value[:_CODE].lower()
        return {"lang": "he" if code == "iw" else code}
    return {}


def _unquoted(value: str) -> str:
    value = value[1:] if value[:1] in _QUOTES else value
    return value[:-1] if value[-1:] in _QUOTES else value
