"""What figures were made with: models, data, settings and packages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simplugin.evaluation.report.naming import labels, spoken
from simplugin.evaluation.report.table import Code, Table
from simplugin.evaluation.report.tables import keys_of, plain
from simplugin.evaluation.result import Result

__all__ = ["provenance"]


def provenance(results: Sequence[Result]) -> tuple[Table, ...]:
    """Return the tables that tell it."""
    return _models(results), _data(results), _settings(results), _versions(results)


def _models(results: Sequence[Result]) -> Table:
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


def _data(results: Sequence[Result]) -> Table:
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


def _settings(results: Sequence[Result]) -> Table:
    """Return how they were judged, and how long it took."""
    keys = keys_of(result.settings for result in results)
    rows = [
        (name, *(plain(result.settings.get(key)) for key in keys), f"{result.seconds:.1f} s")
        for name, result in zip(labels(results), results, strict=True)
    ]
    return _without_empty(Table("Settings", ("model", *map(spoken, keys), "time"), tuple(rows)))


def _versions(results: Sequence[Result]) -> Table:
    """Return the versions of the packages; one column where they are the same for all."""
    different = list({tuple(result.packages.items()): result for result in results}.values())
    packages = keys_of(result.packages for result in results)
    heads = ("version",) if len(different) == 1 else tuple(labels(different))
    rows = [(package, *(each.packages.get(package) for each in different)) for package in packages]
    return Table("Packages", ("package", *heads), tuple(rows))


def _opened(result: Result) -> str | None:
    """Return what opens the model again; a folder is nothing that others have."""
    model = result.model
    return None if model.id == model.name or Path(model.id).is_absolute() else model.id


def _without_empty(table: Table) -> Table:
    kept = [i for i in range(len(table.heads)) if i == 0 or any(row[i] is not None for row in table.rows)]
    rows = tuple(tuple(row[i] for i in kept) for row in table.rows)
    return Table(table.caption, tuple(table.heads[i] for i in kept), rows)
