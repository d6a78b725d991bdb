"""The command line in a fresh folder, a few documents, and two small models beside the starter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from tests.cli.running import InProcess, Process

WORDS = ("library", "card", "renew", "coffee", "grams", "water", "bees", "garden", "bus", "ticket", "late", "night")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder, in which every command of a test runs."""
    return tmp_path


@pytest.fixture
def simplugin(folder: Path) -> InProcess:
    return InProcess(folder)


@pytest.fixture
def process(folder: Path) -> Process:
    return Process(folder)


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small static model: it opens at once, and texts with the same words are close."""
    return write_static_model(tmp_path_factory.mktemp("models") / "words", seed=0)


@pytest.fixture(scope="session")
def other_words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of another model of the same width."""
    return write_static_model(tmp_path_factory.mktemp("models") / "other-words", seed=1)


@pytest.fixture
def docs(folder: Path) -> Path:
    """Return a folder with three documents, one of them a folder deeper."""
    return write_documents(folder / "docs")


@pytest.fixture
def handbook(simplugin: InProcess, docs: Path, words: Path, folder: Path) -> Path:
    """Return the default store, with the documents in its collection ``handbook``, made by the small model."""
    assert simplugin("ingest", docs, "-c", "handbook", "--model", words).code == 0
    return folder / "simplugin_db"


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory, words: Path) -> Path:
    """Return a folder that holds the same documents and store, for the tests that change neither."""
    folder = tmp_path_factory.mktemp("shelf")
    write_documents(folder / "docs")
    assert InProcess(folder)("ingest", folder / "docs", "-c", "handbook", "--model", words).code == 0
    return folder


def write_documents(folder: Path) -> Path:
    (folder / "deep").mkdir(parents=True)
    (folder / "library.md").write_text("# Library\n\nRenew your library card.\n", encoding="utf-8")
    (folder / "coffee.md").write_text("# Coffee\n\nTake 60 grams of coffee for the water.\n", encoding="utf-8")
    (folder / "deep" / "bus.txt").write_text("The late bus needs a night ticket.\n", encoding="utf-8")
    return folder


def write_static_model(folder: Path, *, seed: int, dimension: int = 32) -> Path:
    """Write a static model in model2vec's layout: a random direction for each of ``WORDS``."""
    folder.mkdir()
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(("[UNK]", *WORDS))}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    table = np.random.default_rng(seed).standard_normal((len(WORDS) + 1, dimension)).astype(np.float32)
    save_file({"embeddings": table}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "model2vec", "normalize": True}), encoding="utf-8")
    return folder
