"""What an evaluation found: figures by section, what they were made with, and the items they are made of.

The figures are one JSON file, the items another one beside it, a JSON object a line; together they are enough to
compare two models and to draw every plot.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias, cast

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from simplugin.encoders.fingerprint import hash_files
from simplugin.errors import DataError
from simplugin.evaluation.bootstrap import Floats, Interval, Ints
from simplugin.evaluation.findings import Finding
from simplugin.parsing import parse_json
from simplugin.rows import FileRecord

__all__ = ["SCHEMA", "DataRecord", "Evaluation", "ModelRecord", "Part", "Result", "Section", "Task", "packages"]

SCHEMA = 1
"""The version of the form in which results are written. Readers refuse a later one."""

Task: TypeAlias = Literal["similarity", "retrieval", "bitext", "pairs", "intents"]

_PACKAGES = ("simplugin", "numpy", "scipy", "torch", "sentence-transformers", "transformers", "tokenizers")
_STORES = ("qdrant-client", "qdrant-edge-py")
_ITEMS = ".items.jsonl"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelRecord(_Frozen):
    """Which model it was. ``fingerprint`` is a SHA-256 over card, weights and the vectors of fixed sentences."""

    name: str
    id: str
    kind: Literal["embedder", "pair"]
    dimension: int | None = None
    languages: tuple[str, ...] = ()
    fingerprint: str | None = None


class DataRecord(_Frozen):
    """Which labelled data it was: the file's name without its folder, its rows, and the SHA-256 of its content."""

    name: str
    language: str | None = None
    rows: int
    sha256: str | None = None
    scale: tuple[float, float] | None = None

    @classmethod
    def of(
        cls,
        name: str,
        language: str | None,
        rows: Sequence[object],
        file: FileRecord | None,
        *,
        scale: tuple[float, float] | None = None,
    ) -> Self:
        """Return the record of rows that were read from a file, or that were at hand."""
        return cls(
            name=name, language=language, rows=len(rows), sha256=None if file is None else file.sha256, scale=scale
        )


class Section(_Frozen):
    """The figures of one language, crossing, stage or data set, or of all together.

    ``counts`` says of how many items; ``metrics`` are the figures, None where one would mislead or is not defined.
    ``ci95`` are cluster-bootstrap intervals, ``macro`` the means over the parts where the figures are pooled.
    ``details`` is what else the task tells, such as a threshold or a confusion matrix. ``parts`` names the parts whose
    items are pooled here.
    """

    section: str
    stage: str | None = None
    counts: dict[str, int]
    metrics: dict[str, float | None]
    ci95: dict[str, Interval] = {}
    macro: dict[str, float] = {}
    details: dict[str, Any] = {}
    parts: tuple[str, ...] = ()
    warnings: tuple[Finding, ...] = ()


class Result(_Frozen):
    """The figures of one model on one task. ``main`` names the metric that models are compared by."""

    schema_version: Literal[1] = 1
    task: Task
    main: str
    model: ModelRecord
    data: tuple[DataRecord, ...]
    sections: tuple[Section, ...]
    settings: dict[str, Any] = {}
    packages: dict[str, str] = {}
    seconds: float = 0.0
    items: str | None = None
    items_sha256: str | None = None

    def section(self, name: str, stage: str | None = None) -> Section:
        """Return the section of this name; ``all`` is also the only one there is.

        Raises ``KeyError``, with those there are, for another one.
        """
        for each in self.sections:
            if each.section == name and (stage is None or each.stage == stage):
                return each
        if name == "all" and stage is None and len(self.sections) == 1:
            return self.sections[0]
        message = f"There is no section {name!r}; there are {', '.join(each.section for each in self.sections)}."
        raise KeyError(message)

    def to_rows(self) -> Iterator[dict[str, Any]]:
        """Give each section as one flat JSON object, as the command line prints it."""
        for each in self.sections:
            row: dict[str, Any] = {"model": self.model.name, "section": each.section}
            if each.stage is not None:
                row["stage"] = each.stage
            row |= each.counts | each.metrics | each.details
            # Of similarity one figure is the score, and its interval stands alone.
            row["ci95"] = each.ci95.get(self.main) if self.task == "similarity" else dict(each.ci95)
            if each.macro:
                row["macro"] = each.macro
            row["warnings"] = [finding.model_dump(mode="json") for finding in each.warnings]
            yield json.loads(json.dumps(row))


