"""The types that a user's checker sees: a program over the public names, checked strictly against what is installed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from pathlib import Path
from sysconfig import get_path
from types import ModuleType

import pytest

import simplugin
import simplugin.evaluation
import simplugin_langchain
import simplugin_qdrant
from tests.conftest import ROOT

PROGRAM = ROOT / "tests" / "typed_program.py"
PACKAGES = (ROOT / "simplugin", ROOT / "integrations/simplugin_qdrant", ROOT / "integrations/simplugin_langchain")
# No public name has a type of these; reading them takes mypy a minute.
SKIPPED = """
[mypy]
strict = true

[mypy-torch.*,transformers.*,sentence_transformers.*,sympy.*,sklearn.*,scipy.*,openvino.*,ray.*,pandas.*,datasets.*]
follow_imports = skip
"""
WRONG = """
import simplugin as sp

count: int = sp.load("starter").encode_query(["one"])
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a program, and an environment in which the packages lie as a wheel puts them."""
    folder = tmp_path_factory.mktemp("typed")
    venv.create(folder / "env", with_pip=False)
    site = Path(get_path("purelib", vars={"base": str(folder / "env")}))
    for package in PACKAGES:
        (site / package.name).symlink_to(package)
    (site / "beneath.pth").write_text(f"{get_path('purelib')}\n")
    (folder / "program.py").write_text(PROGRAM.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "wrong.py").write_text(WRONG)
    settings = {"typeCheckingMode": "strict", "venvPath": ".", "venv": "env", "reportMissingTypeStubs": False}
    (folder / "mypy.ini").write_text(SKIPPED)
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize(
    ("package", "alias"),
    [(simplugin, "sp"), (simplugin.evaluation, "ev"), (simplugin_qdrant, "sq"), (simplugin_langchain, "lc")],
)
def test_the_program_has_every_public_name(package: ModuleType, alias: str) -> None:
    used = set(re.findall(rf"\b{alias}\.(\w+)", PROGRAM.read_text(encoding="utf-8")))
    assert used == set(package.__all__)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_every_package_says_that_it_is_typed(package: Path) -> None:
    assert (package / "py.typed").is_file()


def test_mypy_finds_nothing_wrong_with_the_program_and_something_with_a_wrong_one(home: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--no-incremental", "--python-executable", "env/bin/python"]
    done = subprocess.run([*command, "program.py", "wrong.py"], cwd=home, capture_output=True, text=True, check=False)
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert len(errors) == 1, done.stdout
    assert errors[0].startswith("wrong.py:4: error: Incompatible types in assignment")


def test_pyright_finds_nothing_wrong_with_the_program_and_something_with_a_wrong_one(home: Path) -> None:
    command = [sys.executable, "-m", "pyright", "--outputjson", "program.py", "wrong.py"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["generalDiagnostics"]
    told = [(Path(each["file"]).name, each["range"]["start"]["line"] + 1, each["message"]) for each in found]
    assert [each[:2] for each in told] == [("wrong.py", 4)], told
