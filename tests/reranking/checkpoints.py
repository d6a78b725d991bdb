"""Miniature pair models, made in a moment and committed nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

WORDS = ("kitab", "ev", "cat", "mat", "ışıq", "книга", "חתול", "maison", "su", "yol", "gecə", "gün")


def tokenizer_folder(folder: Path, words: Sequence[str] = WORDS, *, length: int | None = 48) -> Path:
    """Write a tokenizer that knows whole words, and puts BERT's marks around a pair."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    pieces = {word: number for number, word in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", *words))}
    bare = Tokenizer(WordLevel(pieces, unk_token="[UNK]"))
    bare.pre_tokenizer = WhitespaceSplit()
    bare.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    wrap: Any = PreTrainedTokenizerFast
    names = ["input_ids", "token_type_ids", "attention_mask"]
    marks = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    limit = {} if length is None else {"model_max_length": length}
    wrap(tokenizer_object=bare, model_input_names=names, **marks, **limit).save_pretrained(folder)
    return folder


def pair_folder(
    folder: Path, labels: Mapping[int, str] | None = None, *, columns: int = 3, seed: int = 0, pickled: bool = False
) -> Path:
    """Write a BERT of two small layers with a head over the pair; ``pickled`` weights are a ``.bin`` file."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    tokenizer_folder(folder)
    named: dict[str, Any] = {"num_labels": columns} if labels is None else {"id2label": dict(labels)}
    config = BertConfig(
        vocab_size=4 + len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=48,
        initializer_range=0.3,
        **named,
    )
    torch.manual_seed(seed)
    network = BertForSequenceClassification(config)
    network.save_pretrained(folder)
    if pickled:
        (folder / "model.safetensors").unlink()
        torch.save(network.state_dict(), folder / "pytorch_model.bin")
    return folder


def embedder_folder(folder: Path) -> Path:
    """Write the same body without a head, as an embedding model's folder without ``modules.json`` has it."""
    from transformers import BertConfig, BertModel

    tokenizer_folder(folder)
    config = BertConfig(
        vocab_size=4 + len(WORDS),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=48,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def plain_logits(folder: Path, pairs: Sequence[tuple[str, str]]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Compute logits the plain way: one pair at a time, by transformers alone. float32 (n, columns)."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    auto_model: Any = AutoModelForSequenceClassification
    auto_tokenizer: Any = AutoTokenizer
    network, tokenizer = auto_model.from_pretrained(folder).eval(), auto_tokenizer.from_pretrained(folder)
    rows: list[Any] = []
    with torch.inference_mode():
        for first, second in pairs:
            inputs = tokenizer([first], [second], truncation="longest_first", max_length=48, return_tensors="pt")
            rows.append(network(**inputs).logits[0].numpy())
    return np.stack(rows).astype(np.float32)


def sentences(count: int, *, seed: int = 0, longest: int = 40) -> list[tuple[str, str]]:
    """Return pairs of random sentences of the known words, of very different lengths."""
    random = np.random.default_rng(seed)

    def sentence() -> str:
        return " ".join(random.choice(WORDS, int(random.integers(1, longest))))

    return [(sentence(), sentence()) for _ in range(count)]
