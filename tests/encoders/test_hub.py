"""Models by their id on the Hub: from a Hub of ours, and from the cache without one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import simplugin
from simplugin.encoders.hub import wanted
from simplugin.errors import CheckpointError
from tests.encoders.local_hub import NOBODY, REVISION, LocalHub, local_hub, run

LOAD = """
import simplugin
model = simplugin.load('me/mine')
print(model.card.id, model.card.revision, *model.encode_query(['hello'])[0, :2])
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LocalHub]:
    folder = shutil.copytree(Path(simplugin.__file__).parent / "starter", tmp_path / "mine")
    (folder / "banner.png").write_bytes(b"png")
    with local_hub({"me/mine": Path(folder)}) as served:
        yield served


def test_a_model_is_downloaded_once_and_opens_without_a_network_after_that(tmp_path: Path, hub: LocalHub) -> None:
    cache = tmp_path / "cache"
    first = run(LOAD, cache, HF_ENDPOINT=hub.endpoint)

    assert first.returncode == 0, first.stderr
    assert first.stdout.split()[:2] == ["me/mine", REVISION]
    kept = {path.name for path in cache.glob("models--me--mine/snapshots/*/*")}
    assert kept >= {"config.json", "model.safetensors", "tokenizer.json"}
    assert not kept & {"banner.png", "README.md"}
    for reach in (hub.endpoint, NOBODY, None):
        again = run(LOAD, cache, **({"HF_HUB_OFFLINE": "1"} if reach is None else {"HF_ENDPOINT": reach}))
        assert (again.stdout, again.stderr) == (first.stdout, "")
    hub.failure = 503
    assert run(LOAD, cache, HF_ENDPOINT=hub.endpoint).stdout == first.stdout


def test_what_was_cut_short_is_no_model_and_is_completed(tmp_path: Path, hub: LocalHub) -> None:
    cache = tmp_path / "cache"
    assert run(LOAD, cache, HF_ENDPOINT=hub.endpoint).returncode == 0
    next(cache.glob("models--me--mine/snapshots/*/model.safetensors")).unlink()

    refused = run(LOAD, cache, HF_HUB_OFFLINE="1")

    assert "CheckpointError: The model in 'me/mine' cannot be opened" in refused.stderr.splitlines()[-1]
    assert run(LOAD, cache, HF_ENDPOINT=hub.endpoint).returncode == 0


@pytest.mark.parametrize("status", [404, 403])
def test_what_the_hub_refuses_is_told(tmp_path: Path, hub: LocalHub, status: int) -> None:
    hub.failure = None if status == 404 else status
    refused = run("import simplugin; simplugin.load('me/none')", tmp_path / "cache", HF_ENDPOINT=hub.endpoint)

    said = "the Hub has no such model" if status == 404 else "the Hub answered with an error"
    assert said in refused.stderr.splitlines()[-1]


@pytest.mark.parametrize("reach", [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": NOBODY}], ids=str)
def test_a_model_that_is_nowhere_is_told_at_once(tmp_path: Path, reach: dict[str, str]) -> None:
    refused = run(LOAD, tmp_path / "cache", **reach)

    assert "CheckpointError: The model in 'me/mine' cannot be opened" in refused.stderr.splitlines()[-1]
    assert "not in the cache" in refused.stderr.splitlines()[-1]
    assert "Retrying" not in refused.stderr


def test_only_what_torch_runs_is_wanted() -> None:
    names = [
        "README.md",
        "config.json",
        "1_Pooling/config.json",
        "2_Dense/pytorch_model.bin",
        "model.safetensors",
        "onnx/model.onnx",
        "onnx/config.json",
        "pytorch_model.bin",
        "sentencepiece.bpe.model",
        "vocab.txt",
    ]
    assert wanted("me/mine", names) == [
        "config.json",
        "1_Pooling/config.json",
        "2_Dense/pytorch_model.bin",
        "model.safetensors",
        "sentencepiece.bpe.model",
        "vocab.txt",
    ]
    with pytest.raises(CheckpointError, match="a TensorFlow or Keras file"):
        wanted("me/mine", ["config.json", "tf_model.h5"])
