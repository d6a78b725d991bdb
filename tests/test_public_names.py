from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import simplugin
import simplugin_langchain
import simplugin_qdrant
from simplugin import errors


@pytest.mark.parametrize("package", [simplugin, simplugin_qdrant, simplugin_langchain], ids=lambda p: p.__name__)
def test_all_lists_every_public_name_and_no_other(package: ModuleType) -> None:
    for name in package.__all__:
        getattr(package, name)  # some are imported when they are asked for
    tools = {"annotations", "TYPE_CHECKING"}
    public = {
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and not isinstance(value, ModuleType) and name not in tools
    }

    assert package.__all__ == sorted(package.__all__)
    assert set(package.__all__) == public


@pytest.mark.parametrize("package", ["simplugin", "simplugin_qdrant", "simplugin_langchain"])
def test_names_are_there_to_be_completed_before_they_are_used(package: str) -> None:
    lines = f"import {package} as package; print(set(package.__all__) <= set(dir(package)))"
    found = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    assert found.stdout == "True\n"


def test_an_unknown_name_is_told_as_python_tells_it() -> None:
    with pytest.raises(AttributeError, match="module 'simplugin' has no attribute 'lod'"):
        _ = simplugin.lod  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def test_the_tree_drawn_in_the_docstring_is_the_tree_of_classes() -> None:
    drawn = [line.lstrip("│├└─ ").split(" ")[0] for line in (errors.__doc__ or "").splitlines() if "Error" in line]
    classes = [name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)]

    assert sorted(drawn) == sorted(classes) == sorted(errors.__all__)
    assert all(issubclass(getattr(errors, name), errors.SimpluginError) for name in errors.__all__)


def test_every_error_is_public() -> None:
    assert set(errors.__all__) <= set(simplugin.__all__)
