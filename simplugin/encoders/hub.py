"""From a Hub id to a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from simplugin.encoders.checkpoint import foreign_weights
from simplugin.errors import CheckpointError
from simplugin.messages import first_line

__all__ = ["fetch"]

_KEPT = {".json", ".txt", ".model"}  # configurations and vocabularies
_PATIENCE = 10.0  # seconds for the Hub to say which files a model has; then the cache is asked
_OTHER_RUNTIMES = {"onnx", "openvino", "coreml", "assets", "imgs"}


def fetch(identity: str, revision: str | None = None) -> Path:
    """Return the folder of a model of the Hub: downloaded where it is newer there, else from the cache.

    Only what torch runs is downloaded, and ``.bin`` weights only where there are no safetensors. Follows
    ``HF_HUB_OFFLINE``, ``HF_HUB_CACHE`` and ``HF_TOKEN``. The folder's name is the revision.

    Raises ``CheckpointError`` where neither the Hub nor the cache has the model.
    """
    # Seconds to import with its HTTP client: only when a model of the Hub is opened.
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    hub = HfApi()
    # Which HTTP client it uses differs from version to version; the root of that client's errors is among the bases of
    # its own.
    bases: tuple[type, ...] = HfHubHTTPError.__mro__
    lost: tuple[type[Exception], ...] = (
        OSError,
        *(base for base in bases if issubclass(base, Exception) and base.__name__ == "HTTPError"),
    )
    patterns: list[str] | None = None
    try:
        # One request, and no second one: the listing of files is asked for six times, in half a minute.
        known = hub.model_info(identity, revision=revision, timeout=_PATIENCE)
        patterns = _wanted(identity, [file.rfilename for file in known.siblings or ()])
    except GatedRepoError as error:
        raise CheckpointError(identity, "its licence must be accepted on its Hub page; then set HF_TOKEN.") from error
    except RepositoryNotFoundError as error:
        raise CheckpointError(identity, "the Hub has no such model; a private one needs HF_TOKEN.") from error
    except HfHubHTTPError as error:
        raise CheckpointError(identity, f"the Hub answered with an error ({first_line(error)}).") from error
    except ValueError as error:
        raise CheckpointError(identity, f"it is no Hub id ({first_line(error)}).") from error
    except lost:
        pass  # offline, by choice or not: the cache may have it
    is_offline = patterns is None
    try:
        # The cache takes for missing what was never wanted, unless it is told.
        patterns = _wanted(identity, _names_in_cache(identity, revision)) if patterns is None else patterns
        folder = hub.snapshot_download(
            identity, revision=revision, allow_patterns=patterns or None, local_files_only=is_offline
        )
    except LocalEntryNotFoundError as error:
        reason = "it is not in the cache of the Hub, and the Hub cannot be reached (or HF_HUB_OFFLINE is set)."
        raise CheckpointError(identity, reason) from error
    except lost as error:
        raise CheckpointError(identity, f"its download failed ({first_line(error)}).") from error
    return Path(folder)


def _names_in_cache(identity: str, revision: str | None) -> list[str]:
    """Return which files a model has, of which the cache may lack some; none where it does not know."""
    try:
        from huggingface_hub import get_cached_repo_tree
        from huggingface_hub.errors import CachedRepoTreeNotFoundError
    except ImportError:  # of an earlier version, which looks for nothing
        return []
    try:
        return [file.path for file in get_cached_repo_tree(identity, revision=revision)]
    except CachedRepoTreeNotFoundError:
        return []


def _wanted(identity: str, names: Sequence[str]) -> list[str]:
    """Choose among the files of a repository.

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
