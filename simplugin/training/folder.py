"""The folder a static model is kept in: written for three readers, read back with numpy alone.

The layout is model2vec's (https://github.com/MinishLab/model2vec); sentence-transformers opens it through
`modules.json`.
"""

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save
from tokenizers import Tokenizer

from simplugin.errors import CheckpointError
from simplugin.training.bags import to_bags
from simplugin.training.quantization import QuantizedTable

BATCH = 2048


@dataclass(frozen=True, slots=True)
class StaticModel:
    """A tokenizer and one row for each of its pieces, (V, d)."""

    tokenizer: Tokenizer
    rows: QuantizedTable

    @property
    def width(self) -> int:
        """The number of dimensions, d."""
        return int(self.rows.embeddings.shape[1])

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give the mean of the rows of each text's pieces, (n, d) float32, rows of length 1.

        A text without known pieces is a row of zeros.
        """
        parts = [np.empty((0, self.width), dtype=np.float64)]
        for start in range(0, len(texts), BATCH):
            bags = to_bags(self.tokenizer, texts[start : start + BATCH])
            rows = self.rows.embeddings[bags.ids] * self.rows.weights[bags.ids, None]
            # An empty bag at the end starts behind the last row, where reduceat wants something to point at.
            rows = np.concatenate([rows, np.zeros((1, self.width), dtype=np.float32)])
            sums = np.add.reduceat(rows, bags.starts[:-1], axis=0, dtype=np.float64)
            sums[bags.starts[1:] == bags.starts[:-1]] = 0.0
            parts.append(sums)
        # Sum and mean differ by a factor only, which bringing them to length 1 removes.
        vectors = np.concatenate(parts)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(lengths > 0.0, lengths, 1.0), dtype=np.float32)


def read_model(folder: Path) -> StaticModel:
    """Read a folder that `write_model` wrote.

    Raises `CheckpointError` where a file is absent or lacks a tensor.
    """
    try:
        tensors = load((folder / "model.safetensors").read_bytes())
        rows = QuantizedTable(tensors["embeddings"], tensors["weights"])
        tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(folder, "model.safetensors or tokenizer.json is absent.") from error
    except KeyError as error:
        raise CheckpointError(folder, f"model.safetensors has no tensor {error}.") from error
    return StaticModel(tokenizer, rows)


def write_model(folder: Path, model: StaticModel, *, name: str, card: str) -> None:
    """Write the complete folder beside its place and move it there in one step, replacing what was there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        draft.chmod(0o755)
        tensors: dict[str, NDArray[Any]] = {"embeddings": model.rows.embeddings, "weights": model.rows.weights}
        (draft / "model.safetensors").write_bytes(save(tensors))
        model.tokenizer.save(str(draft / "tokenizer.json"), pretty=False)
        _write_json(draft / "config.json", _config(name, width=model.width))
        _write_json(draft / "modules.json", _MODULES)
        (draft / "README.md").write_text(card, encoding="utf-8")
        if folder.exists():
            retired = draft.with_name(f"{draft.name}-old")
            folder.rename(retired)
            draft.rename(folder)
            shutil.rmtree(retired)
        else:
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


_MODULES = [
    {"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"},
    {"idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"},
]


def _config(name: str, *, width: int) -> dict[str, object]:
    return {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "tokenizer_name": name,
        "hidden_dim": width,
        "normalize": True,
        # None tells model2vec not to cut long texts, which it would do at 512 pieces.
        "max_length": None,
        "pooling": "mean",
        "embedding_dtype": "int8",
    }


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
