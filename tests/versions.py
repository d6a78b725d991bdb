"""The versions that pyproject.toml declares: print what pip shall install for the oldest, or the newest, of each.

torch stays as constraints.txt has it: another one is gigabytes.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PINNED = {"torch"}


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else "installed"
    print("\n".join({"oldest": oldest, "newest": newest, "installed": installed}[wanted]()))


def oldest() -> Iterator[str]:
    """Go through the direct dependencies, each at its lower bound."""
    for each in declared():
        (lower,) = (bound.version for bound in each.specifier if bound.operator == ">=")
        yield f"{each.name}=={lower}"


def newest() -> Iterator[str]:
    """Go through the direct dependencies, as they are declared."""
    return map(str, declared())


def installed() -> Iterator[str]:
    """Go through the direct dependencies, each at the version that is there."""
    return (f"{each.name} {version(each.name)}" for each in declared())


def declared() -> Iterator[Requirement]:
    """Go through the direct dependencies that are not pinned elsewhere."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        lines: list[str] = tomllib.load(file)["project"]["dependencies"]
    return (each for each in map(Requirement, lines) if each.name not in PINNED)


if __name__ == "__main__":
    main()
