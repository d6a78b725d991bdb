"""How LangChain, Haystack, LlamaIndex and FastEmbed bring the chunks that ``ingest`` left into Qdrant in memory.

``python -m tests.benchmarks.ingest_peers NAME FOLDER MODEL THREADS`` leaves the vectors of each corpus beside its
chunks, in their order, and prints the seconds as a JSON object; with the one argument ``versions`` it prints what is
compared. Run by the environment of the peers, which has no simplugin.
"""

from __future__ import annotations

import atexit
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

Ingest: TypeAlias = Callable[[Sequence[str]], Any]
"""Takes chunks into a new store, and returns the client it is reached by."""
Read: TypeAlias = Callable[[dict[str, Any]], str]
"""Takes the text out of a stored payload."""

WIDTH = 384  # of all-MiniLM-L6-v2
FASTEMBED, ONNX = "local/all-MiniLM-L6-v2", "model.onnx"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
PACKAGES = {
    "LangChain": (
        "langchain-qdrant",
        "langchain-huggingface",
        "sentence-transformers",
        "transformers",
        "qdrant-client",
    ),
    "Haystack": ("qdrant-haystack", "sentence-transformers-haystack", "haystack-ai"),
    "LlamaIndex": ("llama-index-vector-stores-qdrant", "llama-index-embeddings-huggingface", "llama-index-core"),
    "FastEmbed": ("fastembed", "onnxruntime"),
}


def main() -> None:
    if sys.argv[1:] == ["versions"]:
        print(json.dumps({name: ", ".join(f"{each} {version(each)}" for each in PACKAGES[name]) for name in PACKAGES}))
        return
    name, folder, model, threads = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    torch: Any = import_module("torch")
    torch.set_num_threads(threads)
    peers = {"LangChain": langchain, "Haystack": haystack, "LlamaIndex": llama_index, "FastEmbed": fastembed}
    ingest, read = peers[name](model)
    seconds = {corpus.stem: _measure(name, ingest, read, corpus) for corpus in sorted(folder.glob("*.jsonl"))}
    print(json.dumps(seconds))


def langchain(model: str) -> tuple[Ingest, Read]:
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

    return ingest, itemgetter("page_content")


def haystack(model: str) -> tuple[Ingest, Read]:
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

    return ingest, itemgetter("content")


def llama_index(model: str) -> tuple[Ingest, Read]:
    """As on LlamaIndex's pages about its pipeline and about Qdrant: the embedding as a step, the store at its end."""
    client: Any = import_module("qdrant_client")
    pipelines: Any = import_module("llama_index.core.ingestion")
    schema: Any = import_module("llama_index.core.schema")
    huggingface: Any = import_module("llama_index.embeddings.huggingface")
    qdrant: Any = import_module("llama_index.vector_stores.qdrant")
    embedding = huggingface.HuggingFaceEmbedding(model_name=model, device="cpu")
    embedding.get_text_embedding("The first call of a model takes longer.")

    def ingest(texts: Sequence[str]) -> Any:
        reached = client.QdrantClient(":memory:")
        store = qdrant.QdrantVectorStore(client=reached, collection_name="bench")
        nodes = [schema.TextNode(text=text) for text in texts]
        pipelines.IngestionPipeline(transformations=[embedding], vector_store=store).run(nodes=nodes)
        return reached

    return ingest, lambda payload: str(json.loads(payload["_node_content"])["text"])


def fastembed(model: str) -> tuple[Ingest, Read]:
    """As on Qdrant's page about FastEmbed: the client embeds what it uploads. The model is a custom one, from files."""
    client: Any = import_module("qdrant_client")
    engine: Any = import_module("fastembed")
    described: Any = import_module("fastembed.common.model_description")
    torch: Any = import_module("torch")
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    _export(Path(model), Path(folder))
    engine.TextEmbedding.add_custom_model(
        FASTEMBED,
        pooling=described.PoolingType.MEAN,
        normalization=True,
        sources=described.ModelSource(hf=FASTEMBED),
        dim=WIDTH,
        model_file=ONNX,
    )
    options = {"specific_model_path": folder, "threads": torch.get_num_threads()}

    def document(text: str) -> Any:
        return client.models.Document(text=text, model=FASTEMBED, options=options)

    vectors = client.models.VectorParams(size=WIDTH, distance=client.models.Distance.COSINE)
    store = client.QdrantClient(":memory:")
    store.create_collection("warm", vectors_config=vectors)
    store.query_points("warm", query=document("The first call of a model takes longer."))

    def ingest(texts: Sequence[str]) -> Any:
        store.delete_collection("bench")
        store.create_collection("bench", vectors_config=vectors)
        payload = [{"text": text} for text in texts]
        store.upload_collection("bench", list(map(document, texts)), payload, ids=range(len(texts)))
        return store

    return ingest, itemgetter("text")


def _export(model: Path, folder: Path) -> None:
    """Write the network as ONNX beside copies of its tokenizer's files, as FastEmbed opens it."""
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    for file in (*model.glob("*.json"), *model.glob("*.txt")):
        shutil.copy(file, folder)
    torch.onnx.export(
        transformers.AutoModel.from_pretrained(model).eval(),
        f=str(folder / ONNX),
        kwargs={name: torch.ones(2, 8, dtype=torch.long) for name in INPUTS},
        input_names=list(INPUTS),
        dynamic_shapes={name: dict.fromkeys(range(2), torch.export.Dim.DYNAMIC) for name in INPUTS},
        verbose=False,
    )


def _measure(name: str, ingest: Ingest, read: Read, corpus: Path) -> float:
    """Return the seconds that one corpus takes; what was stored is looked up after."""
    texts = [json.loads(line)["text"] for line in corpus.read_text("utf-8").splitlines()]
    started = time.perf_counter()
    client = ingest(texts)
    seconds = time.perf_counter() - started
    records, _ = client.scroll("bench", limit=len(texts) + 1, with_payload=True, with_vectors=True)
    stored = {read(record.payload): record.vector for record in records}
    np.save(corpus.with_name(f"{name}-{corpus.stem}.npy"), np.array([stored[text] for text in texts], dtype=np.float32))
    return seconds


if __name__ == "__main__":
    main()
