"""Well-formed files, damaged: bytes changed, cut, repeated, spliced, and values put where they do not belong."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

__all__ = ["Damaged", "damaged"]

_ODD = (
    *(b"NaN", b"-Infinity", b"1e999", b"-1", b"9" * 5000, b"null", b"true", b'""', b"{}", b"[]", b"\\ud800", b'"'),
    *(b"\0", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1b[2J", b"\r", b"\n\n", b"\xe2\x80\xa8", b"\xc5\x9f", b"\x85"),
    *(b"<!---->", b"<!ENTITY a 'b'>", b"&a;", b"<div>", b"</p>", b"</script>", b"<![CDATA[", b"<meta charset=utf-7>"),
    *(b"---\n", b"title:  ", b"```", b"# ", b"[a](", b"- ", b": ", b"*a", b"&b ", b"! ", b"{", b"[", b"\t", b",", b";"),
    *(b"../", b"/etc/passwd", b"obj", b"endobj", b"<<", b"/Length 99999999", b"/Kids[1 0 R]", b"stream\n", b" "),
)
_TIMES = (1, 1, 1, 1, 2, 2, 50, 50, 5_000, 50_000)  # a part is repeated
_LONGEST = 200_000  # bytes that repeating may make
_DEEP = 100_000
_SHOWN = 2_000

_ODD_VALUES: tuple[object, ...] = (
    *(None, True, 0, -1, 2**31, 10**400, 1e308, float("nan"), float("inf"), -0.0, "", "x", "\0", "\ud800", "\x1b[2J"),
    *([], {}, [[]], [None], {"": None}, ["x", "x"], [1, "a"], "9" * 30, "../..", "/", "http://127.0.0.1:1", "é" * 300),
)
_DEEP_MARK = "deep nesting goes here"

_KINDS = ("change", "change", "cut", "repeat", "splice", "odd", "odd")


@dataclass(frozen=True, slots=True)
class Damaged:
    """The bytes of a damaged file; of long ones a report shows the ends."""

    raw: bytes

    def __repr__(self) -> str:
        if len(self.raw) <= _SHOWN:
            return f"Damaged({self.raw!r})"
        return f"Damaged({self.raw[: _SHOWN // 2]!r}, {len(self.raw):,} bytes, {self.raw[-_SHOWN // 2 :]!r})"


def damaged(samples: Sequence[bytes]) -> st.SearchStrategy[Damaged]:
    """Give samples with up to six damages, bytes of any kind, and JSON values of the same shape that are odd.

    Of an archive the members are damaged too.
    """
    return _drawn(samples)


@st.composite
def _drawn(draw: st.DrawFn, samples: Sequence[bytes]) -> Damaged:
    return Damaged(_damaged(draw, samples))  # not by map, which would be reported with all the bytes


def _damaged(draw: st.DrawFn, samples: Sequence[bytes]) -> bytes:
    raw = draw(st.sampled_from(samples))
    way = draw(st.integers(0, 9))
    if way == 0:
        return draw(st.binary(max_size=300))
    if way < 5 and raw.startswith(b"PK"):
        return _inside(draw, raw)
    if way < 7 and raw.lstrip().startswith((b"{", b"[")):
        return _odd_json(draw, raw)
    return _bytes(draw, raw, samples)


def _bytes(draw: st.DrawFn, raw: bytes, samples: Sequence[bytes]) -> bytes:
    changed = bytearray(raw)
    for kind in draw(st.lists(st.sampled_from(_KINDS), min_size=1, max_size=6)):
        at = draw(st.integers(0, len(changed)))
        match kind:
            case "change":
                changed[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "cut":
                del changed[at : at + draw(st.integers(1, 200))]
            case "repeat":
                part = changed[at : at + draw(st.integers(1, 40))]
                changed[at:at] = (part * draw(st.sampled_from(_TIMES)))[:_LONGEST]
            case "splice":
                other = draw(st.sampled_from(samples))
                changed[at:] = other[draw(st.integers(0, len(other))) :]
            case _:
                odd = draw(st.sampled_from(_ODD))
                changed[at:at] = (odd * draw(st.sampled_from(_TIMES)))[:_LONGEST]
    return bytes(changed)


def _inside(draw: st.DrawFn, raw: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        members = {name: old.read(name) for name in old.namelist()}
        hit = draw(st.sampled_from(sorted(members)))
        for name, content in members.items():
            new.writestr(name, _bytes(draw, content, list(members.values())) if name == hit else content)
    return stream.getvalue()


def _odd_json(draw: st.DrawFn, raw: bytes) -> bytes:
    """Put odd values into a JSON text, or into one of its lines."""
    try:
        lines = [json.loads(raw)]
    except ValueError:
        lines = [json.loads(line) for line in raw.splitlines() if line.strip()]
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(lines) - 1))
        lines[at] = _odd_value(draw, lines[at])
    written = "\n".join(json.dumps(line) for line in lines)
    return written.replace(f'"{_DEEP_MARK}"', "[" * _DEEP + "]" * _DEEP).encode()


def _odd_value(draw: st.DrawFn, value: Any) -> Any:
    """Return a value with something odd at one place in it, or without what was there."""
    table: Any = dict(enumerate(value)) if isinstance(value, list) else value
    if not isinstance(table, dict) or not table or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from((*_ODD_VALUES, _DEEP_MARK)))
    known: dict[Any, Any] = table
    key = draw(st.sampled_from(list(known)))
    if draw(st.integers(0, 7)) == 0:
        changed = {other: inner for other, inner in known.items() if other != key}
    else:
        changed = {**known, key: _odd_value(draw, known[key])}
    return list(changed.values()) if isinstance(value, list) else changed
