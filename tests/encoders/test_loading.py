from __future__ import annotations

from pathlib import Path

import pytest

from simplugin.catalog import names
from simplugin.encoders import load
from simplugin.errors import CheckpointError, NotAnEmbedderError, UnknownModelError


@pytest.mark.parametrize("name", ["startre", "./no/such/folder", "/nowhere/at/all", "a/b/c", ""])
def test_an_unknown_name_lists_the_names_that_exist(name: str) -> None:
    with pytest.raises(UnknownModelError) as raised:
        load(name)

    assert all(known in str(raised.value) for known in names())


def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="empty"):
        load(tmp_path)


def test_a_pair_model_is_no_embedder() -> None:
    with pytest.raises(NotAnEmbedderError, match="rerank"):
        load("az-mbert-pair")


def test_starter_and_its_version_are_one_model() -> None:
    assert load("starter").card == load("starter-1").card
