"""``simplugin rerank``: lines in, ranked lines out."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer

from simplugin.cli.completion import model_names
from simplugin.cli.lines import read_lines
from simplugin.cli.options import AsJson, Query, is_text
from simplugin.cli.output import print_item, print_json, waiting
from simplugin.errors import DataError
from simplugin.parsing import parse_json

__all__ = ["rerank"]


def rerank(
    query: Query,
    file: Annotated[str, typer.Argument(help="A text a line, or JSON lines with 'text'; '-' is stdin.")] = "-",
    model: Annotated[
        str,
        typer.Option(
            "--model", envvar="SIMPLUGIN_MODEL", help="Catalog name, folder or Hub id.", autocompletion=model_names
        ),
    ] = "starter",
    top: Annotated[int | None, typer.Option("--top", "-n", min=1, help="Keep this many.")] = None,
    as_json: AsJson = False,
) -> None:
    """Order lines by how well they answer a query, best first; the model compares vectors or scores pairs.

    Example: simplugin rerank --model starter "opening hours" answers.txt
    """
    from simplugin.reranking import open_reranker

    if not query.strip():
        raise DataError("the query is blank.")
    rows = [_row(line, file, number) for number, line in enumerate(read_lines([file]), 1) if line.strip()]
    if not rows:
        raise DataError("there is no line to rerank.", path=file)
    with waiting("reranking"):
        hits = open_reranker(model).rerank(query, [str(row["text"]) for row in rows], top_n=top)
    for rank, hit in enumerate(hits, 1):
        if as_json:
            print_json(rows[int(hit.id)] | {"rank": rank, "score": hit.score, "text": hit.text})
        else:
            print_item(f"{rank:3}. {hit.score:.3f}  ", hit.text)


def _row(line: str, file: str, number: int) -> dict[str, Any]:
    if not line.lstrip().startswith("{"):
        return {"text": line}
    try:
        row = cast("dict[str, Any]", parse_json(line))
    except ValueError:
        return {"text": line}  # a sentence may begin with a brace
    if not isinstance(text := row.get("text"), str):
        raise DataError("the JSON object has no 'text'.", path=file, line=number)
    if not is_text(text):
        raise DataError("the 'text' holds half a surrogate pair, which is no text.", path=file, line=number)
    return dict(row)
