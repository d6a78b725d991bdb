"""From a Hub id to a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal, TypeAlias

from simplugin.encoders.checkpoint import foreign_weights
from simplugin.errors import CheckpointError
from simplugin.messages import first_line
from simplugin.retrying import PASSING

if TYPE_CHECKING:
    from huggingface_hub import DatasetInfo, HfApi, ModelInfo

__all__ = ["fetch", "own_cache", "wanted"]

Kind: TypeAlias = Literal["model", "dataset"]
_KINDS: dict[Kind, str] = {"model": "model", "dataset": "data set"}
_KEPT = {".json", ".txt", ".model"}  # configurations and vocabularies
_PATIENCE = 10.0  # seconds for the Hub to say which files a model has; then the cache is asked
_OTHER_RUNTIMES = {"onnx", "openvino", "coreml", "assets", "imgs"}


def wanted(identity: str, names: Sequence[str]) -> list[str]:
    """Choose among the files of a repository what torch runs, ``.bin`` weights only where there are no safetensors.

    Raises ``CheckpointError`` where its weights are another library's only: gigabytes that would not open.
    """
    foreign = foreign_weights(PurePosixPath(name).name for name in names)
    if foreign is not None:
        raise CheckpointError(identity, foreign)
    paths = [PurePosixPath(name) for name in names if not _OTHER_RUNTIMES & set(PurePosixPath(name).parts[:-1])]
    safe = {path.parent for path in paths if path.suffix == ".safetensors"}
    return [
        str(path)
        for path in paths
        if path.suffix in _KEPT
        or path.match("model*.safetensors")
        or (path.match("pytorch_model*.bin") and path.parent not in safe)
    ]


def own_cache(name: str) -> Path:
    """Return the folder of what is made of files of the Hub: in ``SIMPLUGIN_CACHE``, default ``~/.cache/simplugin``."""
    return Path(os.environ.get("SIMPLUGIN_CACHE") or Path.home() / ".cache" / "simplugin") / name


def fetch(
    identity: str,
    revision: str | None = None,
    *,
    choose: Callable[[str, Sequence[str]], list[str]] = wanted,
    kind: Kind = "model",
) -> Path:
    """Return the folder of a repository of the Hub: downloaded where it is newer there, else from the cache.

    Of its files those are downloaded that ``choose`` names. Follows ``HF_HUB_OFFLINE``, ``HF_HUB_CACHE`` and
    ``HF_TOKEN``. The folder's name is the revision.

    Raises ``CheckpointError`` where neither the Hub nor the cache has it.
    """
    # Seconds to import with its HTTP client: only when a model of the Hub is opened.
    from huggingface_hub import HfApi
    from huggingface_hub.errors import LocalEntryNotFoundError

    hub = HfApi()
    known = _look_up(hub, identity, revision, kind)
    names = (
        _names_in_cache(identity, revision, kind)
        if known is None
        else [each.rfilename for each in known.siblings or ()]
    )
    chosen = choose(identity, names)
    if known is not None and (cached := _in_cache(identity, known.sha, chosen, kind)):
        return cached
    try:
        # The cache takes for missing what was never wanted, unless it is told.
        folder = hub.snapshot_download(
            identity, repo_type=kind, revision=revision, allow_patterns=chosen or None, local_files_only=known is None
        )
    except LocalEntryNotFoundError as error:
        reason = "it is not in the cache of the Hub, and the Hub cannot be reached (or HF_HUB_OFFLINE is set)."
        raise CheckpointError(identity, reason) from error
    except _failures() as error:
        raise CheckpointError(identity, f"its download failed ({first_line(error)}).") from error
    return Path(folder)


def _look_up(hub: HfApi, identity: str, revision: str | None, kind: Kind) -> ModelInfo | DatasetInfo | None:
    """Ask the Hub for the files of a repository; None where it is out of reach, by choice or not, or out of order."""
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    try:
        # One request, and no second one: the listing of files is asked for six times, in half a minute.
        ask = hub.model_info if kind == "model" else hub.dataset_info
        return ask(identity, revision=revision, timeout=_PATIENCE)
    except GatedRepoError as error:
        raise CheckpointError(identity, "its licence must be accepted on its Hub page; then set HF_TOKEN.") from error
    except RepositoryNotFoundError as error:
        raise CheckpointError(identity, f"the Hub has no such {_KINDS[kind]}; a private one needs HF_TOKEN.") from error
    except HfHubHTTPError as error:
        if error.response.status_code in PASSING:
            return None
        raise CheckpointError(identity, f"the Hub answered with an error ({first_line(error)}).") from error
    except ValueError as error:
        raise CheckpointError(identity, f"it is no Hub id ({first_line(error)}).") from error
    except _failures():
        return None


def _failures() -> tuple[type[Exception], ...]:
    """Return what a request raises that comes to nothing.

    Which HTTP client the Hub's library uses differs from version to version; the root of that client's errors is among
    the bases of its own.
    """
    from huggingface_hub.errors import HfHubHTTPError

    bases: tuple[type, ...] = HfHubHTTPError.__mro__
    return (OSError, *(base for base in bases if issubclass(base, Exception) and base.__name__ == "HTTPError"))


def _in_cache(identity: str, revision: str | None, names: Sequence[str], kind: Kind) -> Path | None:
    """Return the folder of a revision that is all there, without a further request and the bars of a download."""
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(identity, name, revision=revision, repo_type=kind) for name in names]
    first = found[0] if found and all(isinstance(path, str) for path in found) else None
    return Path(first).parents[names[0].count("/")] if isinstance(first, str) else None


def _names_in_cache(identity: str, revision: str | None, kind: Kind) -> list[str]:
    """Return which files a repository has, of which the cache may lack some; none where it does not know."""
    try:
        from huggingface_hub import get_cached_repo_tree
        from huggingface_hub.errors import CachedRepoTreeNotFoundError
    except ImportError:  # of an earlier version, which looks for nothing
        return []
    try:
        return [file.path for file in get_cached_repo_tree(identity, revision=revision, repo_type=kind)]
    except CachedRepoTreeNotFoundError:
        return []
