"""What every task does with its result: print it, keep it, and fail where it is too low."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from simplugin.cli.evaluate.options import page_of
from simplugin.cli.output import as_range, note, print_json, print_table

if TYPE_CHECKING:
    from simplugin.evaluation import Evaluation, Finding

__all__ = ["Bound", "as_bounds", "as_line", "end"]


@dataclass(frozen=True, slots=True)
class Bound:
    """A figure that a result must reach; in every section, or in one."""

    metric: str
    least: float
    section: str | None = None


def as_bounds(texts: Sequence[str] | None, metrics: Collection[str]) -> list[Bound]:
    """Read ``[SECTION:]METRIC=VALUE``; what is none, or not on one of these ``metrics``, is wrong usage."""
    bounds = [_bound(text) for text in texts or ()]
    for bound in bounds:
        if bound.metric not in metrics:
            message = f"there is no figure {bound.metric!r}; there are {', '.join(metrics)}."
            raise typer.BadParameter(message, param_hint="--fail-under")
    return bounds


def _bound(text: str) -> Bound:
    name, _, value = text.rpartition("=")
    section, _, metric = name.rpartition(":")
    try:
        if not metric or math.isnan(least := float(value)):  # nothing would be below it
            raise ValueError
        return Bound(metric, least, section or None)
    except ValueError:
        message = f"{text!r} is not METRIC=VALUE, such as spearman_cosine=0.7."
        raise typer.BadParameter(message, param_hint="--fail-under") from None


def end(
    judged: Evaluation,
    columns: Mapping[str, str],
    *,
    as_json: bool,
    out: Path | None,
    bounds: Sequence[Bound],
    told: Collection[str] = (),
) -> None:
    """Print the sections, as a table of these columns or as JSON lines; write them to ``out``, and Markdown beside it.

    Findings whose messages were ``told`` before are not told again. Exits with 1 where a bound is not reached, or is
    on a figure that there is not.
    """
    rows = list(judged.result.to_rows())
    if as_json:
        for row in rows:
            print_json(row)
    else:
        main = judged.result.main
        # Where a figure is one of several, the table shows that of the main score.
        shown = [row | {"ci95": _interval(row["ci95"], main), "loss": row.get("loss", {}).get(main)} for row in rows]
        print_table(shown, columns)
        findings = [found for section in judged.result.sections for found in section.warnings]
        for line in dict.fromkeys(as_line(found) for found in findings if found.message not in told):
            note(line)
    if out is not None:
        from simplugin.evaluation.report import write_markdown

        items = judged.save(out)
        page = page_of(out)
        write_markdown([judged.result], page)
        note(f"Written: {out}, {items.name} and {page.name}")
    missed = [line for bound in bounds for line in _missed(bound, rows)]
    for line in missed:
        note(line)
    if missed:
        raise typer.Exit(1)


def as_line(finding: Finding) -> str:
    """Return a finding as it is told to people."""
    return f"{finding.severity}: {finding.message}"


def _missed(bound: Bound, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    asked = [row for row in rows if bound.section in {None, row["section"], row.get("stage")}]
    values = [(row, value) for row in asked if isinstance(value := row.get(bound.metric), int | float)]
    if not values:
        places = dict.fromkeys(str(place) for row in rows for place in (row["section"], row.get("stage")) if place)
        where = f" in {bound.section!r}, of {', '.join(places)}," if bound.section else ""
        return [f"There is no figure {bound.metric!r}{where} to be at least {bound.least:g}."]
    return [
        f"{_place(row)}: {bound.metric} is {value:.4f}, under {bound.least:g}."
        for row, value in values
        if value < bound.least
    ]


def _place(row: Mapping[str, Any]) -> str:
    return f"{row['section']}, {row['stage']}" if row.get("stage") else str(row["section"])


def _interval(found: Any, main: str) -> str | None:
    low_high: Any = cast("dict[str, Any]", found).get(main) if isinstance(found, dict) else found
    return as_range(low_high)
