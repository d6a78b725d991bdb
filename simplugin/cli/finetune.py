"""``simplugin finetune``: train a model by the recipe of a source model."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simplugin.cli.evaluate.options import Resamples
from simplugin.cli.evaluate.pairs import as_columns, as_worth
from simplugin.cli.options import AsJson, Scale, data_from, default_model, parsed, scale_from
from simplugin.cli.output import as_range, counting, meter, note, print_json, print_table

if TYPE_CHECKING:
    from simplugin.evaluation.judged import Progress
    from simplugin.finetuning import Finetuned

__all__ = ["finetune"]

_COLUMNS = {
    "data": "data",
    "section": "section",
    "pairs": "pairs",
    "before": "before",
    "after": "after",
    "ci95": "95 %",
    "difference": "difference",
}
_FOR_DISTILL = {"recipe", "train", "out", "seed", "overwrite", "as_json"}
_Recipe = Annotated[
    str,
    typer.Argument(
        help="cosine, sts, crossing, nli-cosine, nli-pair or distill; docs/finetuning.md says of what each is."
    ),
]
_Train = Annotated[
    list[str],
    typer.Option(
        "--train",
        help="A file to learn from, before it its language. Repeatable. For distill the data folder.",
        metavar="[LANG=]FILE",
    ),
]
_Dev = Annotated[
    list[str] | None,
    typer.Option(
        "--dev",
        help="To judge by before and after; all but distill need it. Repeatable.",
        metavar="[LANG=]FILE",
    ),
]
_Test = Annotated[
    list[str] | None,
    typer.Option("--test", help="Another one, that nothing was chosen by. Repeatable.", metavar="[LANG=]FILE"),
]
_Out = Annotated[Path, typer.Option("--out", help="The folder of the model; made, with those above it.", metavar="DIR")]
_Base = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="What it begins with: catalog name, folder or Hub id. [default: SIMPLUGIN_MODEL or starter; for nli-pair "
        "the multilingual BERT of its card]",
        metavar="BASE",
    ),
]
_Labels = Annotated[
    str | None,
    typer.Option("--labels", help="What the numbers of classes mean: entailment,neutral,contradiction from 0."),
]
_Map = Annotated[
    str | None,
    typer.Option(
        "--map",
        help="What classes are worth, for nli-cosine. [default: entailment=1,neutral=0.5,contradiction=0]",
        metavar="CLASS=VALUE,…",
    ),
]
_Texts = Annotated[
    str | None,
    typer.Option("--columns", help="The two columns of texts, where a file has several such pairs.", metavar="A,B"),
]
_Epochs = Annotated[float | None, typer.Option("--epochs", help="How often each pair is seen. [default: the recipe's]")]
_Batch = Annotated[int | None, typer.Option("--batch-size", min=1, help="Pairs a step. [default: the recipe's]")]
_Rate = Annotated[
    float | None, typer.Option("--learning-rate", help="The highest learning rate, at most 1. [default: the recipe's]")
]
_Steps = Annotated[
    int | None,
    typer.Option("--max-steps", min=1, help="Stop there, if the epochs take more."),
]
_Folds = Annotated[int, typer.Option("--folds", min=0, help="Cross-validate on the training pairs first.")]
_Search = Annotated[
    int, typer.Option("--search", min=0, help="Trials of a search for hyperparameters, each by 10 folds or --folds.")
]
_Seed = Annotated[
    int | None,
    typer.Option("--seed", min=0, help="Of the order of pairs, and of a new head. [default: 42; for distill 1]"),
]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Start anew where a model or an unfinished run lies.")]


def finetune(
    context: typer.Context,
    recipe: _Recipe,
    train: _Train,
    out: _Out,
    dev: _Dev = None,
    test: _Test = None,
    model: _Base = None,
    scale: Scale = None,
    labels: _Labels = None,
    map_: _Map = None,
    columns: _Texts = None,
    epochs: _Epochs = None,
    batch_size: _Batch = None,
    learning_rate: _Rate = None,
    max_steps: _Steps = None,
    folds: _Folds = 0,
    search: _Search = 0,
    seed: _Seed = None,
    resamples: Resamples = 1000,
    overwrite: _Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Train a model on labelled pairs, as the source models were trained, and judge it before and after.

    Killed, the same line goes on from the last checkpoint.

    Example: simplugin finetune sts --train train.csv --dev dev.csv --out mine
    """
    if recipe == "distill":
        _refuse_others(context)
        _distill(train, out, seed, overwrite=overwrite, as_json=as_json)
        return
    if not dev:
        raise typer.BadParameter("the model is judged before and after by a file; name one.", param_hint="--dev")
    limits, worth, texts = scale_from(scale), as_worth(map_), as_columns(columns)
    from simplugin.evaluation.datasets import read_nli, read_sts
    from simplugin.evaluation.datasets.nli import as_class_names
    from simplugin.finetuning import find_recipe
    from simplugin.finetuning import finetune as make

    names = parsed(labels, as_class_names, "--labels")
    chosen = parsed(recipe, find_recipe, "RECIPE")
    assert chosen is not None
    try:
        chosen = chosen.changed(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, max_steps=max_steps)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error

    def read(files: list[str]) -> Any:
        if chosen.data == "scored":
            return [read_sts(file, scale=limits, language=language) for language, file in data_from(files)]
        return [read_nli(file, labels=names, columns=texts, language=language) for language, file in data_from(files)]

    done = make(
        chosen,
        read(train),
        dev=read(dev),
        test=read(test) if test else None,
        out=out,
        model=model or (None if chosen.makes_pair_model else default_model()),
        worth=worth,
        seed=42 if seed is None else seed,
        folds=folds,
        trials=search,
        resamples=resamples,
        overwrite=overwrite,
        on_note=note,
        meter=_meter,
    )
    if as_json:
        print_json(done.to_json())
        return
    print_table(list(_rows(done)), _COLUMNS)
    main = next(iter(done.after.values())).result.main
    opened = "load_reranker" if chosen.makes_pair_model else "load"
    note(f"{main}, after {done.steps} steps. Open it with simplugin.{opened}({str(out)!r}); its card is README.md.")


