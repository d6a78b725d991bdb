"""What a result says, as tables that Markdown and the page share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from simplugin.evaluation.bootstrap import Interval
from simplugin.evaluation.report.naming import labels, spoken
from simplugin.evaluation.result import Result, Section

__all__ = [
    "Cell",
    "Code",
    "Quote",
    "Table",
    "data",
    "findings",
    "grids",
    "models",
    "sections",
    "settings",
    "shown",
    "side_by_side",
    "versions",
]


@dataclass(frozen=True, slots=True)
class Quote:
    """The words of an item, and their language where it is known."""

    text: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """A word that is not read but compared, such as a hash."""

    text: str


Cell: TypeAlias = str | int | float | Interval | Quote | Code | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings. The first cell of a row names it."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def numeric(self, column: int) -> bool:
        """Say whether a column holds numbers or intervals and nothing else."""
        cells = [row[column] for row in self.rows if row[column] is not None]
        return bool(cells) and all(
            isinstance(cell, int | float | tuple) and not isinstance(cell, bool) for cell in cells
        )


def shown(cell: Cell) -> str:
    """Return what a cell says."""
    match cell:
        case None:
            return "–"
        case Quote() | Code():
            return cell.text
        case bool():
            return "yes" if cell else "no"
        case int():
            return f"{cell:,}"
        case float():
            return f"{cell:.4f}"
        case (low, high):
            return f"{low:.3f} to {high:.3f}"
        case str():
            return cell


def sections(result: Result, caption: str) -> Table:
    """Return the figures by section and stage, the main one first, beside it its mean over the parts."""
    counts = _keys(section.counts for section in result.sections)
    metrics = [
        metric
        for metric in _first(result.main, _keys(section.metrics for section in result.sections))
        if any(section.metrics.get(metric) is not None for section in result.sections)
    ]
    extras = _keys(
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

    heads = ["section", *(["stage"] if staged else []), *counts]
    for metric in metrics:
        heads += [spoken(metric), *(["95 %"] if metric in ranged else [])]
        heads += ["mean of parts"] if meant and metric == result.main else []
    rows = tuple(tuple(row(section)) for section in result.sections)
    return Table(caption, (*heads, *map(spoken, extras)), rows)


def side_by_side(results: Sequence[Result], caption: str) -> Table:
    """Return the main figure of several results of one task, a column each, with its interval."""
    names = labels(results)
    places = list(dict.fromkeys((each.section, each.stage) for result in results for each in result.sections))
    rows: list[tuple[Cell, ...]] = []
    for section, stage in places:
        found = [_find(result, section, stage) for result in results]
        cells = [_with_range(each, result.main) for each, result in zip(found, results, strict=True)]
        rows.append((_place(section, stage), *cells))
        if any(each is not None and each.macro for each in found):
            means = [each and each.macro.get(result.main) for each, result in zip(found, results, strict=True)]
            rows.append((f"{_place(section, stage)}, mean of the parts", *(m and f"{m:.4f}" for m in means)))
    return Table(caption, ("section", *names), tuple(rows))


def models(results: Sequence[Result]) -> Table:
    """Return which models were judged."""
    rows = [
        (
            name,
            _opened(each),
            each.model.kind,
            each.model.dimension,
            " ".join(each.model.languages) or None,
            Code(each.model.fingerprint) if each.model.fingerprint else None,
        )
        for name, each in zip(labels(results), results, strict=True)
    ]
    return _without_empty(
        Table("Models", ("model", "opened as", "kind", "dimension", "languages", "fingerprint (SHA-256)"), tuple(rows))
    )


def data(results: Sequence[Result]) -> Table:
    """Return which labelled data they were judged by."""
    records = dict.fromkeys(record for result in results for record in result.data)
    rows = [
        (
            record.name,
            record.language,
            record.rows,
            None if record.scale is None else "{:g} to {:g}".format(*record.scale),
            Code(record.sha256) if record.sha256 else None,
        )
        for record in records
    ]
    return _without_empty(Table("Data", ("data", "language", "rows", "labels", "content (SHA-256)"), tuple(rows)))


def settings(results: Sequence[Result]) -> Table:
    """Return how they were judged, and how long it took."""
    keys = _keys(result.settings for result in results)
    rows = [
        (name, *(_plain(result.settings.get(key)) for key in keys), f"{result.seconds:.1f} s")
        for name, result in zip(labels(results), results, strict=True)
    ]
    return Table("Settings", ("model", *keys, "time"), tuple(rows))


def versions(results: Sequence[Result]) -> Table:
    """Return the versions of the packages; one column where they are the same for all."""
    different = list({tuple(result.packages.items()): result for result in results}.values())
    packages = _keys(result.packages for result in results)
    heads = ("version",) if len(different) == 1 else tuple(labels(different))
    rows = [(package, *(each.packages.get(package) for each in different)) for package in packages]
    return Table("Packages", ("package", *heads), tuple(rows))


def findings(results: Sequence[Result]) -> Table:
    """Return what was found wrong, the worst first; each once, with the sections it was found in."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for name, result in zip(labels(results), results, strict=True):
        for section in result.sections:
            for each in section.warnings:
                places = found.setdefault((each.severity, name, each.message), [])
                places.append(_place(section.section, section.stage))
    order = ("error", "warning", "note")
    rows = [
        (severity, name, message, ", ".join(dict.fromkeys(places)))
        for (severity, name, message), places in sorted(found.items(), key=lambda each: order.index(each[0][0]))
    ]
    return Table("Findings", ("severity", "model", "finding", "sections"), tuple(rows))


