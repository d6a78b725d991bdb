"""``simplugin ingest``: files into a collection."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simplugin.cli.options import AsJson, Location, StoredModel, Tenant, default_model
from simplugin.cli.output import meter, note, print_json
from simplugin.errors import DataError

if TYPE_CHECKING:
    from simplugin.encoders import Encoder
    from simplugin.ingestion import Found, IngestReport, Progress

__all__ = ["ingest"]

_NAMED = 5  # problems that one sentence holds


def ingest(
    paths: Annotated[list[str], typer.Argument(help="Files, folders and globs.", metavar="PATH…")],
    collection: Annotated[str, typer.Option("--collection", "-c", help="Where they go.", metavar="C")],
    store: Location = "./simplugin_db",
    model: StoredModel = None,
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
    from simplugin.encoders import load
    from simplugin.ingestion import find_files
    from simplugin_qdrant import open_store, register

    patterns = {"include": include or [], "exclude": exclude or []}
    found = list(find_files(paths, **patterns))
    if not found:
        raise DataError("no file is left after --include and --exclude.")
    with ExitStack() as opened:
        place = opened.enter_context(open_store(store))
        encoder = load(model) if model else None
        if collection not in place.names():
            _require_one_readable(found, root)  # a collection is made for something, not for nothing
            encoder = encoder or load(default_model())
            _check_length(encoder, max_tokens)
            place = opened.enter_context(open_store(":memory:")) if dry_run else place
        target = register(place, collection, encoder, tenant=tenant)
        _check_length(target.encoder, max_tokens)
        with meter("ingesting") as show:
            report = target.ingest(
                paths,
                root=root,
                max_tokens=max_tokens,
                prune=prune,
                dry_run=dry_run,
                progress=show and (lambda at: show(at.documents, at.total, _place(at))),
                **patterns,
            )
    if as_json:
        print_json(report.to_json())
    else:
        _say(report, dry_run=dry_run)
    for failure in report.failures:
        note(f"failed: {failure.source}: {failure.reason}")
    if report.failures:
        raise typer.Exit(3 if report.documents.failed < report.documents.seen else 1)


def _place(at: Progress) -> str:
    return f"documents · {at.chunks} chunks{' · building the index' if at.indexing else ''}"


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
    more = "" if len(problems) <= _NAMED else f", and {len(problems) - _NAMED:,} more"
    raise DataError("; ".join(problem.rstrip(".") for problem in problems[:_NAMED]) + more + ".")


def _check_length(encoder: Encoder, max_tokens: int | None) -> None:
    limit = encoder.card.max_tokens
    if max_tokens is not None and limit is not None and max_tokens > limit:
        message = f"--max-tokens is {max_tokens}; {encoder.card.name!r} reads at most {limit}."
        raise typer.BadParameter(message)


def _say(report: IngestReport, *, dry_run: bool) -> None:
    documents, chunks = report.documents, report.chunks
    speed = f", {chunks.written / report.seconds:,.0f} chunks/s" if chunks.written and not dry_run else ""
    note(
        f"{'Would be: ' if dry_run else ''}{documents.added} added, {documents.updated} updated, "
        f"{documents.unchanged} unchanged, {documents.deleted} deleted, {documents.failed} failed; "
        f"{chunks.written} chunks embedded, {chunks.unchanged} kept, {chunks.deleted} deleted, "
        f"in {report.seconds:.2f} s{speed} ({report.collection}, {report.model})"
    )
