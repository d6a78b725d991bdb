"""``simplugin evaluate retrieval``: how well a model, an index over it, or a user's own collection finds."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from simplugin.cli.completion import collection_names, model_names
from simplugin.cli.evaluate.ending import as_bounds, end
from simplugin.cli.evaluate.options import Cross, FailUnder, Out, Resamples, Seed
from simplugin.cli.options import (
    AsJson,
    Location,
    Scale,
    Tenant,
    data_from,
    default_model,
    existing_store,
    mode_from,
    scale_from,
)
from simplugin.cli.output import meter, note

if TYPE_CHECKING:
    from simplugin.collection import Mode
    from simplugin.encoders import Encoder
    from simplugin.evaluation import RetrievalSet
    from simplugin.evaluation.stages import Searches
    from simplugin.reranking import Reranker

__all__ = ["retrieval"]

_STAGES = ("exact", "index", "quantized")
_COLUMNS = {
    "section": "section",
    "stage": "stage",
    "queries": "queries",
    "documents": "documents",
    "selective@10": "selective@10",
    "nDCG@10": "nDCG@10",
    "ci95": "95 %",
    "loss": "loss",
    "AUC": "AUC",
    "RR@10": "RR@10",
    "R@1": "R@1",
    "R@10": "R@10",
    "Judged@10": "Judged@10",
    "threshold": "threshold",
}
_OF_OTHER_SETS = {"selective@10", "AUC", "threshold"}
_OF_STS = {"nDCG@10"}


def retrieval(
    data: Annotated[
        list[str],
        typer.Option(
            "--data",
            help="An STS file, a BEIR folder or a SQuAD file, before it its language: tr=pairs.csv. Repeatable.",
            metavar="[LANG=]PATH",
        ),
    ],
    dev: Annotated[
        list[str] | None,
        typer.Option(
            "--dev",
            help="An STS file to fit the threshold on; without it half of the queries fits the other's. Repeatable.",
            metavar="[LANG=]FILE",
        ),
    ] = None,
    corpus: Annotated[
        list[str] | None,
        typer.Option("--corpus", help="More documents to search, of such a set. Repeatable.", metavar="[LANG=]PATH"),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            # No envvar: a habit kept in the environment is not a model named for the collection.
            help="Catalog name, folder, Hub id or URL of what is judged; without it SIMPLUGIN_MODEL or the starter. "
            "A collection has its own, and refuses another.",
            metavar="NAME",
            autocompletion=model_names,
        ),
    ] = None,
    cross: Cross = False,
    stage: Annotated[
        list[str] | None,
        typer.Option(
            "--stage",
            help="exact (every document compared), index, quantized (int8); without it all. Repeatable, or a,b.",
            metavar="STAGE",
        ),
    ] = None,
    rerank: Annotated[
        str | None,
        typer.Option(
            "--rerank",
            help="A last stage: order the hits by this model.",
            metavar="MODEL",
            autocompletion=model_names,
        ),
    ] = None,
    collection: Annotated[
        str | None,
        typer.Option(
            "--collection",
            help="Judge this collection of --store, as it is.",
            metavar="C",
            autocompletion=collection_names,
        ),
    ] = None,
    store: Location = "./simplugin_db",
    tenant: Tenant = None,
    mode: Annotated[
        str | None,
        typer.Option(
            "--mode", help="dense, words or hybrid; without it dense, or with --collection its own.", metavar="MODE"
        ),
    ] = None,
    qrels: Annotated[
        str | None,
        typer.Option("--qrels", help="Which judgements of a BEIR folder; without it test.", metavar="NAME"),
    ] = None,
    scale: Scale = None,
    trec: Annotated[
        Path | None,
        typer.Option("--trec", help="Write judgements and runs here, as trec_eval reads them.", metavar="DIR"),
    ] = None,
    out: Out = None,
    fail_under: FailUnder = None,
    resamples: Resamples = 1000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Score a search against labels, stage by stage: the model alone, an index, int8 copies, a reranker.

    STS files are judged by selective@10: answer where there is an answer among the ten best, and keep silent where
    there is none. Other sets are judged by nDCG@10. With --collection your own collection is judged.

    Example: simplugin evaluate retrieval --data en=test.csv --dev en=dev.csv
    """
    from simplugin.evaluation import evaluate_retrieval, read_retrieval
    from simplugin.evaluation.retrieval import METRICS

    bounds, limits, stages = as_bounds(fail_under, METRICS), scale_from(scale), _stages(stage)
    if collection is not None and stage:
        raise typer.BadParameter("--collection is judged as it is; leave out --stage.")
    if tenant is not None and collection is None:
        raise typer.BadParameter("--tenant belongs to --collection.")
    chosen = mode_from(mode)
    if rerank is not None and collection is None and "index" not in stages and "quantized" not in stages:
        raise typer.BadParameter("--rerank orders the hits of an index; add --stage index.")
    sets, tuned, more = (
        [
            read_retrieval(file, language=language, qrels=qrels, scale=limits)
            for language, file in data_from(list(given or ()))
        ]
        for given in (data, dev, corpus)
    )
    with ExitStack() as stack, meter("judging") as show:
        encoder: Encoder | str
        searches: Searches | None
        if collection is not None:
            encoder, searches = _collection(stack, collection, store, model, tenant, chosen, rerank)
        else:
            encoder, searches = model or default_model(), _searches(stack, stages, chosen, rerank)
        judged = evaluate_retrieval(
            encoder,
            sets,
            dev=tuned or None,
            corpus=more or None,
            cross=cross,
            exact_search=collection is None and "exact" in stages,
            searches=searches,
            trec=trec,
            resamples=resamples,
            seed=seed,
            progress=show,
        )
    hidden = _OF_STS if judged.result.main == "selective@10" else _OF_OTHER_SETS
    end(
        judged,
        {key: heading for key, heading in _COLUMNS.items() if key not in hidden},
        as_json=as_json,
        out=out,
        bounds=bounds,
    )
    if as_json:
        return
    note(_told(judged.result.model.name, sets))
    if other := {str(each.details["mode"]) for each in judged.result.sections} - {"dense"}:
        alone = " The stage exact compares vectors alone." if collection is None and "exact" in stages else ""
        note(f"Searched in the mode {', '.join(sorted(other))}.{alone}")


