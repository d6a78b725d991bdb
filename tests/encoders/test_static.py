from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

import simplugin
from simplugin.encoders import Encoder, StaticEncoder, load
from simplugin.encoders.pieces import word_pieces
from simplugin.errors import CheckpointError
from tests.encoders.checkpoints import static_folder

CANONICAL = Path(__file__).parent / "starter-3.json"
"""The first numbers of the starter's vectors for a few texts, written when the starter was."""

STARTER = Path(simplugin.__file__).parent / "starter"
PIECES = word_pieces(Tokenizer.from_file(str(STARTER / "tokenizer.json")))

texts = st.lists(st.text(max_size=60), max_size=8)


def test_the_starter_gives_the_vectors_it_was_shipped_with(starter: Encoder) -> None:
    canonical: dict[str, list[float]] = json.loads(CANONICAL.read_text(encoding="utf-8"))
    for text, expected in canonical.items():
        assert starter.encode_query([text])[0, : len(expected)].tolist() == pytest.approx(expected, abs=1e-5)


def test_the_starter_is_at_most_twenty_megabytes_and_knows_its_name(starter: Encoder) -> None:
    assert sum(path.stat().st_size for path in STARTER.rglob("*") if path.is_file()) <= 20_000_000
    assert (starter.card.name, starter.dimension, starter.card.max_tokens) == ("starter-3", 256, None)
    assert len(starter.card.languages) == 14


@given(texts)
def test_looking_words_up_gives_the_pieces_of_cutting_the_whole_text(given_texts: list[str]) -> None:
    tokenizer = Tokenizer.from_file(str(STARTER / "tokenizer.json"))
    whole = [encoding.ids for encoding in tokenizer.encode_batch_fast(given_texts, add_special_tokens=False)]

    ids, lengths = PIECES.number(given_texts)

    assert ids.tolist() == [id_ for part in whole for id_ in part]
    assert lengths.tolist() == [len(part) for part in whole]


def test_a_text_of_ten_thousand_letters_without_a_blank_takes_no_seconds(starter: Encoder) -> None:
    started = time.perf_counter()
    vectors = starter.encode_query(["ab" * 5000, "ש\u05b8" * 5000, "ab" * 128])

    assert time.perf_counter() - started < 2  # 19 seconds in one piece
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(vectors[0] @ vectors[2], 1, atol=1e-4)  # 256 letters, again and again


def test_a_table_that_was_distilled_under_another_name_is_as_fast(tmp_path: Path) -> None:
    mine = shutil.copytree(STARTER, tmp_path / "mine")
    config = json.loads((mine / "config.json").read_text(encoding="utf-8"))
    (mine / "config.json").write_text(json.dumps(config | {"tokenizer_name": "mine"}), encoding="utf-8")
    model = load(mine)
    started = time.perf_counter()
    model.encode_query(["ab" * 5000])

    assert time.perf_counter() - started < 2


def test_more_words_than_are_remembered_are_cut_all_the_same(data: Path) -> None:
    tokenizer = Tokenizer.from_file(str(STARTER / "tokenizer.json"))
    pieces = word_pieces(tokenizer, remembered=50)
    lines = (data / "docs" / "fastapi" / "en" / "index.md").read_text(encoding="utf-8").splitlines()

    for line in (*lines, *lines):
        assert pieces.number([line])[0].tolist() == tokenizer.encode(line, add_special_tokens=False).ids


@pytest.mark.model
def test_sentence_transformers_opens_the_starter_and_gives_the_same_vectors(starter: Encoder) -> None:
    from sentence_transformers import SentenceTransformer

    import simplugin

    sentences = ["Wo ist der Bahnhof?", "İSTANBUL'da IŞIK", "איפה התחנה?", "火车站在哪里?", "x" * 3000, "a b " * 2000]
    theirs = SentenceTransformer(str(Path(simplugin.__file__).parent / "starter")).encode(sentences)

    # They sum thousands of float32 rows in another order.
    assert np.abs(theirs - starter.encode_document(sentences)).max() < 1e-4


def test_the_vector_is_the_scaled_mean_of_the_rows(tmp_path: Path) -> None:
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    folder = static_folder(tmp_path / "model", normalize=False)
    tensors = load_file(str(folder / "model.safetensors"))
    ids = Tokenizer.from_file(str(folder / "tokenizer.json")).encode("the cat sat zzz").ids

    vector = load(folder).encode_query(["the cat sat zzz"])[0]

    expected = np.mean([tensors["weights"][i] * tensors["embeddings"][i].astype(np.float32) for i in ids], axis=0)
    assert np.allclose(vector, expected, atol=1e-5)
    assert ids[-1] == 0


