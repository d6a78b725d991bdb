"""Pair models by their id on the Hub: from a Hub of ours, and from the cache without one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.encoders.checkpoints import layout_folder
from tests.encoders.local_hub import NOBODY, local_hub, run
from tests.reranking.checkpoints import pair_folder, tokenizer_folder

LOAD = "import simplugin; pairs = simplugin.load_reranker('{}'); print(pairs.labels, pairs.score([('a b', 'a c')]))"
CLASSES = {0: "contradiction", 1: "entailment", 2: "neutral"}


@pytest.mark.parametrize("pickled", [False, True], ids=["safetensors", "bin"])
def test_a_pair_model_is_downloaded_once_and_opens_without_a_network(tmp_path: Path, pickled: bool) -> None:
    pair_folder(tmp_path / "pair", CLASSES, pickled=pickled)
    with local_hub({"me/pair": tmp_path / "pair"}) as hub:
        first = run(LOAD.format("me/pair"), tmp_path / "cache", HF_ENDPOINT=hub.endpoint)
        embedded = run("import simplugin; simplugin.load('me/pair')", tmp_path / "cache", HF_ENDPOINT=hub.endpoint)

    assert first.stdout.startswith("('contradiction', 'entailment', 'neutral')"), first.stderr
    assert "NotAnEmbedderError: 'me/pair' scores pairs" in embedded.stderr
    for reach in ({"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": NOBODY}):
        again = run(LOAD.format("me/pair"), tmp_path / "cache", **reach)
        assert (again.stdout, "Retrying" in again.stderr) == (first.stdout, False)


def test_an_embedding_model_of_the_hub_is_no_pair_model(tmp_path: Path) -> None:
    layout_folder(tmp_path / "embedder")
    with local_hub({"me/embedder": tmp_path / "embedder"}) as hub:
        refused = run(LOAD.format("me/embedder"), tmp_path / "cache", HF_ENDPOINT=hub.endpoint)

    assert "NotAPairModelError: 'me/embedder' has no trained head" in refused.stderr


def test_the_keras_file_of_a_repository_is_converted_once_with_its_tokenizer(tmp_path: Path, data: Path) -> None:
    pytest.importorskip("h5py")
    (tmp_path / "keras").mkdir()
    shutil.copy(next((data / "checkpoints").rglob("*.h5")), tmp_path / "keras")
    tokenizer_folder(tmp_path / "tokenizer")
    repositories = {
        "alasdevcenter/az-sentence-similarity": tmp_path / "keras",
        "bert-base-multilingual-uncased": tmp_path / "tokenizer",
    }
    with local_hub(repositories) as hub:
        first = run(LOAD.format("az-mbert-pair"), tmp_path / "cache", HF_ENDPOINT=hub.endpoint)

    assert first.stdout.startswith("('contradiction', 'entailment', 'neutral')"), first.stderr
    (converted,) = (tmp_path / "cache" / "simplugin" / "converted").iterdir()
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {path.name for path in converted.iterdir()}
    for reach in ({"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": NOBODY}):
        again = run(LOAD.format("az-mbert-pair"), tmp_path / "cache", **reach)
        assert (again.stdout, "Retrying" in again.stderr) == (first.stdout, False)
