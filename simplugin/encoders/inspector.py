"""What a checkpoint folder holds, read from its files and never from its name.

==========================================  ====================================================================
modules.json                                sentence-transformers: Transformer, Pooling, then Dense or Normalize
config.json alone                           transformers: the network and the mean of its tokens
model2vec's config, StaticEmbedding         static: a table of vectors
a classifier's head                         refused: it scores pairs, it has no vectors
modules of sentence-transformers 0.x        refused, with the types to write instead
TensorFlow, Keras, Flax, ONNX weights only  refused, with the way out
==========================================  ====================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

from simplugin.catalog import ModelCard, Prompts
from simplugin.encoders.checkpoint import (
    Weights,
    find_tokenizer,
    find_weights,
    foreign_weights,
    read_json,
    read_modules,
    tensor_names,
)
from simplugin.encoders.configurations import (
    Dense,
    read_dense,
    read_length,
    read_pooling,
    read_prompts,
    read_similarity,
    read_stated_length,
    read_width,
)
from simplugin.errors import CheckpointError, NotAnEmbedderError
from simplugin.measures import SimilarityFunction

__all__ = ["BODIES", "Layout", "read_layout"]

Kind = Literal["sentence-transformers", "transformers", "static"]

_OLD_TYPES = {"ALBERT", "BERT", "CamemBERT", "DistilBERT", "RoBERTa", "T5", "XLMRoBERTa", "XLNet"}
_AFTER_POOLING = {"Dense", "Normalize", "LayerNorm", "Dropout"}
_PLAIN_MODEL_HEADS = ("ForMaskedLM", "ForPreTraining", "LMHeadModel", "ForCausalLM")
_LANGUAGE_MODEL = "It is a language model, not trained for similarity: its vectors rank poorly."
_CLASSIFIER = "Its network was a classifier, whose head is left out: it was not trained for similarity."

BODIES = (_LANGUAGE_MODEL, _CLASSIFIER)
"""The notes that say of a model: its vectors are made from the body of a network with another purpose."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the files of a checkpoint say.

    ``max_tokens`` never passes the positions that exist. ``normalize`` says that the last module brings vectors to
    length 1. ``prompt_pooled`` is False where the tokens of a prompt are left out of the pooling. ``notes`` are what
    its user should know.
    """

    folder: Path
    kind: Kind
    modules: tuple[str, ...]
    pooling: str | None = None
    dense: tuple[Dense, ...] = ()
    normalize: bool = False
    prompts: Prompts = field(default_factory=Prompts)
    prompt_pooled: bool = True
    similarity: SimilarityFunction = "cosine"
    dimension: int | None = None
    max_tokens: int | None = None
    tokenizer: tuple[Path, ...] = ()
    weights: tuple[Path, ...] = ()
    weights_format: Literal["safetensors", "bin"] = "safetensors"
    notes: tuple[str, ...] = ()

    def complete(self, card: ModelCard) -> ModelCard:
        """Fill in what the files say; where they differ from the card, the files are right.

        Prompts alone are taken from the card where the files have none: the e5 family names its own in prose only.
        """
        return replace(
            card,
            dimension=self.dimension,
            max_tokens=self.max_tokens,
            pooling=self.pooling,
            # Where closeness is the angle, length carries nothing: unit vectors make every engine agree.
            normalize=self.similarity == "cosine" or self.normalize,
            similarity=self.similarity,
            prompts=card.prompts if self.prompts == Prompts() else self.prompts,
            warnings=tuple(dict.fromkeys([*card.warnings, *self.notes])),
        )


def read_layout(folder: Path) -> Layout:
    """Read a checkpoint folder.

    Raises ``CheckpointError`` for what cannot be run, with the reason; ``NotAnEmbedderError`` for a pair model.
    """
    foreign = foreign_weights(path.name for path in folder.iterdir())
    listed = read_modules(folder)
    if listed is None:
        if (folder / "config.json").is_file():
            return _read_plain(folder)
        raise CheckpointError(folder, foreign or "it has neither modules.json nor config.json.")
    said = read_json(folder, "config_sentence_transformers.json") or {}
    if said.get("model_type") == "CrossEncoder":
        raise NotAnEmbedderError(folder.name)
    names = tuple(_module_name(folder, entry["type"]) for entry in listed)
    if names[0] == "StaticEmbedding":
        return _read_static(folder, listed, names, said)
    if names[:2] != ("Transformer", "Pooling"):
        raise CheckpointError(folder, f"modules.json lists {', '.join(names)}, not a transformer and its pooling.")
    return _read_modules(folder, listed, names, said)


def _read_modules(
    folder: Path, listed: Sequence[dict[str, Any]], names: tuple[str, ...], said: dict[str, Any]
) -> Layout:
    inner = folder / listed[0]["path"]
    config = _network(folder, inner)
    pooling = read_json(folder / listed[1]["path"], "config.json")
    if pooling is None:
        raise CheckpointError(folder, f"{listed[1]['path']}/config.json is missing.")
    modes, width = read_pooling(folder, pooling, config)
    dense: list[Dense] = []
    found = [find_weights(inner, folder)]
    for name, entry in zip(names[2:], listed[2:], strict=True):
        if name == "Dense":
            layer, given = read_dense(folder, folder / entry["path"])
            if given != width:
                raise CheckpointError(folder, f"{entry['path']} takes {given} numbers, the layer before gives {width}.")
            width = layer.width
            dense.append(layer)
            found.append(find_weights(folder / entry["path"], folder))
    length, notes = read_length(read_stated_length(inner), inner, config)
    if _has_classifier(found[0], folder):
        notes = (*notes, _CLASSIFIER)
    prompts, similarity = read_prompts(folder, said), read_similarity(folder, said)
    return Layout(
        folder=folder,
        kind="sentence-transformers",
        modules=names,
        pooling=modes,
        dense=tuple(dense),
        normalize=names[-1] == "Normalize",
        prompts=prompts,
        prompt_pooled=bool(pooling.get("include_prompt", True)),
        similarity=similarity,
        dimension=width,
        max_tokens=length,
        tokenizer=_tokenizer(folder, inner, config),
        weights=_files(folder, found),
        weights_format=_format(found),
        notes=(*_format_notes(found), *notes),
    )


def _read_plain(folder: Path) -> Layout:
    """Read a folder without modules.json: sentence-transformers runs it as the network and a mean over its tokens."""
    config = _network(folder, folder)
    if config.get("model_type") == "model2vec":
        weights = find_weights(folder)
        return Layout(folder, "static", ("StaticEmbedding",), "mean of word pieces", weights=weights.files)
    weights = find_weights(folder)
    heads = [str(name) for name in cast("list[object]", config.get("architectures") or [])]
    if any("ForSequenceClassification" in head for head in heads) or _has_classifier(weights, folder):
        raise NotAnEmbedderError(folder.name)
    other = [head for head in heads if "For" in head and not head.endswith(_PLAIN_MODEL_HEADS)]
    if other:
        raise CheckpointError(folder, f"it is a {other[0]}, whose network was never trained to give a text one vector.")
    notes = ["It has no modules.json: its vector is the mean of the last layer's tokens."]
    if any(head.endswith(_PLAIN_MODEL_HEADS) for head in heads):
        notes.append(_LANGUAGE_MODEL)
    length, more = read_length(None, folder, config)
    return Layout(
        folder=folder,
        kind="transformers",
        modules=("Transformer", "Pooling"),
        pooling="mean",
        dimension=read_width(folder, config),
        max_tokens=length,
        tokenizer=_tokenizer(folder, folder, config),
        weights=_files(folder, [weights]),
        weights_format=weights.format,
        notes=(*notes, *_format_notes([weights]), *more),
    )


def _read_static(
    folder: Path, listed: Sequence[dict[str, Any]], names: tuple[str, ...], said: dict[str, Any]
) -> Layout:
    inner = folder / listed[0]["path"]
    weights = find_weights(inner, folder)
    return Layout(
        folder=folder,
        kind="static",
        modules=names,
        pooling="mean of word pieces",
        normalize=names[-1] == "Normalize",
        prompts=read_prompts(folder, said),
        similarity=read_similarity(folder, said),
        tokenizer=find_tokenizer(inner),
        weights=_files(folder, [weights]),
        weights_format=weights.format,
        notes=_format_notes([weights]),
    )


def _module_name(folder: Path, type_: str) -> str:
    """Return the class's own name; the module paths before it have changed with every version."""
    name = type_.rsplit(".", 1)[-1]
    if not type_.startswith("sentence_transformers."):
        raise CheckpointError(folder, f"its module {type_!r} is code of its own, which is never run.")
    if name in _OLD_TYPES:
        reason = (
            f"its module {type_!r} is of sentence-transformers 0.x; "
            "write 'sentence_transformers.models.Transformer' in modules.json instead."
        )
        raise CheckpointError(folder, reason)
    if name not in _AFTER_POOLING | {"Transformer", "Pooling", "StaticEmbedding"}:
        raise CheckpointError(folder, f"its module {type_!r} is none that simplugin runs.")
    return name


