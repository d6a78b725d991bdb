"""Options that several verbs share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

import typer

from simplugin.cli.completion import collection_names, model_names
from simplugin.errors import DataError, FilterError, StoreError
from simplugin.parsing import parse_json
from simplugin.storable import fault_of

if TYPE_CHECKING:
    from simplugin.collection import Mode
    from simplugin_qdrant import Store

__all__ = [
    "AsJson",
    "CollectionName",
    "Data",
    "Filters",
    "Location",
    "Model",
    "Query",
    "Scale",
    "StoredModel",
    "Tenant",
    "data_from",
    "default_model",
    "existing_store",
    "filter_from",
    "is_text",
    "metadata_from",
    "mode_from",
    "parsed",
    "refuse_overwriting",
    "scale_from",
]


Value = TypeVar("Value")


def _as_text(value: str | None) -> str | None:
    """Refuse an argument whose bytes are no UTF-8: Python hands it on as half surrogate pairs."""
    if value is not None and not is_text(value):
        message = f"{value!r} is no UTF-8 text."
        raise typer.BadParameter(message)
    return value


def is_text(value: str) -> bool:
    """Say whether a string is text: half surrogate pairs, which stand for foreign bytes, are none."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


Location = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="SIMPLUGIN_STORE",
        help="A folder, or the URL of a Qdrant server (http://… or grpc://…).",
        metavar="LOCATION",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        envvar="SIMPLUGIN_MODEL",
        help="Catalog name, folder or Hub id. [default: starter]",
        metavar="NAME",
        autocompletion=model_names,
    ),
]
StoredModel = Annotated[
    str | None,
    typer.Option(
        "--model",
        # No envvar: a habit kept in the environment is not a model named for this collection.
        help="Catalog name, folder or Hub id of a new collection's model. One that exists opens with its own, and "
        "refuses another. [env var: SIMPLUGIN_MODEL, for a new one; default: starter]",
        metavar="NAME",
        autocompletion=model_names,
    ),
]
CollectionName = Annotated[
    str,
    typer.Argument(help="The collection's name.", metavar="C", callback=_as_text, autocompletion=collection_names),
]
Query = Annotated[str, typer.Argument(help="The question, in any language of the model.", callback=_as_text)]
Tenant = Annotated[
    str | None, typer.Option("--tenant", help="See and change this tenant's documents alone.", callback=_as_text)
]
Filters = Annotated[
    list[str] | None,
    typer.Option("--filter", help='key=value, or a JSON object such as \'{"year": {"gte": 2020}}\'. Repeatable.'),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line, and nothing else.")]


Data = Annotated[
    list[str],
    typer.Option(
        "--data",
        help="A file of labelled pairs (CSV, TSV, JSON lines) or a data set of the Hub (owner/name), before it its "
        "language: tr=pairs.csv. Repeatable.",
        metavar="[LANG=]FILE",
    ),
]
Scale = Annotated[
    str | None,
    typer.Option("--scale", help="Lowest and highest label of the files, such as 0-10. [default: found]"),
]
_LANGUAGE = re.compile(r"([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*)=(.+)", re.DOTALL)


def data_from(texts: list[str]) -> list[tuple[str | None, str]]:
    """Read ``[LANG=]FILE`` into languages and files; a file whose own name looks like that is one, if it is there."""
    split = [(text, None if Path(text).exists() else _LANGUAGE.fullmatch(text)) for text in texts]
    return [(None, text) if matched is None else (matched[1], matched[2]) for text, matched in split]


def scale_from(text: str | None) -> tuple[float, float] | None:
    """Read a scale such as ``0-5``; what is none is wrong usage."""
    from simplugin.evaluation import as_scale

    return parsed(text, as_scale, "--scale")


def mode_from(text: str | None) -> Mode | None:
    """Read what a search compares; another word is wrong usage."""
    from simplugin.collection import as_mode

    return parsed(text, as_mode, "--mode")


def parsed(text: str | None, read: Callable[[str], Value], option: str) -> Value | None:
    """Return what an option says, None where it is not given; a ``ValueError`` of ``read`` is wrong usage."""
    try:
        return None if text is None else read(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def default_model() -> str:
    """Return the model of a new collection for which none was named."""
    return os.environ.get("SIMPLUGIN_MODEL") or "starter"


def existing_store(location: str) -> AbstractContextManager[Store]:
    """Open a store to read from; a folder that is none is an error here, and is not made into one."""
    from simplugin_qdrant import open_store  # engines load after the arguments were found right
    from simplugin_qdrant.stores.opening import check_location, folder_of

    check_location(location)
    if "://" not in location and location != ":memory:" and location and not _is_store(folder_of(location)):
        message = f"There is no store at {location!r}. Ingest something first, or name another with --store."
        raise StoreError(message)
    return open_store(location)


def _is_store(folder: Path) -> bool:
    # `collection` is what QdrantClient(path=…) makes; that, and a file, is refused with its own words on opening.
    return folder.is_file() or any((folder / name).is_dir() for name in ("collections", "collection"))


def filter_from(texts: list[str]) -> dict[str, Any]:
    """Read ``key=value`` pairs and JSON objects into one filter.

    A value that looks like a number, or true or false, stands for that and for the text: which of the two is stored
    cannot be told from a command line, and a table's cells are texts. A ``document_id`` may be the path of a file that
    is here, from here.

    Raises ``FilterError`` for a text that is neither, and for a key that is given twice.
    """
    joined: dict[str, Any] = {}
    for text in texts:
        if not is_text(text):
            message = f"The filter {text!r} is no UTF-8 text."
            raise FilterError(message)
        part = _json_object(text) if text.lstrip().startswith("{") else _pair(text)
        for key, value in part.items():
            if key in joined:
                message = f'The filter key {key!r} is given twice; write {{"{key}": ["…", "…"]}} for one of several.'
                raise FilterError(message)
            joined[key] = value
    named = joined.get("document_id")
    if isinstance(named, str) and Path(named).is_file():
        joined["document_id"] = [named, Path(named).absolute().as_posix()]
    return joined


def metadata_from(texts: list[str]) -> dict[str, Any]:
    """Read ``key=value`` pairs; a value that looks like a number, or true or false, stands for that."""
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key or not is_text(text):
            message = f"{text!r} is not key=value."
            raise typer.BadParameter(message, param_hint="--metadata")
        if key in found:
            message = f"the key {key!r} is given twice."
            raise typer.BadParameter(message, param_hint="--metadata")
        read = _as_number(value)
        found[key] = value if read is None else read
    return found


def refuse_overwriting(target: Path, files: Iterable[Path]) -> None:
    """Refuse to write over a file that is read. Raises ``DataError``."""
    if target.resolve() in {file.resolve() for file in files}:
        raise DataError("this file is read, so it is not written over; name another.", path=target)


def _json_object(text: str) -> dict[str, Any]:
    try:
        return dict(cast("dict[str, Any]", parse_json(text, finite=True)))
    except ValueError as error:
        message = f"The filter {text!r} is no JSON object ({error})."
        raise FilterError(message) from error


def _pair(text: str) -> dict[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        message = f"The filter {text!r} is neither key=value nor a JSON object."
        raise FilterError(message)
    read = _as_number(value)
    if read is None:
        return {key: value}
    # To an engine the integer 30 is another value than 30.0.
    numbers = [read] if isinstance(read, bool | float) else [read, float(read)]
    return {key: [*numbers, value]}


def _as_number(text: str) -> bool | int | float | None:
    """Return the number that a text looks like, or true or false; None where it is neither, or none that is stored."""
    try:
        read = parse_json(text, finite=True)
    except ValueError:
        return None
    return read if isinstance(read, bool | int | float) and fault_of(read, text) is None else None
