"""``simplugin demo``."""

from __future__ import annotations

import shlex
from pathlib import Path

from tests.cli.running import Process


def test_it_shows_the_whole_job_leaves_nothing_behind_and_ends_with_commands_that_work(
    process: Process, folder: Path
) -> None:
    outcome = process("demo")
    assert (outcome.code, outcome.stderr) == (0, "")
    for step in ("Model:", "Ingest:", "Search:", "Rerank:", "Intents:", "Score:"):
        assert f"\n{step}" in outcome.stdout
    assert list(folder.iterdir()) == []
    commands = [shlex.split(line) for line in outcome.stdout.split("Try next:")[1].splitlines() if line.strip()]
    assert len(commands) == 3
    for command in commands:
        assert command[:3] == ["python", "-m", "simplugin"]
        assert process(*command[3:]).code == 0
