"""Opens the files of a pair model."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simplugin.catalog import ModelCard
from simplugin.encoders.checkpoint import read_json
from simplugin.errors import CheckpointError, NotAPairModelError
from simplugin.messages import first_line, quiet
from simplugin.reranking.conversion import ARCHITECTURE, CONFIG, WEIGHTS
from simplugin.reranking.heads import Head, LabelError
from simplugin.reranking.tokenizer import open_tokenizer

if TYPE_CHECKING:
    from torch import nn

__all__ = ["PairCheckpoint", "how_to_convert", "is_embedder", "is_pair_config", "open_checkpoint"]

_FOREIGN = ("*.h5", "*.hdf5", "*.keras", "saved_model.pb")
_NATIVE = ("*.safetensors", "*.bin")
_ENDLESS = 1 << 20  # tokenizers without a length say 10^30


@dataclass(frozen=True, slots=True)
class PairCheckpoint:
    """An opened pair model. ``places`` is the length all pairs are padded to; None pads to the longest of a batch."""

    card: ModelCard
    tokenizer: Any
    network: nn.Module
    head: Head
    max_tokens: int
    places: int | None = None


def open_checkpoint(location: str, card: ModelCard, labels: Sequence[str] | None) -> PairCheckpoint:
    """Open a folder or a Hub id: what ``convert_keras`` wrote, or a checkpoint of transformers with a head for pairs.

    Raises ``CheckpointError`` for files that cannot be opened and classes whose names say nothing;
    ``NotAPairModelError`` for a checkpoint whose head would be random.
    """
    folder = Path(location)
    if folder.is_dir():
        _refuse_foreign(folder)
        if is_embedder(folder):
            raise NotAPairModelError(card.name)
        config = read_json(folder, CONFIG) or {}
        if config.get("architectures") == [ARCHITECTURE]:
            return _open_converted(folder, config, card, labels)
    return _open_transformers(location, card, labels)


def is_pair_config(config: dict[str, Any]) -> bool:
    """Say whether a ``config.json`` is that of a network with a head over a whole input."""
    # One name in a list; anything else ends in none that is looked for.
    return str(config.get("architectures")).rstrip("']\"").endswith("ForSequenceClassification")


def _refuse_foreign(folder: Path) -> None:
    if any(any(folder.glob(kind)) for kind in _NATIVE):
        return
    if foreign := sorted(path.name for kind in _FOREIGN for path in folder.glob(kind)):
        raise CheckpointError(folder, how_to_convert(foreign[0]))


def how_to_convert(name: str) -> str:
    """Return what to do with weights that only TensorFlow reads."""
    return (
        f"its weights are TensorFlow's ({name!r}). "
        f"Convert them once, with: simplugin models convert {name} --out DIR, and open DIR."
    )


def is_embedder(folder: Path) -> bool:
    """Say whether a folder holds a pipeline of sentence-transformers that ends in one vector."""
    path = folder / "modules.json"
    return path.is_file() and "Pooling" in path.read_text(encoding="utf-8", errors="replace")


def _open_converted(
    folder: Path, config: dict[str, Any], card: ModelCard, labels: Sequence[str] | None
) -> PairCheckpoint:
    from safetensors import SafetensorError
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]  # a bare PathLike

    from simplugin.reranking.network import LstmPairNetwork

    try:
        names = {int(column): str(label) for column, label in config["id2label"].items()}
        network = LstmPairNetwork(config["body"], units=config["lstm_units"], classes=len(names))
        places, pieces = int(config["max_tokens"]), str(config["tokenizer"])
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(folder, f"it is damaged ({first_line(error)}).") from error
    try:
        tokenizer = open_tokenizer(str(folder) if pieces == "." else pieces)
    except CheckpointError as error:
        raise CheckpointError(
            folder,
            f"its tokenizer {pieces!r} is neither here nor within reach. Convert the Keras file again, "
            "with --tokenizer and a folder that has it.",
        ) from error
    if len(tokenizer) > config["body"]["vocab_size"]:
        reason = f"its tokenizer has {len(tokenizer)} pieces and its weights know {config['body']['vocab_size']}."
        raise CheckpointError(folder, reason)
    return _complete(folder.as_posix(), card, tokenizer, network, names, labels, places, places)


def _open_transformers(location: str, card: ModelCard, labels: Sequence[str] | None) -> PairCheckpoint:
    from safetensors import SafetensorError
    from transformers import AutoModelForSequenceClassification

    auto: Any = AutoModelForSequenceClassification  # the library is typed in part
    try:
        with quiet():
            network, report = auto.from_pretrained(
                location, output_loading_info=True, trust_remote_code=False, weights_only=True, dtype="float32"
            )
    except (SafetensorError, pickle.UnpicklingError, EOFError) as error:
        raise CheckpointError(location, f"its weights are damaged ({first_line(error)}).") from error
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, TypeError, AttributeError) as error:
        # What the libraries raise for folders of another layout, damaged configurations and unknown Hub ids.
        raise CheckpointError(location, f"{first_line(error)}.") from error
    if missing := sorted(report["missing_keys"]):
        # What is not in the files was filled with random numbers.
        base = f"{network.base_model_prefix}."
        if all(name.startswith(base) and ".pooler." not in name for name in missing):
            raise CheckpointError(location, f"its weights lack {missing[0]!r} and {len(missing) - 1} more.")
        raise NotAPairModelError(card.name)
    tokenizer = open_tokenizer(location)
    names = {int(column): str(label) for column, label in network.config.id2label.items()}
    return _complete(location, card, tokenizer, network, names, labels, _length(network, tokenizer), None)


def _complete(
    location: str,
    card: ModelCard,
    tokenizer: Any,
    network: nn.Module,
    names: dict[int, str],
    labels: Sequence[str] | None,
    max_tokens: int,
    places: int | None,
) -> PairCheckpoint:
    try:
        head = Head.from_config(names, labels)
    except LabelError as error:
        raise CheckpointError(location, f"{error}.") from error
    filled = replace(card, kind="pair", max_tokens=max_tokens)
    return PairCheckpoint(filled, tokenizer, network.eval(), head, max_tokens, places)


def _length(network: nn.Module, tokenizer: Any) -> int:
    """Return how many tokens both texts may have together: what tokenizer and positions allow."""
    from torch import nn

    limits = [int(tokenizer.model_max_length)]
    parts: Any = network
    for name, table in parts.named_modules():
        if str(name).rpartition(".")[2] == "position_embeddings" and isinstance(table, nn.Embedding):
            # RoBERTa and its kin begin to count after the padding's place.
            limits.append(table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1))
    config: Any = network.config
    if len(limits) == 1 and (declared := getattr(config, "max_position_embeddings", None)):
        limits.append(int(declared))
    return min(*limits, _ENDLESS)
