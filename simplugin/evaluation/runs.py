"""What a stage found for the queries of a set, with the labels of what was found; also written for trec_eval."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simplugin.errors import DataError
from simplugin.evaluation.bootstrap import Floats
from simplugin.evaluation.datasets.retrieval import RetrievalSet
from simplugin.evaluation.metrics.ranking import pessimistic
from simplugin.evaluation.stages import Stage
from simplugin.records import Hit
from simplugin.texts import as_read

__all__ = ["DEPTH", "Run", "holds", "overlap", "prepare_trec", "run", "write_trec"]

DEPTH = 10
"""How many documents of a ranking are looked at."""

_BLOCK = 256  # queries asked at a time
_SHORTEST = 12  # letters of a piece that is known by its text
_STEPS = 20  # a label of 0 to 5 in whole numbers, which is all that trec_eval reads


@dataclass(frozen=True, slots=True)
class Run:
    """The documents found for each query, best first, and their labels and scores (n, DEPTH).

    The labels are nan where a document was not judged, the scores -inf where fewer were found.
    """

    found: tuple[tuple[str, ...], ...]
    labels: Floats
    scores: Floats


def run(stage: Stage, asked: RetrievalSet, progress: Callable[[int], None] | None = None) -> Run:
    """Ask a stage all queries. A document counts once, with its best piece; of equal scores the worst order counts."""
    match = _matcher(asked) if stage.foreign else _own
    limit = DEPTH + max((len(same) for same in asked.left_out.values()), default=0)
    queries = list(asked.queries)
    rankings: list[list[tuple[str, float, float]]] = []
    for start in range(0, len(queries), _BLOCK):
        block = queries[start : start + _BLOCK]
        found = stage.search([asked.queries[query] for query in block], limit)
        rankings += [_ranking(asked, query, hits, match) for query, hits in zip(block, found, strict=True)]
        if progress is not None:
            progress(len(rankings))
    labels, scores = np.full((len(queries), DEPTH), np.nan), np.full((len(queries), DEPTH), -np.inf)
    for row, ranking in enumerate(rankings):
        for column, (_, label, score) in enumerate(ranking):
            labels[row, column], scores[row, column] = label, score
    return Run(tuple(tuple(document for document, _, _ in ranking) for ranking in rankings), labels, scores)


def overlap(one: Run, other: Run) -> float:
    """Return which share of what the second run found the first one found too, as a mean over the queries."""
    shares = [len(set(a) & set(b)) / len(b) for a, b in zip(one.found, other.found, strict=True) if b]
    return float(np.mean(shares)) if shares else 1.0


def holds(document: str, piece: str) -> bool:
    """Say whether a text is the document or a piece of it, whatever the blanks; very short pieces are none."""
    whole, part = _squeezed(document), _squeezed(piece)
    return part == whole or (len(part) >= _SHORTEST and part in whole)


def prepare_trec(folder: str | Path) -> None:
    """Make the folder for ``write_trec``. Raises ``DataError`` where that cannot be done."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"the folder cannot be made ({error.strerror}).", path=folder) from error


def write_trec(folder: str | Path, name: str, stage: str, asked: RetrievalSet, found: Run) -> None:
    """Write the judgements and what was found in the form of trec_eval, as ``NAME.qrels`` and ``NAME.STAGE.run``.

    Its labels are whole numbers: those of 0 to 5 are written times 20. It orders by the scores alone, in float32, so
    one that is not under the score before it is written a last bit lower. Raises ``DataError`` where that cannot be
    done.
    """
    steps = _STEPS if asked.graded else 1
    qrels = (
        f"{_word(query)} 0 {_word(document)} {round(label * steps)}\n"
        for query, judged in asked.judgements.items()
        for document, label in judged.items()
    )
    ranked = (
        f"{_word(query)} Q0 {_word(document)} {rank} {score:.9g} {stage}\n"
        for query, documents, scores in zip(asked.queries, found.found, found.scores, strict=True)
        for rank, (document, score) in enumerate(zip(documents, _falling(scores[: len(documents)]), strict=True), 1)
    )
    try:
        for file, lines in ((f"{name}.qrels", qrels), (f"{name}.{stage}.run", ranked)):
            with (Path(folder) / file).open("w", encoding="utf-8", newline="\n") as out:
                out.writelines(lines)
    except OSError as error:
        raise DataError(f"the run cannot be written ({error.strerror}).", path=folder) from error


def _ranking(
    asked: RetrievalSet, query: str, hits: Sequence[Hit], match: Callable[[str, Hit], str]
) -> list[tuple[str, float, float]]:
    """Return the best documents of a query, each with its label and score."""
    best: dict[str, float] = {}
    for hit in hits:
        document = match(query, hit)
        best[document] = max(hit.score, best.get(document, -np.inf))
    for document in asked.left_out.get(query, ()):
        best.pop(document, None)
    judged = asked.judgements[query]
    documents, scores = list(best), list(best.values())
    labels = [judged.get(document, np.nan) for document in documents]
    return [(documents[place], labels[place], scores[place]) for place in pessimistic(scores, labels)[:DEPTH]]


def _own(query: str, hit: Hit) -> str:
    """Return the hit's document where the documents were stored under their ids."""
    return hit.document_id


def _matcher(asked: RetrievalSet) -> Callable[[str, Hit], str]:
    """Return what finds a hit's document among those of the data, by its id, its text, or as a piece of one judged."""
    by_text = {_squeezed(text): id_ for id_, text in asked.documents.items()}

    def match(query: str, hit: Hit) -> str:
        if asked.named and hit.document_id in asked.documents:
            return hit.document_id
        if (known := by_text.get(_squeezed(hit.text))) is not None:
            return known
        held = (id_ for id_ in asked.judgements[query] if holds(asked.documents[id_], hit.text))
        return next(held, f"\N{NULL}{hit.document_id}")  # the ids of strangers are none of ours

    return match


def _squeezed(text: str) -> str:
    return " ".join(as_read(text).split())


def _falling(scores: Floats) -> list[float]:
    """Return the scores, each under the one before it."""
    fallen: list[float] = []
    lowest = np.float32(-np.inf)
    for score in scores.astype(np.float32):
        under = np.nextafter(np.float32(fallen[-1]), lowest) if fallen else score
        fallen.append(float(min(score, under)))
    return fallen


def _word(id_: str) -> str:
    """Return an id without blanks, which part the columns there."""
    return re.sub(r"[\s%\0]", lambda found: f"%{ord(found[0]):02X}", id_)
