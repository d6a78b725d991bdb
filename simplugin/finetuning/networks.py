"""What is trained: opened from the model it begins with, and saved so that simplugin opens it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from simplugin.catalog import ModelCard
from simplugin.encoders.fingerprint import hash_files
from simplugin.encoders.inspector import Layout, read_layout
from simplugin.encoders.loading import find_folder
from simplugin.encoders.network import choose_device
from simplugin.errors import ModelError
from simplugin.evaluation.datasets.nli import as_class
from simplugin.finetuning.recipe import Recipe
from simplugin.reranking import is_pair_model, load_reranker
from simplugin.reranking.messages import quiet

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer

__all__ = ["Network", "Opened", "open_network", "save_network"]

Network: TypeAlias = "SentenceTransformer | CrossEncoder"
Kind: TypeAlias = Literal["transformer", "table", "pair"]

_TABLE = "embeddings"  # model2vec's name of it
_SCALES = "weights"
_AS_THEY_ARE = ("config.json", "modules.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


@dataclass(frozen=True, slots=True)
class Opened:
    """A network to train, and what it was before. ``fresh`` says that its head knows nothing yet.

    ``classes`` are those of a pair model, in the order of its columns. ``weights`` is a SHA-256 over their files.
    """

    network: Network
    kind: Kind
    folder: Path
    name: str
    weights: str
    classes: tuple[str, ...] = ()
    fresh: bool = False


def open_network(model: str | Path, recipe: Recipe, *, seed: int) -> Opened:
    """Open what a recipe begins with: a catalog name, a folder or a Hub id; ``seed`` is that of a fresh head.

    Raises what ``simplugin.load`` raises, and ``ModelError`` for a model that this recipe cannot train.
    """
    if recipe.makes_pair_model:
        return _open_pair(model, recipe, seed)
    from simplugin.encoders.local import open_layout

    folder, card = find_folder(model)
    layout = read_layout(folder)
    with quiet():
        network = open_layout(layout, choose_device(None))
    kind: Kind = "table" if layout.kind == "static" else "transformer"
    return Opened(network, kind, folder, _name(folder, card), _hash(layout))


def save_network(opened: Opened, folder: Path) -> None:
    """Write a folder that ``simplugin.load`` or ``simplugin.load_reranker`` opens, in safetensors.

    A static model keeps its layout, int8 rows included, so that it stays as small as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if opened.kind == "table" and (opened.folder / "config.json").is_file():
        _save_table(opened, folder)
        return
    network: Any = opened.network
    with quiet():
        network.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)


def _open_pair(model: str | Path, recipe: Recipe, seed: int) -> Opened:
    import torch
    from sentence_transformers import CrossEncoder
    from sentence_transformers.base.modules import Transformer

    known = is_pair_model(model)
    classes = _known_classes(model, recipe) if known else recipe.classes
    folder, card = _pair_folder(model) if known else find_folder(model)
    layout = None if known else read_layout(folder)
    if layout is not None and layout.kind == "static":
        message = (
            f"{recipe.name!r} trains a network that reads two texts at once, and {str(model)!r} is a static model; "
            f"name a transformer with --model, such as {recipe.base}."
        )
        raise ModelError(message)
    weights = [folder / "model.safetensors"] if layout is None else layout.weights
    inner = folder if layout is None else layout.weights[0].parent
    torch.manual_seed(seed)
    with quiet():
        body = Transformer(
            str(inner),
            transformer_task="sequence-classification",
            model_kwargs={"trust_remote_code": False, "dtype": "float32"},
            config_kwargs={
                "num_labels": len(classes),
                "id2label": dict(enumerate(classes)),
                "label2id": {name: column for column, name in enumerate(classes)},
            },
            processor_kwargs={} if recipe.max_tokens is None else {"model_max_length": _length(recipe, layout)},
        )
        network = CrossEncoder(modules=[body], device=str(choose_device(None)))
    return Opened(network, "pair", folder, _name(folder, card), hash_files(weights), classes, fresh=not known)


def _pair_folder(model: str | Path) -> tuple[Path, ModelCard | None]:
    folder = Path(model)
    if not folder.is_dir() or not (folder / "model.safetensors").is_file():
        message = (
            f"{str(model)!r} is a pair model that is not trained further; give the folder of one in safetensors, or a "
            "model without a head."
        )
        raise ModelError(message)
    return folder, None


def _known_classes(model: str | Path, recipe: Recipe) -> tuple[str, ...]:
    """Return the classes of a head that is there, which must be those of the recipe, in whichever order."""
    labels = load_reranker(model).labels
    known = tuple(as_class(label) or label for label in labels)
    if set(known) != set(recipe.classes):
        message = (
            f"The head of {str(model)!r} tells {', '.join(labels)}, and {recipe.name!r} trains "
            f"{', '.join(recipe.classes)}."
        )
        raise ModelError(message)
    return known


def _length(recipe: Recipe, layout: Layout | None) -> int:
    wanted = recipe.max_tokens or 0
    return wanted if layout is None or layout.max_tokens is None else min(wanted, layout.max_tokens)


def _save_table(opened: Opened, folder: Path) -> None:
    from safetensors import safe_open
    from safetensors.numpy import save

    from simplugin.training.quantization import quantize

    network: Any = opened.network
    rows = network[0].embedding.weight.detach().cpu().numpy().astype(np.float32)
    source: Any = safe_open(opened.folder / "model.safetensors", framework="numpy")
    with source as tensors:
        scaled = _SCALES in tensors.keys() and tensors.get_slice(_TABLE).get_dtype() == "I8"  # noqa: SIM118  # no mapping
    table = quantize(rows) if scaled else None
    saved: dict[str, Any] = {_TABLE: rows} if table is None else {_TABLE: table.embeddings, _SCALES: table.weights}
    (folder / "model.safetensors").write_bytes(save(saved))
    for name in _AS_THEY_ARE:
        if (opened.folder / name).is_file():
            shutil.copyfile(opened.folder / name, folder / name)


def _name(folder: Path, card: ModelCard | None) -> str:
    return folder.name if card is None else card.name


def _hash(layout: Layout) -> str:
    return hash_files(layout.weights)
