"""What the guide to security says is held by tests that there are, and by what the code does not do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from simplugin.ingestion.second.process import _COMMAND
from tests.conftest import ROOT

GUIDE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
PACKAGES = [path for top in ("simplugin", "integrations") for path in sorted((ROOT / top).rglob("*.py"))]

_RUNS = {"eval", "exec", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load", "np.load", "joblib.load"}
_UNPICKLES = {"pickle.load", "pickle.loads", "cloudpickle.load", "cloudpickle.loads"}
_LISTENS = {"http.server", "socketserver", "fastapi", "flask", "uvicorn", "starlette", "aiohttp", "wsgiref"}
_STARTS = {"subprocess", "multiprocessing"}


def test_every_test_that_the_guide_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", GUIDE)

    assert len(named) > 50
    assert [f"{file}::{test}" for file, test in named if not re.search(rf"def {test}\(", read(file))] == []


def test_every_threat_has_a_test() -> None:
    tables = GUIDE.split("## What is trusted")[1].split("\n## ", 1)[1]
    rows = [line for line in tables.splitlines() if line.startswith("| ") and not line.startswith("| threat")]

    assert len(rows) > 30
    assert [row for row in rows if "::test_" not in row] == []


def test_nothing_that_is_read_is_run() -> None:
    for path in PACKAGES:
        allowed = _UNPICKLES if "distributed" in path.parts else set[str]()  # between processes of one run
        called = {name for name, _ in calls(path)}

        assert called & (_RUNS | _UNPICKLES) <= allowed, path


def test_no_checkpoint_may_bring_code() -> None:
    opened = [(name, keywords) for path in PACKAGES for name, keywords in calls(path)]

    assert all(keywords.get("weights_only") is True for name, keywords in opened if name == "torch.load")
    assert {keywords["trust_remote_code"] for _, keywords in opened if "trust_remote_code" in keywords} == {False}


def test_simplugin_opens_no_port_and_starts_no_other_program() -> None:
    started = ROOT / "simplugin" / "ingestion" / "second" / "process.py"
    for path in PACKAGES:
        imported = set(imports(path))

        assert not imported & _LISTENS, path
        assert imported & _STARTS == ({"subprocess"} if path == started else set()), path
    commands = [
        ast.unparse(node.args[0])
        for node in ast.walk(ast.parse(started.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("subprocess.")
    ]
    assert commands == ["[sys.executable, *_COMMAND]"]
    assert _COMMAND == ("-P", "-m", "simplugin.ingestion.second.serving")


def test_certificates_are_always_verified() -> None:
    switched_off = [path for path in PACKAGES for _, keywords in calls(path) if keywords.get("verify") is False]

    assert switched_off == []


def read(file: str) -> str:
    path = ROOT / file
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def calls(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """Go through the calls in a module: the name of what is called, and the keywords with constants."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            given = {each.arg: each.value.value for each in node.keywords if isinstance(each.value, ast.Constant)}
            yield ast.unparse(node.func), {str(name): value for name, value in given.items()}
        elif isinstance(node, ast.Dict):  # keywords that are handed on
            table = zip(node.keys, node.values, strict=True)
            yield (
                "",
                {
                    str(k.value): v.value
                    for k, v in table
                    if isinstance(k, ast.Constant) and isinstance(v, ast.Constant)
                },
            )


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
