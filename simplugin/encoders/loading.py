"""From a name to an encoder."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from simplugin.catalog import NEWEST_STARTER, ModelCard, find, names
from simplugin.encoders.local import LocalEncoder
from simplugin.encoders.protocol import Encoder
from simplugin.encoders.remote import RemoteEncoder, is_url
from simplugin.encoders.static import StaticEncoder, is_static
from simplugin.errors import CheckpointError, NotAnEmbedderError, UnknownModelError

__all__ = ["load"]


def load(name: str | Path) -> Encoder:
    """Open a model: a catalog name such as ``"starter"``, the folder of a checkpoint, a Hub id, or a server's URL.

    Raises ``UnknownModelError`` (with the names that exist), ``CheckpointError`` for files that cannot be opened,
    ``NotAnEmbedderError`` for a pair model, ``RemoteError`` for a server that cannot be used.
    """
    if isinstance(name, str) and is_url(name):
        return RemoteEncoder(name)
    folder = Path(name)
    if str(name) and folder.is_dir():  # an empty name would be the current folder
        return _open_folder(folder)
    card = _look_up(str(name))
    if card.kind == "pair":
        raise NotAnEmbedderError(card.name)
    if card.name == NEWEST_STARTER:
        # A package is a folder wherever pip puts it; nobody runs torch from a zip file.
        return StaticEncoder(Path(str(resources.files("simplugin") / "starter")), card)
    return LocalEncoder(card.id, card)


def _open_folder(folder: Path) -> Encoder:
    if not any(folder.iterdir()):
        raise CheckpointError(folder, "the folder is empty.")
    return StaticEncoder(folder) if is_static(folder) else LocalEncoder(str(folder))


def _look_up(name: str) -> ModelCard:
    try:
        return find(name)
    except UnknownModelError:
        # "owner/model" may be a Hub id that the catalog has never heard of; a path that is not there is none.
        parts = name.split("/")
        if len(parts) == 2 and all(parts) and not name.startswith((".", "~")):
            return ModelCard(name=name, id=name)
        raise UnknownModelError(name, names()) from None