@given(listed=texts)
def test_vectors_have_length_one_or_are_zero_and_keep_their_order(starter: Encoder, listed: list[str]) -> None:
    vectors = starter.encode_document(listed)

    assert vectors.shape == (len(listed), starter.dimension)
    assert vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    assert (np.isclose(lengths, 1, atol=1e-5) | (lengths == 0)).all()
    for text, vector in zip(listed, vectors, strict=True):
        assert np.array_equal(starter.encode_document([text])[0], vector)


def test_no_texts_give_no_rows_of_the_right_width(starter: Encoder) -> None:
    assert starter.encode_query([]).shape == (0, starter.dimension)
    assert starter.encode_document(iter([])).shape == (0, starter.dimension)


@pytest.mark.parametrize("wrong", ["bare", ["ok", 7], [None], {"a": "text"}, {"one"}, 7], ids=str)
def test_what_is_no_list_of_texts_is_refused(starter: Encoder, wrong: object) -> None:
    with pytest.raises(TypeError):
        starter.encode_query(wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_halves_of_a_surrogate_pair_are_joined_or_read_as_the_character_for_none(starter: Encoder) -> None:
    halves, read = ["a \ud83d\ude00", "half \ud83d", "\udc80"], ["a 😀", "half \ufffd", "\ufffd"]

    np.testing.assert_array_equal(starter.encode_document(halves), starter.encode_document(read))
    np.testing.assert_array_equal(starter.encode_query(halves), starter.encode_query(read))
    assert starter.count_tokens(halves) == starter.count_tokens(read)


def test_threads_may_share_an_encoder(starter: Encoder) -> None:
    sentences = [f"sentence number {n} about ağaç {n * n}" for n in range(400)]
    expected = starter.encode_document(sentences)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: starter.encode_document(sentences), range(16)))

    assert all(np.array_equal(result, expected) for result in results)


def test_upper_and_lower_case_are_one_in_turkish_too(starter: Encoder) -> None:
    upper, lower = starter.encode_query(["IŞIK VE GÖLGE İÇİN", "ışık ve gölge için"])

    assert upper @ lower == pytest.approx(1, abs=1e-3)


Harm = Callable[[Path], object]


def cut(name: str) -> Harm:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-40])


def write(name: str, content: bytes) -> Harm:
    return lambda folder: (folder / name).write_bytes(content)


def scale(value: float) -> Harm:
    def harm(folder: Path) -> None:
        tensors = load_file(str(folder / "model.safetensors"))
        tensors["weights"][3] = value
        save_file(tensors, str(folder / "model.safetensors"))

    return harm


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (cut("model.safetensors"), "model.safetensors is damaged"),
        (write("model.safetensors", b""), "model.safetensors is damaged"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors cannot be read"),
        (cut("tokenizer.json"), "tokenizer.json is damaged"),
        (write("tokenizer.json", b"\xff\xfe"), "tokenizer.json is not a text file"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "tokenizer.json cannot be read"),
        (lambda folder: static_folder(folder, pieces=9), "15 pieces and its table 9"),
        (scale(float("inf")), "numbers that are not finite"),
        (scale(1e30), "or beyond all use"),
    ],
)
def test_a_damaged_folder_says_which_file_and_why(tmp_path: Path, harm: Harm, said: str) -> None:
    folder = static_folder(tmp_path / "model")
    harm(folder)

    with pytest.raises(CheckpointError) as raised:
        load(folder)

    assert said in str(raised.value)
    assert str(folder) in str(raised.value)


def test_a_tokenizer_with_pieces_beyond_the_table_is_told(tmp_path: Path) -> None:
    folder = static_folder(tmp_path / "model")
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    word = next(word for word in vocabulary if word.isalpha())
    vocabulary[word] = 2**31
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")

    with pytest.raises(CheckpointError, match="pieces beyond the 15 rows"):
        load(folder).encode_query([word])


def test_a_folder_of_the_users_own_is_opened_under_its_name_and_place(tmp_path: Path) -> None:
    folder = static_folder(tmp_path / "mine")

    encoder = load(folder)

    assert isinstance(encoder, StaticEncoder)
    assert (encoder.card.name, encoder.card.id) == ("mine", folder.as_posix())
    assert encoder.fingerprint.weights is not None
