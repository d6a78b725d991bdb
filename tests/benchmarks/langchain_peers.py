"""langchain-huggingface and langchain-qdrant over the questions and chunks that ``langchain`` left in a folder.

``python -m tests.benchmarks.langchain_peers FOLDER MODEL THREADS`` prints what is compared, then does what each line of
its input names, and answers with its seconds: it stays alive, so that both sides take turns with open models. Run
by the environment of the peers, which has no simplugin.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

Taken: TypeAlias = tuple[float, float]
"""Seconds of the clock, and of the processor."""

WIDTH = 384  # of all-MiniLM-L6-v2
PACKAGES = (
    "langchain-core",
    "langchain-huggingface",
    "langchain-qdrant",
    "sentence-transformers",
    "transformers",
    "qdrant-client",
)


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    folder, model, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    torch: Any = import_module("torch")
    torch.set_num_threads(threads)
    huggingface: Any = import_module("langchain_huggingface")
    embeddings = huggingface.HuggingFaceEmbeddings(model_name=model, model_kwargs={"device": "cpu"})
    embeddings.embed_documents(["The first call of a model takes longer."])
    does: dict[str, Callable[[], Taken]] = {
        "together": lambda: together(embeddings, folder),
        "one by one": lambda: singly(embeddings, folder),
        "add": lambda: add(embeddings, folder),
    }
    print(json.dumps(", ".join(f"{name} {version(name)}" for name in PACKAGES)), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(does[line.strip()]()), file=answers, flush=True)


def together(embeddings: Any, folder: Path) -> Taken:
    questions = json.loads((folder / "questions.json").read_text("utf-8"))

    async def ask() -> Any:
        return await asyncio.gather(*(embeddings.aembed_query(question) for question in questions))

    rows, taken = timed(lambda: asyncio.run(ask()))
    np.save(folder / "questions.npy", np.array(rows, dtype=np.float32))
    return taken


def singly(embeddings: Any, folder: Path) -> Taken:
    questions = json.loads((folder / "questions.json").read_text("utf-8"))
    return timed(lambda: [embeddings.embed_query(question) for question in questions])[1]


def add(embeddings: Any, folder: Path) -> Taken:
    """As on LangChain's page about Qdrant: a new collection in memory, then ``add_documents``."""
    core: Any = import_module("langchain_core.documents")
    langchain_qdrant: Any = import_module("langchain_qdrant")
    qdrant_client: Any = import_module("qdrant_client")
    texts = json.loads((folder / "chunks.json").read_text("utf-8"))
    client = qdrant_client.QdrantClient(":memory:")
    space = qdrant_client.models.VectorParams(size=WIDTH, distance=qdrant_client.models.Distance.COSINE)
    client.create_collection("bench", vectors_config=space)
    store = langchain_qdrant.QdrantVectorStore(client=client, collection_name="bench", embedding=embeddings)
    documents = [core.Document(page_content=text, metadata={"chunk": place}) for place, text in enumerate(texts)]
    _, taken = timed(lambda: store.add_documents(documents))
    records, _ = client.scroll("bench", limit=len(texts) + 1, with_payload=True, with_vectors=True)
    stored = {record.payload["page_content"]: record.vector for record in records}
    np.save(folder / "chunks.npy", np.array([stored[text] for text in texts], dtype=np.float32))
    return taken


def timed(work: Callable[[], Any]) -> tuple[Any, Taken]:
    started, busy = time.perf_counter(), time.process_time()
    done = work()
    return done, (time.perf_counter() - started, time.process_time() - busy)


if __name__ == "__main__":
    main()
