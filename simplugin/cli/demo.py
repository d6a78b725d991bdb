"""``simplugin demo``: the main job, end to end, on sample documents."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from simplugin import samples

if TYPE_CHECKING:
    from simplugin.encoders import Encoder
    from simplugin_qdrant import Collection

__all__ = ["demo"]

_SHOWN = 4  # questions: enough to see several scripts, few enough for one screen
_UTTERANCES = (
    "J'ai oublié mon parapluie dans le bus",
    "fatura ödemek istiyorum",
    "Wann macht ihr morgen auf?",
    "Tell me a joke about penguins",
)


def demo() -> None:
    """Show the main job on sample documents: ingest, search across languages, rerank, intents, score.

    Example: simplugin demo
    """
    from simplugin.encoders import load
    from simplugin_qdrant import open_store, register

    started = time.perf_counter()
    model = load("starter")
    _step("Model", f"{model.card.name}, {model.dimension} numbers a text, no download: sp.load('starter')")
    with tempfile.TemporaryDirectory(prefix="simplugin-demo-") as folder, open_store(folder) as store:
        docs = register(store, "handbook", model)
        _ingest(docs)
        _search(docs)
        _rerank(docs, model)
    _match(model)
    _score(model)
    typer.echo(f"\nAll of it took {time.perf_counter() - started:.1f} s. Try next:")
    command = _command()
    typer.echo(f"  {command} ingest {shlex.quote(_short(samples.documents_folder()))} --collection handbook")
    typer.echo(f'  {command} search handbook "How do I make better coffee at home?"')
    typer.echo(f"  {command} models list")


def _ingest(docs: Collection) -> None:
    report = docs.ingest([samples.documents_folder()])
    again = docs.ingest([samples.documents_folder()])
    _step("Ingest", "a handbook in 8 languages; run again, only what changed is embedded: docs.ingest([folder])")
    for each in (report, again):
        typer.echo(
            f"   {each.documents.added:3} documents added, {each.documents.unchanged:3} unchanged, "
            f"{each.chunks.written:3} chunks embedded in {each.seconds:.2f} s"
        )


def _search(docs: Collection) -> None:
    _step("Search", "ask in one language, find the answer in the others: docs.search(question)")
    asked = samples.questions()
    right = 0
    for number, question in enumerate(asked):
        hits = [hit for hit in docs.search(question.text, limit=12) if _language(hit.source) != question.lang][:3]
        right += bool(hits) and _topic(hits[0].source) == question.topic
        if number % (len(asked) // _SHOWN) == 0:
            typer.echo(f"   {question.lang}: {question.text}")
            for hit in hits:
                typer.echo(f"      {hit.score:.2f} {_language(hit.source)} · {hit.metadata.get('title', hit.source)}")
    typer.echo(f"   Best hit in another language about the right topic: {right} of {len(asked)} questions")


def _rerank(docs: Collection, model: Encoder) -> None:
    from simplugin.reranking import SimilarityReranker

    question = samples.questions()[0]
    _step(
        "Rerank",
        "a second look at the hits, best by a larger model: sp.SimilarityReranker(model).rerank(query, hits)",
    )
    hits = docs.search(question.text, limit=8)
    for hit in SimilarityReranker(model).rerank(question.text, hits, top_n=3):
        typer.echo(f"   {hit.score:.2f} {_language(hit.source)} · {hit.metadata.get('title', hit.source)}")


def _match(model: Encoder) -> None:
    from simplugin.intents import IntentMatcher

    utterances = samples.intents()
    _step(
        "Intents",
        f"{len(utterances)} of them by example, in any language: sp.IntentMatcher(utterances, model).match(text)",
    )
    for match in IntentMatcher(utterances, model).match(_UTTERANCES):
        meant = match.intent if match.status == "match" else f"{match.status} (nearest: {match.intent})"
        typer.echo(f"   {match.score:.2f} {match.text} → {meant}")


def _score(model: Encoder) -> None:
    from simplugin.evaluation import cosine_of_pairs, spearman

    pairs = samples.pairs()
    cosines = cosine_of_pairs(model, [pair.sentence1 for pair in pairs], [pair.sentence2 for pair in pairs])
    rho = spearman(cosines, [pair.score for pair in pairs])
    _step("Score", "how well its cosine follows people's labels, on a few pairs in 6 languages")
    typer.echo(f"   Spearman {rho:.2f} over {len(pairs)} pairs: a taste, far too few to choose a model by")


def _step(name: str, text: str) -> None:
    typer.echo(f"\n{name}: {text}")


def _language(source: str | None) -> str:
    return Path(source or "").parent.name


def _topic(source: str | None) -> str:
    return Path(source or "").stem


def _command() -> str:
    """Return how this program was called, so that what is printed can be pasted."""
    called = Path(sys.argv[0]).absolute()
    if called.name == "__main__.py":
        return "python -m simplugin"
    found = shutil.which(called.name)
    return called.name if found and Path(found).absolute() == called else _short(called)


def _short(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
