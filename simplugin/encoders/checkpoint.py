"""The files of a checkpoint folder: configurations, weights, tokenizer. Nothing here runs what it reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal, cast

from simplugin.errors import CheckpointError
from simplugin.parsing import parse_json

__all__ = ["Weights", "find_tokenizer", "find_weights", "foreign_weights", "read_json", "read_modules", "tensor_names"]

_HEADER_LIMIT = 100_000_000  # bytes; the same bound as the safetensors library's own

_FOREIGN = {
    "*.h5": "TensorFlow or Keras",
    "*.keras": "Keras",
    "saved_model.pb": "TensorFlow",
    "*.msgpack": "Flax",
    "*.onnx": "ONNX",
    "*.gguf": "llama.cpp",
}

_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
"""``*.model`` are the names of sentencepiece: sentencepiece.bpe.model, spiece.model, tokenizer.model."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The files that hold a network's numbers, and how they are written."""

    format: Literal["safetensors", "bin"]
    files: tuple[Path, ...]


def read_json(folder: Path, name: str) -> dict[str, Any] | None:
    """Read a JSON object; None where there is no such file.

    Raises ``CheckpointError`` for a file that cannot be read, is damaged, or holds no object.
    """
    value = _read(folder, name)
    if value is None or isinstance(value, dict):
        return cast("dict[str, Any] | None", value)
    raise CheckpointError(folder, f"{name} is no JSON object.")


def read_modules(folder: Path) -> list[dict[str, Any]] | None:
    """Read ``modules.json``, the list of what a text passes through; None where there is none.

    Raises ``CheckpointError`` for a damaged file, and for an entry without ``type`` or ``path``.
    """
    value = _read(folder, "modules.json")
    if value is None:
        return None
    entries = cast("list[object]", value) if isinstance(value, list) else []
    for entry in entries:
        module = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
        if not isinstance(module.get("type"), str) or not isinstance(module.get("path"), str):
            raise CheckpointError(folder, "modules.json has an entry without a type or a path.")
        place = Path(module["path"])
        if place.is_absolute() or ".." in place.parts or "\0" in module["path"]:
            raise CheckpointError(folder, f"modules.json has the path {str(place)!r}, which leads out of the folder.")
    if not entries:
        raise CheckpointError(folder, "modules.json lists no modules.")
    return cast("list[dict[str, Any]]", entries)


def find_weights(folder: Path, root: Path | None = None) -> Weights:
    """Return the weights in this folder: safetensors where there are any, else ``pytorch_model.bin``.

    ``root`` is the checkpoint that an error names. Raises ``CheckpointError`` where there are none, which says what
    is there instead.
    """
    for format_, stem in (("safetensors", "model.safetensors"), ("bin", "pytorch_model.bin")):
        index = read_json(folder, f"{stem}.index.json")
        names = {stem} if index is None else _parts(root or folder, index)
        files = [folder / name for name in sorted(names)]
        if index is None and not files[0].is_file():
            continue
        for file in files:
            if not file.is_file():
                raise CheckpointError(root or folder, f"{file.name} is missing, one part of its weights.")
        return Weights(cast("Literal['safetensors', 'bin']", format_), tuple(files))
    where = "" if root in {None, folder} else f" in {folder.name}"
    foreign = foreign_weights(path.name for path in folder.iterdir()) if folder.is_dir() else None
    raise CheckpointError(root or folder, foreign or f"there are no weights{where} (model.safetensors).")


def foreign_weights(names: Iterable[str]) -> str | None:
    """Say, in a sentence, that the weights among these file names are another library's; None where they are not."""
    listed = sorted(names)
    if any(name.endswith((".safetensors", ".bin")) for name in listed):
        return None
    for pattern, library in _FOREIGN.items():
        found = [name for name in listed if fnmatch(name, pattern)]
        if not found:
            continue
        said = f"its only weights are {found[0]}, a {library} file, which transformers 5 does not read;"
        if found[0].endswith((".h5", ".keras")):
            return f"{said} convert it once with 'simplugin models convert {found[0]} --out FOLDER'."
        return f"{said} ask its author for model.safetensors."
    return None


def find_tokenizer(folder: Path) -> tuple[Path, ...]:
    """Return the files that hold the vocabulary; none where there is none."""
    return tuple(path for pattern in _TOKENIZERS for path in sorted(folder.glob(pattern)))


def tensor_names(weights: Weights, root: Path) -> frozenset[str]:
    """Return the names in the headers of safetensors files; a ``.bin`` says nothing without being unpacked.

    Raises ``CheckpointError`` for a file that is damaged or cut short. Format:
    https://huggingface.co/docs/safetensors/index#format
    """
    if weights.format == "bin":
        return frozenset()
    names: set[str] = set()
    for path in weights.files:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= min(_HEADER_LIMIT, path.stat().st_size):
                raise CheckpointError(root, f"its weights are damaged ({path.name} has no header).")
            try:
                header = parse_json(file.read(length))
            except ValueError as error:
                raise CheckpointError(root, f"its weights are damaged ({path.name}: {error}).") from error
        if not isinstance(header, dict):
            raise CheckpointError(root, f"its weights are damaged ({path.name}: its header is no JSON object).")
        names.update(cast("dict[str, Any]", header))
    return frozenset(names - {"__metadata__"})


def _parts(root: Path, index: dict[str, Any]) -> set[str]:
    """Return the names of the files that the weights are parted into, which lie beside their index."""
    listed = index.get("weight_map")
    names = list(cast("dict[str, Any]", listed).values()) if isinstance(listed, dict) else list[Any]()
    for name in names:
        if not isinstance(name, str) or name in {"", ".."} or Path(name).name != name or "\0" in name:
            raise CheckpointError(root, f"its index of weights names {name!r}, which is no file beside it.")
    if not names:
        raise CheckpointError(root, "its index of weights names no files.")
    return set(names)


def _read(folder: Path, name: str) -> object:
    try:
        return parse_json((folder / name).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckpointError(folder, f"{name} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise CheckpointError(folder, f"{name} is damaged ({error}).") from error
