"""From a title in one language to the same page in English."""

from __future__ import annotations

import tempfile
from pathlib import Path

from simplugin_qdrant import open_store, register
from tests.benchmarks.pages import read_page

LANGUAGES = ("es", "de", "tr", "ru", "zh")


def run(data: Path) -> None:
    """Print hit@1 and hit@10 by language: query with a page's title, look for the page among the English ones."""
    pages = data / "docs" / "fastapi"
    with tempfile.TemporaryDirectory() as folder, open_store(folder) as store:
        docs = register(store, "english", "starter")
        docs.ingest([pages / "en"], root=pages / "en")
        for language in LANGUAGES:
            ranks = [
                rank_of(docs.search(title, limit=400), page.relative_to(pages / language).as_posix())
                for page in sorted((pages / language).rglob("*.md"))
                if (pages / "en" / page.relative_to(pages / language)).exists()
                and (title := read_page(page).metadata.get("title"))
            ]
            hit1, hit10 = (sum(rank <= at for rank in ranks) / len(ranks) for at in (1, 10))
            print(f"{language}  {len(ranks)} pages  hit@1 {hit1:.3f}  hit@10 {hit10:.3f}")


def rank_of(hits: list, page: str) -> int:  # type: ignore[type-arg]
    """Return the page's place among the distinct pages of the hits, from 1; a million where it is not among them."""
    order = list(dict.fromkeys(hit.document_id for hit in hits))
    return order.index(page) + 1 if page in order else 1_000_000
