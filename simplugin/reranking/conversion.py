"""From a Keras file to a folder that ``load_reranker`` opens."""

from __future__ import annotations

import json
import math
import shutil
import struct
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from simplugin.errors import CheckpointError
from simplugin.reranking.heads import Head, LabelError
from simplugin.reranking.keras import Weight, open_keras
from simplugin.reranking.tokenizer import open_tokenizer

__all__ = ["ARCHITECTURE", "CONFIG", "WEIGHTS", "Conversion", "convert_keras"]

ARCHITECTURE: Final = "BertLstmForSequenceClassification"
CONFIG: Final = "config.json"
WEIGHTS: Final = "model.safetensors"

_LABELS = ("contradiction", "entailment", "neutral")
_PART = ".part"  # what a conversion that was cut short leaves
TOKENIZER = "bert-base-multilingual-uncased"


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a conversion made. ``tokenizer`` is a Hub id, or ``"."`` where its files lie in the folder."""

    folder: str
    tensors: int
    parameters: int
    labels: tuple[str, ...]
    max_tokens: int
    tokenizer: str


def convert_keras(
    file: str | Path, out: str | Path, *, tokenizer: str | Path | None = None, labels: Sequence[str] = _LABELS
) -> Conversion:
    """Convert the Keras file of a BERT and BiLSTM pair model into safetensors and a configuration, tensor by tensor.

    ``tokenizer`` is a folder whose tokenizer is copied beside the weights; without it the folder names
    bert-base-multilingual-uncased, the tokenizer of the source model ``az-mbert-pair``, which is then loaded from the
    Hub or its cache. ``labels`` name the classes in the order of the columns. ``out`` becomes a
    model when all of it is there: its ``config.json`` comes last.

    Raises ``CheckpointError`` for a file or a tokenizer that does not fit, and for an ``out`` that holds something
    else; ``MissingExtraError`` without h5py.
    """
    source, folder = Path(file), Path(out)
    _check_out(folder)
    with open_keras(source) as network:
        if network.classes != len(labels):
            raise CheckpointError(source, f"it has {network.classes} classes, and {len(labels)} labels were given.")
        try:
            head = Head(labels)
        except LabelError as error:
            raise CheckpointError(source, f"{error}.") from error
        body = dict(network.body)
        pieces = None if tokenizer is None else _fitting_tokenizer(tokenizer, body["vocab_size"])
        config = {
            "architectures": [ARCHITECTURE],
            "model_type": "bert-lstm-pair",
            "body": body,
            "lstm_units": network.units,
            "id2label": {str(column): label for column, label in enumerate(head.labels)},
            "max_tokens": network.places,
            "tokenizer": TOKENIZER if pieces is None else ".",
            "converted_from": source.name,
        }
        with _whole(folder) as part:
            _write_safetensors(part / WEIGHTS, network.weights)
            if pieces is not None:
                pieces.save_pretrained(str(part))
            text = json.dumps(config, ensure_ascii=False, indent=2) + "\n"
            (part / CONFIG).write_text(text, encoding="utf-8")
    return Conversion(
        folder=str(folder),
        tensors=len(network.weights),
        parameters=sum(math.prod(weight.shape) for weight in network.weights if weight.source is not None),
        labels=head.labels,
        max_tokens=network.places,
        tokenizer=str(config["tokenizer"]),
    )


@contextmanager
def _whole(folder: Path) -> Generator[Path, None, None]:
    """Give a folder to write in, and move what is in it to ``folder`` at the end, the configuration last."""
    part = folder / _PART
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        for path in sorted(part.iterdir(), key=lambda path: path.name == CONFIG):
            path.replace(folder / path.name)
    finally:
        shutil.rmtree(part)


def _check_out(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise CheckpointError(folder, "the output must be a folder, and this is a file.")
    if folder.is_dir() and {path.name for path in folder.iterdir()} - {_PART}:
        raise CheckpointError(folder, "the output folder is not empty; name one that is, or that is not there.")


def _fitting_tokenizer(location: str | Path, rows: int) -> Any:
    tokenizer = open_tokenizer(str(location))
    if len(tokenizer) > rows:
        raise CheckpointError(
            location,
            f"its tokenizer has {len(tokenizer)} pieces and the Keras file knows {rows}, so it is of another model.",
        )
    return tokenizer


def _write_safetensors(path: Path, weights: Sequence[Weight]) -> None:
    """Write float32 tensors one after another; only a block of one is in memory.

    The format: https://huggingface.co/docs/safetensors/index#format. The library's own writer wants all at once.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for weight in weights:
        start, end = end, end + 4 * math.prod(weight.shape)
        header[weight.name] = {"dtype": "F32", "shape": list(weight.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers begin at a multiple of 8
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for weight in weights:
            for block in weight.blocks():
                file.write(block.astype("<f4", copy=False).tobytes())
