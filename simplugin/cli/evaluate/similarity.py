"""``simplugin evaluate similarity``: how well a model's similarity follows people's labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simplugin.cli.evaluate.ending import as_bounds, as_line, end
from simplugin.cli.evaluate.options import Cross, FailUnder, Judged, Out, Resamples, Seed
from simplugin.cli.options import AsJson, Data, Scale, data_from, default_model, scale_from
from simplugin.cli.output import counting, meter, note

if TYPE_CHECKING:
    from simplugin.evaluation import Finding

__all__ = ["similarity"]

_COLUMNS = {
    "section": "section",
    "pairs": "pairs",
    "spearman_cosine": "Spearman",
    "ci95": "95 %",
    "pearson_cosine": "Pearson",
    "spearman_manhattan": "Manhattan",
    "spearman_euclidean": "Euclidean",
    "spearman_dot": "dot",
}
_OF_PAIR_MODELS = {
    "section": "section",
    "pairs": "pairs",
    "spearman_score": "Spearman",
    "ci95": "95 %",
    "pearson_score": "Pearson",
}


def similarity(
    data: Data,
    model: Judged = None,
    cross: Cross = False,
    scale: Scale = None,
    out: Out = None,
    fail_under: FailUnder = None,
    resamples: Resamples = 1000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Score a model against STS labels: Pearson's and Spearman's correlation, with intervals.

    What is wrong with the labels is told first, before anything is encoded.

    Example: simplugin evaluate similarity --data en=sts.csv --out en.json
    """
    limits = scale_from(scale)
    from simplugin.evaluation import evaluate_similarity
    from simplugin.evaluation.datasets import read_sts
    from simplugin.evaluation.similarity import METRICS, METRICS_OF_PAIR_MODELS

    bounds = as_bounds(fail_under, (*METRICS, *METRICS_OF_PAIR_MODELS))
    sets = [read_sts(file, scale=limits, language=language, strict=False) for language, file in data_from(data)]
    told: list[str] = []

    def tell(finding: Finding) -> None:
        if finding.severity == "error":
            told.append(finding.message)
            note(as_line(finding))

    with meter("encoding") as show:
        judged = evaluate_similarity(
            model or default_model(),
            sets,
            cross=cross,
            resamples=resamples,
            seed=seed,
            on_finding=tell,
            progress=counting(show, "texts"),
        )
    columns = _OF_PAIR_MODELS if judged.result.model.kind == "pair" else _COLUMNS
    end(judged, columns, as_json=as_json, out=out, bounds=bounds, told=told)
    if not as_json:
        note(f"{judged.result.model.name}: correlation of people's labels with the cosine, and with other measures.")
