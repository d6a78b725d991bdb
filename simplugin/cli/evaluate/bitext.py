"""``simplugin evaluate bitext``: how well a model finds translations."""

from __future__ import annotations

from typing import Annotated

import typer

from simplugin.cli.evaluate.ending import as_bounds, end
from simplugin.cli.evaluate.options import FailUnder, Judged, Out, Resamples, Seed
from simplugin.cli.options import AsJson, data_from, default_model, parsed
from simplugin.cli.output import counting, meter, note

__all__ = ["bitext"]

_COLUMNS = {
    "section": "section",
    "pairs": "pairs",
    "accuracy": "accuracy",
    "ci95": "95 %",
    "accuracy_forward": "forward",
    "accuracy_backward": "backward",
    "mrr": "MRR",
    "auc": "AUC",
}
_Files = Annotated[
    list[str],
    typer.Option(
        "--data",
        help="A file of translations (JSON lines, CSV, TSV), before it its languages: en-tr=tatoeba.tsv. Repeatable.",
        metavar="[LANG-LANG=]FILE",
    ),
]


def bitext(
    data: _Files,
    model: Judged = None,
    out: Out = None,
    fail_under: FailUnder = None,
    resamples: Resamples = 1000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Look for the translation of each text among all texts of the other language, both ways.

    Example: simplugin evaluate bitext --data en-tr=tatoeba.tsv
    """
    from simplugin.evaluation import evaluate_bitext
    from simplugin.evaluation.bitext import METRICS
    from simplugin.evaluation.datasets import read_bitext
    from simplugin.evaluation.datasets.bitext import as_languages

    bounds = as_bounds(fail_under, METRICS)
    files = [(parsed(given, as_languages, "--data"), file) for given, file in data_from(data)]
    sets = [read_bitext(file, languages=languages) for languages, file in files]
    with meter("encoding") as show:
        judged = evaluate_bitext(
            model or default_model(),
            sets,
            resamples=resamples,
            seed=seed,
            progress=counting(show, "texts"),
        )
    end(judged, _COLUMNS, as_json=as_json, out=out, bounds=bounds)
    if not as_json:
        note(f"{judged.result.model.name}: how often the nearest text is the translation, from the first language on.")
