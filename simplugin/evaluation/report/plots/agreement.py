"""Scores against labels: how far the model's similarity goes along with people's, language by language."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simplugin.evaluation.bootstrap import Floats
from simplugin.evaluation.report.elements import Markup, element
from simplugin.evaluation.report.naming import spoken
from simplugin.evaluation.report.plots.figure import Axis, Figure, Panel, axis, dots, drawing, short, signed, text
from simplugin.evaluation.report.scored import TOP, Scored
from simplugin.evaluation.report.table import Cell, Table

__all__ = ["agreement"]

_COLUMNS, _ROWS = 25, 28  # cells of a panel; labels are mostly fifths and quarters
_LEVELS = 5  # shades of a cell
_STEPS = 10  # bands of labels of which quartiles are drawn
_FEWEST = 5  # pairs that have quartiles


def agreement(name: str, scored: Sequence[Scored], main: str) -> Figure:
    """Draw a panel for each language: where the pairs lie, and the middle half of the scores at each label."""
    low = min(float(each.scores.min()) for each in scored)
    high = max(float(each.scores.max()) for each in scored)
    frame = axis(scored[0].column, low, high)
    counts = [_cells(each, frame) for each in scored]
    most = max(int(each.max()) for each in counts)
    drawings = tuple(
        _panel(f"{name}-{place}", each, cells, most, frame, main)
        for place, (each, cells) in enumerate(zip(scored, counts, strict=True))
    )
    rows = [row for each in scored for row in _rows(each)]
    return Figure(
        name,
        f"Score against label{'' if len(scored) == 1 else ' by language'}",
        f"Each cell holds pairs of texts, the darker the more; the line is the median {scored[0].column} at a label, "
        "the band around it the middle half. A model that people agree with rises steadily, with a narrow band.",
        drawings,
        Table(
            f"{scored[0].column} by label: quartiles",
            ("part", "labels", "pairs", "lower quartile", "median", "upper quartile"),
            tuple(rows),
        ),
    )


def _cells(scored: Scored, frame: Axis) -> Floats:
    """Count the pairs (columns, rows) of each cell."""
    ranges = ((0.0, TOP), (frame.low, frame.high))
    return np.histogram2d(scored.labels, scored.scores, bins=(_COLUMNS, _ROWS), range=ranges)[0]


def _panel(name: str, scored: Scored, counts: Floats, most: int, frame: Axis, main: str) -> Markup:
    panel = Panel(axis("label", 0, TOP), frame)
    wide = (panel.across(TOP) - panel.across(0)) / _COLUMNS
    tall = (panel.down(frame.low) - panel.down(frame.high)) / _ROWS
    shades = np.ceil(_LEVELS * np.log1p(counts) / np.log1p(most)).astype(int)
    cells = [
        element("path", {"class": f"cell shade-{level}", "d": "".join(
            f"M{panel.across(0) + column * wide:.1f} {panel.down(frame.low) - (row + 1) * tall:.1f}"
            f"h{wide:.1f}v{tall:.1f}h-{wide:.1f}z"
            for column, row in np.argwhere(shades == level).tolist()
        )})
        for level in range(1, _LEVELS + 1)
        if (shades == level).any()
    ]  # fmt: skip
    quartiles = [(middle, *values) for middle, _, values in _quartiles(scored) if values is not None]
    band = [(panel.across(x), panel.down(low)) for x, low, _, _ in quartiles]
    band += [(panel.across(x), panel.down(high)) for x, _, _, high in reversed(quartiles)]
    median = [(panel.across(x), panel.down(middle)) for x, _, middle, _ in quartiles]
    figure = "" if scored.main is None else signed(f"{spoken(main.partition('_')[0])} {scored.main:.3f}")
    ends = "" if not quartiles else (
        f" The median {scored.column} is {quartiles[0][2]:.2f} at the lowest labels and {quartiles[-1][2]:.2f} at the "
        "highest."
    )  # fmt: skip
    return drawing(
        name,
        f"{scored.column} against label, {scored.name}",
        f"{len(scored.labels):,} pairs, {figure or 'no correlation'}.{ends}",
        panel.width,
        panel.height,
        text("name", panel.left, 18, short(scored.name, 15)),
        text("note end", panel.width - panel.right, 18, figure),
        panel.frame(),
        cells,
        element("polygon", {"class": "band", "points": dots(band)}),
        element("polyline", {"class": "median", "points": dots(median)}),
    )


def _quartiles(scored: Scored) -> list[tuple[float, Floats, tuple[float, float, float] | None]]:
    """Return the middle of each band of labels, its scores, and their quartiles where there are enough."""
    edges = np.linspace(0, TOP, _STEPS + 1)
    place = np.clip(np.searchsorted(edges, scored.labels, side="right") - 1, 0, _STEPS - 1)
    bands: list[tuple[float, Floats, tuple[float, float, float] | None]] = []
    for step in range(_STEPS):
        scores = scored.scores[place == step]
        found = np.quantile(scores, [0.25, 0.5, 0.75]).tolist() if len(scores) >= _FEWEST else None
        bands.append((float(edges[step] + edges[step + 1]) / 2, scores, found and (found[0], found[1], found[2])))
    return bands


def _rows(scored: Scored) -> list[tuple[Cell, ...]]:
    half = TOP / _STEPS / 2
    return [
        (scored.name, f"{middle - half:g} to {middle + half:g}", len(scores), *(values or (None, None, None)))
        for middle, scores, values in _quartiles(scored)
    ]
