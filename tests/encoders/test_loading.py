from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simplugin
from simplugin.catalog import names
from simplugin.encoders import Encoder, load
from simplugin.errors import CheckpointError, ModelError, NotAnEmbedderError, UnknownModelError


@pytest.mark.parametrize("name", ["startre", "./no/such/folder", "/nowhere/at/all", "a/b/c", ""])
def test_an_unknown_name_lists_the_names_that_exist(name: str) -> None:
    with pytest.raises(UnknownModelError) as raised:
        load(name)

    assert all(known in str(raised.value) for known in names())


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one() -> None:
    with pytest.raises(UnknownModelError, match="Did you mean 'starter'"):
        load("startr")


def test_a_path_without_a_folder_is_said_to_be_none() -> None:
    with pytest.raises(UnknownModelError, match=re.escape("no model './no_folder' and no folder of that name")):
        load("./no_folder")


def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="empty"):
        load(tmp_path)


def test_a_pair_model_is_no_embedder() -> None:
    with pytest.raises(NotAnEmbedderError, match="rerank"):
        load("az-mbert-pair")


def test_starter_and_its_version_are_one_model() -> None:
    assert load("starter").card == load("starter-3").card


def test_a_model_without_a_hub_id_asks_for_its_folder() -> None:
    with pytest.raises(ModelError, match="'he-mbert-nli' has no known place on the Hub: give the folder"):
        load("he-mbert-nli")


def test_a_static_model_has_one_precision() -> None:
    with pytest.raises(ModelError, match="static model"):
        load("starter", precision="bf16")


@pytest.mark.parametrize("width", [1.5, "64"])
def test_a_width_that_is_no_whole_number_is_refused_in_words(width: Any) -> None:
    with pytest.raises(TypeError, match=f"truncate_dim is {width!r}; give a whole number"):
        load("starter", truncate_dim=width)


@pytest.mark.parametrize("options", [{"truncate_dim": 64}, {"precision": "bf16"}, {"backend": "openvino"}], ids=str)
def test_what_a_server_chooses_itself_is_refused_and_not_passed_over(options: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="choose them where it runs"):
        load("http://localhost:1", **options)


@pytest.mark.parametrize("width", [0, 257, -1])
def test_a_width_that_a_static_model_has_not_is_refused(width: int) -> None:
    with pytest.raises(ModelError, match="vectors of 256 numbers"):
        load("starter", truncate_dim=width)


def test_a_static_model_gives_the_beginnings_of_its_vectors_at_length_one(starter: Encoder) -> None:
    cut = load("starter", truncate_dim=64)

    whole = starter.encode_document(["the cat sleeps"])[0, :64]
    assert cut.encode_document(["the cat sleeps"])[0] == pytest.approx(whole / np.linalg.norm(whole), abs=1e-6)
    assert (cut.dimension, cut.card.dimension, cut.card.truncate_dim) == (64, 64, 64)
    assert load("starter", truncate_dim=256).card == starter.card


def test_a_width_behind_the_name_cuts_the_vectors(starter: Encoder, tmp_path: Path) -> None:
    assert load("starter@64").card == load("starter", truncate_dim=64).card
    assert (load("starter@64").card.full_name, starter.card.full_name) == ("starter-3@64", "starter-3")
    shutil.copytree(Path(simplugin.__file__).parent / "starter", tmp_path / "mine@64")
    assert load(tmp_path / "mine@64").dimension == 256, "a folder may be called so"
    with pytest.raises(ModelError, match="vectors of 256 numbers"):
        load("starter@300")
