"""Models side by side: the main figure of each section, with its interval."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from simplugin.evaluation.report.elements import Markup, element
from simplugin.evaluation.report.naming import labels, left_out, spoken
from simplugin.evaluation.report.plots.figure import Axis, Figure, axis, drawing, key, mark, short
from simplugin.evaluation.report.tables import side_by_side
from simplugin.evaluation.result import Result, Section

__all__ = ["intervals"]

_TOP, _BOTTOM = 12.0, 44.0
_PAD = 4.0  # percent of the width, as the next two
_LETTER = 2.3  # of a section's name, on a narrow screen
_LETTERS = 18  # that there is room for
_ROW = 15.0  # of a model in a section
_GAP = 13.0  # between sections


def intervals(name: str, results: Sequence[Result]) -> Figure | None:
    """Draw a row for each section, a mark for each model; None where no section has the main figure.

    Crossings are left to the heat map, and of several stages the first is drawn.
    """
    names = labels(results)
    metric = results[0].main
    sections = _sections(results)
    if not sections:
        return None
    ends = [end for found in sections.values() for each in found if each is not None for end in _ends(each, metric)]
    scale = axis(spoken(metric), min(ends), max(ends), count=9)
    left = _PAD + _LETTER * min(_LETTERS, max(map(len, sections)))

    def place(value: float) -> str:
        return f"{left + scale.share(value) * (100 - left - _PAD):.2f}%"

    block = _ROW * len(results) + _GAP
    height = _TOP + block * len(sections) + _BOTTOM
    picture = drawing(
        f"{name}-0",
        f"{spoken(metric)} by section" + (f", {len(results)} models" if len(results) > 1 else ""),
        "; ".join(_told(title, found, names, metric) for title, found in sections.items()) + ".",
        None,
        height,
        _frame(scale, place, height),
        (
            _block(title, found, metric, place, left, _TOP + block * row)
            for row, (title, found) in enumerate(sections.items())
        ),
    )
    return Figure(
        name,
        f"{spoken(metric)} by section" if len(results) == 1 else "Models side by side",
        f"{spoken(metric)}; the lines are 95 % intervals. Where two overlap, the models may still differ: compare them "
        "in pairs, with simplugin evaluate compare."
        if len(results) > 1
        else f"{spoken(metric)}; the lines are 95 % intervals.",
        (picture,),
        side_by_side(results, f"{spoken(metric)} by section, with 95 % intervals"),
        legend=key(dict(enumerate(names))) if len(results) > 1 else None,
        fit="fluid",
    )


def _sections(results: Sequence[Result]) -> dict[str, list[Section | None]]:
    """Return the sections of all results by name, with one of each result or None."""
    titles = dict.fromkeys(each.section for result in results for each in result.sections)
    found = {
        title: [next((each for each in result.sections if each.section == title), None) for result in results]
        for title in titles
        if title not in {name for result in results for name in left_out(result)}
    }
    metric = results[0].main
    return {title: row for title, row in found.items() if any(_value(each, metric) is not None for each in row)}


def _value(section: Section | None, metric: str) -> float | None:
    return None if section is None else section.metrics.get(metric)


def _told(title: str, found: Sequence[Section | None], names: Sequence[str], metric: str) -> str:
    values = [
        (value, name) for name, each in zip(names, found, strict=True) if (value := _value(each, metric)) is not None
    ]
    value, name = max(values)
    return f"{title}: {value:.3f}" + (f" at most, by {name}" if len(values) > 1 else "")


def _ends(section: Section, metric: str) -> list[float]:
    value = section.metrics.get(metric)
    return [] if value is None else [value, *section.ci95.get(metric, ())]


def _frame(scale: Axis, place: Callable[[float], str], height: float) -> Iterator[Markup]:
    base = height - _BOTTOM
    middle = (scale.low + scale.high) / 2
    yield element("text", {"class": "axis middle", "x": place(middle), "y": height - 6}, scale.label)
    for tick, name in scale.marks():
        at = place(tick)
        yield element("line", {"class": "grid", "x1": at, "x2": at, "y1": _TOP, "y2": base})
        yield element("text", {"class": "tick middle", "x": at, "y": base + 16}, name)


def _block(
    title: str, found: Sequence[Section | None], metric: str, place: Callable[[float], str], left: float, top: float
) -> Iterator[Markup]:
    middle = top + (_ROW * len(found) + _GAP) / 2
    yield element("text", {"class": "row end", "x": f"{left - _PAD:.2f}%", "y": middle + 4}, short(title, _LETTERS))
    for series, section in enumerate(found):
        value = _value(section, metric)
        if section is None or value is None:
            continue
        at = top + _GAP / 2 + _ROW * (series + 0.5)
        if metric in section.ci95:
            low, high = map(place, section.ci95[metric])
            yield element("line", {"class": f"whisker series-{series % 6}", "x1": low, "x2": high, "y1": at, "y2": at})
        # A path knows no shares of the width; a picture within the picture does.
        yield element("svg", {"x": place(value), "y": at, "overflow": "visible"}, mark(series, 0, 0))