def _refuse_others(context: typer.Context) -> None:
    given = {name for name in context.params if str(context.get_parameter_source(name)).endswith("COMMANDLINE")}
    if foreign := sorted("--" + name.strip("_").replace("_", "-") for name in given - _FOR_DISTILL):
        message = f"distill has all of this in its recipe, distill.toml, and takes no {', '.join(foreign)}."
        raise typer.BadParameter(message)


def _distill(train: list[str], out: Path, seed: int | None, *, overwrite: bool, as_json: bool) -> None:
    if len(train) != 1:
        raise typer.BadParameter("distill learns from one folder, that of the data.", param_hint="--train")
    from simplugin.finetuning import distill

    done = distill(train[0], out, seed=1 if seed is None else seed, overwrite=overwrite, on_note=note)
    if as_json:
        print_json(done.to_json())
        return
    rows = [
        {"data": name, "languages": len(found), "mean": sum(found.values()) / len(found)}
        for name, found in done.after.items()
    ]
    print_table(rows, {"data": "data", "languages": "languages", "mean": "mean"})
    note(f"Open it with simplugin.load({str(out)!r}); its card is README.md.")


@contextmanager
def _meter(doing: str) -> Generator[Progress, None, None]:
    with meter(doing) as show:
        yield counting(show, "steps" if doing == "training" or doing.endswith("folds") else "texts")


def _rows(done: Finetuned) -> Iterator[dict[str, Any]]:
    for role, judged in done.after.items():
        main = judged.result.main
        gained = {each.section: each for each in done.differences.get(role, ())}
        for section in judged.result.sections:
            before = done.before[role].result.section(section.section).metrics[main] if role in done.before else None
            difference = gained.get(section.section)
            yield {
                "data": role,
                "section": section.section,
                "pairs": section.counts["pairs"],
                "before": before,
                "after": section.metrics[main],
                "ci95": as_range(section.ci95.get(main)),
                "difference": difference and f"{difference.difference:+.3f} ({as_range(difference.ci95, '+.3f')})",
            }
