"""The benchmarks start: on a few lines of the data the cheap ones run to their end."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from tests.conftest import ROOT

LINES = 80
MODULES = sorted(path.stem for path in (ROOT / "tests" / "benchmarks").glob("*.py") if not path.stem.startswith("__"))
PEERS = [name for name in MODULES if name.endswith("_peers")]  # they run in an environment of their own


@pytest.fixture
def few(data: Path, tmp_path: Path) -> Path:
    """Return a folder with the first lines of the pairs that are judged."""
    for file in (data / "stsb").rglob("*.csv"):
        there = tmp_path / file.relative_to(data)
        there.parent.mkdir(parents=True, exist_ok=True)
        with file.open(encoding="utf-8") as lines:
            there.write_text("".join(islice(lines, LINES)), encoding="utf-8")
    return tmp_path


def run(*words: str) -> str:
    """Run the benchmarks with these words, and return what they print."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "integrations")))
    command = [sys.executable, "-m", "tests.benchmarks", *words]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", [name for name in MODULES if name not in PEERS])
def test_every_module_can_be_imported(name: str) -> None:
    assert importlib.import_module(f"tests.benchmarks.{name}").__doc__


def test_help_names_every_benchmark_that_has_a_target() -> None:
    told = run("--help")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"-m tests.benchmarks (\w+) --data", makefile))
    assert named
    assert {name for name in named if name not in told} == set()


def test_the_benchmark_of_similarity_runs_to_its_end(few: Path) -> None:
    printed = run("sts", "--data", str(few))
    assert "== sts" in printed
    assert "all-MiniLM-L6-v2" in printed
    assert f"{LINES}" in printed
