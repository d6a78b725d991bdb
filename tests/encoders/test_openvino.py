from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from simplugin.encoders import LocalEncoder, load
from simplugin.errors import ModelError
from tests.encoders.checkpoints import bert_folder

openvino = pytest.importorskip("openvino")
pytestmark = pytest.mark.model

TEXTS = ["the cat sat on the mat", "kediler ev", "חתול", "", "😀", "hund " * 300]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bert_folder(
        tmp_path_factory.mktemp("checkpoints") / "tiny-bert", prompts={"query": "query : ", "document": ""}
    )


@pytest.fixture(scope="module")
def compiled(folder: Path) -> LocalEncoder:
    opened = load(folder, backend="openvino")
    assert isinstance(opened, LocalEncoder)
    return opened


def test_it_is_the_same_model_and_says_what_runs_it(compiled: LocalEncoder, folder: Path) -> None:
    encoder = load(folder, device="cpu")
    comparison = encoder.fingerprint.compare(compiled.fingerprint)

    assert (compiled.card.backend, compiled.card.precision) == ("openvino", "fp32")
    assert comparison.refusals == comparison.warnings == ()
    assert np.abs(compiled.encode_query(TEXTS) - encoder.encode_query(TEXTS)).max() < 1e-5


def test_threads_may_share_it(compiled: LocalEncoder) -> None:
    expected = compiled.encode_document(TEXTS)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: compiled.encode_document(TEXTS), range(12)))

    assert all(np.abs(result - expected).max() < 1e-6 for result in results)


def test_a_precision_that_it_or_the_processor_has_not_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match="Known: fp32, bf16"):
        load(folder, device="cpu", backend="openvino", precision="fp16")
    if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        with pytest.raises(ModelError, match="no bf16 instructions"):
            load(folder, device="cpu", backend="openvino", precision="bf16")


def test_a_prompt_that_pooling_leaves_out_is_refused(tmp_path: Path) -> None:
    left_out = bert_folder(tmp_path / "left-out", prompts={"query": "query : ", "document": ""})
    pooling = left_out / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps(json.loads(pooling.read_text()) | {"include_prompt": False}))

    with pytest.raises(ModelError, match="leaves its prompt out"):
        load(left_out, device="cpu", backend="openvino")


def test_a_static_model_has_no_backend() -> None:
    with pytest.raises(ModelError, match="no backend"):
        load("starter", backend="openvino")
