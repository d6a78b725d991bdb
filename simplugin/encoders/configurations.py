"""What the configurations of a checkpoint's modules say: width, pooling, length, prompts, similarity."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

from simplugin.catalog import Prompts
from simplugin.encoders.checkpoint import read_json
from simplugin.errors import CheckpointError
from simplugin.measures import SimilarityFunction

__all__ = [
    "Dense",
    "read_dense",
    "read_length",
    "read_pooling",
    "read_prompts",
    "read_similarity",
    "read_stated_length",
    "read_width",
]

_ROBERTA_LIKE = {
    "camembert",
    "data2vec-text",
    "ibert",
    "longformer",
    "mpnet",
    "roberta",
    "roberta-prelayernorm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
}
"""These start counting positions after the padding index, so that two of 514 are never reached."""

_POOLING_MODES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""The keys before sentence-transformers 5.5, and what one key, ``pooling_mode``, says since."""

_LENGTH_FILES = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)


@dataclass(frozen=True, slots=True)
class Dense:
    """A linear layer after the pooling: its width and the class of its activation."""

    width: int
    activation: str


def read_width(folder: Path, config: dict[str, Any]) -> int:
    """Return how many numbers a token has; every architecture has its own word for it."""
    for key in ("hidden_size", "dim", "d_model", "n_embd"):
        if isinstance(config.get(key), int):
            return int(config[key])
    raise CheckpointError(folder, "config.json does not say how wide its network is (hidden_size).")


def read_pooling(folder: Path, pooling: dict[str, Any], config: dict[str, Any]) -> tuple[str, int]:
    """Return the modes, joined with ``+``, and the width they make together."""
    stated = pooling.get("pooling_mode")
    if stated is None:
        modes = [mode for key, mode in _POOLING_MODES.items() if pooling.get(key)] or ["mean"]
    else:
        listed = cast("list[object]", stated) if isinstance(stated, list) else [stated]
        if not listed or not all(isinstance(mode, str) for mode in listed):
            raise CheckpointError(folder, f"its pooling {stated!r} is unknown.")
        modes = [str(mode) for mode in listed]
    width = read_width(folder, config)
    taken = pooling.get("embedding_dimension", pooling.get("word_embedding_dimension", width))
    if taken != width:
        raise CheckpointError(folder, f"its pooling takes {taken} numbers a token, its network gives {width}.")
    return "+".join(modes), width * len(modes)


def read_dense(folder: Path, inner: Path) -> tuple[Dense, int]:
    """Return the layer and the width it takes.

    Raises ``CheckpointError`` for an activation that is not torch's own.
    """
    config = read_json(inner, "config.json") or {}
    activation, given, width = (config.get(key) for key in ("activation_function", "in_features", "out_features"))
    if not isinstance(given, int) or not isinstance(width, int):
        raise CheckpointError(folder, f"{inner.name}/config.json does not say in_features and out_features.")
    named = str(activation or "torch.nn.modules.activation.Tanh")
    if not named.startswith("torch.nn."):
        # sentence-transformers would warn and take tanh: other vectors than its author's.
        raise CheckpointError(
            folder, f"the activation {named!r} of {inner.name} is code of its own, which is never run."
        )
    return Dense(width, named.rsplit(".", 1)[-1]), given


def read_stated_length(inner: Path) -> int | None:
    """Return the length that sentence-transformers was told to read, None where it was not."""
    for name in _LENGTH_FILES:
        config = read_json(inner, name)
        if config:
            stated = config.get("max_seq_length")
            for key in ("processor_kwargs", "tokenizer_args"):
                stated = stated or _table(inner, config, key).get("model_max_length")
            return stated if isinstance(stated, int) and stated > 0 else None
    return None


def read_length(stated: int | None, inner: Path, config: dict[str, Any]) -> tuple[int | None, tuple[str, ...]]:
    """Return the longest input, and a note where it is shorter than was stated."""
    existing = config.get("max_position_embeddings")
    positions: int | None = existing if isinstance(existing, int) and existing > 0 else None
    if positions is not None and str(config.get("model_type")) in _ROBERTA_LIKE:
        padding = config.get("pad_token_id")
        positions -= (padding if isinstance(padding, int) else 1) + 1
    if stated is None:
        limit = (read_json(inner, "tokenizer_config.json") or {}).get("model_max_length")
        # Tokenizers without a limit say 10^30.
        lengths = [n for n in (limit, positions) if isinstance(n, int | float) and n < 2**31]
        return (int(min(lengths)) if lengths else None), ()
    if positions is not None and stated > positions:
        return positions, (f"Its configuration says {stated} tokens; its network has positions for {positions}.",)
    return stated, ()


def read_prompts(folder: Path, said: dict[str, Any]) -> Prompts:
    """Return what stands before queries and documents; one side's own prompt comes before the default one.

    ``passage`` and ``corpus`` stand for documents too, as sentence-transformers means it; its version 6.2 fills
    ``document`` with an empty prompt first, and so never reaches them.

    Raises ``CheckpointError`` for prompts that are no texts by their names.
    """
    prompts = _table(folder, said, "prompts")
    if not all(isinstance(prompt, str | None) for prompt in prompts.values()):
        raise CheckpointError(folder, "one of its prompts is no text.")
    default = prompts.get(str(said.get("default_prompt_name"))) or ""
    document = next((name for name in ("document", "passage", "corpus") if name in prompts), None)
    return Prompts(
        query=(prompts["query"] or "") if "query" in prompts else default,
        document=default if document is None else prompts[document] or "",
    )


def read_similarity(folder: Path, said: dict[str, Any]) -> SimilarityFunction:
    """Return what compares the vectors; the cosine where nothing is said."""
    name = said.get("similarity_fn_name") or "cosine"
    if name not in get_args(SimilarityFunction):
        known = ", ".join(get_args(SimilarityFunction))
        raise CheckpointError(folder, f"its similarity {name!r} is unknown; known: {known}.")
    return cast("SimilarityFunction", name)


def _table(folder: Path, config: dict[str, Any], key: str) -> dict[str, Any]:
    value: object = config.get(key) or {}
    if not isinstance(value, dict):
        raise CheckpointError(folder, f"its {key!r} is no JSON object.")
    return cast("dict[str, Any]", value)
