"""What a plot is, and the frame with two axes that most are drawn in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from simplugin.evaluation.report.elements import Attributes, Content, Markup, element, join
from simplugin.evaluation.report.table import Table

__all__ = ["Axis", "Figure", "Panel", "axis", "dots", "drawing", "key", "line", "mark", "short", "signed", "text"]

_SHAPES = 4
_HAIR = 1e-3  # of a step


@dataclass(frozen=True, slots=True)
class Figure:
    """Drawings that are read together, with the words that explain them and the numbers they show.

    ``legend`` says what the marks stand for. ``fit`` is how drawings fit a narrow screen: they shrink (``small``), keep
    their size and are scrolled (``wide``), or are always as wide as the page (``fluid``).
    """

    name: str
    title: str
    explanation: str
    drawings: tuple[Markup, ...]
    numbers: Table
    legend: Content = None
    fit: Literal["small", "wide", "fluid"] = "small"


@dataclass(frozen=True, slots=True)
class Axis:
    """A straight scale from ``low`` to ``high``, with a label and marks at ``ticks``, which may have names."""

    label: str
    low: float
    high: float
    ticks: tuple[float, ...]
    names: tuple[str, ...] = ()

    def marks(self) -> Iterator[tuple[float, str]]:
        """Give where the marks are, and what stands there."""
        digits = max(len(f"{tick:g}".partition(".")[2]) for tick in self.ticks)
        yield from zip(self.ticks, self.names or [signed(f"{tick:.{digits}f}") for tick in self.ticks], strict=True)

    def share(self, value: float) -> float:
        """Return where a value lies, from 0 at the low end to 1; what is outside is drawn at the end."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


def axis(label: str, low: float, high: float, *, count: int = 5) -> Axis:
    """Return an axis whose ends and marks are round numbers, about ``count`` of them."""
    if high <= low:  # of one number: it stands at the end
        low = high - (abs(high) / 10 or 1.0)
    span = high - low
    step = 10.0 ** math.floor(math.log10(span / count))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if span / (step * factor) <= count)
    # A cosine may be a hair over 1, which is no reason for an axis to go on.
    first, last = math.floor(low / step + _HAIR), math.ceil(high / step - _HAIR)
    ticks = tuple(round(place * step, 10) for place in range(first, last + 1))
    return Axis(label, ticks[0], ticks[-1], ticks)


@dataclass(frozen=True, slots=True)
class Panel:
    """A frame with two axes, in units of the drawing."""

    x: Axis
    y: Axis
    width: float = 280
    height: float = 236
    left: float = 54
    right: float = 10
    top: float = 30
    bottom: float = 40

    def across(self, value: float) -> float:
        """Return the place of a value on the x axis."""
        return self.left + self.x.share(value) * (self.width - self.left - self.right)

    def down(self, value: float) -> float:
        """Return the place of a value on the y axis."""
        return self.height - self.bottom - self.y.share(value) * (self.height - self.top - self.bottom)

    def frame(self) -> Markup:
        """Return the grid, the numbers at its lines, and the labels of both axes."""
        right, base = self.width - self.right, self.height - self.bottom
        pieces: list[Markup] = []
        for tick, name in self.x.marks():
            at = self.across(tick)
            pieces += [line("grid", at, self.top, at, base), text("tick middle", at, base + 15, name)]
        for tick, name in self.y.marks():
            at = self.down(tick)
            pieces += [line("grid", self.left, at, right, at), text("tick end", self.left - 6, at + 4, name)]
        middle = (self.top + base) / 2
        pieces.append(text("axis middle", (self.left + right) / 2, self.height - 6, self.x.label))
        turned = {"class": "axis middle", "transform": f"translate(12 {middle:g}) rotate(-90)"}
        pieces.append(element("text", turned, self.y.label))
        return join(pieces)


def drawing(name: str, title: str, description: str, width: float | None, height: float, *content: Content) -> Markup:
    """Return an SVG image that a screen reader tells by its title and description.

    Without a ``width`` it is as wide as the page, and its content placed in percent.
    """
    attributes: Attributes = {
        "viewBox": None if width is None else f"0 0 {width:g} {height:g}",
        "width": "100%" if width is None else width,
        "height": height,
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-text",
    }
    told = (
        element("title", {"id": f"{name}-title"}, title),
        element("desc", {"id": f"{name}-text"}, description),
    )
    return element("svg", attributes, told, content)


def line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    """Return a straight line."""
    return element("line", {"class": kind, "x1": x1, "y1": y1, "x2": x2, "y2": y2})


def text(kind: str, x: float, y: float, *content: Content) -> Markup:
    """Return words on the base line at this place."""
    return element("text", {"class": kind, "x": x, "y": y}, *content)


def mark(series: int, x: float, y: float, size: float = 4.5) -> Markup:
    """Return the mark of a series: a circle, square, diamond or triangle, so that colour is not all that tells."""
    half = size * (1, 0.9, 1.25, 1.2)[series % _SHAPES]
    arc = f"a{half:.2f} {half:.2f} 0 1 0"
    paths = (
        f"M{x - half:.1f} {y:.1f}{arc} {2 * half:.2f} 0{arc} {-2 * half:.2f} 0z",
        f"M{x - half:.1f} {y - half:.1f}h{2 * half:.1f}v{2 * half:.1f}h{-2 * half:.1f}z",
        f"M{x:.1f} {y - half:.1f}l{half:.1f} {half:.1f}l{-half:.1f} {half:.1f}l{-half:.1f} {-half:.1f}z",
        f"M{x:.1f} {y - half:.1f}l{half:.1f} {1.8 * half:.1f}h{-2 * half:.1f}z",
    )
    return element("path", {"class": f"mark series-{series % 6}", "d": paths[series % _SHAPES]})


def short(name: str, letters: int) -> str:
    """Return a name that takes no more letters than there is room for."""
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def signed(number: str) -> str:
    """Return a number with the sign that typographers use."""
    return number.replace("-", "−")


def dots(points: list[tuple[float, float]]) -> str:
    """Return the points of a polyline or polygon."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def key(names: Mapping[int, str]) -> Markup:
    """Return what the mark of each series stands for."""
    box: Attributes = {"viewBox": "0 0 14 14", "width": 14, "height": 14, "aria-hidden": "true"}
    items = (element("li", None, element("svg", box, mark(series, 7, 7)), name) for series, name in names.items())
    return element("ul", {"class": "key"}, items)
