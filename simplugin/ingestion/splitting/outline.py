"""The blocks of a text: headings, paragraphs, lists, fenced code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import itemgetter
from typing import NamedTuple

__all__ = ["Block", "outline"]

# None of these may look at the same letters again and again: a line of 60,000 blanks would take half a minute.
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t](.*))?$")
_ANCHOR = re.compile(r"\{\s*#[^{}]*\}$")  # "# Title { #anchor }" is mark-up, not title
_SETEXT = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_RULE = re.compile(r"([=\-`:'\"~^_*+#<>.])\1{2,}[ \t]*$")
_PARAGRAPH = re.compile(r"\S.*?(?<=\S)(?=[^\S\n]*\n[^\S\n]*\n|\s*\Z)", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]{0,500})\]\([^)]{0,2000}\)")
_MARKS = re.compile(r"\*\*|__|`")


class Block(NamedTuple):
    """A part of a text that belongs together, from character ``start`` to before ``end``.

    ``level`` is that of a heading, from 1 for the highest, and ``title`` its words; 0 and none for anything else.
    """

    start: int
    end: int
    level: int = 0
    title: str = ""


def outline(text: str, form: str) -> list[Block]:
    """Return the blocks of a text in this format, in order; together they hold all that is not white space."""
    match form:
        case "markdown":
            return list(_markdown(text))
        case "rst":
            return list(_rst(text))
        case _:
            return [Block(found.start(), found.end()) for found in _PARAGRAPH.finditer(text)]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.split("\n"):
        yield start, line
        start += len(line) + 1


def _markdown(text: str) -> Iterator[Block]:
    begin: int | None = None  # of the block that is open
    end = 0  # of its last line
    fence = ""
    single = False  # the open block is one line: it may turn out to be an underlined heading
    for start, line in _lines(text):
        stop = start + len(line.rstrip())
        if fence:
            end = stop if stop > start else end
            if _closes(line, fence) and begin is not None:
                yield Block(begin, end)
                begin, fence = None, ""
        elif not line or line.isspace():
            if begin is not None:
                yield Block(begin, end)
            begin = None
        elif opened := _FENCE.match(line):
            if begin is not None:
                yield Block(begin, end)
            begin, end, fence, single = start, stop, opened[1], False
        elif heading := _ATX.match(line):
            if begin is not None:
                yield Block(begin, end)
            begin = None
            yield Block(start, stop, len(heading[1]), _plain(_unclosed(heading[2] or "")))
        elif single and begin is not None and (under := _SETEXT.match(line)):
            yield Block(begin, stop, 1 if under[1][0] == "=" else 2, _plain(text[begin:end]))
            begin = None
        else:
            single = begin is None
            begin, end = start if begin is None else begin, stop
    if begin is not None:
        yield Block(begin, end)


def _unclosed(title: str) -> str:
    """Return a heading without the number signs that may close it."""
    whole = title.strip(" \t")
    bare = whole.rstrip("#")
    return bare.rstrip(" \t") if bare.endswith((" ", "\t")) else whole


def _plain(title: str) -> str:
    """Return the words of a heading without its mark-up."""
    return _MARKS.sub("", _LINK.sub(itemgetter(1), _ANCHOR.sub("", title.strip()))).strip()


def _closes(line: str, fence: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(fence) and not bare.strip(fence[0])


def _rst(text: str) -> Iterator[Block]:
    """Find the sections by their underlines; the styles rank as they first appear, as in docutils."""
    styles: list[str] = []
    for found in _PARAGRAPH.finditer(text):
        lines = found[0].split("\n")
        at = found.start()
        overlined = len(lines) > 2 and bool(_RULE.match(lines[0])) and lines[0].strip() == lines[2].strip()
        under = 2 if overlined else 1
        title = lines[under - 1].strip()
        if len(lines) <= under or not _RULE.match(lines[under]) or not title or len(lines[under].strip()) < len(title):
            yield Block(at, found.end())
            continue
        style = ("over" if overlined else "") + lines[under][0]
        if style not in styles:
            styles.append(style)
        end = at + sum(len(line) + 1 for line in lines[: under + 1]) - 1
        yield Block(at, end, styles.index(style) + 1, title)
        if len(lines) > under + 1:
            yield Block(end + 1, found.end())
