"""The matrix of changes: what opens a collection, what is warned of, and what is refused, on every store."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from simplugin.catalog import Prompts
from simplugin.errors import ModelMismatchError
from simplugin.measures import FloatArray, unit_rows
from simplugin_qdrant import Store, register
from tests.hashing import HashEncoder


class Changed(HashEncoder):
    """The same model with one thing changed: numbers rounded, a direction turned, or a declared fact."""

    def __init__(self, change: str) -> None:
        super().__init__(seed=1 if change == "another model" else 0)
        self.change = change
        match change:
            case "another prompt":
                self._card = replace(self._card, prompts=Prompts(query="query: "))
            case "another pooling":
                self._card = replace(self._card, pooling="first word")
            case "shorter":
                self._card = replace(self._card, max_tokens=128)
            case "renamed" | "another model":
                self._card = replace(self._card, name="renamed", id="renamed")
            case _:
                pass

    def _encode(self, texts: Sequence[str]) -> FloatArray:
        rows = super()._encode(texts)
        match self.change:
            case "fp16":
                return rows.astype(np.float16).astype(np.float32)
            case "bf16":
                return (rows.view(np.uint32) & 0xFFFF0000).view(np.float32)
            case "int8":
                return unit_rows(np.round(rows * 8) / 8)
            case _:
                return rows


@pytest.mark.parametrize("change", ["none", "renamed", "fp16", "bf16"])
def test_these_open_the_collection(store: Store, fresh: Callable[[str], str], change: str) -> None:
    name = fresh("same")
    register(store, name, HashEncoder())

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        register(store, name, Changed(change))


def test_retrained_a_little_it_opens_with_a_warning(store: Store, fresh: Callable[[str], str]) -> None:
    name = fresh("close")
    register(store, name, HashEncoder(256))

    with pytest.warns(UserWarning, match="close, not equal"):
        register(store, name, HashEncoder(256, noise=0.1))


@pytest.mark.parametrize("change", ["int8", "another model", "another prompt", "another pooling", "shorter"])
def test_these_are_refused(store: Store, fresh: Callable[[str], str], change: str) -> None:
    name = fresh("other")
    register(store, name, HashEncoder())

    with pytest.raises(ModelMismatchError):
        register(store, name, Changed(change))
    with pytest.raises(ModelMismatchError, match="dimension is 32 instead of 64"):
        register(store, name, HashEncoder(32))
