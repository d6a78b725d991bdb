"""What the README shows is what happens."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simplugin import samples
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "library.md").write_text("# Library\n\nThe library opens at nine.", encoding="utf-8")
    (tmp_path / "docs" / "bus.txt").write_text("The bus leaves every ten minutes.", encoding="utf-8")
    (tmp_path / "lines.txt").write_text("The library opens at nine.\nThe cat sleeps.\n", encoding="utf-8")
    shutil.copy(samples.documents_folder().parent / "pairs.csv", tmp_path)
    shutil.copy(samples.documents_folder().parent / "intents.jsonl", tmp_path)
    (tmp_path / "queries.csv").write_text("text,intent\nHow can I pay?,pay_bill\n", encoding="utf-8")
    rows = [f"{pair.sentence1}\t{pair.sentence2}\t{pair.score}\n" for pair in samples.pairs()]
    (tmp_path / "train.csv").write_text("".join(rows[::2]), encoding="utf-8")
    (tmp_path / "dev.csv").write_text("".join(rows[1::2]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_blocks_run_one_after_the_other_and_print_what_they_say(folder: Path) -> None:
    program = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    said = re.findall(r"^# (.*)$", program, re.MULTILINE)
    printed = io.StringIO()

    scope: dict[str, object] = {}
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "README.md", "exec"), scope)
    scope["store"].close()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]

    assert printed.getvalue().splitlines() == said
    assert len(said) >= 3


def test_the_commands_run(folder: Path) -> None:
    commands = [
        line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line
    ]
    ours = [line for line in commands if line.startswith("simplugin ")]

    assert len(ours) >= 4
    for line in ours:
        arguments = shlex.split(line, comments=True)[1:]
        done = subprocess.run(
            [sys.executable, "-m", "simplugin", *arguments],
            capture_output=True,
            text=True,
            env=dict(os.environ),
            check=False,
        )
        assert done.returncode == 0, (line, done.stderr)


def test_every_verb_of_the_command_line_is_in_the_readme() -> None:
    from simplugin.cli import app

    verbs = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}

    missing = [verb for verb in verbs if verb and not re.search(rf"simplugin {verb}|make {verb}|`{verb}`", README)]
    assert missing == []


def test_the_make_targets_it_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    for target in set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
