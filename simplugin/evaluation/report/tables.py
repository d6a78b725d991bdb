"""What a result says, as tables that Markdown and the page share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from simplugin.evaluation.report.naming import labels, spoken
from simplugin.evaluation.report.table import Cell, Table, shown
from simplugin.evaluation.result import Result, Section

__all__ = ["findings", "grids", "keys_of", "place", "plain", "sections", "side_by_side"]


def sections(result: Result, caption: str) -> Table:
    """Return the figures by section and stage, the main one first, beside it its mean over the parts."""
    counts = keys_of(section.counts for section in result.sections)
    metrics = [
        metric
        for metric in _first(result.main, keys_of(section.metrics for section in result.sections))
        if any(section.metrics.get(metric) is not None for section in result.sections)
    ]
    extras = keys_of(
        {key: value for key, value in section.details.items() if isinstance(value, int | float | str)}
        for section in result.sections
    )
    staged = any(section.stage for section in result.sections)
    meant = any(section.macro for section in result.sections)
    ranged = [metric for metric in metrics if any(metric in section.ci95 for section in result.sections)]

    def row(section: Section) -> Iterator[Cell]:
        yield section.section
        if staged:
            yield section.stage
        yield from (section.counts.get(count) for count in counts)
        for metric in metrics:
            yield section.metrics.get(metric)
            if metric in ranged:
                yield section.ci95.get(metric)
            if meant and metric == result.main:
                yield section.macro.get(metric)
        yield from (section.details.get(key) for key in extras)

    heads = ["section", *(["stage"] if staged else []), *map(spoken, counts)]
    for metric in metrics:
        heads += [spoken(metric), *(["95 %"] if metric in ranged else [])]
        heads += ["mean of parts"] if meant and metric == result.main else []
    rows = tuple(tuple(row(section)) for section in result.sections)
    return Table(caption, (*heads, *map(spoken, extras)), rows)


def side_by_side(results: Sequence[Result], caption: str) -> Table:
    """Return the main figure of several results of one task, a column each, with its interval."""
    names = labels(results)
    found: dict[str, list[Section | None]] = {}
    for column, result in enumerate(results):
        for each in result.sections:
            found.setdefault(place(each), [None] * len(results))[column] = each
    rows: list[tuple[Cell, ...]] = []
    for title, sections in found.items():
        beside = list(zip(sections, results, strict=True))
        rows.append((title, *(_with_interval(each, result.main) for each, result in beside)))
        means = [each.macro.get(result.main) if each else None for each, result in beside]
        if any(mean is not None for mean in means):
            rows.append((f"{title}, mean of the parts", *means))
    return Table(caption, ("section", *names), tuple(rows))


def findings(results: Sequence[Result]) -> Table:
    """Return what was found wrong, the worst first; each once, with the sections it was found in."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for name, result in zip(labels(results), results, strict=True):
        for section in result.sections:
            for each in section.warnings:
                places = found.setdefault((each.severity, name, each.message), [])
                places.append(section.section)
    order = ("error", "warning", "note")
    rows = [
        (severity, name, message, ", ".join(dict.fromkeys(places)))
        for (severity, name, message), places in sorted(found.items(), key=lambda each: order.index(each[0][0]))
    ]
    return Table("Findings", ("severity", "model", "finding", "sections"), tuple(rows))


def grids(result: Result) -> Iterator[Table]:
    """Give what else the sections tell: numbers by name in one table, and what has rows and columns in its own."""
    for key in keys_of(section.details for section in result.sections):
        told = [(each, each.details[key]) for each in result.sections if each.details.get(key)]
        flat = {place(each): named for each, value in told if (named := _named(value)) and not _rows(value)}
        if flat:
            yield _grid(spoken(key), "section", flat)
        for each, value in told:
            rows = _rows(value)
            # A confusion matrix has a row for what is true, a column for what the model said.
            if rows:
                yield _grid(f"{spoken(key)}: {place(each)}", "true ↓, given →" if _named(value) else "", rows)


def _grid(caption: str, corner: str, rows: Mapping[str, Mapping[str, Any]]) -> Table:
    heads = keys_of(rows.values())
    cells = tuple((name, *(plain(row.get(head)) for head in heads)) for name, row in rows.items())
    return Table(caption, (corner, *heads), cells)


def _rows(value: object) -> dict[str, dict[str, Any]]:
    """Return the rows of a mapping or list of mappings, by name or number; none of anything else."""
    if isinstance(value, list):
        value = {str(number): row for number, row in enumerate(cast("list[object]", value), 1)}
    rows = {name: _named(row) for name, row in _named(value).items()}
    return rows if all(rows.values()) else {}


def _named(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {}
    return {str(name): each for name, each in cast("Mapping[object, Any]", value).items()}


def _with_interval(section: Section | None, metric: str) -> str | None:
    value = section and section.metrics.get(metric)
    if section is None or value is None:
        return None
    found = section.ci95.get(metric)
    return f"{value:.4f}" if found is None else f"{value:.4f} ({shown(found)})"


def _first(word: str, words: Sequence[str]) -> list[str]:
    return sorted(words, key=lambda each: each != word)


def place(section: Section) -> str:
    """Return the name of a section, and its stage where it has one."""
    return section.section if section.stage is None else f"{section.section}, {section.stage}"


def plain(value: Any) -> Cell:
    """Return a value of JSON as a cell."""
    if isinstance(value, list):
        return ", ".join(map(str, cast("list[object]", value))) or None
    return value if isinstance(value, str | int | float | None) else str(value)


def keys_of(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the keys of several mappings, each once, in order."""
    return list(dict.fromkeys(key for mapping in mappings for key in mapping))
