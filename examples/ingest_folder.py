"""A folder of documents that is kept searchable: run it again after a change, and only the change is done.

python examples/ingest_folder.py                    takes in the sample documents, in eight languages
python examples/ingest_folder.py FOLDER …           takes in yours: Markdown, text, HTML, PDF, DOCX, CSV …
python examples/ingest_folder.py FOLDER --ask TEXT  and asks them something

The store is the folder ./simplugin_db, or what SIMPLUGIN_STORE names. A run that is killed is finished by the next.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import simplugin as sp
from simplugin import samples
from simplugin.ingestion import Progress
from simplugin_qdrant import open_store, register


def main(folders: Sequence[str], question: str) -> None:
    with open_store(os.environ.get("SIMPLUGIN_STORE", "./simplugin_db")) as store:
        # "lang" is in the metadata of every chunk, and filtered by: the engine keeps an index of it.
        docs = register(store, "my-documents" if folders else "samples", "starter", indexes={"lang": "keyword"})
        report = docs.ingest(
            list(folders) or [str(samples.documents_folder())],
            max_tokens=96,  # short passages answer questions better than pages
            headings=True,  # the model reads each passage under its headings
            prune=True,  # documents whose files are gone go too
            progress=show if sys.stderr.isatty() else None,
        )
        print(told(report))
        for failure in report.failures:
            print(f"not read: {failure.source}: {failure.reason}")

        print(f"\n{question}")
        for hit in docs.search(question, limit=3, group=True):  # each document once, with its best passage
            print(f"  {hit.score:.2f}  {hit.metadata.get('lang', '?'):2}  {hit.source}")


def told(report: sp.IngestReport) -> str:
    documents, chunks = report.documents, report.chunks
    return (
        f"documents: {documents.added} added, {documents.updated} updated, {documents.unchanged} unchanged, "
        f"{documents.deleted} deleted\n"
        f"passages: {chunks.written} written, {chunks.deleted} deleted; {report.tokens.encoded} tokens embedded"
    )


def show(progress: Progress) -> None:
    print(f"\r{progress.documents} documents", end="" if not progress.indexing else "\n", file=sys.stderr)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folders", nargs="*", metavar="FOLDER", help="your documents")
    arguments.add_argument("--ask", default="How much does a monthly bus pass cost?", metavar="TEXT", help="a question")
    given = arguments.parse_args()
    main(given.folders, given.ask)
