"""From a name to an encoder."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from numbers import Integral
from pathlib import Path
from typing import cast

from simplugin.catalog import NEWEST_STARTER, Backend, ModelCard, Precision, find, names, split_width
from simplugin.encoders.hub import fetch
from simplugin.encoders.protocol import Encoder
from simplugin.encoders.remote import is_url
from simplugin.encoders.static import StaticEncoder, is_static
from simplugin.errors import CheckpointError, ModelError, NotAnEmbedderError, UnknownModelError

__all__ = ["as_encoder", "find_folder", "load"]


def load(
    name: str | Path,
    device: str | None = None,
    precision: Precision | None = None,
    truncate_dim: int | None = None,
    backend: Backend = "torch",
) -> Encoder:
    """Open a model: a catalog name such as ``"starter"``, the folder of a checkpoint, a Hub id, or a server's URL.

    ``"starter@64"`` keeps the first 64 numbers of each vector, as ``truncate_dim=64`` does.
    ``device``, ``precision``, ``truncate_dim`` and ``backend`` are those of ``LocalEncoder``; None leaves them to the
    model.

    Raises ``UnknownModelError`` (with the names that exist), ``CheckpointError`` for files that cannot be opened,
    ``NotAnEmbedderError`` for a pair model, ``ModelError`` for options that the model or the machine has not,
    ``RemoteError`` for a server that cannot be used.
    """
    if not isinstance(cast("object", name), str | Path):  # callers may be untyped
        message = f"Expected a model, its name, folder or URL; got {name!r}."
        raise TypeError(message)
    if isinstance(name, str) and is_url(name):
        if truncate_dim is not None or precision is not None or backend != "torch":
            raise ModelError("A server's model has its own precision, width and backend; choose them where it runs.")
        from simplugin.encoders.remote import RemoteEncoder

        return RemoteEncoder(name)
    if truncate_dim is not None and not isinstance(cast("object", truncate_dim), Integral):  # callers may be untyped
        message = f"truncate_dim is {truncate_dim!r}; give a whole number."
        raise TypeError(message)
    if truncate_dim is None and not Path(name).is_dir():
        name, truncate_dim = split_width(str(name))
    folder, card = find_folder(name)
    if is_static(folder):
        return _open_static(folder, card, precision, truncate_dim, backend)
    from simplugin.encoders.local import LocalEncoder

    try:
        return LocalEncoder(
            folder, card, device=device, precision=precision, truncate_dim=truncate_dim, backend=backend
        )
    except NotAnEmbedderError as error:
        if card is None:
            raise
        raise NotAnEmbedderError(card.name) from error  # the folder's name is a revision


def find_folder(name: str | Path) -> tuple[Path, ModelCard | None]:
    """Return the folder of a checkpoint, downloaded where it must be, and its card where it is not a folder's name.

    Raises ``UnknownModelError``, ``CheckpointError`` and ``NotAnEmbedderError`` as ``load`` does.
    """
    folder = Path(name)
    card: ModelCard | None = None
    if not (str(name) and folder.is_dir()):  # an empty name would be the current folder
        card = _look_up(str(name))
        if card.kind == "pair":
            raise NotAnEmbedderError(card.name)
        folder = _fetch(card)
        if card.name != NEWEST_STARTER and card.revision is None:
            card = replace(card, revision=folder.name)
    if not any(folder.iterdir()):
        raise CheckpointError(folder, "the folder is empty.")
    return folder, card


def as_encoder(model: Encoder | str | Path) -> Encoder:
    """Return an encoder as it is, and open what ``load`` takes."""
    return load(model) if isinstance(model, str | Path) else model


def _fetch(card: ModelCard) -> Path:
    if card.name == NEWEST_STARTER:
        # A package is a folder wherever pip puts it; nobody runs torch from a zip file.
        return Path(str(resources.files("simplugin") / "starter"))
    if "/" not in card.id:
        message = f"{card.name!r} has no known place on the Hub: give the folder of its checkpoint instead of its name."
        raise ModelError(message)
    return fetch(card.id, card.revision)


def _open_static(
    folder: Path, card: ModelCard | None, precision: Precision | None, truncate_dim: int | None, backend: Backend
) -> StaticEncoder:
    encoder = StaticEncoder(folder, card, truncate_dim)
    if precision not in {None, "fp32"} or backend != "torch":
        message = f"{encoder.card.name!r} is a static model: it has one precision, 'fp32', and no backend."
        raise ModelError(message)
    return encoder


def _look_up(name: str) -> ModelCard:
    try:
        return find(name)
    except UnknownModelError:
        # "owner/model" may be a Hub id that the catalog has never heard of; a path that is not there is none.
        parts = name.split("/")
        if len(parts) == 2 and all(parts) and not name.startswith((".", "~")):
            return ModelCard(name=name, id=name)
        raise UnknownModelError(name, names()) from None
