"""What the libraries below say, shortened or silenced."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from logging import CRITICAL
from typing import Any

__all__ = ["first_line", "quiet", "without_bars"]


def first_line(error: Exception) -> str:
    """Return what an error says, up to its first line break, without the full stop."""
    lines = str(error).strip().strip("'\"").splitlines()
    return lines[0].rstrip(".: ") if lines else type(error).__name__


@contextmanager
def quiet() -> Generator[None, None, None]:
    """Keep progress bars and load reports of transformers off the terminal: what they say is told as errors."""
    logging = _logging()
    verbosity = logging.get_verbosity()
    logging.set_verbosity(CRITICAL)
    try:
        with without_bars():
            yield
    finally:
        logging.set_verbosity(verbosity)


@contextmanager
def without_bars() -> Generator[None, None, None]:
    """Keep the progress bars of transformers off the terminal, where they come piped as well."""
    logging = _logging()
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if bars:
            logging.enable_progress_bar()


def _logging() -> Any:
    from transformers.utils import logging

    return logging
