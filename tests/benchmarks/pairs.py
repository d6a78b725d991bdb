"""Seconds to rerank 50 candidates of 60 words with a pair model of BERT-base's size.

The weights are random: only the time counts.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from simplugin import load_reranker
from simplugin.reranking.conversion import ARCHITECTURE

CANDIDATES, LENGTH, ROUNDS = 50, 60, 5
SIZES: dict[str, Any] = {"vocab_size": 30522, "max_position_embeddings": 512}


def run(_data: Path) -> None:
    """Print the median of a few runs for each kind of head and precision, and how far bf16 moves a score."""
    draw = random.Random(0)
    words = ["".join(draw.choices("aeinorstlkmu", k=draw.randint(2, 9))) for _ in range(4000)]
    query = " ".join(draw.choices(words, k=10))
    texts = [" ".join(draw.choices(words, k=LENGTH)) for _ in range(CANDIDATES)]
    with tempfile.TemporaryDirectory() as folder:
        for head, write in (("one-label head on BERT", _write_bert), ("BERT, BiLSTM, pooling", _write_lstm)):
            path = Path(folder) / head
            write(path, words)
            _measure(head, path, query, texts)


def _measure(head: str, path: Path, query: str, texts: list[str]) -> None:
    exact, exact_scores = _seconds(path, "fp32", query, texts)
    line = f"{head}: fp32 {exact:.2f} s"
    if "one-label" in head:
        plain = _plain(path, query, texts)
        line += f"; CrossEncoder.predict of sentence-transformers {plain:.2f} s ({plain / exact:.2f} ×)"
    print(line)
    try:
        halved, halved_scores = _seconds(path, "bf16", query, texts)
    except UserWarning as reason:
        print(f"  bf16 not measured. {reason}")
        return
    moved = np.abs(exact_scores - halved_scores).max()
    print(f"  bf16 {halved:.2f} s ({exact / halved:.2f} × faster); it moves a score by at most {moved:.4f}")


def _seconds(path: Path, precision: Any, query: str, texts: list[str]) -> tuple[float, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # bf16 without instructions for it
        pairs = load_reranker(path, precision=precision, device="cpu")
    pairs.rerank(query, texts[:8])
    taken: list[float] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        pairs.rerank(query, texts)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken), pairs.score([(query, text) for text in texts])


def _plain(path: Path, query: str, texts: list[str]) -> float:
    from sentence_transformers import CrossEncoder

    model: Any = CrossEncoder(str(path), device="cpu")
    model.predict([(query, text) for text in texts[:8]])
    taken: list[float] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        model.predict([(query, text) for text in texts])
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _write_tokenizer(path: Path, words: list[str]) -> None:
    """Write a tokenizer that cuts a long word in two, as multilingual ones do: about 1.5 tokens a word."""
    from transformers import BertTokenizer

    path.mkdir()
    pieces = dict.fromkeys([*(word[:5] for word in words), *(f"##{word[5:]}" for word in words if word[5:])])
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces]
    (path / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    tokenizer: Any = BertTokenizer
    tokenizer(vocab=str(path / "vocab.txt"), model_max_length=512).save_pretrained(path)


def _write_bert(path: Path, words: list[str]) -> None:
    from transformers import BertConfig, BertForSequenceClassification

    _write_tokenizer(path, words)
    BertForSequenceClassification(BertConfig(**SIZES, id2label={0: "LABEL_0"})).save_pretrained(path)


def _write_lstm(path: Path, words: list[str]) -> None:
    import json

    from safetensors.torch import save_file

    from simplugin.reranking.network import LstmPairNetwork

    _write_tokenizer(path, words)
    network = LstmPairNetwork(SIZES, units=64, classes=3)
    save_file(dict(network.state_dict()), str(path / "model.safetensors"))
    labels = {"0": "contradiction", "1": "entailment", "2": "neutral"}
    config = {"architectures": [ARCHITECTURE], "body": SIZES, "lstm_units": 64, "id2label": labels}
    (path / "config.json").write_text(json.dumps(config | {"max_tokens": 128, "tokenizer": "."}), encoding="utf-8")
