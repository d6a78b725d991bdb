"""``--ray [ADDRESS]``: which word is its address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from simplugin.cli.ingest import WithRay
from tests.cli.running import InProcess


@pytest.mark.parametrize(
    ("words", "ray", "paths"),
    [
        (["docs"], None, ["docs"]),
        (["--ray", "docs"], "", ["docs"]),
        (["docs", "--ray"], "", ["docs"]),
        (["--ray", "--json", "docs"], "", ["docs"]),
        (["--ray", "auto", "docs"], "auto", ["docs"]),
        (["--ray", "./auto"], "", ["./auto"]),
        (["--ray=auto", "docs"], "auto", ["docs"]),
        (["docs", "--ray", "ray://head:10001"], "ray://head:10001", ["docs"]),
        (["--ray", "10.0.0.7:6379", "docs"], "10.0.0.7:6379", ["docs"]),
        (["--ray", "https://example.org/a.md"], "", ["https://example.org/a.md"]),
        (["--ray", "C:\\docs"], "", ["C:\\docs"]),
        (["--", "--ray", "auto"], None, ["--ray", "auto"]),
    ],
)
def test_a_word_is_the_address_only_if_it_looks_like_one(words: list[str], ray: str | None, paths: list[str]) -> None:
    read: dict[str, Any] = {}
    app = typer.Typer()

    def take(paths: list[str], ray: str | None = None, json: bool = False) -> None:
        read.update(paths=paths, ray=ray)

    app.command(cls=WithRay)(take)
    assert CliRunner().invoke(app, words).exit_code == 0
    assert read == {"paths": paths, "ray": ray}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["docs", "--ray=nowhere"], "--ray is 'nowhere'"),
        (["docs", "--workers", "2"], "--workers needs --ray"),
        (["--ray", "-"], "--ray needs files"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(simplugin: InProcess, docs: Path, words: list[str], said: str) -> None:
    outcome = simplugin("ingest", *words, "-c", "handbook")
    assert outcome.code == 2
    assert said in outcome.stderr
