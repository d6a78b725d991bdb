"""Whether a score may be taken for a probability: reliability diagrams, raw and calibrated.

The calibration is fitted by ``simplugin.calibration`` on one half of the pairs and judged on the other, and the other
way round; pairs that share a text are in one half. So no pair is judged by a curve that it helped to fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from simplugin.calibration import expected_calibration_error, fit_calibration
from simplugin.errors import DataError
from simplugin.evaluation.bootstrap import Floats, Ints
from simplugin.evaluation.report.elements import Markup, element, join
from simplugin.evaluation.report.plots.figure import Figure, Panel, axis, dots, drawing, key, line, mark, short, text
from simplugin.evaluation.report.scored import Scored
from simplugin.evaluation.report.table import Cell, Table

__all__ = ["cross_fitted", "reliability"]

Bools = npt.NDArray[np.bool_]

_RELEVANT = 3.0  # the label from which fit_calibration takes a pair for relevant
_BINS = 10
_RAW, _CALIBRATED = 1, 0


def reliability(name: str, scored: Sequence[Scored], *, seed: int) -> Figure:
    """Draw a panel for each language: the share of pairs with a label of 3 and more, by the probability given."""
    found = [(each, _probabilities(each, seed)) for each in scored]
    kinds = {_RAW: f"{scored[0].column} as it is", _CALIBRATED: "calibrated on the other half"}
    drawn = {series: kind for series, kind in kinds.items() if any(series in given for _, given in found)}
    unfitted = [each.name for each, given in found if _CALIBRATED not in given]
    missing = f" No calibration could be fitted for {', '.join(unfitted)}." if unfitted else ""
    return Figure(
        name,
        f"Reliability{'' if len(scored) == 1 else ' by language'}",
        f"How often people gave a label of {_RELEVANT:g} or more, by the probability that the score is taken for; on "
        "the dashed line the two are equal. The larger a mark, the more pairs. ECE is the expected calibration error: "
        f"the mean distance from that line.{missing}",
        tuple(_panel(f"{name}-{place}", each, given) for place, (each, given) in enumerate(found)),
        Table(
            f"Share of pairs with a label of {_RELEVANT:g} or more, by probability",
            ("part", "probability from", "probabilities", "pairs", "mean probability", "share"),
            tuple(row for each, given in found for row in _rows(each, given, kinds)),
        ),
        legend=key(drawn),
    )


def cross_fitted(scores: Floats, labels: Floats, clusters: Ints, *, seed: int) -> Floats | None:
    """Return the probabilities (n,) of a label of at least 3, each from a calibration of the half it is not in.

    None where one cannot be fitted.
    """
    names = np.unique(clusters)
    chosen = np.random.default_rng(seed).permutation(names)[: len(names) // 2]
    half = np.isin(clusters, chosen)
    probabilities = np.empty(len(scores))
    try:
        for fold in (half, ~half):
            fitted = fit_calibration(scores[~fold], labels[~fold], threshold=_RELEVANT)
            probabilities[fold] = fitted.probability(scores[fold])
    except DataError:
        return None
    return probabilities


def _probabilities(scored: Scored, seed: int) -> dict[int, Floats]:
    calibrated = cross_fitted(scored.scores, scored.labels, scored.part.clusters, seed=seed)
    given = {_RAW: np.clip(scored.scores, 0, 1)}
    return given if calibrated is None else given | {_CALIBRATED: calibrated}


def _panel(name: str, scored: Scored, given: dict[int, Floats]) -> Markup:
    came = scored.labels >= _RELEVANT
    errors = {series: expected_calibration_error(values, came) for series, values in given.items()}
    panel = Panel(axis("probability", 0, 1), axis(f"share with label ≥ {_RELEVANT:g}", 0, 1), height=300, top=50)
    said = {_RAW: "as it is", _CALIBRATED: "calibrated"}
    told = ", ".join(f"{said[series]} {error:.3f}" for series, error in errors.items())
    legend: list[Markup] = []
    for place, (series, error) in enumerate(errors.items()):
        at = panel.left + 5 + 84 * place
        legend += [mark(series, at, 34), text("note", at + 9, 38, f"ECE {error:.3f}")]
    ends = [(panel.across(0), panel.down(0)), (panel.across(1), panel.down(1))]
    return drawing(
        name,
        f"Reliability, {scored.name}",
        f"{len(scored.labels):,} pairs; expected calibration error {told}.",
        panel.width,
        panel.height,
        text("name", panel.left, 18, short(scored.name, 26)),
        legend,
        panel.frame(),
        line("diagonal", *ends[0], *ends[1]),
        (_curve(panel, series, values, came) for series, values in given.items()),
    )


def _curve(panel: Panel, series: int, values: Floats, came: Bools) -> Markup:
    bins = _binned(values, came)
    places = [(panel.across(mean), panel.down(share), count) for _, count, mean, share in bins]
    return join(
        (
            element("polyline", {"class": f"curve series-{series}", "points": dots([(x, y) for x, y, _ in places])}),
            (mark(series, x, y, 2 + 5 * (count / len(values)) ** 0.5) for x, y, count in places),
        )
    )


def _binned(values: Floats, came: Bools) -> list[tuple[float, int, float, float]]:
    """Return where each bin that is not empty begins, its pairs, their mean probability and the share that came."""
    place = np.minimum((values * _BINS).astype(int), _BINS - 1)
    return [
        (step / _BINS, int(chosen.sum()), float(values[chosen].mean()), float(came[chosen].mean()))
        for step in range(_BINS)
        if (chosen := place == step).any()
    ]


def _rows(scored: Scored, given: dict[int, Floats], kinds: Mapping[int, str]) -> list[tuple[Cell, ...]]:
    return [
        (scored.name, kinds[series], f"{start:.1f} to {start + 1 / _BINS:.1f}", count, mean, share)
        for series, values in given.items()
        for start, count, mean, share in _binned(values, scored.labels >= _RELEVANT)
    ]
