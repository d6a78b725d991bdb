"""Searches of pages in a folder with the starter: by meaning, by words, by both, and what a filter adds to them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from simplugin.ingestion.readers.language import identify
from simplugin.records import Document
from simplugin_qdrant import Collection, open_store, register

FOLDERS = ("fastapi", "react", "d2l")
QUESTIONS = (
    "how do I declare a dependency?",
    "convolutional networks explained",
    "hooks that keep the state of a component",
    "gradient descent with momentum",
    "path parameters and their types",
    "what is attention?",
)
ROUNDS = 20
PAGE = "fastapi/en/tutorial/body-fields.md"
FILTERS = {
    "": None,
    "lang, which is indexed": {"lang": "en"},
    "source, likewise": {"source": PAGE},
    "kind, which is not": {"kind": FOLDERS[-1]},
}


def run(data: Path) -> None:
    """Print milliseconds a search, the question's own encoding included."""
    with tempfile.TemporaryDirectory() as folder, open_store(folder) as store:
        docs = register(store, "pages", "starter")
        docs.ingest(pages(data))
        print(f"{docs.count()} chunks in a folder, the starter: milliseconds a search for ten hits")
        print(f"  {'filtered by':26}{'dense':>9}{'words':>9}{'hybrid':>9}")
        for name, condition in FILTERS.items():
            taken = [measure(docs, mode=mode, filter=condition) for mode in ("dense", "words", "hybrid")]
            print(f"  {name:26}" + "".join(f"{each:9.2f}" for each in taken))


def pages(data: Path) -> Iterator[Document]:
    for folder in FOLDERS:
        for path in sorted((data / "docs" / folder).rglob("*.md")):
            text = path.read_text(encoding="utf-8")
            metadata = {"kind": folder, "lang": identify(text)}
            name = path.relative_to(data / "docs").as_posix()
            yield Document(id=name, text=text, source=name, format="markdown", metadata=metadata)


def measure(docs: Collection, **options: object) -> float:
    """Return the milliseconds of a search: the mean of a round, of the best one."""
    rounds: list[float] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for question in QUESTIONS:
            docs.search(question, limit=10, **options)  # type: ignore[arg-type]
        rounds.append(1000 * (time.perf_counter() - started) / len(QUESTIONS))
    return min(rounds)
