"""What a process of its own takes while it ingests, printed as lines of JSON."""

from __future__ import annotations

import json

from simplugin.ingestion import Progress

__all__ = ["Marks", "print_json"]


class Marks:
    """Prints the memory of this process when a tenth, a half and all of the documents have come."""

    def __init__(self, number: int) -> None:
        self._left = {number // 10: "10 %", number // 2: "50 %", number: "100 %"}

    def tell(self, at: Progress) -> None:
        self.reach(at.documents)

    def reach(self, documents: int) -> None:
        for mark in [mark for mark in self._left if documents >= mark]:
            print_json(self._left.pop(mark), *_megabytes())


def print_json(*values: object) -> None:
    print(json.dumps(values), flush=True)  # noqa: T201


def _megabytes() -> tuple[float, float]:
    """Return what the process has of its own, and what it maps from files."""
    with open("/proc/self/status") as lines:  # noqa: PTH123
        found = dict(line.split(":") for line in lines if ":" in line)
    own, mapped, shared = (int(found[key].split()[0]) / 1024 for key in ("RssAnon", "RssFile", "RssShmem"))
    return own, mapped + shared
