"""Languages by languages: the main figure of each on the diagonal, of their crossings off it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simplugin.evaluation.report.elements import Markup, element
from simplugin.evaluation.report.naming import crossings, languages, spoken
from simplugin.evaluation.report.plots.figure import Figure, drawing, signed, text
from simplugin.evaluation.report.table import Cell, Table
from simplugin.evaluation.result import Result

__all__ = ["heatmap"]

_SHADES = 9
_SIDE = 52.0
_LEFT, _TOP = 88.0, 44.0
_KEY = 58.0
_SIDES = {"retrieval": ("queries in", "documents in")}


def heatmap(name: str, result: Result, among: Sequence[Result]) -> Figure | None:
    """Draw the main figure for every two languages; None where little is judged across.

    The shades are the same for all results ``among`` which it is shown. Of several stages the first is drawn.
    """
    stage = result.sections[0].stage
    values = _values(result, stage)
    if not any(one != other for one, other in values):
        return None
    known = [each for each in languages(result) if any(each in pair for pair in values)]
    if len(values) < len(known) ** 2 / 2:  # a list says more than a map that is mostly empty
        return None
    shown = [*values.values(), *(value for each in among for value in _values(each, each.sections[0].stage).values())]
    low, high = min(shown), max(shown)
    metric = spoken(result.main)
    rows_are, columns = _SIDES.get(result.task, ("first text in", "second text in"))
    width = max(_LEFT + _SIDE * len(known) + 8, 420)
    height = _TOP + _SIDE * len(known) + _KEY
    best, worst = max(values, key=values.__getitem__), min(values, key=values.__getitem__)
    picture = drawing(
        f"{name}-0",
        f"{metric} by language and crossing",
        f"{len(known)} languages. Highest: {_pair(best)}, {values[best]:.3f}. Lowest: {_pair(worst)}, "
        f"{values[worst]:.3f}.",
        width,
        height,
        text("axis middle", _LEFT + _SIDE * len(known) / 2, 14, columns),
        element(
            "text",
            {"class": "axis middle", "transform": f"translate(14 {_TOP + _SIDE * len(known) / 2:g}) rotate(-90)"},
            rows_are,
        ),
        (text("tick middle", _LEFT + _SIDE * (place + 0.5), _TOP - 8, each) for place, each in enumerate(known)),
        (text("tick end", _LEFT - 8, _TOP + _SIDE * (place + 0.5) + 4, each) for place, each in enumerate(known)),
        (
            _cell(_LEFT + _SIDE * column, _TOP + _SIDE * row, values.get((one, other)), low, high)
            for row, one in enumerate(known)
            for column, other in enumerate(known)
        ),
        _scale(metric, low, high, _TOP + _SIDE * len(known) + 16),
    )
    rows: list[tuple[Cell, ...]] = [(one, *(values.get((one, other)) for other in known)) for one in known]
    where = "" if stage is None else f", stage {stage}"
    return Figure(
        name,
        f"{metric} across languages{where}",
        f"On the diagonal, both sides in one language; off it, {rows_are} the language of the row, {columns} that of "
        "the column, or both directions together where the result pools them.",
        (picture,),
        Table(f"{metric} by language and crossing", (rows_are, *known), tuple(rows)),
        fit="wide",
    )


def _values(result: Result, stage: str | None) -> Mapping[tuple[str, str], float]:
    names = crossings(result)
    found = {
        names[each.section]: value
        for each in result.sections
        if each.section in names and each.stage == stage and (value := each.metrics.get(result.main)) is not None
    }
    return {(other, one): value for (one, other), value in found.items()} | found


def _cell(x: float, y: float, value: float | None, low: float, high: float) -> Markup:
    box = {"x": x + 1, "y": y + 1, "width": _SIDE - 2, "height": _SIDE - 2, "rx": 3}
    if value is None:
        return element("g", {"class": "empty"}, element("rect", box))
    number = text("middle", x + _SIDE / 2, y + _SIDE / 2 + 4, _number(value))
    return element("g", {"class": f"heat-{_shade(value, low, high)}"}, element("rect", box), number)


def _shade(value: float, low: float, high: float) -> int:
    return _SHADES - 1 if high <= low else min(_SHADES - 1, int(_SHADES * (value - low) / (high - low)))


def _scale(metric: str, low: float, high: float, y: float) -> list[Markup]:
    step = 26.0
    boxes = [
        element(
            "g",
            {"class": f"heat-{shade}"},
            element("rect", {"x": _LEFT + step * shade, "y": y, "width": step, "height": 12}),
        )
        for shade in range(_SHADES)
    ]
    return [
        *boxes,
        text("tick", _LEFT, y + 27, _number(low)),
        text("tick middle", _LEFT + step * _SHADES / 2, y + 27, metric),
        text("tick end", _LEFT + step * _SHADES, y + 27, _number(high)),
    ]


def _number(value: float) -> str:
    return signed(f"{value:.2f}")


def _pair(pair: tuple[str, str]) -> str:
    return pair[0] if pair[0] == pair[1] else f"{pair[0]} with {pair[1]}"
