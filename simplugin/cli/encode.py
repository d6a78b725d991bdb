"""``simplugin encode``: lines to vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simplugin.cli.lines import read_lines
from simplugin.cli.options import Model
from simplugin.cli.output import meter, note, print_json
from simplugin.errors import DataError

if TYPE_CHECKING:
    from simplugin.measures import FloatArray

__all__ = ["encode"]

_WINDOW = 1024
_STRUCTURED = {".jsonl", ".json", ".csv", ".tsv"}


def encode(
    files: Annotated[list[str] | None, typer.Argument(help="Text files, a text a line; '-' or none is stdin.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the vectors here, as a .npy file.")] = None,
    query: Annotated[bool, typer.Option("--query", help="Encode as questions, not as texts to be found.")] = False,
    model: Model = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, which is what is printed anyway.")] = False,
) -> None:
    """Turn lines into vectors: JSON lines with text and vector, or one .npy file.

    Example: simplugin encode questions.txt --query --out questions.npy
    """
    import numpy as np

    from simplugin.encoders import load

    del as_json  # taken so that every verb knows it
    if out is not None and out.suffix != ".npy":
        message = f"--out is {str(out)!r}; it must end in .npy."
        raise typer.BadParameter(message)
    if out is not None and not out.absolute().parent.is_dir():
        raise DataError("the vectors cannot be written: there is no such folder.", path=out)
    lines = list(read_lines(files or []))
    if not any(line.strip() for line in lines):
        raise DataError("there is no line to encode.", path=(files or ["stdin"])[0])
    for file in files or []:
        if Path(file).suffix.lower() in _STRUCTURED:
            note(f"{file}: each line is encoded as it stands, names and marks of the format included.")
    encoder = load(model or "starter")
    side = encoder.encode_query if query else encoder.encode_document
    if out is not None:
        windows: list[FloatArray] = []
        with meter("encoding") as show:
            for window in _windows(lines):
                windows.append(side(window))
                show(sum(map(len, windows)), len(lines), "texts")
        vectors = np.concatenate(windows)
        try:
            np.save(out, vectors)
        except OSError as error:
            raise DataError(f"the vectors cannot be written ({error.strerror}).", path=out) from error
        note(f"{len(vectors)} vectors of {encoder.dimension} numbers in {out}")
        return
    for window in _windows(lines):
        for text, vector in zip(window, side(window), strict=True):
            print_json({"text": text, "vector": [float(number) for number in vector]})


def _windows(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    return (lines[start : start + _WINDOW] for start in range(0, len(lines), _WINDOW))
