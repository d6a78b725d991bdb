"""``simplugin evaluate report``: results side by side, for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simplugin.cli.options import AsJson, refuse_overwriting
from simplugin.cli.output import note, print_json, print_page

if TYPE_CHECKING:
    from simplugin.evaluation import Evaluation

__all__ = ["report"]


def report(
    results: Annotated[
        list[Path], typer.Argument(help="What evaluate wrote with --out; several for side by side.", metavar="RESULT…")
    ],
    html: Annotated[
        Path | None, typer.Option("--html", help="Write one self-contained page with plots here.", metavar="FILE")
    ] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Write Markdown here.", metavar="FILE")] = None,
    model_index: Annotated[
        bool, typer.Option("--model-index", help="Print the model-index block for a model card on the Hub.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show results for people: a page with plots, Markdown, or the block of a model card. [default: print Markdown]

    Example: simplugin evaluate report en.json tr.json --html report.html
    """
    if as_json and model_index:
        raise typer.BadParameter("--json and --model-index both print to stdout; give one of them.")
    from simplugin.evaluation.report import to_markdown, to_model_index, write_html, write_markdown

    for target in filter(None, (html, markdown)):
        refuse_overwriting(target, results)
    opened = [_open(path, items=html is not None) for path in results]
    found = [each.result for each in opened]
    if html is not None:
        write_html(opened, html)
        note(f"Written: {html}")
    if markdown is not None:
        write_markdown(found, markdown)
        note(f"Written: {markdown}")
    if model_index:
        print_page(to_model_index(found))
    elif as_json:
        for each in found:
            for row in each.to_rows():
                print_json({"task": each.task} | row)
    elif html is None and markdown is None:
        print_page(to_markdown(found))


def _open(path: Path, *, items: bool) -> Evaluation:
    """Read a result; its figures alone where nothing is made of the items, or they are gone."""
    from simplugin.evaluation.result import Evaluation, load_result

    result = load_result(path)
    if not items or result.items is None:
        return Evaluation(result, ())
    if not path.with_name(Path(result.items).name).exists():
        note(f"{path}: its items ({result.items}) are not there; the page shows its figures alone.")
        return Evaluation(result, ())
    return Evaluation.load(path)
