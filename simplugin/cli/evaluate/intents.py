"""``simplugin evaluate intents``: how well utterances are matched to intents."""

from __future__ import annotations

from typing import Annotated

import typer

from simplugin.cli.evaluate.ending import as_bounds, end
from simplugin.cli.evaluate.options import FailUnder, Judged, Out, Resamples, Seed
from simplugin.cli.options import AsJson, data_from, default_model
from simplugin.cli.output import counting, meter, note

__all__ = ["intents"]

_COLUMNS = {
    "section": "section",
    "utterances": "utterances",
    "out_of_scope": "out of scope",
    "intents": "intents",
    "accuracy": "accuracy",
    "ci95": "95 %",
    "macro_f1": "macro-F1",
    "auc_out_of_scope": "AUC of scope",
    "in_scope_accepted": "accepted",
    "out_of_scope_refused": "refused",
    "ambiguous": "ambiguous",
}
_SHOWN = 3
_Files = Annotated[
    list[str],
    typer.Option(
        "--data",
        help="A file of utterances with intents (JSON lines, CSV, TSV, YAML), before it its language: tr=intents.yml. "
        "Repeatable.",
        metavar="[LANG=]FILE",
    ),
]
_Train = Annotated[
    list[str] | None,
    typer.Option(
        "--train",
        help="A file of examples. [default: the other folds of each file] Repeatable.",
        metavar="[LANG=]FILE",
    ),
]
_Foreign = Annotated[
    list[str] | None,
    typer.Option(
        "--out-of-scope", help="A file of utterances that mean none of the intents. Repeatable.", metavar="[LANG=]FILE"
    ),
]


def intents(
    data: _Files,
    model: Judged = None,
    train: _Train = None,
    out_of_scope: _Foreign = None,
    out: Out = None,
    fail_under: FailUnder = None,
    resamples: Resamples = 1000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Match utterances to intents by examples, in one language or across, and tell what is out of scope.

    Example: simplugin evaluate intents --train en=en.yml --data tr=tr.yml
    """
    from simplugin.evaluation import evaluate_intents
    from simplugin.evaluation.intents import METRICS
    from simplugin.intents.utterances import read_utterances

    bounds = as_bounds(fail_under, METRICS)
    sets, examples = (
        [read_utterances(file, language=language) for language, file in data_from(files)]
        for files in (data, train or [])
    )
    foreign = [
        read_utterances(file, language=language, out_of_scope=True) for language, file in data_from(out_of_scope or [])
    ]
    with meter("encoding") as show:
        judged = evaluate_intents(
            model or default_model(),
            sets,
            train=examples or None,
            out_of_scope=foreign or None,
            resamples=resamples,
            seed=seed,
            progress=counting(show, "texts"),
        )
    end(judged, _COLUMNS, as_json=as_json, out=out, bounds=bounds)
    if not as_json:
        for row in judged.result.to_rows():
            confused = [
                f"{each['intent']} for {each['matched']} {each['utterances']}×" for each in row["confused"][:_SHOWN]
            ]
            if confused:
                note(f"{row['section']}: most often confused: {', '.join(confused)}")
