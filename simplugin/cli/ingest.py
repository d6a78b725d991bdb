"""``simplugin ingest``: files, and what else holds documents, into a collection."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from simplugin.cli.options import AsJson, Location, StoredModel, Tenant, default_model, metadata_from, parsed
from simplugin.cli.output import Show, meter, note, print_json, waiting
from simplugin.errors import DataError
from simplugin.languages import as_code

if TYPE_CHECKING:
    from simplugin.encoders import Encoder
    from simplugin.ingestion import Found, IngestReport, Options, Progress

__all__ = ["WithRay", "ingest"]

_NAMED = 5  # problems that one sentence holds
_PRUNED = 20  # documents that are named


def ingest(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, globs, URLs; - for JSON lines.", metavar="PATH…")],
    collection: Annotated[str, typer.Option("--collection", "-c", help="Where they go.", metavar="C")],
    store: Location = "./simplugin_db",
    model: StoredModel = None,
    root: Annotated[Path | None, typer.Option("--root", help="Name documents by their path under this folder.")] = None,
    include: Annotated[list[str] | None, typer.Option("--include", help="Only these (pattern; repeatable).")] = None,
    exclude: Annotated[list[str] | None, typer.Option("--exclude", help="Not these, or folders (likewise).")] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option("--metadata", help="Note this beside every document (repeatable).", metavar="KEY=VALUE"),
    ] = None,
    language: Annotated[
        list[str] | None, typer.Option("--language", help="A language to expect, such as tr (repeatable).")
    ] = None,
    text_column: Annotated[
        str | None, typer.Option("--text-column", help="Of tables and JSON lines: the text.")
    ] = None,
    id_column: Annotated[
        str | None, typer.Option("--id-column", help="Of the same: the id; '' takes the file and the row's number.")
    ] = None,
    number_column: Annotated[
        list[str] | None, typer.Option("--number-column", help="Of a table: holds numbers (repeatable).")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=16, help="Tokens a chunk may have.")] = None,
    overlap: Annotated[int, typer.Option("--overlap", min=0, help="Tokens a chunk shares with the one before.")] = 0,
    headings: Annotated[bool, typer.Option("--headings", help="Embed the headings above a chunk with it.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Delete documents whose file is gone.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    part: Annotated[
        str | None, typer.Option("--part", help="Do the i-th of n shares of the work.", metavar="I/N")
    ] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Let URLs lead to addresses that are not public.")
    ] = False,
    one_process: Annotated[
        bool, typer.Option("--one-process", help="Start no second one to split and embed beside the writing.")
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option("--ray", help="Share the work on a Ray cluster: auto, ray://…, host:port.", metavar="[ADDRESS]"),
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="With --ray: how many embed.")] = None,
    near_duplicates: Annotated[
        float | None,
        typer.Option(
            "--near-duplicates",
            min=-1,
            max=1,
            help="Say at the end which texts of the collection have at least this cosine, such as 0.97.",
            metavar="COSINE",
        ),
    ] = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Bring a collection up to date with files: only what changed is embedded.

    Example: simplugin ingest ./docs --collection handbook
    """
    from simplugin.encoders import load
    from simplugin.ingestion import Options, Reading, find_sources
    from simplugin_qdrant import open_store, register

    reading = Reading(
        languages=tuple(code for each in language or () if (code := parsed(each, as_code, "--language"))),
        text_column=text_column,
        id_column=id_column,
        number_columns=tuple(number_column or ()),
    )
    options = Options(
        root=root,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        metadata=metadata_from(metadata or []),
        reading=reading,
        max_tokens=max_tokens,
        overlap=overlap,
        headings=headings,
        prune=prune,
        dry_run=dry_run,
        part=_read_part(part),
        allow_private=allow_private,
        one_process=one_process,
    )
    _check_sources(paths, options)
    _check_ray(paths, ray, workers)
    if near_duplicates is not None and dry_run:
        raise typer.BadParameter("--near-duplicates compares what is stored, and --dry-run stores nothing.")
    with ExitStack() as opened:
        place = opened.enter_context(open_store(store))
        with waiting("opening"):
            encoder = load(model) if model else None
        is_new = collection not in place.names()
        if is_new:
            # A collection is made for something, not for nothing.
            _require_one_readable(find_sources(paths, options), options)
            with waiting("opening"):
                encoder = encoder or load(default_model())
            _check_sizes(encoder, options)
            place = opened.enter_context(open_store(":memory:")) if dry_run else place
        with waiting("opening"):
            target = register(place, collection, encoder, tenant=tenant)
            _check_sizes(target.encoder, options)
        with meter("ingesting") as show:
            at = _At(show)
            try:
                report = target.ingest(
                    paths,
                    options=options,
                    progress=at.tell,
                    ray=False if ray is None else ray or True,
                    workers=workers,
                    near_duplicates=near_duplicates,
                )
            except KeyboardInterrupt as stop:
                raise type(stop)(f" after {at.documents:,} documents") from stop
        if is_new and not target.count():  # nothing came of what can be read only once
            place.drop(collection)
    _say(report, dry_run=dry_run, as_json=as_json)
    if report.failures:
        raise typer.Exit(3 if report.documents.failed < report.documents.seen else 1)


class WithRay(TyperCommand):
    """A command with ``--ray [ADDRESS]``: typer has no option that may stand with a value or without one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the word after ``--ray`` as its address if it looks like one, and as a path if not."""
        return super().parse_args(ctx, list(_joined(args)))


