"""``simplugin evaluate compare``: which of several models is better, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simplugin.cli.completion import model_names
from simplugin.cli.evaluate.options import Cross, Resamples, Seed
from simplugin.cli.options import AsJson, Scale, data_from, scale_from
from simplugin.cli.output import counting, meter, note, print_json, print_table

if TYPE_CHECKING:
    from simplugin.evaluation import Comparison, Difference, Evaluation
    from simplugin.evaluation.datasets import Pairs
    from simplugin.evaluation.judged import Judged

__all__ = ["compare"]

_COLUMNS = {
    "section": "section",
    "stage": "stage",
    "metric": "metric",
    "a": "a",
    "a_value": "a's",
    "b": "b",
    "b_value": "b's",
    "difference": "a - b",
    "ci95": "95 %",
    "p_holm": "p",
    "better": "better",
}


def compare(
    judged: Annotated[
        list[str],
        typer.Argument(
            help="Results that --out wrote, one stage of such a result as FILE:STAGE, or models, which are judged now.",
            metavar="A B [C]…",
            show_default=False,
            autocompletion=model_names,
        ),
    ],
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data", help="For models: a file of labelled pairs, as evaluate similarity takes.", metavar="[LANG=]FILE"
        ),
    ] = None,
    cross: Cross = False,
    scale: Scale = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", help="Compare by it. Repeatable. [default: each result's main one]", metavar="METRIC"),
    ] = None,
    resamples: Resamples = 1000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Compare models on the same items: the difference, its interval, and whether it is more than chance.

    Example: simplugin evaluate compare starter ./mine --data en=sts.csv
    """
    limits = scale_from(scale)
    models = _models(judged, data)
    from simplugin.evaluation import compare as compared
    from simplugin.evaluation.datasets import read_sts

    kept = {word: _kept(word) for word in judged if word not in models}
    sets = [read_sts(file, scale=limits, language=language) for language, file in data_from(data or [])]
    evaluated = _evaluated(models, sets, cross) if models else {}
    evaluations = [(word, {**kept, **evaluated}[word]) for word in judged]
    comparison = compared(_by_name(evaluations), metrics=metric or (), resamples=resamples, seed=seed)
    if as_json:
        for difference in comparison.differences:
            print_json(difference.to_json())
    else:
        _show(comparison)
    for sentence in comparison.left_out:
        note(sentence)


def _models(judged: Sequence[str], data: Sequence[str] | None) -> list[str]:
    """Return the words that name models; that data and models belong together is a matter of usage."""
    if len(judged) < 2:
        raise typer.BadParameter("name two or more.", param_hint="A B [C]…")
    twice = [word for word in judged if judged.count(word) > 1]
    if twice:
        message = f"{twice[0]!r} is named twice."
        raise typer.BadParameter(message, param_hint="A B [C]…")
    models = [word for word in judged if not _is_result(word)]
    if models and not data:
        message = f"{models[0]!r} is no file of a result; to judge a model of that name, give --data."
        raise typer.BadParameter(message, param_hint="A B [C]…")
    if data and not models:
        raise typer.BadParameter("results have their data in them; --data is for models.", param_hint="--data")
    return models


def _is_result(word: str) -> bool:
    path, _ = _split(word)
    return path.is_file() or path.suffix == ".json"


def _split(word: str) -> tuple[Path, str | None]:
    """Take ``FILE:STAGE`` apart; a file whose own name looks like that is one, if it is there."""
    file, colon, stage = word.rpartition(":")
    if not colon or Path(word).is_file() or not Path(file).is_file():
        return Path(word), None
    return Path(file), stage


def _kept(word: str) -> Evaluation:
    from simplugin.evaluation import Evaluation
    from simplugin.evaluation.comparing import at_stage

    path, stage = _split(word)
    loaded = Evaluation.load(path)
    return loaded if stage is None else at_stage(loaded, stage)


def _evaluated(models: Sequence[str], sets: Sequence[Pairs], cross: bool) -> dict[str, Evaluation]:
    from simplugin.evaluation.judged import open_judged

    opened = {name: open_judged(name) for name in models}  # a name that is wrong is told before any of them works
    return {name: _evaluate(name, model, sets, cross) for name, model in opened.items()}


def _evaluate(name: str, model: Judged, sets: Sequence[Pairs], cross: bool) -> Evaluation:
    from simplugin.evaluation import evaluate_similarity

    with meter(f"encoding with {name}") as show:
        return evaluate_similarity(
            model,
            sets,
            cross=cross,
            resamples=0,
            progress=counting(show, "texts"),
        )


def _by_name(evaluations: Sequence[tuple[str, Evaluation]]) -> Mapping[str, Evaluation]:
    """Name each by its model, or as on the command line where two are of one name."""
    names = [each.result.model.name for _, each in evaluations]
    return (
        dict(evaluations) if len(set(names)) < len(names) else {each.result.model.name: each for _, each in evaluations}
    )


def _show(comparison: Comparison) -> None:
    rows = [
        difference.to_json()
        | {
            "a_value": f"{difference.a_value:.4f}",
            "b_value": f"{difference.b_value:.4f}",
            "difference": f"{difference.difference:+.4f}",
            "ci95": None if difference.ci95 is None else "{:+.4f} to {:+.4f}".format(*difference.ci95),
            "better": difference.better or "not separable",
        }
        for difference in comparison.differences
    ]
    staged = any(difference.stage for difference in comparison.differences)
    print_table(rows, {key: heading for key, heading in _COLUMNS.items() if key != "stage" or staged})
    note(_closing(comparison))


def _closing(comparison: Comparison) -> str:
    differences, count = comparison.differences, len(comparison.names)
    by_better: dict[str, int] = {}
    for difference in differences:
        if difference.better:
            by_better[difference.better] = by_better.get(difference.better, 0) + 1
    won = [f"{name} is better in {times}" for name, times in by_better.items()]
    open_ones = len(differences) - sum(by_better.values())
    told = ", ".join([*won, f"{open_ones} not separable"] if open_ones else won)
    corrected = f", p corrected (Holm) for {count * (count - 1) // 2} pairs of models" if count > 2 else ""
    return f"Of {_counted(differences)}: {told} ({comparison.resamples} draws, seed {comparison.seed}{corrected})."


def _counted(differences: Sequence[Difference]) -> str:
    return "1 comparison" if len(differences) == 1 else f"{len(differences)} comparisons"
