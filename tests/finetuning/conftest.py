"""What the tests of fine-tuning share: one thread, miniature checkpoints, and labelled sets."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.encoders.checkpoints import layout_folder
from tests.finetuning.sets import write_inferences, write_scored


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Generator[None, None, None]:
    """Let a miniature network run on one core: on several it would wait for them most of the time."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="package")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return layout_folder(tmp_path_factory.mktemp("bert") / "small-bert")


@pytest.fixture(scope="package")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of pairs to learn from and to judge by."""
    folder = tmp_path_factory.mktemp("sets")
    for number, (name, pairs) in enumerate((("train", 240), ("dev", 60), ("test", 100))):
        write_scored(folder / f"{name}.tsv", pairs, seed=number, fillers=5)
        write_inferences(folder / f"{name}.jsonl", pairs, seed=number)
    return folder
