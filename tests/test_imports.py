from __future__ import annotations

import subprocess
import sys

import pytest
from importlinter import api

from tests.conftest import ROOT

HEAVY = ("torch", "transformers", "sentence_transformers", "qdrant_client", "qdrant_edge", "langchain_core", "httpx")


def test_imports_point_in_one_direction() -> None:
    environment = {"PYTHONPATH": str(ROOT / "integrations")}
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert api is not None
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", ["simplugin", "simplugin_qdrant", "simplugin.cli"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*(name for name in {HEAVY!r} if name in sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.split() == []
