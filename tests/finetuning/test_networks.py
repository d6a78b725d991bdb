"""What a training begins with: every layout that ``simplugin.load`` opens, and pair models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import simplugin as sp
from simplugin.errors import CheckpointError, ModelError, UnknownModelError
from simplugin.finetuning import find_recipe
from simplugin.finetuning.networks import open_network, save_network
from tests.encoders.checkpoints import layout_folder, static_folder
from tests.reranking.checkpoints import pair_folder

TEXTS = ["the cat sat on the mat", "kedi ev", "hund"]


@pytest.mark.parametrize(
    ("network", "modules"),
    [
        ("bert", ("Transformer", "Pooling")),
        ("distilbert", ("Transformer", "Pooling", "Dense")),
        ("xlm-roberta", ("Transformer", "Pooling", "Normalize")),
        ("xlm-roberta", ()),
    ],
)
def test_every_module_is_kept(tmp_path: Path, network: str, modules: tuple[str, ...]) -> None:
    base = layout_folder(tmp_path / "base", network=network, modules=modules, weights="bin")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    opened = open_network(base, find_recipe("sts"), seed=1)
    save_network(opened, tmp_path / "out")

    before, after = sp.load(base), sp.load(tmp_path / "out")
    assert after.dimension == before.dimension
    assert np.abs(after.encode_document(TEXTS) - before.encode_document(TEXTS)).max() < 1e-6
    assert after.card.max_tokens == before.card.max_tokens
    assert list((tmp_path / "out").rglob("*.bin")) == [], "safetensors only, whatever the base had"


def test_a_static_model_is_kept_as_it_was(tmp_path: Path) -> None:
    base = static_folder(tmp_path / "base")

    opened = open_network(base, find_recipe("sts"), seed=1)
    save_network(opened, tmp_path / "out")

    assert opened.kind == "table"
    before, after = sp.load(base), sp.load(tmp_path / "out")
    assert np.abs(after.encode_document(TEXTS) - before.encode_document(TEXTS)).max() < 0.01, "rows are int8 again"


def test_a_new_head_is_that_of_the_seed(tmp_path: Path) -> None:
    base, recipe = layout_folder(tmp_path / "base"), find_recipe("nli-pair")
    pairs = [("the cat sat", "kedi ev"), ("hund", "the mat")]
    scores: list[list[float]] = []

    for number, seed in enumerate((1, 1, 2)):
        opened = open_network(base, recipe, seed=seed)
        assert opened.fresh
        save_network(opened, tmp_path / str(number))
        scores.append(sp.load_reranker(tmp_path / str(number)).score(pairs).tolist())

    assert scores[0] == scores[1] != scores[2]
    assert sp.load_reranker(tmp_path / "0").max_tokens == 64, "no more than the network has places"


def test_a_head_that_is_there_keeps_its_order(tmp_path: Path) -> None:
    labels = {0: "entailment", 1: "neutral", 2: "contradiction"}
    base = pair_folder(tmp_path / "base", labels)

    opened = open_network(base, find_recipe("nli-pair"), seed=1)
    save_network(opened, tmp_path / "out")

    assert opened.classes == tuple(labels.values())
    assert not opened.fresh
    pairs = [("kitab ev", "cat"), ("su yol", "su")]
    scores = [sp.load_reranker(folder).score(pairs) for folder in (base, tmp_path / "out")]
    assert np.abs(scores[0] - scores[1]).max() < 1e-6


def test_what_a_recipe_cannot_train_is_refused(tmp_path: Path) -> None:
    recipe = find_recipe("nli-pair")

    with pytest.raises(ModelError, match="tells similar, and 'nli-pair' trains contradiction, entailment, neutral"):
        open_network(pair_folder(tmp_path / "one", columns=1), recipe, seed=1)
    with pytest.raises(ModelError, match="'az-mbert-pair' is a pair model that cannot be trained further"):
        open_network("az-mbert-pair", recipe, seed=1)
    with pytest.raises(UnknownModelError):
        open_network("no-such-model", recipe, seed=1)
    damaged = layout_folder(tmp_path / "damaged")
    (damaged / "model.safetensors").write_bytes(b"\x10")
    with pytest.raises(CheckpointError, match="damaged"):
        open_network(damaged, recipe, seed=1)
