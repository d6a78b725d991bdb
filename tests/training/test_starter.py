"""The recipe in miniature, and the folder it leaves behind."""

import csv
import importlib
import importlib.util
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load
from tokenizers import Tokenizer

import simplugin as sp
from simplugin.errors import CheckpointError, DataError
from simplugin.finetuning import distill
from simplugin.finetuning.grading import grade
from simplugin.training import corpus, starter
from simplugin.training.checkpoints import Checkpoints
from simplugin.training.corpus import (
    PHRASEBOOK,
    STSB_LANGUAGES,
    TRANSLATED_LANGUAGES,
    ScoredPair,
    Translation,
    read_phrases,
)
from simplugin.training.distillation import Lessons, distil
from simplugin.training.folder import StaticModel, read_model, write_model
from simplugin.training.recipe import read_recipe
from simplugin.training.starter import distinct_english, scored_english, train_starter
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


def _call_all_alike(sentences: Sequence[str]) -> NDArray[np.float32]:
    return np.ones((len(sentences), 1), dtype=np.float32)


def _train(
    report: Callable[[str], None] = lambda _: None,
    checkpoints: Checkpoints | None = None,
    grader: Callable[[Sequence[str]], NDArray[np.float32]] = _teach,
    **changed: Any,
) -> StaticModel:
    sentences = _sentences()
    translations = [Translation(_say(words, at), _say(words, "en"), at) for at in WORDS for words in sentences]
    overlaps = [
        (left, right, 5.0 * len({*left} & {*right}) / 4.0)
        for left, right in zip(sentences[:120], sentences[120:], strict=True)
    ]
    pairs = [[ScoredPair(_say(a, at), _say(b, at), score) for a, b, score in overlaps] for at in WORDS]
    whole = read_recipe()
    small: dict[str, Any] = {"batch": 120, "fine_batch": 120, "rate": 2e-2, "short": 8, "fine_runs": 2}
    schedule = replace(whole.schedule, **small, **changed)
    recipe = replace(whole, pieces=260, words=20, width=12, schedule=schedule)
    teacher, graded = _teach(distinct_english(translations)), grader(scored_english(pairs[0]))
    return train_starter(translations, pairs, teacher, graded, recipe, seed=1, report=report, checkpoints=checkpoints)


@pytest.fixture(scope="module")
def miniature() -> StaticModel:
    return _train(epochs=40, fine_epochs=5)


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


def test_what_the_teacher_says_of_further_pairs_is_learned_too() -> None:
    sentences = list(dict.fromkeys(_say(words, "en") for words in _sentences()))

    def cosines(share: float) -> NDArray[np.float32]:
        taught = _train(grader=_call_all_alike, epochs=1, fine_epochs=3, silver_share=share)
        vectors = taught.encode(sentences)
        return vectors @ vectors.T

    assert cosines(1.0).mean() > cosines(0.0).mean() + 0.1


def test_a_teacher_that_has_learned_the_scores_once_is_not_taught_again(tmp_path: Path) -> None:
    pairs = [ScoredPair("a cat sleeps", "a cat naps", 4.0), ScoredPair("a cat sleeps", "rain fell", 0.0)]
    vectors = grade(pairs, read_recipe(), folder=tmp_path / "teacher", seed=1)
    again = grade([], read_recipe(), folder=tmp_path / "teacher", seed=1)

    assert vectors.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert float(vectors[0] @ vectors[1]) > float(vectors[0] @ vectors[2])
    np.testing.assert_array_equal(again, vectors)


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
        schedule = replace(read_recipe().schedule, epochs=5, batch=2, short=2)
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
        mean = (tensors["embeddings"][ids] * tensors["weights"][ids, None]).mean(axis=0, dtype=np.float64)
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


class _CutError(Exception):
    pass


