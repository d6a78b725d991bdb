"""Models side by side: the main figure of each section, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

from simplugin.evaluation.report.elements import Markup
from simplugin.evaluation.report.naming import crossings, labels, spoken
from simplugin.evaluation.report.plots.figure import Axis, Figure, axis, drawing, key, line, mark, text
from simplugin.evaluation.report.tables import side_by_side
from simplugin.evaluation.result import Result, Section

__all__ = ["intervals"]

_WIDTH, _RIGHT, _TOP, _BOTTOM = 720.0, 24.0, 12.0, 44.0
_LETTER = 7.2  # of a section's name, about
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
    scale = axis(spoken(metric), min(ends), max(ends), count=8)
    left = min(280.0, 24 + _LETTER * max(map(len, sections)))
    block = _ROW * len(results) + _GAP
    height = _TOP + block * len(sections) + _BOTTOM
    picture = drawing(
        f"{name}-0",
        f"{spoken(metric)} by section" + (f", {len(results)} models" if len(results) > 1 else ""),
        "; ".join(_told(title, found, names, metric) for title, found in sections.items()) + ".",
        _WIDTH,
        height,
        _frame(scale, left, height),
        (
            _block(title, found, metric, scale, left, _TOP + block * place)
            for place, (title, found) in enumerate(sections.items())
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
        wide=True,
    )


def _sections(results: Sequence[Result]) -> dict[str, list[Section | None]]:
    """Return the sections of all results by what stands beside them, with one of each result or None."""
    titles = dict.fromkeys(each.section for result in results for each in result.sections)
    across = {
        section
        for result in results
        for section, (one, other) in crossings(result).items()
        if one != other and section != "cross"
    }
    found = {
        title: [next((each for each in result.sections if each.section == title), None) for result in results]
        for title in titles
        if title not in across
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


def _across(scale: Axis, left: float, value: float) -> float:
    return left + scale.share(value) * (_WIDTH - left - _RIGHT)


def _frame(scale: Axis, left: float, height: float) -> list[Markup]:
    base = height - _BOTTOM
    pieces = [text("axis middle", (left + _WIDTH - _RIGHT) / 2, height - 6, scale.label)]
    for tick, name in scale.marks():
        at = _across(scale, left, tick)
        pieces += [line("grid", at, _TOP, at, base), text("tick middle", at, base + 16, name)]
    return pieces


def _block(
    title: str, found: Sequence[Section | None], metric: str, scale: Axis, left: float, top: float
) -> list[Markup]:
    middle = top + (_ROW * len(found) + _GAP) / 2
    pieces = [text("row end", left - 12, middle + 4, title)]
    for series, section in enumerate(found):
        value = _value(section, metric)
        if section is None or value is None:
            continue
        at = top + _GAP / 2 + _ROW * (series + 0.5)
        if metric in section.ci95:
            low, high = (_across(scale, left, end) for end in section.ci95[metric])
            pieces.append(line(f"whisker series-{series % 6}", low, at, high, at))
        pieces.append(mark(series, _across(scale, left, value), at))
    return pieces
