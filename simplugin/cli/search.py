"""``simplugin search``: what answers a question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from simplugin.cli.completion import model_names
from simplugin.cli.options import (
    AsJson,
    CollectionName,
    Filters,
    Location,
    Query,
    StoredModel,
    Tenant,
    existing_store,
    filter_from,
    mode_from,
)
from simplugin.cli.output import note, print_item, print_json, waiting
from simplugin.errors import DataError

if TYPE_CHECKING:
    from simplugin.records import Hit
    from simplugin_qdrant import Collection

__all__ = ["hit_row", "search", "show_hits"]

_SNIPPET = 300
_LOOKED_AT = 1000


def search(
    collection: CollectionName,
    query: Query,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many hits.")] = 5,
    mode: Annotated[
        str | None,
        typer.Option(
            "--mode", help="dense (by meaning), words or hybrid. [default: the collection's own]", metavar="MODE"
        ),
    ] = None,
    group: Annotated[bool, typer.Option("--group", help="Each document once, with its best chunk.")] = False,
    filters: Filters = None,
    tenant: Tenant = None,
    rerank: Annotated[
        str | None,
        typer.Option(
            "--rerank",
            help="Order a larger pool by this model, of pairs or of vectors.",
            metavar="MODEL",
            autocompletion=model_names,
        ),
    ] = None,
    min_score: Annotated[float | None, typer.Option("--min-score", help="Leave out hits below this score.")] = None,
    min_probability: Annotated[
        float | None,
        typer.Option(
            "--min-probability", min=0, max=1, help="Leave out hits below this probability; see collections calibrate."
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option("--language", help="The texts' language, for its own calibration.", metavar="LANG"),
    ] = None,
    store: Location = "./simplugin_db",
    model: StoredModel = None,
    as_json: AsJson = False,
) -> None:
    """Find the texts of a collection that are closest to a question.

    Example: simplugin search handbook "When does the library open?" --limit 3
    """
    from simplugin_qdrant import register

    if not query.strip():
        raise DataError("the query is blank.")
    chosen = filter_from(filters or [])
    wanted = mode_from(mode)
    with existing_store(store) as opened, waiting("searching"):
        if model:
            opened.describe(collection)  # register would make the collection; a search makes none
        docs = register(opened, collection, model, tenant=tenant)
        hits = docs.search(
            query,
            limit=limit,
            mode=wanted,
            group=group,
            filter=chosen,
            min_score=min_score,
            min_probability=min_probability,
            rerank=rerank,
            language=language,
        )
        reason = "" if hits or not chosen else _why_nothing(docs, chosen)
    if as_json:
        for rank, hit in enumerate(hits, 1):
            print_json(hit_row(rank, hit))
    elif hits:
        show_hits(hits)
    else:
        note(f"Nothing found{reason}.")


def hit_row(rank: int, hit: Hit) -> dict[str, Any]:
    """Return a hit as JSON values, its rank first."""
    return {"rank": rank, **asdict(hit)}


def _why_nothing(docs: Collection, chosen: Mapping[str, Any]) -> str:
    """Say of a filter that none of the first texts has its keys, or holds texts there and no numbers.

    Such a filter finds nothing, and is no error.
    """
    looked_at = [text.metadata for text in islice(docs.stored(), _LOOKED_AT)]
    known = {key for metadata in looked_at for key in metadata}
    asked = {key.split(".")[0] for key in chosen} - {"not", "or", "document_id", "source"}
    if known and (missing := asked - known):
        lacking, there = (", ".join(sorted(keys)) for keys in (missing, known))
        return f": no text looked at has {lacking} in its metadata, which has {there}"
    for key in sorted(asked & set(chosen)):
        values = [metadata[key] for metadata in looked_at if key in metadata]
        if _has_number(chosen[key]) and values and all(isinstance(value, str) for value in values):
            return f": {key} is compared with a number, and holds texts such as {values[0]!r} (ingest --number-column)"
    return ""


def _has_number(wanted: object) -> bool:
    """Say whether a filter's value, one of them, or a bound of its range is a number."""
    inner: object = [wanted]
    if isinstance(wanted, Mapping):
        inner = cast("Mapping[str, object]", wanted).values()
    elif isinstance(wanted, list):
        inner = cast("object", wanted)
    return any(isinstance(each, int | float) and not isinstance(each, bool) for each in cast("Iterable[object]", inner))


def _place(hit: Hit) -> str:
    """Return a hit's source, with the number of its row in a table, or after the id that a row has of its own."""
    if not hit.source:
        return hit.document_id
    name = hit.source.rpartition("/")[2]
    rest = hit.document_id.rpartition("/")[2]
    return hit.source + rest[len(name) :] if rest.startswith(name) else f"{hit.document_id} in {hit.source}"


def show_hits(hits: list[Hit]) -> None:
    """Print hits for people: score, probability and source on a line, the beginning of the text under it."""
    for rank, hit in enumerate(hits, 1):
        text = " ".join(hit.text.split())
        probability = "" if hit.probability is None else f"  {hit.probability:.0%}"
        print_item(f"{rank:2}. {hit.score:.3f}{probability}  ", _place(hit))
        print_item("    ", f"{text[:_SNIPPET]}{'…' if len(text) > _SNIPPET else ''}")