@dataclass(frozen=True, slots=True)
class Part:
    """Items that were judged alike, in columns of (n,).

    ``clusters`` numbers the cluster of each item: those that share a text are resampled together. ``numbers`` has the
    label and what the model made of the item, ``texts`` the words; crossings leave the words to their languages.
    """

    name: str
    clusters: Ints
    numbers: Mapping[str, Floats]
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    stage: str | None = None

    def __len__(self) -> int:
        return len(self.clusters)

    def to_rows(self) -> Iterator[dict[str, Any]]:
        """Give each item as one JSON object."""
        columns: dict[str, list[Any]] = {name: values.tolist() for name, values in self.numbers.items()}
        columns |= {name: list(values) for name, values in self.texts.items()}
        for item, cluster in enumerate(self.clusters.tolist()):
            start = {"part": self.name, "stage": self.stage, "item": item, "cluster": cluster}
            yield start | {name: _finite(values[item]) for name, values in columns.items()}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A result and the items it was made of."""

    result: Result
    parts: tuple[Part, ...]

    def pooled(self, section: Section) -> Part:
        """Return the items of a section, those of all its parts together. Raises ``DataError`` where they are gone."""
        from simplugin.evaluation.pooling import pool

        chosen = [part for part in self.parts if part.name in section.parts and part.stage == section.stage]
        if not chosen:
            raise DataError(f"The items of section {section.section!r} are not there.")
        return pool(section.section, chosen)

    def save(self, path: str | Path) -> Path:
        """Write the figures to ``path`` and the items beside it; return where the items are.

        Raises ``DataError`` where the files cannot be written.
        """
        target = Path(path)
        items = items_of(target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with items.open("w", encoding="utf-8", newline="\n") as file:
                for part in self.parts:
                    file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in part.to_rows())
            saved = self.result.model_copy(update={"items": items.name, "items_sha256": hash_files([items])})
            target.write_text(saved.model_dump_json(indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise DataError(f"the result cannot be written ({error.strerror}).", path=path) from error
        return items

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what ``save`` wrote. Raises ``DataError`` for what is no result, or has no items of its own."""
        result = load_result(path)
        if result.items is None:
            return cls(result, ())
        if not result.items or Path(result.items).name != result.items or "\0" in result.items:
            raise DataError(f"its items are named {result.items!r}, and must lie beside it.", path=path)
        items = Path(path).with_name(result.items)
        try:
            is_other = items.is_file() and result.items_sha256 not in {None, hash_files([items])}
        except OSError as error:  # of a name that no file can have
            raise DataError(f"its items cannot be read ({error.strerror}).", path=path) from error
        if is_other:
            message = f"the items beside it, {result.items!r}, are those of another result; evaluate again."
            raise DataError(message, path=path)
        return cls(result, tuple(_read_items(items)))


def items_of(path: Path) -> Path:
    """Return where the items of a result are written."""
    return path.with_name(path.stem + _ITEMS)


def load_result(path: str | Path) -> Result:
    """Read the figures without the items. Raises ``DataError`` for a file that is no result."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"the result cannot be read ({error.strerror}).", path=path) from error
    except UnicodeDecodeError as error:
        raise DataError("the file is no result of an evaluation (no UTF-8).", path=path) from error
    try:
        return Result.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise DataError(f"the file is no result of an evaluation ({where}: {first['msg']}).", path=path) from error


def packages(*, stores: bool = False) -> dict[str, str]:
    """Return the versions that figures depend on."""
    found = {"python": platform.python_version()}
    for name in (*_PACKAGES, *(_STORES if stores else ())):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _read_items(path: Path) -> Iterator[Part]:
    rows: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    row = cast("dict[str, Any]", parse_json(line))
                    rows.setdefault((row.pop("part"), row.pop("stage")), []).append(row)
                except (ValueError, KeyError, AttributeError, TypeError) as error:
                    raise DataError("the line is no item of an evaluation.", path=path, line=number) from error
    except OSError as error:
        raise DataError(f"the items cannot be read ({error.strerror}).", path=path) from error
    except UnicodeDecodeError as error:
        raise DataError("the items are no items of an evaluation (no UTF-8).", path=path) from error
    try:
        yield from _parts(rows)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise DataError(f"the items are no items of an evaluation ({error}).", path=path) from error


def _parts(rows: Mapping[tuple[str, str | None], Sequence[dict[str, Any]]]) -> Iterator[Part]:
    for (name, stage), items in rows.items():
        columns = {key: [row.get(key) for row in items] for key in items[0] if key not in {"item", "cluster"}}
        texts = {
            key: tuple(map(str, values)) for key, values in columns.items() if any(isinstance(v, str) for v in values)
        }
        numbers = {
            key: np.array([np.nan if value is None else value for value in values], dtype=np.float64)
            for key, values in columns.items()
            if key not in texts
        }
        yield Part(name, np.array([row["cluster"] for row in items], dtype=np.int64), numbers, texts, stage)


def _finite(value: object) -> object:
    """Return JSON's null for what is no number."""
    return None if isinstance(value, float) and not np.isfinite(value) else value