def _network(folder: Path, inner: Path) -> dict[str, Any]:
    config = read_json(inner, "config.json")
    if config is None:
        where = "" if inner == folder else f" in {inner.name}"
        raise CheckpointError(folder, f"there is no config.json{where}.")
    if "auto_map" in config:
        raise CheckpointError(folder, "it needs code that comes with it, which is never run (auto_map in config.json).")
    if "model_type" not in config:
        raise CheckpointError(folder, f"{inner.name}/config.json does not say its model_type.")
    return config


def _has_classifier(weights: Weights, folder: Path) -> bool:
    return any(name.startswith("classifier.") for name in tensor_names(weights, folder))


def _tokenizer(folder: Path, inner: Path, config: dict[str, Any]) -> tuple[Path, ...]:
    found = find_tokenizer(inner)
    if not found:
        usual = "sentencepiece.bpe.model" if "xlm-roberta" in str(config["model_type"]) else "vocab.txt"
        raise CheckpointError(folder, f"its tokenizer is missing: there is neither tokenizer.json nor {usual}.")
    return found


def _files(folder: Path, found: Sequence[Weights]) -> tuple[Path, ...]:
    """Return the files that hold the numbers; a damaged header is found here, before anything is loaded."""
    for weights in found:
        tensor_names(weights, folder)
    return tuple(path for weights in found for path in weights.files)


def _format(found: Sequence[Weights]) -> Literal["safetensors", "bin"]:
    return "bin" if any(weights.format == "bin" for weights in found) else "safetensors"


def _format_notes(found: Sequence[Weights]) -> tuple[str, ...]:
    if _format(found) == "safetensors":
        return ()
    return ("Its weights are a .bin file, a pickle: read as numbers only, so that no code in it can run.",)