@pytest.mark.parametrize(
    "end",
    [
        "distillation, epoch 1",
        "distillation, epoch 3",
        "similarity, run 1 of 2, epoch 1",
        "similarity, run 2 of 2, epoch 1",
    ],
)
def test_a_training_that_was_cut_short_ends_as_one_that_was_not(end: str, tmp_path: Path) -> None:
    def cut(line: str) -> None:
        if line.startswith(end):
            raise _CutError

    whole = _train(epochs=3, fine_epochs=2)
    with pytest.raises(_CutError):
        _train(cut, Checkpoints(tmp_path), epochs=3, fine_epochs=2)
    lines: list[str] = []
    went_on = _train(lines.append, Checkpoints(tmp_path), epochs=3, fine_epochs=2)

    assert not any(line.startswith(end) for line in lines)
    np.testing.assert_allclose(went_on.encode(PROBES), whole.encode(PROBES), atol=1e-5)


def _write_data(folder: Path) -> Path:
    """Write a data folder in the layout of the real one, with the words of three languages under every name."""
    chance = np.random.default_rng(4)
    sentences = [tuple(chance.choice(14, size=4, replace=False).tolist()) for _ in range(160)]
    for part in ("parallel", "stsb", "tatoeba"):
        (folder / part).mkdir(parents=True)
    for language in TRANSLATED_LANGUAGES:
        spoken = language if language in WORDS else "en"
        rows = [{"en": _say(words, "en"), language: _say(words, spoken)} for words in sentences]
        for part, some in (("parallel", rows[:60]), ("tatoeba", rows[60:80])):
            lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in some)
            (folder / part / f"en-{language}.jsonl").write_text(lines, encoding="utf-8")
    for language in STSB_LANGUAGES:
        spoken = language if language in WORDS else "en"
        for split, first in (("train", 80), ("dev", 110), ("test", 130)):
            with (folder / "stsb" / f"stsb-{language}-{split}.csv").open("w", encoding="utf-8", newline="") as file:
                for left, right in zip(sentences[first : first + 15], sentences[first + 15 : first + 30], strict=True):
                    overlap = 5.0 * len({*left} & {*right}) / 4.0
                    csv.writer(file).writerow([_say(left, spoken), _say(right, spoken), overlap])
    return folder


def test_distill_makes_a_model_of_a_data_folder_and_its_teacher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "few").mkdir()
    shutil.copy(PHRASEBOOK / "more-languages.tsv", tmp_path / "few")  # of forty thousand rows, three hundred
    few = read_phrases(tmp_path / "few")
    for module in (corpus, starter):
        monkeypatch.setattr(module, "read_phrases", lambda: few)
    whole, told = read_recipe(), list[str]()
    schedule = replace(whole.schedule, epochs=1, fine_runs=1, fine_epochs=1)
    recipe = replace(whole, pieces=2000, words=200, width=32, phrase_repeats=0.1, schedule=schedule)
    done = distill(_write_data(tmp_path / "data"), tmp_path / "mine", recipe=recipe, on_note=told.append)

    assert {path.name for path in (tmp_path / "mine").iterdir()} == {
        "README.md",
        "config.json",
        "finetuning.json",
        "model.safetensors",
        "modules.json",
        "tokenizer.json",
    }
    with_care = {name for name in done.after if "," not in name}
    assert with_care == {"stsb-test spearman 32", "tatoeba accuracy@1 32"}
    assert "tatoeba accuracy@1 32, in capitals" in done.after
    assert sum("epoch" in line for line in told) == 2
    assert (tmp_path / "mine" / "README.md").read_text(encoding="utf-8").count("# mine\n") == 1
    (vector,) = sp.load(tmp_path / "mine").encode_query(["kedi balık yiyor"])
    assert vector.shape == (32,)
    with pytest.raises(DataError, match="finished model"):
        distill(tmp_path / "data", tmp_path / "mine", recipe=recipe)


def test_distill_names_what_the_data_folder_lacks_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent"):
        distill(tmp_path / "data", tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def _assert_equal(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> None:
    assert found.shape == wanted.shape
    assert np.isfinite(found).all()
    known = wanted.any(axis=1)
    assert ((found * wanted).sum(axis=1)[known] > 0.9999).all()
    assert not found[~known].any()