def grids(result: Result) -> list[Table]:
    """Return what else a section tells that has rows and columns, such as a confusion matrix."""
    return [
        table
        for section in result.sections
        for key, value in section.details.items()
        if (table := _grid(f"{spoken(key)}: {_place(section.section, section.stage)}", value)) is not None
    ]


def _grid(caption: str, value: Any) -> Table | None:
    """Return a mapping, or a mapping of mappings, as a table; None for what is neither."""
    if not isinstance(value, Mapping) or not value:
        return None
    rows: dict[str, Any] = {str(key): each for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if all(isinstance(row, Mapping) for row in rows.values()):
        heads = _keys(rows.values())
        return Table(caption, ("", *heads), tuple((n, *(_plain(row.get(h)) for h in heads)) for n, row in rows.items()))
    return Table(caption, ("", "value"), tuple((name, _plain(each)) for name, each in rows.items()))


def _opened(result: Result) -> str | None:
    """Return what opens the model again; a folder is nothing that others have."""
    model = result.model
    return None if model.id == model.name or Path(model.id).is_absolute() else model.id


def _find(result: Result, section: str, stage: str | None) -> Section | None:
    return next((each for each in result.sections if (each.section, each.stage) == (section, stage)), None)


def _with_range(section: Section | None, metric: str) -> str | None:
    value = section and section.metrics.get(metric)
    if section is None or value is None:
        return None
    found = section.ci95.get(metric)
    return f"{value:.4f}" if found is None else f"{value:.4f} ({shown(found)})"


def _place(section: str, stage: str | None) -> str:
    return section if stage is None else f"{section}, {stage}"


def _plain(value: Any) -> Cell:
    return value if isinstance(value, str | int | float | None) else str(value)


def _keys(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for mapping in mappings for key in mapping))


def _first(word: str, words: Sequence[str]) -> list[str]:
    return sorted(words, key=lambda each: each != word)


def _without_empty(table: Table) -> Table:
    kept = [i for i in range(len(table.heads)) if i == 0 or any(row[i] is not None for row in table.rows)]
    rows = tuple(tuple(row[i] for i in kept) for row in table.rows)
    return Table(table.caption, tuple(table.heads[i] for i in kept), rows)
