"""What each stage of retrieval costs: the main figure from exact search to the reranked index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simplugin.evaluation.report.elements import Markup, element, join
from simplugin.evaluation.report.naming import left_out, spoken
from simplugin.evaluation.report.plots.figure import (
    Axis,
    Figure,
    Panel,
    axis,
    dots,
    drawing,
    line,
    mark,
    short,
    signed,
    text,
)
from simplugin.evaluation.report.table import Cell, Table
from simplugin.evaluation.result import Result, Section

__all__ = ["stages"]


def stages(name: str, result: Result) -> Figure | None:
    """Draw a panel for each section, a mark for each of its stages; None where there are not two stages."""
    found: dict[str, list[_Step]] = {}
    for each in result.sections:
        value = each.metrics.get(result.main)
        if each.stage is not None and value is not None:
            found.setdefault(each.section, []).append(_Step(each.stage, value, each))
    found = {section: steps for section, steps in found.items() if len(steps) > 1}
    if not found:
        return None
    drawn = [step for steps in found.values() for step in steps]
    ends = [end for step in drawn for end in (step.value, *step.figures.ci95.get(result.main, ()))]
    scale = axis(spoken(result.main), min(ends), max(ends))
    metrics = list(dict.fromkeys(metric for step in drawn for metric in step.figures.metrics))
    rows = tuple(row for section, steps in found.items() for row in _rows(section, steps, metrics))
    return Figure(
        name,
        "Loss by stage",
        f"{spoken(result.main)} after each stage, with 95 % intervals where there are some; the number below a "
        "stage is its difference from the first one, or from another that the table names.",
        tuple(
            _panel(f"{name}-{place}", section, steps, result.main, scale)
            for place, (section, steps) in enumerate(found.items())
            if section not in left_out(result)
        ),
        Table("Difference from another stage", ("section", "stage", "against", *map(spoken, metrics)), rows),
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """A stage of a section: its main figure, and all of them."""

    stage: str
    value: float
    figures: Section


def _panel(name: str, section: str, steps: Sequence[_Step], metric: str, scale: Axis) -> Markup:
    names = tuple(step.stage for step in steps)
    across = Axis("stage", -0.5, len(steps) - 0.5, tuple(map(float, range(len(steps)))), names)
    panel = Panel(across, scale, height=250, bottom=54)
    places = [(panel.across(place), panel.down(step.value)) for place, step in enumerate(steps)]
    told = ", ".join(f"{step.stage} {step.value:.3f}" for step in steps)
    return drawing(
        name,
        f"{spoken(metric)} by stage, {section}",
        f"{told}.",
        panel.width,
        panel.height,
        text("name", panel.left, 18, short(section, 26)),
        panel.frame(),
        element("polyline", {"class": "curve series-0", "points": dots(places)}),
        (_mark(panel, x, y, step, _before(step, steps), metric) for (x, y), step in zip(places, steps, strict=True)),
    )


def _before(step: _Step, steps: Sequence[_Step]) -> _Step | None:
    """Return the stage that one is measured against: that which the result names, else the first."""
    named = step.figures.details.get("against")
    before = next((each for each in steps if each.stage == named), steps[0])
    return None if before is step else before


def _mark(panel: Panel, x: float, y: float, step: _Step, before: _Step | None, metric: str) -> Markup:
    pieces = [mark(0, x, y)]
    if metric in step.figures.ci95:
        low, high = step.figures.ci95[metric]
        pieces.append(line("whisker series-0", x, panel.down(low), x, panel.down(high)))
    if before is not None:
        pieces.append(text("note middle", x, panel.height - 24, _gain(step.value - before.value)))
    return join(pieces)


def _gain(difference: float) -> str:
    rounded = round(difference, 3)
    return signed(f"{rounded:+.3f}") if rounded else "0.000"


def _rows(section: str, steps: Sequence[_Step], metrics: Sequence[str]) -> Iterator[tuple[Cell, ...]]:
    for step in steps:
        before = _before(step, steps)
        gains = (None if before is None else _difference(before.figures, step.figures, each) for each in metrics)
        yield section, step.stage, None if before is None else before.stage, *gains


def _difference(one: Section, other: Section, metric: str) -> float | None:
    before, after = one.metrics.get(metric), other.metrics.get(metric)
    return None if before is None or after is None else after - before