def _joined(words: Sequence[str]) -> Iterator[str]:
    end = words.index("--") if "--" in words else len(words)
    place = 0
    while place < end:
        word, place = words[place], place + 1
        if word == "--ray":
            has_address = place < end and _is_address(words[place])
            word = f"--ray={words[place]}" if has_address else "--ray="
            place += has_address
        yield word
    yield from words[end:]


def _is_address(word: str) -> bool:
    from simplugin.ingestion.distributed.cluster import is_address

    return is_address(word)


class _At:
    """How far it is, on the progress bar or in the log."""

    def __init__(self, show: Show) -> None:
        self.documents = 0
        self._show = show
        self._started = time.perf_counter()

    def tell(self, at: Progress) -> None:
        self.documents = at.documents if at.done is None else at.done
        rate = at.chunks / max(time.perf_counter() - self._started, 1e-9)
        building = " · building the index" if at.indexing else ""
        self._show(self.documents, at.total, f"documents · {at.chunks:,} chunks · {rate:,.0f}/s{building}")


def _read_part(given: str | None) -> tuple[int, int] | None:
    if given is None:
        return None
    number, slash, count = given.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        message = f"--part is {given!r}; give i/n with i from 1 to n, such as 1/4."
        raise typer.BadParameter(message)
    return int(number), int(count)


def _check_sources(paths: Sequence[str], options: Options) -> None:
    """Raise where the given paths and options do not go together, or no file is left."""
    if "-" in paths and options.prune:
        raise typer.BadParameter("--prune needs files: what came on stdin before cannot be told from what is gone.")
    if "-" in paths and len(paths) > 1:
        raise typer.BadParameter("- stands alone: what comes on stdin is read once.")


def _check_ray(paths: Sequence[str], ray: str | None, workers: int | None) -> None:
    """Raise where what is said of Ray makes no sense."""
    if ray and not _is_address(ray):
        message = f"--ray is {ray!r}; give auto, ray://host:10001 or host:6379, or nothing for this machine alone."
        raise typer.BadParameter(message)
    if ray is None and workers is not None:
        raise typer.BadParameter("--workers needs --ray: without it one process does all.")
    if ray is not None and "-" in paths:
        raise typer.BadParameter("--ray needs files: what comes on stdin is there in one process only.")


def _require_one_readable(found: Found, options: Options) -> None:
    """Raise ``DataError`` with the first reasons where not one of the files can be read."""
    from simplugin.ingestion import Failure, read_sources

    if not found:
        raise DataError("no file is left after --include, --exclude and --part.")
    if found.stdin or found.addresses or found.elsewhere:
        return  # these are read once
    problems, left = list[str](), 0
    for entry in read_sources(found, options):
        if not isinstance(entry, Failure):
            return
        if len(problems) < _NAMED:
            problems.append(f"{entry.source}: {entry.reason}".rstrip("."))
        else:
            left += 1
    if not problems:
        raise DataError("there is nothing to read in the files given.")
    raise DataError("; ".join(problems) + (f", and {left:,} more" if left else "") + ".")


def _check_sizes(encoder: Encoder, options: Options) -> None:
    from simplugin.ingestion import Splitter

    limit, wanted = encoder.card.max_tokens, options.max_tokens
    if wanted is not None and limit is not None and wanted > limit:
        message = f"--max-tokens is {wanted}; {encoder.card.name!r} reads at most {limit}."
        raise typer.BadParameter(message)
    try:
        Splitter(encoder, options.max_tokens, overlap=options.overlap)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _say(report: IngestReport, *, dry_run: bool, as_json: bool) -> None:
    documents, chunks = report.documents, report.chunks
    if as_json:
        print_json(report.to_json())
    else:
        speed = f", {chunks.written / report.seconds:,.0f} chunks/s" if chunks.written and not dry_run else ""
        reused = f" ({chunks.reused} with vectors that were there)" if chunks.reused else ""
        note(
            f"{'Would be: ' if dry_run else ''}{documents.added} added, {documents.updated} updated, "
            f"{documents.unchanged} unchanged, {documents.deleted} deleted, {documents.failed} failed; "
            f"{chunks.written} chunks written{reused}, {chunks.unchanged} kept, {chunks.deleted} deleted, "
            f"in {report.seconds:.2f} s{speed} ({report.collection}, {report.model})"
        )
        for gone in report.pruned[:_PRUNED]:
            note(f"{'would be ' if dry_run else ''}deleted: {gone}")
        if len(report.pruned) > _PRUNED:
            note(f"… and {len(report.pruned) - _PRUNED:,} more, in the report of --json")
        if report.skipped:
            endings = ", ".join(f"{number:,} {ending}" for ending, number in sorted(report.skipped.items()))
            note(f"left out, of no format that is read: {endings}")
        for told in report.notes:
            note(f"{told}.")
        for guess in report.guessed:
            note(f"read as {guess['encoding']} ({guess['confidence']:.0%} sure): {guess['source']}")
        for group in report.near_duplicates:
            note(f"nearly the same ({group['cosine']:.3f}): {_documents(group)}")
    for failure in report.failures:
        note(f"failed: {failure.source}: {failure.reason}")


def _documents(group: Mapping[str, Any]) -> str:
    """Name the documents that the texts of a group are in, the first of many."""
    names = list(dict.fromkeys(text["document_id"] for text in group["texts"]))
    more = "" if len(names) <= _NAMED else f", and {len(names) - _NAMED:,} more"
    return f"{len(group['texts'])} texts in {', '.join(names[:_NAMED])}{more}"
