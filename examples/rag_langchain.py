"""Questions in one language, answered from documents in others, with their sources.

python examples/rag_langchain.py             asks a few questions of the sample documents, in Turkish and Spanish
python examples/rag_langchain.py FOLDER …    asks what you type of your own: Markdown, text, HTML, PDF, DOCX …

No key and no network are needed: where a chat model belongs there is a parrot, which says what such a model would read.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import indent

from langchain_core.documents import Document
from langchain_core.language_models import ParrotFakeChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from simplugin import samples
from simplugin_langchain import SimpluginReranker, SimpluginVectorStore
from simplugin_qdrant import open_store, register

SAMPLES = [str(samples.documents_folder() / language) for language in ("tr", "es")]
QUESTIONS = (
    "How much does a monthly bus pass cost?",
    "Kütüphaneden kaç kitap ödünç alabilirim?",
    "¿Qué hago con una quemadura en la mano?",
    "Where can I leave old batteries?",
)

chat = ParrotFakeChatModel()
# chat = init_chat_model("openai:gpt-5-mini")  # from langchain.chat_models import init_chat_model

prompt = ChatPromptTemplate(
    [
        ("system", "Answer in the language of the question, from the passages alone. If they do not say it, say so."),
        ("human", "{passages}\nQuestion: {question}"),
    ]
)


def main(folders: Sequence[str]) -> None:
    with open_store(os.environ.get("SIMPLUGIN_STORE", "./simplugin_db")) as store:
        names = [Path(folder).resolve().name for folder in folders] or ["samples"]
        collection = register(store, "-".join(["rag", *names]), "starter")
        # Short passages, which the model reads under their headings.
        report = collection.ingest(folders or SAMPLES, max_tokens=64, headings=True, prune=True)
        print(f"{report.documents.added} documents are new, {report.documents.unchanged} are there already.")
        for failure in report.failures:
            print(f"not read: {failure.source}: {failure.reason}")
        if not collection.count():
            sys.exit("There is nothing to ask.")

        retriever = SimpluginVectorStore(collection).as_retriever() | SimpluginReranker(model="starter", top_n=3)
        answering = prompt | chat | StrOutputParser()
        for question in typed() if folders else QUESTIONS:
            passages = retriever.invoke(question)
            answer = answering.invoke({"question": question, "passages": numbered(passages)})
            print(f"\n{question}\n{indent(answer, '  | ', lambda _: True)}")
            for number, passage in enumerate(passages, 1):
                print(f"  [{number}] {source_of(passage)}, relevance {passage.metadata['relevance_score']:.2f}")


def numbered(passages: Iterable[Document]) -> str:
    return "\n".join(f"[{number}] {passage.page_content}" for number, passage in enumerate(passages, 1))


def source_of(passage: Document) -> str:
    path = Path(passage.metadata["source"])
    return f"{path.parent.name}/{path.name}"


def typed() -> Iterable[str]:
    print("Ask, one question a line; an empty line ends.")
    return iter(lambda: sys.stdin.readline().strip(), "")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folders", nargs="*", metavar="FOLDER", help="your documents")
    main(arguments.parse_args().folders)
