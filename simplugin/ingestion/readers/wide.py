"""UTF-16 and UTF-32 without a mark, recognised by where their NULs are; Chinese, Japanese and Korean have none."""

from __future__ import annotations

import re

from simplugin.errors import DataError
from simplugin.records import Encoding

__all__ = ["recognise_dense", "recognise_wide"]

_SAMPLE = 65_536  # bytes that are looked at; a multiple of four
_SURE = 0.99
_SPARSE = 0.3  # with NULs at fewer letters it may as well be UTF-8 with stray NULs
_FEW = 4  # NULs that may lie on one side by chance
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffe\uffff\ue000-\uf8ff]")
_DENSE = re.compile("[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff00-\uffef\u2010-\u2026\t\n\r -~]")
_NEARLY_ALL = 0.9  # part of the letters that are such; of bytes by chance it is half
_ENOUGH = 16
_LIKELY = 0.95
_RATE = 0.001  # part of the letters that may be controls or private


def recognise_wide(raw: bytes) -> tuple[str, Encoding] | None:
    """Return the text and its encoding; None where it is neither.

    Raises ``DataError`` where there is nothing but NULs.
    """
    if b"\0" not in raw[:_SAMPLE]:
        return None
    if not raw.strip(b"\0"):
        raise DataError("the file holds nothing but NUL bytes.")
    for name in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"):
        if _looks(raw[:_SAMPLE], name) and (text := _try(raw, name)) is not None:
            return text, Encoding(name, _SURE)
    return None


def recognise_dense(raw: bytes) -> tuple[str, Encoding] | None:
    """Return the text and its encoding where it is UTF-16 of letters that leave no NULs; None where it is not.

    For what is text in no other encoding: pairs of bytes that mean something else often are such letters as well.
    """
    for name in ("utf-16-le", "utf-16-be"):
        text = None if len(raw) % 2 else _try(raw, name)
        if text and len(text) >= _ENOUGH and len(_DENSE.findall(text)) >= _NEARLY_ALL * len(text):
            return text, Encoding(name, _LIKELY)
    return None


def _looks(sample: bytes, name: str) -> bool:
    width = 4 if "32" in name else 2
    if len(sample) % width:
        return False
    highest = width - 1 if name.endswith("le") else 0
    letters = len(sample) // width
    high, low = sample[highest::width].count(0), sample[width - 1 - highest :: width].count(0)
    if width == 4:
        return high == letters and low * 4 < letters
    if low * 4 > high or (high < _FEW and high <= _SPARSE * letters):
        return False
    return high > _SPARSE * letters or not _is_utf8(sample)


def _is_utf8(sample: bytes) -> bool:
    """Say whether it is UTF-8 but for NULs; what comes from letters in two bytes is full of controls."""
    text = sample.replace(b"\0", b"").decode("utf-8", "replace")
    return len(_CONTROLS.findall(text)) + text.count("\ufffd") <= _RATE * len(text)


def _try(raw: bytes, name: str) -> str | None:
    try:
        text = raw.decode(name)
    except UnicodeDecodeError:
        return None
    return text if len(_CONTROLS.findall(text[:_SAMPLE])) <= _RATE * min(len(text), _SAMPLE) else None
