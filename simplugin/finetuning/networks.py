"""What is trained: opened from the model it begins with, and saved so that simplugin opens it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from simplugin.catalog import ModelCard
from simplugin.encoders.fingerprint import hash_files
from simplugin.encoders.inspector import read_layout
from simplugin.encoders.loading import find_folder
from simplugin.encoders.network import choose_device
from simplugin.encoders.remote import is_url
from simplugin.encoders.static import is_static
from simplugin.errors import CheckpointError, ModelError, NotAnEmbedderError
from simplugin.evaluation.datasets.nli import as_class
from simplugin.finetuning.recipe import Recipe
from simplugin.messages import first_line, quiet
from simplugin.reranking import is_pair_model, load_reranker

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

    ``classes`` are those of a pair model, in the order of its columns. ``weights`` is a SHA-256 over their files, and
    ``card`` that of the catalog or the Hub id; None for a folder.
    """

    network: Network
    kind: Kind
    folder: Path
    name: str
    weights: str
    classes: tuple[str, ...] = ()
    fresh: bool = False
    card: ModelCard | None = None


def open_network(model: str | Path, recipe: Recipe, *, seed: int) -> Opened:
    """Open what a recipe begins with: a catalog name, a folder or a Hub id; ``seed`` is that of a fresh head.

    Raises what ``simplugin.load`` raises, and ``ModelError`` for a model that this recipe cannot train.
    """
    if is_url(str(model)):
        message = (
            f"{str(model)!r} is the address of a server, and training needs the files of a model; name one "
            "with --model by its catalog name, its folder or its Hub id."
        )
        raise ModelError(message)
    if recipe.makes_pair_model:
        return _open_pair(model, recipe, seed)
    from simplugin.encoders.local import open_layout

    try:
        folder, card = find_folder(model)
        layout = read_layout(folder)
    except NotAnEmbedderError as error:
        message = (
            f"{recipe.name!r} trains a model that has a vector for each text, and {str(model)!r} is a pair model, "
            f"which reads two texts at once; name an embedding model with --model, such as {recipe.base}, or "
            "train it further by 'nli-pair'."
        )
        raise ModelError(message) from error
    with quiet():
        network = open_layout(layout, choose_device(None))
    kind: Kind = "table" if layout.kind == "static" else "transformer"
    return Opened(network, kind, folder, _name(folder, card), hash_files(layout.weights), card=card)


def save_network(opened: Opened, folder: Path) -> None:
    """Write a folder that ``simplugin.load`` or ``simplugin.load_reranker`` opens, in safetensors.

    A static model keeps its layout, int8 rows included, so that it stays as small as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if opened.kind == "table" and is_static(opened.folder):
        _save_table(opened, folder)
        return
    network: Any = opened.network
    with quiet():
        network.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)


@dataclass(frozen=True, slots=True)
class _Body:
    """The files of a network that gets a head over two texts, or has one; ``longest`` is how many tokens it reads."""

    folder: Path
    name: str
    inner: Path
    weights: tuple[Path, ...]
    classes: tuple[str, ...]
    longest: int | None
    fresh: bool
    card: ModelCard | None = None


def _open_pair(model: str | Path, recipe: Recipe, seed: int) -> Opened:
    import torch
    from sentence_transformers import CrossEncoder
    from sentence_transformers.base.modules import Transformer

    body = _trained_pair(Path(model), recipe) if is_pair_model(model) else _bare(model, recipe)
    lengths = [length for length in (recipe.max_tokens, body.longest) if length is not None]
    named = {"id2label": dict(enumerate(body.classes)), "label2id": {name: n for n, name in enumerate(body.classes)}}
    torch.manual_seed(seed)
    try:
        with quiet():
            network = Transformer(
                str(body.inner),
                transformer_task="sequence-classification",
                model_kwargs={"trust_remote_code": False, "dtype": "float32"},
                config_kwargs={"num_labels": len(body.classes), **named},
                processor_kwargs={"model_max_length": min(lengths)} if lengths else {},
            )
            opened = CrossEncoder(modules=[network], device=str(choose_device(None)))
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, TypeError, AttributeError) as error:
        # What transformers raises for networks that no head fits on, and for tokenizers it does not know.
        raise CheckpointError(body.folder, f"{first_line(error)}.") from error
    return Opened(
        opened, "pair", body.folder, body.name, hash_files(body.weights), body.classes, fresh=body.fresh, card=body.card
    )


def _trained_pair(folder: Path, recipe: Recipe) -> _Body:
    """Return a pair model whose head is there; its classes must be those of the recipe, in whichever order."""
    weights = folder / "model.safetensors"
    if not weights.is_file():
        message = (
            f"{str(folder)!r} is a pair model that cannot be trained further; give with --model the folder of one that "
            f"{recipe.name!r} made, or a transformer without a head, such as {recipe.base}."
        )
        raise ModelError(message)
    reranker = load_reranker(folder)
    classes = tuple(as_class(label) or label for label in reranker.labels)
    if set(classes) != set(recipe.classes):
        message = (
            f"The head of {str(folder)!r} tells {', '.join(reranker.labels)}, and {recipe.name!r} trains "
            f"{', '.join(recipe.classes)}."
        )
        raise ModelError(message)
    return _Body(folder, folder.name, folder, (weights,), classes, reranker.max_tokens, fresh=False)


def _bare(model: str | Path, recipe: Recipe) -> _Body:
    """Return a network without a head over two texts; what it made of one text before is left out."""
    folder, card = find_folder(model)
    layout = read_layout(folder)
    if layout.kind == "static":
        message = (
            f"{recipe.name!r} trains a network that reads two texts at once, and {str(model)!r} is a static model; "
            f"name a transformer with --model, such as {recipe.base}."
        )
        raise ModelError(message)
    inner = layout.weights[0].parent
    name = _name(folder, card)
    return _Body(folder, name, inner, layout.weights, recipe.classes, layout.max_tokens, fresh=True, card=card)


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
