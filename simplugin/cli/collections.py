"""``simplugin collections``: what is stored, and with which model."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from simplugin.cli import delete, documents, index, migrate
from simplugin.cli.options import (
    AsJson,
    CollectionName,
    Data,
    Location,
    Scale,
    Tenant,
    data_from,
    existing_store,
    scale_from,
)
from simplugin.cli.output import counting, meter, note, print_json, print_table, waiting
from simplugin.cli.verbs import Verbs
from simplugin.errors import StoreError

__all__ = ["app"]

_BEGINNING = 60  # characters of a text in a table

app = typer.Typer(cls=Verbs, help="What is stored, and with which model.", no_args_is_help=True)


@app.command("list")
def list_collections(store: Location = "./simplugin_db", as_json: AsJson = False) -> None:
    """List the collections of a store.

    Example: simplugin collections list --store ./simplugin_db
    """
    from simplugin_qdrant.listing import describe

    rows, damaged = list[dict[str, Any]](), list[str]()
    with existing_store(store) as opened:
        for name in opened.names():
            try:
                rows.append(describe(opened, name, tolerant=True))
            except StoreError as error:  # it must not hide the others
                damaged.append(str(error))
    if as_json:
        for row in rows:
            print_json(row)
    elif rows:
        table = [row | {"models": [vector["model"] or "unknown" for vector in row["vectors"]]} for row in rows]
        columns = {"name": "collection", "points": "points", "documents": "documents", "models": "models"}
        print_table(table, columns | ({"aliases": "aliases"} if any(row["aliases"] for row in rows) else {}))
    elif not damaged:
        note(f"The store at {store!r} holds no collection yet.")
    if damaged:
        raise StoreError("\n".join(damaged))


@app.command("show")
def show(
    collection: CollectionName,
    store: Location = "./simplugin_db",
    as_json: AsJson = False,
) -> None:
    """Show one collection: how much it holds, and the model behind each vector.

    Example: simplugin collections show handbook
    """
    from simplugin_qdrant.listing import describe

    with existing_store(store) as opened:
        row = describe(opened, collection)
    if as_json:
        print_json(row)
        return
    top = row | {"indexes": [f"{key}={kind}" for key, kind in row["indexes"].items()]}
    print_table(
        [top],
        {
            "name": "collection",
            "points": "points",
            "documents": "documents",
            "indexes": "indexes",
            "location": "store",
        },
    )
    print_table(
        row["vectors"],
        {
            "name": "vector",
            "model": "model",
            "dimension": "width",
            "fingerprint": "weights",
            "serving": "answers",
            "calibrated": "calibrated",
        },
    )


app.command("delete")(delete.delete)
app.command("documents")(documents.documents)
app.command("migrate")(migrate.migrate)


@app.command("calibrate")
def calibrate(
    collection: CollectionName,
    data: Data,
    scale: Scale = None,
    threshold: Annotated[
        float, typer.Option("--threshold", min=0, max=5, help="The label, of 0 to 5, from which a text is relevant.")
    ] = 3.0,
    store: Location = "./simplugin_db",
    as_json: AsJson = False,
) -> None:
    """Learn from labelled pairs which probability a score stands for; hits then have one, and so do thresholds.

    Example: simplugin collections calibrate handbook --data en=sts.csv
    """
    from simplugin.evaluation import read_pairs
    from simplugin_qdrant import register

    limits = scale_from(scale)
    with existing_store(store) as opened:
        opened.describe(collection)
        pairs = [pair for tag, file in data_from(data) for pair in read_pairs(file, scale=limits, language=tag)]
        docs = register(opened, collection)
        with waiting("calibrating"):
            made = docs.calibrate(pairs, threshold=threshold)
        model = docs.encoder.card.name
    scales = [
        {"language": language, "pairs": made.scales[language].pairs, "method": made.scales[language].method}
        for language in made.languages
    ]
    if as_json:
        print_json({"collection": collection, "model": model, "threshold": made.threshold, "scales": scales})
        return
    print_table(scales, {"language": "language", "pairs": "pairs", "method": "method"})
    tags = {pair.language for pair in pairs if pair.language}
    if shared := sorted(tag for tag in tags if made.scale(tag) is made.scale()):
        note(f"Too few pairs for a scale of its own: {', '.join(shared)}; the scale of all pairs holds there.")
    note(f"Hits of {collection!r} have a probability and a grade from now on, by {model!r}.")


app.command("index")(index.index)


@app.command("duplicates")
def duplicates(
    collection: CollectionName,
    threshold: Annotated[
        float, typer.Option("--threshold", min=-1, max=1, help="The cosine from which two texts are alike.")
    ] = 0.95,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Groups that are shown, the largest first.")] = 20,
    tenant: Tenant = None,
    store: Location = "./simplugin_db",
    as_json: AsJson = False,
) -> None:
    """Show stored texts that say nearly the same, by the vectors that are there; nothing is changed.

    Example: simplugin collections duplicates handbook --threshold 0.97
    """
    from simplugin_qdrant import register

    with existing_store(store) as opened:
        opened.describe(collection)
        docs = register(opened, collection, tenant=tenant)
        with meter("comparing") as show:
            groups = docs.near_duplicates(threshold, limit=limit, progress=counting(show, "blocks"))
    if as_json:
        for group in groups:
            print_json(group.to_json())
        return
    rows = [
        {
            "group": number,
            "cosine": group.cosine,
            "document": text.document_id,
            "chunk": text.number,
            "text": " ".join(text.text[:_BEGINNING].split()),
        }
        for number, group in enumerate(groups, 1)
        for text in group.texts
    ]
    if rows:
        print_table(rows, {name: name for name in ("group", "cosine", "document", "chunk", "text")})
    else:
        note(f"No two texts of {collection!r} have a cosine of {threshold:g} or more.")


@app.command("copy")
def copy(
    collection: CollectionName,
    to: Annotated[str, typer.Option("--to", help="A folder, or the URL of a Qdrant server.", metavar="LOCATION")],
    name: Annotated[str | None, typer.Option("--name", help="Its name there. [default: the same]")] = None,
    shards: Annotated[int | None, typer.Option("--shards", min=1, help="Parts of a new one, on a cluster.")] = None,
    replicas: Annotated[int | None, typer.Option("--replicas", min=1, help="Copies of each, on a cluster.")] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Delete documents there that are not here.")] = False,
    store: Location = "./simplugin_db",
    as_json: AsJson = False,
) -> None:
    """Copy a collection into another store, and compare both at the end. Cut short, run it again.

    A copy that is there already is brought up to date; documents that it alone has stay, without --prune.

    Example: simplugin collections copy handbook --to http://localhost:6333
    """
    from simplugin_qdrant import Cluster, copy_collection, open_store

    started = time.perf_counter()
    cluster = Cluster(shards, replicas) if shards or replicas else None
    with existing_store(store) as source, ExitStack() as stack:
        if to == ":memory:":
            raise typer.BadParameter("what is in memory is gone when this ends; name a folder or a server.")
        same = "://" not in to and Path(to).resolve() == Path(store).resolve()
        target = source if same else stack.enter_context(open_store(to))
        if same and name in {None, collection}:
            raise typer.BadParameter("that is the collection itself; name another place, or another name with --name.")
        with meter("copying") as show:
            copied = copy_collection(
                source,
                collection,
                target,
                name,
                prune=prune,
                cluster=cluster,
                progress=lambda at: show(at.done, at.total, "compared" if at.comparing else "written"),
            )
    seconds = time.perf_counter() - started
    if as_json:
        print_json({**asdict(copied), "to": to, "seconds": seconds})
    note(
        f"{copied.collection!r} in {to!r} has the {copied.points - copied.kept:,} points of {collection!r}, "
        f"{copied.written:,} of them written in {seconds:.1f} s (checksum {copied.checksum[:16]})."
    )
    if copied.deleted:
        note(f"Deleted there: {copied.deleted:,} points that {collection!r} has not.")
    if copied.kept:
        note(f"Kept there: {copied.kept:,} points of documents that {collection!r} has not; --prune deletes them.")
