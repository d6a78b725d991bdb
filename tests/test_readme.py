"""What the README shows is what happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.pages import commands_of, furnish, python_of, run_python, said_by

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return furnish(tmp_path)


def test_the_python_blocks_run_one_after_the_other_and_print_what_they_say(folder: Path) -> None:
    program = python_of(README)

    assert run_python(program, "README.md") == said_by(program)
    assert len(said_by(program)) >= 3


def test_the_commands_run(folder: Path) -> None:
    commands = commands_of(README)

    assert len(commands) >= 4
    for words in commands:
        done = subprocess.run(
            [sys.executable, "-m", "simplugin", *words],
            capture_output=True,
            text=True,
            env=dict(os.environ),
            check=False,
        )
        assert done.returncode == 0, (words, done.stderr)


def test_every_verb_of_the_command_line_is_in_the_readme() -> None:
    from simplugin.cli import app

    verbs = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}

    missing = [verb for verb in verbs if verb and not re.search(rf"simplugin {verb}|make {verb}|`{verb}`", README)]
    assert missing == []


def test_the_make_targets_it_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    for target in set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
