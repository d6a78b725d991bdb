"""The tokenizer of a pair model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simplugin.encoders.hub import fetch
from simplugin.errors import CheckpointError
from simplugin.messages import first_line, quiet

__all__ = ["open_tokenizer"]


def open_tokenizer(location: str) -> Any:
    """Open the tokenizer of a folder, or of an id that the Hub or its cache knows.

    A folder with nothing but a ``vocab.txt`` is an uncased BERT tokenizer. Raises ``CheckpointError``.
    """
    from transformers import AutoTokenizer, BertTokenizer

    folder = _folder(location)
    bert: Any = BertTokenizer  # neither is typed
    auto: Any = AutoTokenizer
    try:
        with quiet():
            if (folder / "vocab.txt").is_file() and not any(folder.glob("*token*.json")):
                return bert(vocab=str(folder / "vocab.txt"), do_lower_case=True)
            return auto.from_pretrained(str(folder), trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError, TypeError, AttributeError) as error:
        # What transformers raises for folders without a tokenizer.
        raise CheckpointError(location, f"it has no tokenizer that can be read ({first_line(error)}).") from error


def _folder(location: str) -> Path:
    if Path(location).is_dir():
        return Path(location)
    try:
        # Left to transformers, it asks for each of a dozen files six times where there is no network.
        return fetch(location, choose=_kept)
    except CheckpointError as error:
        reason = error.reason.rstrip(".")
        raise CheckpointError(location, f"it has no tokenizer that can be read ({reason}).") from error


def _kept(_: str, names: Sequence[str]) -> list[str]:
    """Choose among the files of a repository configurations and vocabularies."""
    return [name for name in names if "/" not in name and name.endswith((".json", ".txt", ".model"))]
