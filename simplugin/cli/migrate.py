"""``simplugin collections migrate``: a collection under another model, while it goes on answering."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simplugin.cli.completion import model_names
from simplugin.cli.lines import read_lines
from simplugin.cli.options import AsJson, CollectionName, Location, existing_store
from simplugin.cli.output import meter, note, print_json, waiting

if TYPE_CHECKING:
    from simplugin_qdrant import Collection, Store

__all__ = ["migrate"]


def migrate(
    collection: CollectionName,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="The new model: catalog name, folder, Hub id or URL.",
            metavar="NAME",
            autocompletion=model_names,
        ),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option("--queries", help="Compare the answers to these, one a line; else to the beginnings of texts."),
    ] = None,
    hold: Annotated[bool, typer.Option("--hold", help="Embed and compare, and leave the old model answering.")] = False,
    finish: Annotated[bool, typer.Option("--finish", help="Take the old model's vectors away at the end.")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Let the old model answer again, and no more.")] = False,
    abandon: Annotated[bool, typer.Option("--abandon", help="Take the vectors of --model away, held ones.")] = False,
    store: Location = "./simplugin_db",
    as_json: AsJson = False,
) -> None:
    """Bring a collection over to another model while it goes on answering. Cut short, run it again.

    Held, the same line without --hold goes over, with --abandon back.

    Example: simplugin collections migrate handbook --model bge-m3-ml-tr
    """
    if hold and finish:
        raise typer.BadParameter("--hold leaves the old model answering, so there is nothing to --finish.")
    if abandon and (model is None or hold or finish or rollback or queries):
        raise typer.BadParameter("--abandon takes away the vectors of --model, and goes with nothing else.")
    alone = rollback != finish and not (hold or queries)
    if rollback if model else not alone:
        raise typer.BadParameter("give --model, with --hold or --finish; or --rollback alone, or --finish alone.")
    asked = None if queries is None else [line for line in read_lines([str(queries)]) if line.strip()]
    with existing_store(store) as opened:
        if model is None:
            done = _end(opened, collection, finish=finish)
        elif abandon:
            done = _abandon(opened, collection, model)
        else:
            done = _migrate(opened, collection, model, asked, hold, finish)
    row = {"collection": collection} | done
    if as_json:
        print_json(row)
    note(_told(row))


def _end(opened: Store, collection: str, *, finish: bool) -> dict[str, Any]:
    from simplugin_qdrant import finish_migration, rollback_migration

    return {"serving": (finish_migration if finish else rollback_migration)(opened, collection)}


def _abandon(opened: Store, collection: str, model: str) -> dict[str, Any]:
    from simplugin_qdrant import register

    docs = register(opened, collection)
    docs.migrate(model).abandon()
    return {"serving": docs.encoder.card.full_name}


def _migrate(
    opened: Store, collection: str, model: str, queries: list[str] | None, hold: bool, finish: bool
) -> dict[str, Any]:
    from simplugin_qdrant import register

    started = time.perf_counter()
    docs = register(opened, collection)
    mode, calibrated = docs.mode, docs.calibration is not None
    job = docs.migrate(model)
    with meter("embedding") as show:
        embedded = job.run(lambda at: show(at.done, at.total, "points"))
    with waiting("comparing"):
        compared = asdict(job.compare(queries))
    if not hold:
        job.cutover()
        _warn(docs, mode, calibrated=calibrated)
    if finish:
        job.finish()
    return {
        "before": compared["before"],
        "after": compared["after"],
        "embedded": embedded,
        "queries": compared["queries"],
        "agreement@10": compared["agreement"],
        "serving": compared["before" if hold else "after"],
        "finished": finish,
        "seconds": time.perf_counter() - started,
    }


def _warn(docs: Collection, mode: str, *, calibrated: bool) -> None:
    """Say what is not as it was with the old model: what searches compare, and whether scores are calibrated."""
    if docs.mode != mode:
        note(f"Searches are {docs.mode} now, as is usual for this model, where they were {mode}: see search --mode.")
    if calibrated and docs.calibration is None:
        note(f"Calibrate again before you ask for probabilities: simplugin collections calibrate {docs.name} --data …")


def _told(row: Mapping[str, Any]) -> str:
    serving = f"{row['collection']!r} answers by {row['serving']!r}"
    if "embedded" not in row:
        return f"{serving}."
    embedded = f"Embedded {row['embedded']:,} points by {row['after']!r} in {row['seconds']:.1f} s"
    if row["agreement@10"] is None:  # the old model cannot be asked any more
        return f"{embedded}. {serving}."
    return (
        f"{embedded}; of the ten answers by {row['before']!r}, {row['agreement@10']:.0%} are among the ten by it "
        f"({row['queries']:,} queries). {serving}."
    )
