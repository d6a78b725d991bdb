"""One collection with one model a language: each document to its language's model, each search to all of them.

python examples/route_by_language.py    asks a few questions of the sample documents in Turkish, Spanish and English

No download is needed: in the place of models made for Turkish and Spanish stands the starter, cut to 128 and to 192
numbers. With real ones the router is {"tr": "bge-m3-ml-tr", "es": "stsb-es-distiluse", "*": "starter"}.
"""

from __future__ import annotations

import os

import simplugin as sp
from simplugin import samples
from simplugin_qdrant import Collection, open_store, register

FOLDERS = [str(samples.documents_folder() / language) for language in ("tr", "es", "en")]
QUESTIONS = (
    "Kütüphaneden kaç kitap ödünç alabilirim?",
    "¿Dónde puedo dejar las pilas gastadas?",
    "How much does a monthly bus pass cost?",
)


def main() -> None:
    router = sp.load_router(
        {"tr": sp.load("starter", truncate_dim=128), "es": sp.load("starter", truncate_dim=192), "*": "starter"}
    )
    with open_store(os.environ.get("SIMPLUGIN_STORE", "./simplugin_db")) as store:
        collection = register(store, "routed-samples", router)
        report = collection.ingest(FOLDERS, max_tokens=64, headings=True)
        print(f"{report.documents.added} documents are new, {report.documents.unchanged} are there already.")
        for vector in collection.describe()["vectors"]:
            print(f"  {vector['language']:2} {vector['dimension']} numbers, made by {vector['model']}")
        calibrate(collection, router)

        for question in QUESTIONS:
            (key,) = router.route([question])
            print(f"\n{question}  (for the model of {key!r})")
            for hit in collection.search(question, limit=3):
                print(f"  {hit.metadata['lang']}  {hit.probability:.2f}  {first_line(hit.text)}")


def calibrate(collection: Collection, router: sp.Router) -> None:
    """Make scores of the models comparable, which a search needs. Use pairs of each language, at least 100 of them.

    There are only 24 sample pairs, so each model learns from all of them.
    """
    pairs = [(pair.sentence1, pair.sentence2, pair.score) for pair in samples.pairs()]
    collection.calibrate(dict.fromkeys(router.models, pairs))


def first_line(text: str) -> str:
    return " ".join(text.split())[:90]


if __name__ == "__main__":
    main()