def _stages(texts: Sequence[str] | None) -> list[str]:
    """Read names of stages, in the order in which they come."""
    given = [name.strip() for text in texts or _STAGES for name in text.split(",")]
    unknown = next((name for name in given if name not in _STAGES), None)
    if unknown is not None:
        message = f"there is no stage {unknown!r}; known: {', '.join(_STAGES)}, and --rerank."
        raise typer.BadParameter(message, param_hint="--stage")
    return [name for name in _STAGES if name in given]


def _collection(
    stack: ExitStack,
    name: str,
    location: str,
    model: str | None,
    tenant: str | None,
    mode: Mode | None,
    rerank: str | None,
) -> tuple[Encoder, Searches]:
    """Open a collection, and return its model and what searches it."""
    from simplugin_qdrant import collection_searches, register

    opened = stack.enter_context(existing_store(location))
    opened.describe(name)  # register would make the collection of a model
    docs = register(opened, name, model, tenant=tenant)
    return docs.encoder, collection_searches(docs, mode=mode, reranker=_reranker(rerank))


def _searches(stack: ExitStack, stages: Sequence[str], mode: Mode | None, rerank: str | None) -> Searches | None:
    """Return what searches in a store of its own, which is gone afterwards; None where that is not asked."""
    from tempfile import TemporaryDirectory

    from simplugin_qdrant import open_store, stage_searches
    from simplugin_qdrant.judging import StoredStage

    stored: list[StoredStage] = [name for name in get_args(StoredStage) if name in stages]
    if not stored:
        return None
    folder = stack.enter_context(TemporaryDirectory(prefix="simplugin-"))
    opened = stack.enter_context(open_store(folder))
    return stage_searches(opened, stored, mode=mode or "dense", reranker=_reranker(rerank))


def _reranker(name: str | None) -> Reranker | None:
    from simplugin.reranking import open_reranker

    return None if name is None else open_reranker(name)


def _told(model: str, sets: Sequence[RetrievalSet]) -> str:
    if sets[0].graded:
        return (
            f"{model}: selective@10 is the mean of two shares: queries answered with a relevant text among the ten "
            "best, and queries without an answer for which nothing judged was accepted, at the threshold."
        )
    return f"{model}: nDCG@10, RR@10 and R@10 over the queries that have a relevant document."
