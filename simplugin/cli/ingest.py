"""``simplugin ingest``: files into a collection."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simplugin.cli.options import AsJson, Location, Model, Tenant
from simplugin.cli.output import meter, note, print_json
from simplugin.errors import DataError

if TYPE_CHECKING:
    from simplugin.ingestion import Found, IngestReport

__all__ = ["ingest"]


def ingest(
    paths: Annotated[list[str], typer.Argument(help="Files, folders and globs.", metavar="PATH…")],
    collection: Annotated[str, typer.Option("--collection", "-c", help="Where they go.", metavar="C")],
    store: Location = "./simplugin_db",
    model: Model = None,
    root: Annotated[Path | None, typer.Option("--root", help="Name documents by their path under this folder.")] = None,
    include: Annotated[list[str] | None, typer.Option("--include", help="Only these (pattern; repeatable).")] = None,
    exclude: Annotated[list[str] | None, typer.Option("--exclude", help="Not these (pattern; repeatable).")] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=16, help="Tokens a chunk may have.")] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Delete documents whose file is gone.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Bring a collection up to date with files: only what changed is embedded.

    Example: simplugin ingest ./docs --collection handbook
    """
    from simplugin.ingestion import find_files
    from simplugin_qdrant import open_store, register

    patterns = {"include": include or [], "exclude": exclude or []}
    found = list(find_files(paths, **patterns))
    if not found:
        raise DataError("no file is left after --include and --exclude.")
    with open_store(store) as opened:
        known = collection in opened.names()
        if not known:
            _require_one_readable(found, root)  # a collection is made for something, not for nothing
            model = model or "starter"
        with open_store(":memory:") if dry_run and not known else nullcontext(opened) as place:
            target = register(place, collection, model, tenant=tenant)
            with meter() as shown:
                report = target.ingest(
                    paths,
                    root=root,
                    max_tokens=max_tokens,
                    prune=prune,
                    dry_run=dry_run,
                    progress=shown.show,
                    **patterns,
                )
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        _say(report, dry_run=dry_run)
    for failure in report.failures:
        note(f"failed: {failure.source}: {failure.reason}")
    if report.failures:
        raise typer.Exit(3 if report.documents.failed < report.documents.seen else 1)


def _require_one_readable(found: Sequence[Found], root: Path | None) -> None:
    """Raise ``DataError`` with every reason where not one file can be read."""
    from simplugin.ingestion import read_document

    problems: list[str] = []
    for file in found:
        if file.problem:
            problems.append(f"{file.path}: {file.problem}")
            continue
        try:
            read_document(file.path, root=root)
        except DataError as error:
            problems.append(str(error))
        else:
            return
    raise DataError("; ".join(problems))


def _say(report: IngestReport, *, dry_run: bool) -> None:
    documents, chunks = report.documents, report.chunks
    speed = f", {chunks.written / report.seconds:,.0f} chunks/s" if chunks.written and not dry_run else ""
    note(
        f"{'Would be: ' if dry_run else ''}{documents.added} added, {documents.updated} updated, "
        f"{documents.unchanged} unchanged, {documents.deleted} deleted, {documents.failed} failed; "
        f"{chunks.written} chunks embedded, {chunks.unchanged} kept, {chunks.deleted} deleted, "
        f"in {report.seconds:.2f} s{speed} ({report.collection}, {report.model})"
    )
