"""What ``make test-hub`` does, against a Hub of ours with miniatures of the source models: everything but quality."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.encoders.checkpoints import layout_folder
from tests.encoders.local_hub import local_hub
from tests.reranking.checkpoints import tokenizer_folder

WHOLE_WAY = "fills_a_collection or is_converted"


@pytest.mark.slow
def test_the_tests_of_the_real_models_run_the_whole_way(tmp_path: Path, data: Path) -> None:
    pytest.importorskip("h5py")
    pipeline = ("Transformer", "Pooling", "Normalize")
    layout_folder(tmp_path / "tr", network="xlm-roberta", modules=pipeline, pooling="cls")
    layout_folder(tmp_path / "es", network="distilbert", weights="bin")
    layout_folder(tmp_path / "he", network="bert")
    layout_folder(tmp_path / "cross", network="xlm-roberta", modules=(), weights="bin")
    tokenizer_folder(tmp_path / "tokenizer")
    (tmp_path / "az").mkdir()
    shutil.copy(next((data / "checkpoints").rglob("*.h5")), tmp_path / "az")
    repositories = {
        "dogukanvzr/bge-m3-ml-tr-specialized": tmp_path / "tr",
        "eduardofv/stsb-m-mt-es-distiluse-base-multilingual-cased-v1": tmp_path / "es",
        "T-Systems-onsite/cross-en-de-roberta-sentence-transformer": tmp_path / "cross",
        "T-Systems-onsite/cross-en-ru-roberta-sentence-transformer": tmp_path / "cross",
        "alasdevcenter/az-sentence-similarity": tmp_path / "az",
        "bert-base-multilingual-uncased": tmp_path / "tokenizer",
    }
    with local_hub(repositories) as hub:
        ours = {
            "HF_ENDPOINT": hub.endpoint,
            "HF_HUB_CACHE": str(tmp_path / "cache"),
            "HF_HUB_OFFLINE": "0",
            "SIMPLUGIN_CACHE": str(tmp_path / "converted"),
            "SIMPLUGIN_HUB": "1",
            "SIMPLUGIN_HE_MODEL": str(tmp_path / "he"),
        }
        command = [sys.executable, "-m", "pytest", "tests/hub/test_source_models.py", "-q", "-k", WHOLE_WAY]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | ours, capture_output=True, text=True, check=False)

    assert re.search(r"\b6 passed\b(?!.*(failed|skipped))", done.stdout.splitlines()[-1]), done.stdout
