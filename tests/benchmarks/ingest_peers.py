"""LangChain's and Haystack's way of bringing the chunks that ``ingest`` left in a folder into Qdrant in memory.

``python -m tests.benchmarks.ingest_peers NAME FOLDER MODEL THREADS`` leaves the vectors of each corpus beside its
chunks, in their order, and prints the seconds as a JSON object; with the one argument ``versions`` it prints what is
compared. Run by the environment of the peers, which has no simplugin.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

Ingest: TypeAlias = Callable[[Sequence[str]], Any]
"""Takes chunks into a new store, and returns the client it is reached by."""

WIDTH = 384  # of all-MiniLM-L6-v2
PACKAGES = {
    "LangChain": (
        "langchain-qdrant",
        "langchain-huggingface",
        "sentence-transformers",
        "transformers",
        "qdrant-client",
    ),
    "Haystack": ("qdrant-haystack", "sentence-transformers-haystack", "haystack-ai"),
}


def main() -> None:
    if sys.argv[1:] == ["versions"]:
        print(json.dumps({name: ", ".join(f"{each} {version(each)}" for each in PACKAGES[name]) for name in PACKAGES}))
        return
    name, folder, model, threads = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    torch: Any = import_module("torch")
    torch.set_num_threads(threads)
    ingest, text_key = {"LangChain": langchain, "Haystack": haystack}[name](model)
    seconds = {corpus.stem: _measure(name, ingest, text_key, corpus) for corpus in sorted(folder.glob("*.jsonl"))}
    print(json.dumps(seconds))


def langchain(model: str) -> tuple[Ingest, str]:
    """As on LangChain's page about Qdrant: ``from_documents`` with the embeddings of ``langchain-huggingface``."""
    documents: Any = import_module("langchain_core.documents")
    huggingface: Any = import_module("langchain_huggingface")
    qdrant: Any = import_module("langchain_qdrant")
    embeddings = huggingface.HuggingFaceEmbeddings(model_name=model, model_kwargs={"device": "cpu"})
    embeddings.embed_documents(["The first call of a model takes longer."])

    def ingest(texts: Sequence[str]) -> Any:
        ready = [documents.Document(page_content=text) for text in texts]
        store = qdrant.QdrantVectorStore.from_documents(ready, embeddings, location=":memory:", collection_name="bench")
        return store.client

    return ingest, "page_content"


def haystack(model: str) -> tuple[Ingest, str]:
    """As on Haystack's page about Qdrant: its embedder, then its writer."""
    core: Any = import_module("haystack")
    utils: Any = import_module("haystack.utils")
    writers: Any = import_module("haystack.components.writers")
    embedders: Any = import_module("haystack_integrations.components.embedders.sentence_transformers")
    stores: Any = import_module("haystack_integrations.document_stores.qdrant")
    embedder = embedders.SentenceTransformersDocumentEmbedder(model=model, device=utils.ComponentDevice.from_str("cpu"))
    embedder.run([core.Document(content="The first call of a model takes longer.")])

    def ingest(texts: Sequence[str]) -> Any:
        store = stores.QdrantDocumentStore(":memory:", index="bench", embedding_dim=WIDTH)
        embedded = embedder.run([core.Document(content=text) for text in texts])["documents"]
        writers.DocumentWriter(store).run(embedded)
        return store._client

    return ingest, "content"


def _measure(name: str, ingest: Ingest, text_key: str, corpus: Path) -> float:
    """Return the seconds that one corpus takes; what was stored is looked up after."""
    texts = [json.loads(line)["text"] for line in corpus.read_text("utf-8").splitlines()]
    started = time.perf_counter()
    client = ingest(texts)
    seconds = time.perf_counter() - started
    records, _ = client.scroll("bench", limit=len(texts) + 1, with_payload=True, with_vectors=True)
    stored = {record.payload[text_key]: record.vector for record in records}
    np.save(corpus.with_name(f"{name}-{corpus.stem}.npy"), np.array([stored[text] for text in texts], dtype=np.float32))
    return seconds


if __name__ == "__main__":
    main()
