"""What is loaded, and what is not, before the first answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import Process

HEAVY = {"torch", "qdrant_client", "langchain_core", "sentence_transformers", "transformers", "httpx", "pydantic"}
LATE = f"print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"


def loaded(process: Process, code: str) -> str:
    """Run the code and return the names in ``HEAVY`` of what it loaded, as a list in words."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\n{LATE}"],
        capture_output=True,
        cwd=process.folder,
        env=process.environment(),
        text=True,
        check=True,
    )
    return done.stderr.splitlines()[-1]


def test_importing_simplugin_loads_nothing_heavy(process: Process) -> None:
    assert loaded(process, "import simplugin") == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["models", "--json"],
        ["collections", "list"],
        ["search", "handbook", "When does the library open?", "--json"],
        ["search", "handbook", "library card", "--rerank", "starter"],
        ["ingest", "docs", "-c", "handbook"],
        ["ingest", "docs", "-c", "another"],
    ],
    ids=" ".join,
)
def test_a_command_on_a_folder_loads_nothing_heavy(shelf: Path, folder: Path, arguments: list[str]) -> None:
    if "another" in arguments:
        arguments = [*arguments, "--store", str(folder / "store")]
    code = f"""
from simplugin.cli import main
sys.argv = ["simplugin", *{arguments!r}]
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
"""
    assert loaded(Process(shelf), code) == "[]"
