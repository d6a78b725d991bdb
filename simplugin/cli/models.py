"""``simplugin models``: what is known by name, and whether a checkpoint is what its card says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any

import typer

from simplugin.catalog import NEWEST_STARTER, ModelCard, cards, find
from simplugin.cli.completion import model_names
from simplugin.cli.options import AsJson
from simplugin.cli.output import note, print_fields, print_json, print_table, waiting
from simplugin.cli.verbs import Verbs
from simplugin.errors import ModelError

__all__ = ["app"]

app = typer.Typer(cls=Verbs, help="The models known by name.", no_args_is_help=False)

_CHECKED = ("dimension", "max_tokens", "pooling", "normalize", "similarity")


@app.callback(invoke_without_command=True)
def models(context: typer.Context, as_json: AsJson = False) -> None:
    """List the models known by name.

    Example: simplugin models list
    """
    if context.invoked_subcommand is None:
        list_models(as_json)
    elif as_json:
        raise typer.BadParameter("--json stands after list, show, check or convert.")


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the models known by name.

    Example: simplugin models list --json
    """
    rows = [_row(card) for card in cards()]
    if as_json:
        for row in rows:
            print_json(row)
        return
    columns = {
        "name": "model",
        "kind": "kind",
        "dimension": "width",
        "max_tokens": "tokens",
        "languages": "languages",
    }
    print_table(rows, columns)
    note(f"'starter' stands for {NEWEST_STARTER}. More of one: simplugin models show NAME")


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Catalog name or Hub id.", autocompletion=model_names)],
    as_json: AsJson = False,
) -> None:
    """Show one model's card.

    Example: simplugin models show stsb-es-distiluse
    """
    if Path(name).is_dir():
        message = f"{name!r} is a folder, which has no card here: simplugin models check {name} looks at it."
        raise ModelError(message)
    card = find(name)
    if as_json:
        print_json(_row(card) | card.to_json())
        return
    fields = card.to_json() | {
        "prompts": [f"{side}: {text!r}" for side, text in asdict(card.prompts).items() if text],
        "claims": "\n".join(_claimed(card)),
    }
    print_fields(fields)


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="Catalog name, folder or Hub id.", autocompletion=model_names)],
    as_json: AsJson = False,
) -> None:
    """Open a model and compare it with its card; exit 1 where they differ.

    Example: simplugin models check starter
    """
    from simplugin.encoders import load
    from simplugin.errors import UnknownModelError
    from simplugin.reranking import is_pair_model, load_reranker

    with waiting("opening"):
        opened = (load_reranker if is_pair_model(name) else load)(name).card
    try:
        said: ModelCard | None = find(name)
    except UnknownModelError:
        said = None  # a folder of the user's own has no card to differ from
    differences = [] if said is None else _differences(said, opened)
    if as_json:
        print_json(_row(opened) | {"differences": differences})
    else:
        print_table(
            [_row(opened)],
            {"name": "model", "dimension": "width", "max_tokens": "tokens", "pooling": "pooling"},
        )
        for line in differences:
            note(line)
        if not differences:
            note("It opens, and is what its card says." if said else "It opens.")
    if differences:
        raise typer.Exit(1)


@app.command("convert")
def convert(
    file: Annotated[Path, typer.Argument(help="The HDF5 file that Keras saved.", metavar="FILE")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write; it must be empty or not there.")],
    tokenizer: Annotated[
        Path | None,
        typer.Option(
            "--tokenizer",
            help="A folder whose tokenizer is copied. [default: bert-base-multilingual-uncased, from the Hub on use]",
            metavar="FOLDER",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Convert a pair model that Keras saved, such as az-mbert-pair's, into a folder that reranks; once.

    Example: simplugin models convert model_checkpoint_epoch_20.h5 --out az-pair
    """
    from simplugin.reranking import convert_keras

    with waiting("converting"):
        made = convert_keras(file, out, tokenizer=tokenizer)
    if as_json:
        print_json(asdict(made))
        return
    print_fields(asdict(made))
    note(f"Rerank with it: simplugin rerank --model {made.folder} QUERY FILE")


def _row(card: ModelCard) -> dict[str, Any]:
    keys = ("name", "id", "kind", "dimension", "max_tokens", "pooling", "languages", "warnings")
    return {key: value for key, value in card.to_json().items() if key in keys}


def _claimed(card: ModelCard) -> Iterator[str]:
    """Give a line for each metric and source, since a card may claim as many figures as it has languages."""
    of = attrgetter("metric", "source")
    for (metric, source), claims in groupby(card.claims, of):
        yield f"{metric} {', '.join(f'{claim.value} on {claim.data}' for claim in claims)} ({source})"


def _differences(said: ModelCard, opened: ModelCard) -> list[str]:
    return [
        f"{field}: the card says {ours!r}, the checkpoint has {theirs!r}."
        for field in _CHECKED
        if (ours := getattr(said, field)) is not None and ours != (theirs := getattr(opened, field))
    ]
