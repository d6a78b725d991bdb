"""Your own qdrant-client code with simplugin's models, and the same collection taken over later.

python examples/plain_qdrant_client.py    fills a collection with a plain client, asks it, and then takes it over

The first half needs two calls of simplugin, encode_document and encode_query: nothing else of your code changes. The
second half gives the collection what a plain one has not: it knows its model, and refuses any other.
"""

from __future__ import annotations

from qdrant_client import QdrantClient, models

import simplugin as sp
from simplugin import samples
from simplugin_qdrant import open_store, register

QUESTION = "How much does a monthly bus pass cost?"
SPANISH = models.Filter(must=[models.FieldCondition(key="lang", match=models.MatchValue(value="es"))])


def main() -> None:
    client = QdrantClient(":memory:")  # or path="./qdrant", or url="http://localhost:6333"
    model = sp.load("starter")

    fill(client, model)
    print(f"{client.count('town').count} points, written by the client")
    (answer,) = client.query_points(
        "town",
        query=model.encode_query([QUESTION])[0].tolist(),
        query_filter=SPANISH,
        limit=1,
    ).points
    print(f"asked by the client:   {first_line(answer.payload)}")

    # The collection records no model yet. A sample of its texts is embedded again and compared with the stored vectors.
    store = open_store(client)
    docs = register(store, "town", model, vector="", text_key="passage", adopt=True)
    (hit,) = docs.search(QUESTION, limit=1, filter=SPANISH)  # the engine's own filters go on working
    print(f"asked as a collection: {hit.text.splitlines()[0]}")

    docs.ingest([str(samples.documents_folder() / "de")])
    print(f"{client.count('town').count} points for the client, after an ingest of the German documents")

    try:
        register(store, "town", sp.load("starter", truncate_dim=128), vector="")
    except sp.ModelMismatchError as error:
        print(f"another model: {error}")


def fill(client: QdrantClient, model: sp.Encoder) -> None:
    """Write the Turkish and Spanish sample documents, as a program would that has never heard of simplugin."""
    paths = [path for lang in ("tr", "es") for path in sorted((samples.documents_folder() / lang).glob("*.md"))]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    client.create_collection(
        "town", vectors_config=models.VectorParams(size=model.dimension, distance=models.Distance.COSINE)
    )
    client.upsert(
        "town",
        [
            models.PointStruct(id=number, vector=row.tolist(), payload={"passage": text, "lang": path.parent.name})
            for number, (path, text, row) in enumerate(zip(paths, texts, model.encode_document(texts), strict=True))
        ],
    )


def first_line(payload: models.Payload | None) -> str:
    return str((payload or {})["passage"]).splitlines()[0]


if __name__ == "__main__":
    main()
