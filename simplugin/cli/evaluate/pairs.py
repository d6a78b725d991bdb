"""``simplugin evaluate pairs``: whether a model tells what follows from a text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from simplugin.cli.evaluate.ending import as_bounds, end
from simplugin.cli.evaluate.options import FailUnder, Judged, Out, Resamples, Seed
from simplugin.cli.options import AsJson, data_from, default_model, parsed
from simplugin.cli.output import counting, meter, note, print_table

__all__ = ["as_columns", "as_worth", "pairs"]

_COLUMNS = {
    "section": "section",
    "pairs": "pairs",
    "skipped": "skipped",
    "auc_entailment": "AUC of entailment",
    "ci95": "95 %",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "spearman_score": "Spearman",
    "spearman_ceiling": "at most",
}
_Files = Annotated[
    list[str],
    typer.Option(
        "--data",
        help="A file of premises, hypotheses and classes (JSON lines, CSV, TSV), before it its language: "
        "he=nli.jsonl. Repeatable.",
        metavar="[LANG=]FILE",
    ),
]
_Labels = Annotated[
    str | None,
    typer.Option(
        "--labels",
        help="What the files' numbers mean: entailment,neutral,contradiction from 0, or 0=entailment,1=contradiction.",
        metavar="NAMES",
    ),
]
_Map = Annotated[
    str | None,
    typer.Option(
        "--map",
        help="What classes are worth, for the rank correlation. [default: entailment=1,neutral=0.5,contradiction=0]",
        metavar="CLASS=VALUE,…",
    ),
]
_Texts = Annotated[
    str | None,
    typer.Option("--columns", help="The two columns of texts, where a file has several such pairs.", metavar="A,B"),
]


def pairs(
    data: _Files,
    model: Judged = None,
    labels: _Labels = None,
    map_: _Map = None,
    columns: _Texts = None,
    out: Out = None,
    fail_under: FailUnder = None,
    resamples: Resamples = 1000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Judge a model by inference data: which pairs follow, contradict, or neither.

    Example: simplugin evaluate pairs --data he=nli.jsonl --model he-mbert-nli
    """
    from simplugin.evaluation import evaluate_pairs
    from simplugin.evaluation.datasets import read_nli
    from simplugin.evaluation.datasets.nli import as_class_names
    from simplugin.evaluation.pairs import METRICS

    bounds, worth = as_bounds(fail_under, METRICS), as_worth(map_)
    names, texts = parsed(labels, as_class_names, "--labels"), as_columns(columns)
    sets = [read_nli(file, labels=names, columns=texts, language=language) for language, file in data_from(data)]
    with meter("scoring") as show:
        judged = evaluate_pairs(
            model or default_model(),
            sets,
            worth=worth,
            resamples=resamples,
            seed=seed,
            progress=counting(show, "texts"),
        )
    end(judged, _COLUMNS, as_json=as_json, out=out, bounds=bounds)
    if not as_json:
        _explain(judged.result.to_rows(), worth)


def as_worth(text: str | None) -> dict[str, float]:
    """Read ``CLASS=VALUE,…`` over what classes are worth by default; what is none is wrong usage."""
    from simplugin.evaluation.datasets.nli import as_class
    from simplugin.evaluation.pairs import WORTH

    found = dict(WORTH)
    for part in (text or "").split(",") if text is not None else ():
        name, _, value = part.partition("=")
        known = as_class(name)
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if known is None or not math.isfinite(number):
            message = f"{part!r} is not CLASS=VALUE, such as neutral=0.5; classes are {', '.join(WORTH)}."
            raise typer.BadParameter(message, param_hint="--map")
        found[known] = number
    return found


def as_columns(text: str | None) -> tuple[str, str] | None:
    """Read the names of two columns; what is none is wrong usage."""
    if text is None:
        return None
    match [part.strip() for part in text.split(",")]:
        case [first, second] if first and second and first != second:
            return first, second
        case _:
            message = f"{text!r} is not the names of two columns, such as premise,hypothesis."
            raise typer.BadParameter(message, param_hint="--columns")


def _explain(rows: Iterable[Mapping[str, Any]], worth: Mapping[str, float]) -> None:
    """Tell the mean score of each class, and which class was taken for which, section by section."""
    classes: dict[str, float] = {}
    for row in rows:
        classes |= {name: worth[name] for name in row["classes"] if name in worth}
        means = ", ".join(f"{name} {mean:.3f}" for name, mean in row["mean_score"].items())
        note(f"{row['section']}: mean score {means}")
        if row["confusion"]:
            told = list(row["confusion"])
            table = [{"true": name} | cells for name, cells in row["confusion"].items()]
            print_table(table, {"true": f"{row['section']}: true, told"} | {name: name for name in told})
    values = ", ".join(f"{name} {value:g}" for name, value in classes.items())
    note(f"Spearman takes classes for a scale: {values}.")
