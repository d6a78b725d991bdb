"""The tokenizer of a pair model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simplugin.errors import CheckpointError
from simplugin.messages import first_line, quiet

__all__ = ["open_tokenizer"]


def open_tokenizer(location: str) -> Any:
    """Open the tokenizer of a folder, or of an id that the Hub or its cache knows.

    A folder with nothing but a ``vocab.txt`` is an uncased BERT tokenizer. Raises ``CheckpointError``.
    """
    from transformers import AutoTokenizer, BertTokenizer

    folder = Path(location)
    bert: Any = BertTokenizer  # neither is typed
    auto: Any = AutoTokenizer
    try:
        with quiet():
            if (folder / "vocab.txt").is_file() and not any(folder.glob("*token*.json")):
                return bert(vocab=str(folder / "vocab.txt"), do_lower_case=True)
            return auto.from_pretrained(location, trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError, TypeError, AttributeError) as error:
        # What transformers raises for folders without a tokenizer and for ids that it cannot reach.
        raise CheckpointError(location, f"it has no tokenizer that can be read ({first_line(error)}).") from error
