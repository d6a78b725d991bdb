"""The recipe in miniature, and the folder it leaves behind."""

import importlib
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load
from tokenizers import Tokenizer

from simplugin.errors import CheckpointError
from simplugin.training.corpus import ScoredPair, Translation
from simplugin.training.distillation import Lessons, Schedule, distil
from simplugin.training.folder import StaticModel, read_model, write_model
from simplugin.training.starter import Recipe, distinct_english, main, train_starter
from simplugin.training.student import create_student
from simplugin.training.vocabulary import train_pieces

WORDS = {
    "en": [
        "the",
        "cat",
        "eats",
        "fish",
        "while",
        "a",
        "dog",
        "sleeps",
        "under",
        "old",
        "trees",
        "near",
        "our",
        "house",
    ],
    "tr": [
        "bu",
        "kedi",
        "yiyor",
        "balık",
        "iken",
        "bir",
        "köpek",
        "uyuyor",
        "altında",
        "yaşlı",
        "ağaçlar",
        "yakın",
        "bizim",
        "ev",
    ],
    "he": ["את", "חתול", "אוכל", "דג", "בזמן", "אחד", "כלב", "ישן", "תחת", "זקן", "עצים", "ליד", "שלנו", "בית"],
}
PROBES = [
    "The cat eats fish.",
    "KEDİ BALIK YİYOR",
    "חתול אוכל דג",
    "a dog, a dog, a dog",
    "ሰላም the ሰላም",
    "",
    " \n\t ",
    "house " * 2000,
]


def _sentences() -> list[tuple[int, ...]]:
    chance = np.random.default_rng(3)
    return [tuple(chance.choice(len(WORDS["en"]), size=4, replace=False).tolist()) for _ in range(240)]


def _say(words: Sequence[int], language: str) -> str:
    return " ".join(WORDS[language][word] for word in words)


def _teach(english: Sequence[str]) -> NDArray[np.float32]:
    """Give a bag of words as vectors, the way a teacher would."""
    vectors = np.asarray([[word in sentence.split() for word in WORDS["en"]] for sentence in english], np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture(scope="module")
def miniature() -> StaticModel:
    sentences = _sentences()
    translations = [Translation(_say(words, at), _say(words, "en"), at) for at in WORDS for words in sentences]
    overlaps = [
        (left, right, 5.0 * len({*left} & {*right}) / 4.0)
        for left, right in zip(sentences[:120], sentences[120:], strict=True)
    ]
    pairs = [[ScoredPair(_say(a, at), _say(b, at), score) for a, b, score in overlaps] for at in WORDS]
    schedule = Schedule(epochs=40, batch=120, fine_epochs=5, fine_batch=120, rate=2e-2, short=8)
    recipe = Recipe(pieces=260, words=20, width=12, schedule=schedule)
    teacher = _teach(distinct_english(translations))
    return train_starter(translations, pairs, teacher, recipe, report=lambda _: None)


@pytest.fixture(scope="module")
def folder(miniature: StaticModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "starter"
    write_model(path, miniature, name="starter-0", card="# starter-0\n")
    return path


def test_a_translation_lies_nearer_than_other_sentences(miniature: StaticModel) -> None:
    meanings = list(dict.fromkeys(tuple(sorted(words)) for words in _sentences()))[:60]
    english = miniature.encode([_say(words, "en") for words in meanings])
    for language in ("tr", "he"):
        found = miniature.encode([_say(words, language) for words in meanings]) @ english.T
        assert (found.argmax(axis=1) == np.arange(len(meanings))).mean() > 0.9


def test_the_same_seed_gives_the_same_numbers() -> None:
    pieces = train_pieces([_say(range(14), at) for at in WORDS] * 5, size=120)
    lessons = Lessons(
        texts=["kedi uyuyor", "ev", "כלב"],
        english=["the cat sleeps", "house", "dog"],
        sentences=np.arange(3),
        teacher=torch.eye(3),
        targets=torch.eye(3, 4),
        repeats=np.asarray([1.0, 2.0, 1.5]),
    )
    tables: list[NDArray[np.float32]] = []
    for _ in range(2):
        student = create_student(pieces, width=4, seed=5)
        schedule = Schedule(epochs=5, batch=2, short=2)
        distil(student, pieces, lessons, schedule, seed=7, report=lambda _: None)
        tables.append(student.fold())
    np.testing.assert_allclose(tables[0], tables[1], atol=1e-5)


def test_a_text_without_pieces_is_a_zero_vector_and_unknown_pieces_count_for_nothing(
    miniature: StaticModel,
) -> None:
    empty, blank, mixed, plain = miniature.encode(["", " \n", "ሰላም cat", "cat"])
    assert not empty.any()
    assert not blank.any()
    np.testing.assert_allclose(mixed, plain, atol=1e-6)


def test_the_folder_reads_back_as_it_was_written(miniature: StaticModel, folder: Path) -> None:
    read = read_model(folder)
    assert (read.rows.embeddings == miniature.rows.embeddings).all()
    np.testing.assert_array_equal(read.encode(PROBES), miniature.encode(PROBES))
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        "config.json",
        "model.safetensors",
        "modules.json",
        "tokenizer.json",
    }


def test_writing_again_replaces_the_whole_folder(miniature: StaticModel, tmp_path: Path) -> None:
    path = tmp_path / "starter"
    path.mkdir()
    (path / "stale.txt").write_text("old")
    write_model(path, miniature, name="starter-0", card="# starter-0\n")
    assert not (path / "stale.txt").exists()
    assert [item.name for item in tmp_path.iterdir()] == ["starter"]


def test_a_folder_without_weights_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="absent"):
        read_model(tmp_path)


def test_a_plain_mean_of_scaled_rows_gives_the_same_vectors(folder: Path) -> None:
    tensors = load((folder / "model.safetensors").read_bytes())
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    wanted = read_model(folder).encode(PROBES)
    for text, vector in zip(PROBES, wanted, strict=True):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        if not ids:
            assert not vector.any()
            continue
        mean = (tensors["embeddings"][ids] * tensors["weights"][ids, None]).mean(axis=0)
        np.testing.assert_allclose(mean, vector * np.linalg.norm(mean), atol=1e-5)


def test_sentence_transformers_gives_the_same_vectors(folder: Path) -> None:
    from sentence_transformers import SentenceTransformer

    found = SentenceTransformer(str(folder), device="cpu").encode(PROBES, convert_to_numpy=True)
    _assert_equal(np.asarray(found, dtype=np.float32), read_model(folder).encode(PROBES))


@pytest.mark.skipif(importlib.util.find_spec("model2vec") is None, reason="model2vec is not installed")
def test_model2vec_gives_the_same_vectors(folder: Path) -> None:
    model2vec: Any = importlib.import_module("model2vec")
    found = model2vec.StaticModel.from_pretrained(folder).encode(PROBES)
    _assert_equal(np.asarray(found, dtype=np.float32), read_model(folder).encode(PROBES))


def test_the_config_tells_model2vec_to_normalise_and_never_cut(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["normalize"] is True
    assert config["max_length"] is None


def test_an_absent_data_folder_ends_the_command_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="absent"):
        main(["--data", str(tmp_path), "--out", str(tmp_path / "starter")])


def _assert_equal(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> None:
    assert found.shape == wanted.shape
    assert np.isfinite(found).all()
    known = wanted.any(axis=1)
    assert ((found * wanted).sum(axis=1)[known] > 0.9999).all()
    assert not found[~known].any()
