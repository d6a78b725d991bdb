"""Data sets of the Hub, by their ids: ``owner/name``, a part of it, and a split: ``owner/name/es:validation``.

They come as files of rows. What is no CSV or JSON lines by itself, or lies in several files, becomes one file of JSON
lines in ``SIMPLUGIN_CACHE`` (default ``~/.cache/simplugin``).
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from simplugin.encoders.fingerprint import hash_files
from simplugin.encoders.hub import fetch, own_cache
from simplugin.errors import CheckpointError, DataError
from simplugin.messages import first_line
from simplugin.writing import write_whole

__all__ = ["local_file"]

_IDENTITY = re.compile(r"(?P<identity>[\w.-]+/[\w.-]+)(?:/(?P<part>[\w./-]+?))?(?::(?P<split>[\w-]+))?")
_PLAIN = (".csv", ".tsv", ".jsonl", ".json")
_SUFFIXES = (".jsonl", ".csv", ".tsv", ".json", ".jsonl.gz", ".json.gz", ".parquet")  # the first that there is is taken
_SHARD = re.compile(r"-\d{5}-of-\d{5}")
_SPLITS = {"dev": ("dev", "validation", "val"), "validation": ("validation", "dev", "val")}
_NAMED = 10  # files that one sentence holds


def local_file(source: str | Path) -> Path:
    """Return a file as it is, and the one of a data set of the Hub: downloaded where it is newer there.

    A Parquet file comes as JSON lines. ``source`` is a path, or, where there is no such file,
    ``owner/name[/part][:split]``; the split is ``test`` unless another one is named. ``part`` is a word in the names of
    its files: most often a language.

    Raises ``DataError`` where neither the Hub nor its cache has it, and where it is not clear which files are meant;
    ``MissingExtraError`` for Parquet without pyarrow.
    """
    path = Path(source)
    named = None if isinstance(source, Path) or path.exists() else _IDENTITY.fullmatch(source)
    if path.suffix.lower() == ".parquet" and path.is_file():
        return _joined([path], f"{path.stem}-{hash_files([path])[:12]}.jsonl")
    if named is None or path.name.endswith(_SUFFIXES):
        return path
    wanted = _Wanted(str(source), named["part"], named["split"] or "test")
    try:
        folder = fetch(named["identity"], choose=lambda _, names: wanted.choose(names), kind="dataset")
    except CheckpointError as error:
        message = f"there is no such file, and as a data set of the Hub it cannot be read: {error.reason}"
        raise DataError(message, path=source) from error
    files = [folder / name for name in wanted.choose([str(each.relative_to(folder)) for each in folder.rglob("*.*")])]
    if len(files) == 1 and files[0].suffix in _PLAIN:
        return files[0]
    return _joined(files, f"{re.sub('[/:]', '--', str(source))}-{folder.name[:12]}.jsonl")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which files of a data set are meant."""

    source: str
    part: str | None
    split: str

    def choose(self, names: Sequence[str]) -> list[str]:
        """Return those of one table: one file, or its shards. Raises ``DataError`` where there are none, or several."""
        if not names:
            return []
        known = [name for name in names if name.endswith(_SUFFIXES)]
        for words in ((self.part,), _SPLITS.get(self.split, (self.split,))):
            known = [name for name in known if any(word is None or _has(name, word) for word in words)]
        tables: dict[str, dict[str, list[str]]] = {}
        for name in sorted(known):
            suffix = next(each for each in reversed(_SUFFIXES) if name.endswith(each))
            tables.setdefault(_SHARD.sub("", name.removesuffix(suffix)), {}).setdefault(suffix, []).append(name)
        if len(tables) == 1:
            (forms,) = tables.values()
            return next(forms[suffix] for suffix in _SUFFIXES if suffix in forms)
        there = sorted(tables) or sorted(name for name in names if name.endswith(_SUFFIXES))
        listed = ", ".join(there[:_NAMED]) + (f", and {len(there) - _NAMED} more" if len(there) > _NAMED else "")
        said = "several tables of the data set are meant" if tables else f"the data set has no table for {self.split!r}"
        raise DataError(f"{said}; there are {listed or 'none'}. Name one: owner/name/part:split.", path=self.source)


def _has(name: str, word: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])", name) is not None


def _joined(files: Sequence[Path], name: str) -> Path:
    """Write the rows of files as JSON lines, once."""
    target = own_cache("data") / name
    if not target.is_file():
        text = "".join(line for file in files for line in _lines(file))
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, text)
    return target


def _lines(file: Path) -> Iterator[str]:
    if file.suffix == ".parquet":
        yield from _of_parquet(file)
        return
    if file.suffix not in {".gz", ".jsonl"}:
        raise DataError("a table in several files is read as JSON lines or Parquet alone.", path=file)
    try:
        with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as opened:
            yield from (line.rstrip("\r\n") + "\n" for line in opened)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise DataError(f"the file is damaged ({first_line(error)}).", path=file) from error


def _of_parquet(file: Path) -> Iterator[str]:
    from simplugin.ingestion.readers.parquet import open_parquet, parquet_rows  # seldom

    with file.open("rb") as opened, open_parquet(opened) as table:
        yield from (json.dumps(row, ensure_ascii=False) + "\n" for row in parquet_rows(table))
