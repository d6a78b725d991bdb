"""Help, and wrong usage."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
from typer.main import get_command

from simplugin.cli import app
from tests.cli.running import InProcess, Process


def verbs(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Go through the words of every command that does something."""
    below: dict[str, Any] = getattr(command, "commands", {})
    if not below:
        yield path
    for name, inner in below.items():
        yield from verbs(inner, (*path, name))


VERBS = list(verbs(get_command(app)))


def test_every_verb_is_known_to_these_tests() -> None:
    names = {" ".join(path) for path in VERBS}
    one_word = {"demo", "encode", "ingest", "search", "rerank"}
    models = {"models list", "models show", "models check"}
    assert names >= one_word | models | {"collections list", "collections show", "collections delete"}


@pytest.mark.parametrize("path", VERBS, ids=" ".join)
def test_the_help_of_every_verb_shows_a_call(simplugin: InProcess, path: tuple[str, ...]) -> None:
    outcome = simplugin(*path, "--help")
    assert (outcome.code, outcome.stderr) == (0, "")
    (example,) = [line for line in outcome.stdout.splitlines() if "Example: " in line]
    words = shlex.split(example.split("Example: ")[1])
    assert tuple(words[: len(path) + 1]) == ("simplugin", *path)


@pytest.mark.parametrize("path", [path for path in VERBS if path != ("demo",)], ids=" ".join)
def test_every_verb_knows_json(simplugin: InProcess, path: tuple[str, ...]) -> None:
    assert "--json" in simplugin(*path, "--help").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["search", "handbook"],
        ["search", "handbook", "x", "--limit", "0"],
        ["search", "handbook", "x", "--limit", "99999999999999999999"],
        ["search", "handbook", "x", "--min-score", "high"],
        ["search", "handbook", "x", "--min-probability", "2"],
        ["ingest", "docs"],
        ["ingest", "--collection", "handbook"],
        ["ingest", "docs", "-c", "handbook", "--max-tokens", "3"],
        ["encode", "--out", "vectors.txt"],
        ["rerank"],
        ["rerank", "x", "--top", "0"],
        ["collections", "show"],
        ["models", "show"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(simplugin: InProcess, arguments: list[str]) -> None:
    outcome = simplugin(*arguments)
    assert outcome.code == 2
    assert "Usage: " in outcome.stdout + outcome.stderr
    assert list(simplugin.folder.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["search", "handbook", "x\udcff"],
        ["rerank", "x\udcff"],
        ["search", "c\udcff", "x"],
        ["search", "c", "x", "--bad"],
    ],
)
def test_wrong_usage_is_explained_on_stderr(process: Process, arguments: list[str]) -> None:
    outcome = process(*arguments)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith("Usage: ")
    assert "Traceback" not in outcome.stderr


def test_the_version_is_that_of_the_package(simplugin: InProcess) -> None:
    outcome = simplugin("--version")

    assert (outcome.code, outcome.stdout.strip()) == (0, version("simplugin"))
