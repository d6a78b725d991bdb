"""A collection brought over to another model while it goes on answering.

python examples/migrate_model.py    moves the sample documents from a small model to a larger one, and looks before it
                                    leaps: what the new model would answer, and whether it follows people's labels

No download is needed: the small model is the starter cut to 8 numbers, the larger one the starter as it is. With your
own it is docs.migrate(sp.load("bge-m3-ml-tr")), or on the command line: simplugin collections migrate NAME --model …
"""

from __future__ import annotations

from collections import Counter
from tempfile import TemporaryDirectory
from threading import Event, Thread

import simplugin as sp
from simplugin import samples
from simplugin_qdrant import Collection, open_store, register

QUESTIONS = [question.text for question in samples.questions()]
PAIRS = [(pair.sentence1, pair.sentence2, pair.score) for pair in samples.pairs()]


def main() -> None:
    with TemporaryDirectory() as folder, open_store(folder) as store:
        docs = register(store, "handbook", sp.load("starter", truncate_dim=8))
        docs.ingest([str(samples.documents_folder())], max_tokens=96, headings=True)
        print(f"before:  {told(docs)}")

        job = docs.migrate(sp.load("starter"))  # from here on new texts get a vector of each model
        with Asking(docs) as asking:
            embedded = job.run()  # the old texts get theirs; killed, it goes on where it was
        print(f"during:  {told(docs)}; {embedded} passages embedded, and questions answered: {asking.answered > 0}")

        judged = job.compare(QUESTIONS, pairs=PAIRS)
        assert judged.spearman_before is not None
        assert judged.spearman_after is not None
        print(
            f"compare: of the ten best passages {judged.agreement:.0%} stay; "
            f"rank correlation with labels {judged.spearman_before:.3f}, then {judged.spearman_after:.3f}"
        )
        if judged.spearman_after < judged.spearman_before:
            job.abandon()  # the new vectors go, and nothing has changed
            print(f"left:    {told(docs)}")
            return

        job.cutover()  # the new model answers, from one search to the next
        print(f"after:   {told(docs)}")
        job.rollback()  # and back, as long as the old vectors are there
        print(f"back:    {told(docs)}")
        job.cutover()
        job.finish()  # the old vectors are taken away
        print(f"done:    {told(docs)}; the collection records {register(store, 'handbook').encoder.dimension} numbers")


def told(docs: Collection) -> str:
    """Return the model that answers, and how often its best passage is about the topic of the question."""
    topics = {question.text: question.topic for question in samples.questions()}
    best = [hits[0].source or "" for hits in docs.search_many(QUESTIONS, limit=1, mode="dense")]
    right = Counter(source.endswith(f"/{topics[text]}.md") for text, source in zip(QUESTIONS, best, strict=True))
    return f"{docs.encoder.dimension} numbers, {right[True]} of {len(QUESTIONS)} questions led to their topic"


class Asking:
    """A user who asks without a pause, in a thread, for as long as the block runs."""

    def __init__(self, docs: Collection) -> None:
        self._docs, self._over, self.answered = docs, Event(), 0
        self._thread = Thread(target=self._ask)

    def __enter__(self) -> Asking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.is_set():
            self.answered += len(self._docs.search(QUESTIONS[self.answered % len(QUESTIONS)], limit=1))


if __name__ == "__main__":
    main()
