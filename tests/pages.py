"""The programs and commands that a page of the documentation shows, and a folder in which they run."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import shutil
from pathlib import Path

from simplugin import samples

__all__ = ["commands_of", "furnish", "python_of", "run_python", "said_by"]

_LIBRARY = "# Library\n\nThe library opens at nine."
_BUS = "The bus leaves every ten minutes."


def python_of(page: str) -> str:
    """Return the Python blocks of a page, one after the other, as one program."""
    return "\n".join(re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE))


def said_by(program: str) -> list[str]:
    """Return what a program says that it prints: the comments that have a line to themselves."""
    return re.findall(r"^# (.*)$", program, re.MULTILINE)


def commands_of(page: str) -> list[list[str]]:
    """Return the commands of simplugin in the shell blocks of a page, split into words."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("simplugin ")]


def run_python(program: str, name: str) -> list[str]:
    """Run a program, close the stores that it left open, and return the lines that it printed."""
    printed = io.StringIO()
    scope: dict[str, object] = {"__name__": name}
    with contextlib.redirect_stdout(printed):
        exec(compile(program, name, "exec"), scope)
    for left in scope.values():
        if hasattr(left, "close") and hasattr(left, "upsert") and not isinstance(left, type):
            left.close()  # pyright: ignore[reportAttributeAccessIssue]
    return printed.getvalue().splitlines()


def furnish(folder: Path) -> Path:
    """Put the files there that the pages speak of."""
    shipped = samples.documents_folder().parent
    (folder / "docs").mkdir()
    (folder / "docs" / "library.md").write_text(_LIBRARY, encoding="utf-8")
    (folder / "docs" / "bus.txt").write_text(_BUS, encoding="utf-8")
    (folder / "lines.txt").write_text("The library opens at nine.\nThe cat sleeps.\n", encoding="utf-8")
    (folder / "queries.csv").write_text("text,intent\nHow can I pay?,pay_bill\n", encoding="utf-8")
    (folder / "questions.json").write_text(json.dumps({"version": "2.0", "data": [_article()]}), encoding="utf-8")
    for name in ("pairs.csv", "intents.jsonl"):
        shutil.copy(shipped / name, folder)
    pairs = samples.pairs()
    rows = [f"{pair.sentence1}\t{pair.sentence2}\t{pair.score}\n" for pair in pairs]
    others = [(pair.sentence1, other.sentence2) for pair, other in zip(pairs, pairs[5:], strict=False)]
    apart = [f"{first}\t{second}\t{0 if number % 3 else 1}\n" for number, (first, second) in enumerate(others)]
    same = [f"{pair.sentence1}\t{pair.sentence1}\t{5 - number % 2}\n" for number, pair in enumerate(pairs)]
    for name, chosen in (
        ("train.csv", rows[::2]),
        ("dev.csv", rows[1::2]),
        ("sts-en.csv", rows),
        ("sts-dev.csv", rows),
        ("sts-test.csv", apart + same),
    ):
        (folder / name).write_text("".join(chosen), encoding="utf-8")
    return folder


def _article() -> dict[str, object]:
    """Return the two documents with a question each, as SQuAD has them."""
    asked = {
        _LIBRARY: ("When does the library open?", "nine"),
        _BUS: ("How often does the bus leave?", "every ten minutes"),
    }
    paragraphs = [
        {
            "context": text,
            "qas": [{"id": str(number), "question": question, "answers": [{"text": answer, "answer_start": 0}]}],
        }
        for number, (text, (question, answer)) in enumerate(asked.items())
    ]
    return {"title": "The town", "paragraphs": paragraphs}
