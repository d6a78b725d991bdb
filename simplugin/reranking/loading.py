"""From a name to a reranker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simplugin.catalog import ModelCard, Precision, find, names
from simplugin.encoders import load
from simplugin.encoders.checkpoint import read_json
from simplugin.encoders.hub import fetch, own_cache, wanted
from simplugin.errors import CheckpointError, NotAPairModelError, UnknownModelError
from simplugin.reranking.checkpoint import how_to_convert, is_embedder, is_pair_config, open_checkpoint
from simplugin.reranking.conversion import CONFIG, TOKENIZER, convert_keras
from simplugin.reranking.pair import PairReranker
from simplugin.reranking.ranking import Reranker
from simplugin.reranking.similarity import SimilarityReranker

__all__ = ["is_pair_model", "load_reranker", "open_reranker"]

_KERAS = (".h5", ".hdf5", ".keras")


def load_reranker(
    name: str | Path,
    *,
    labels: Sequence[str] | None = None,
    symmetric: bool = False,
    device: str | None = None,
    precision: Precision | None = None,
) -> PairReranker:
    """Open a pair model: a catalog name such as ``"az-mbert-pair"``, a folder, or a Hub id.

    Its head has one column, a logit of similarity, or the classes of natural language inference. These are told
    apart by the names in the checkpoint's configuration; ``labels`` names them, in the order of the columns, where
    the checkpoint does not. ``symmetric`` scores both directions and gives the mean. ``device`` and ``precision`` are
    those of ``simplugin.load``. A repository that holds one Keras file is converted once, into ``SIMPLUGIN_CACHE``
    (default ``~/.cache/simplugin``).

    Raises ``UnknownModelError`` (with the names that exist), ``NotAPairModelError`` for an embedding model,
    ``CheckpointError`` for files that cannot be opened and for classes without a meaning, ``ModelError`` for a device
    or precision that this machine has not.
    """
    path = Path(name)
    if path.suffix in _KERAS and path.is_file():
        raise CheckpointError(path, how_to_convert(str(path)))
    if str(name) and path.is_dir():  # an empty name would be the current folder
        location = path.resolve()
        card = ModelCard(name=location.name, id=location.as_posix(), kind="pair")
        opened = open_checkpoint(location.as_posix(), card, labels)
    else:
        card = _look_up(str(name))
        if card.kind == "embedder" and card.dimension is not None:
            raise NotAPairModelError(card.name)
        opened = open_checkpoint(_fetch(card.id), card, labels)
    return PairReranker(opened, symmetric=symmetric, device=device, precision=precision)


def open_reranker(name: str | Path) -> Reranker:
    """Open a model that ranks, whichever kind it is: a pair model scores pairs, an embedding model compares vectors.

    Raises what ``load_reranker`` and ``simplugin.load`` raise.
    """
    return load_reranker(name) if is_pair_model(name) else SimilarityReranker(load(name))


def is_pair_model(name: str | Path) -> bool:
    """Say whether a name or folder is that of a pair model, by its card or by its files.

    Weights that only TensorFlow reads count as one: they must be converted, and ``load_reranker`` says how.
    """
    path = Path(name)
    if path.suffix in _KERAS and path.is_file():
        return True
    if str(name) and path.is_dir():
        if is_embedder(path):
            return False
        return is_pair_config(read_json(path, CONFIG) or {}) or any(file.suffix in _KERAS for file in path.iterdir())
    try:
        return find(str(name)).kind == "pair"
    except UnknownModelError:
        config = _file_of_hub(str(name), CONFIG) if _is_hub_id(str(name)) else None
        return config is not None and is_pair_config(read_json(config.parent, config.name) or {})


def _look_up(name: str) -> ModelCard:
    try:
        return find(name)
    except UnknownModelError:
        if _is_hub_id(name):  # which the catalog has never heard of
            return ModelCard(name=name, id=name, kind="pair")
        raise UnknownModelError(name, names()) from None


def _is_hub_id(name: str) -> bool:
    parts = name.split("/")
    return len(parts) == 2 and all(parts) and not name.startswith((".", "~"))


def _file_of_hub(repository: str, name: str) -> Path | None:
    """Return a file of a repository, from the Hub or its cache; None where it is not there or out of reach."""
    from huggingface_hub import hf_hub_download  # pyright: ignore[reportUnknownVariableType]  # its progress bar

    try:
        return Path(hf_hub_download(repository, name))
    except (OSError, ValueError):
        return None


def _fetch(repository: str) -> str:
    """Return the folder of a repository, or that of its conversion where it is one Keras file."""
    folder = fetch(repository, choose=_wanted)
    files = [] if (folder / CONFIG).is_file() else sorted(folder.glob("*.h5"))
    if len(files) != 1:
        return folder.as_posix()
    # The Hub's cache names a file by the hash of its content.
    converted = own_cache("converted") / f"{repository.replace('/', '--')}-{files[0].resolve().name[:16]}"
    if not (converted / CONFIG).is_file():
        convert_keras(files[0], converted, tokenizer=TOKENIZER)
    return converted.as_posix()


def _wanted(repository: str, names: Sequence[str]) -> list[str]:
    keras = [name for name in names if name.endswith(".h5") and "/" not in name]
    return keras if len(keras) == 1 and CONFIG not in names else wanted(repository, names)
