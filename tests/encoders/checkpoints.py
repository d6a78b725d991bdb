"""Miniature checkpoints in real folder layouts, made in a moment and committed nowhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

WORDS = ["the", "cat", "dog", "sat", "on", "mat", "kedi", "ev", "חתול", "hund", "##s", "##lar", "query", ":"]


def static_folder(folder: Path, *, pieces: int | None = None, normalize: bool = True) -> Path:
    """Write a static model in model2vec's layout: int8 rows with float32 scales, piece 0 unknown and zero."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {word: number for number, word in enumerate(["[UNK]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    random = np.random.default_rng(0)
    rows = pieces or len(vocabulary)
    table = random.integers(-127, 127, (rows, 16), dtype=np.int8)
    table[0] = 0
    save_file(
        {"embeddings": table, "weights": random.random(rows).astype(np.float32)}, str(folder / "model.safetensors")
    )
    (folder / "config.json").write_text(json.dumps({"model_type": "model2vec", "normalize": normalize}))
    (folder / "modules.json").write_text(
        json.dumps(
            [
                {"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"},
                {"idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"},
            ]
        )
    )
    return folder


def bert_folder(folder: Path, *, prompts: dict[str, str] | None = None, seed: int = 0) -> Path:
    """Write a BERT of two small layers with mean pooling, in the folder layout of sentence-transformers."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    tokenizer = BertTokenizer(vocab=str(folder / "vocab.txt"), model_max_length=64)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    (folder / "1_Pooling").mkdir(exist_ok=True)
    pooling = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 64, "do_lower_case": False}))
    (folder / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": prompts or {}, "similarity_fn_name": "cosine"})
    )
    return folder


def layout_folder(
    folder: Path,
    *,
    network: Literal["bert", "distilbert", "xlm-roberta"] = "bert",
    modules: Sequence[str] = ("Transformer", "Pooling"),
    pooling: str = "mean",
    style: Literal["old", "new"] = "old",
    inner: str = "",
    weights: Literal["safetensors", "bin"] = "safetensors",
    stated_length: int | None = 64,
    similarity: str | None = "cosine",
    include_prompt: bool = True,
    prompts: dict[str, str] | None = None,
) -> Path:
    """Write a network of two small layers and 64 positions, and the modules after it; no modules, no modules.json.

    ``style`` is that of the type names and configurations before or since sentence-transformers 5.5.
    """
    import torch
    from safetensors.torch import save_file

    (folder / inner).mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(folder / inner, network)
    torch.manual_seed(7)
    body = _network(network, len(tokenizer))
    body.save_pretrained(folder / inner)
    if weights == "bin":
        (folder / inner / "model.safetensors").unlink()
        torch.save(body.state_dict(), folder / inner / "pytorch_model.bin")
    if not modules:
        return folder
    entries: list[dict[str, object]] = []
    for number, name in enumerate(modules):
        path = inner if number == 0 else f"{number}_{name}"
        type_ = _NEW_TYPES[name] if style == "new" else f"sentence_transformers.models.{name}"
        entries.append({"idx": number, "name": str(number), "path": path, "type": type_})
        if number:
            (folder / path).mkdir(exist_ok=True)
        if name == "Pooling":
            config: dict[str, object] = {"embedding_dimension": 32, "pooling_mode": pooling}
            if style == "old":
                config = {"word_embedding_dimension": 32, f"pooling_mode_{_OLD_MODES[pooling]}": True}
            if not include_prompt:
                config["include_prompt"] = False
            (folder / path / "config.json").write_text(json.dumps(config))
        if name == "Dense":
            activation = "torch.nn.modules.activation.Tanh"
            dense = {"in_features": 32, "out_features": 24, "bias": True, "activation_function": activation}
            (folder / path / "config.json").write_text(json.dumps(dense))
            tensors = {"linear.weight": torch.randn(24, 32) / 4, "linear.bias": torch.randn(24) / 4}
            if weights == "bin":
                torch.save(tensors, folder / path / "pytorch_model.bin")
            else:
                save_file(tensors, folder / path / "model.safetensors")
    (folder / "modules.json").write_text(json.dumps(entries))
    (folder / inner / "sentence_bert_config.json").write_text(
        json.dumps({"max_seq_length": stated_length, "do_lower_case": False})
    )
    said: dict[str, object] = {"__version__": {"sentence_transformers": "2.0.0"}}
    if style == "new":
        said |= {"similarity_fn_name": similarity, "prompts": prompts or {}, "default_prompt_name": None}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(said))
    if inner:
        (folder / "config.json").write_text(json.dumps({"__version__": "1.0.0"}))
    return folder


_NEW_TYPES = {
    "Transformer": "sentence_transformers.base.modules.transformer.Transformer",
    "Pooling": "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
    "Dense": "sentence_transformers.base.modules.dense.Dense",
    "Normalize": "sentence_transformers.base.modules.normalize.Normalize",
}
_OLD_MODES = {"mean": "mean_tokens", "cls": "cls_token", "max": "max_tokens"}


def _tokenizer(folder: Path, network: str) -> Any:
    """Write a tokenizer as the checkpoints of this kind have it: vocab.txt, or nothing but a sentencepiece model."""
    from transformers import BertTokenizer, XLMRobertaTokenizer

    if network == "xlm-roberta":
        _sentencepiece(folder / "sentencepiece.bpe.model")
        config = {"tokenizer_class": "XLMRobertaTokenizer"}
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
        return XLMRobertaTokenizer.from_pretrained(folder)
    (folder / "vocab.txt").write_text(
        "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]), encoding="utf-8"
    )
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": False, "model_max_length": 64})
    )
    return BertTokenizer.from_pretrained(folder)


def _sentencepiece(path: Path) -> None:
    import sentencepiece

    sentences = ["the cat sat on the mat", "kediler evde uyuyor", "der hund sitzt im haus", "החתול יושב על השטיח"] * 20
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=file,
            vocab_size=60,
            hard_vocab_limit=False,
            minloglevel=2,
            bos_id=1,
            eos_id=2,
            unk_id=0,
        )


def _network(network: str, pieces: int) -> Any:
    from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel, XLMRobertaConfig, XLMRobertaModel

    if network == "distilbert":
        return DistilBertModel(
            DistilBertConfig(
                vocab_size=pieces, dim=32, n_layers=2, n_heads=2, hidden_dim=64, max_position_embeddings=64
            )
        )
    shape: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    if network == "xlm-roberta":
        # Positions are counted from 2 on: 66 of them hold 64 tokens.
        return XLMRobertaModel(XLMRobertaConfig(vocab_size=pieces, max_position_embeddings=66, **shape))
    return BertModel(BertConfig(vocab_size=pieces, max_position_embeddings=64, **shape))
