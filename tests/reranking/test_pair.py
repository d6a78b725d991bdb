from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simplugin as sp
from simplugin.records import Hit
from simplugin.reranking import is_pair_model
from tests.reranking.checkpoints import embedder_folder, pair_folder, plain_logits, sentences

pytestmark = pytest.mark.model

MNLI = {0: "entailment", 1: "neutral", 2: "contradiction"}
AZ = {0: "contradiction", 1: "entailment", 2: "neutral"}
PAIRS = sentences(70)


@pytest.fixture(scope="module")
def mnli(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pair_folder(tmp_path_factory.mktemp("pairs") / "mnli", MNLI)


@pytest.fixture(scope="module")
def sigmoid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pair_folder(tmp_path_factory.mktemp("pairs") / "sigmoid", columns=1)


@pytest.fixture(scope="module")
def nameless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pair_folder(tmp_path_factory.mktemp("pairs") / "nameless")


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("pickled", [False, True], ids=["safetensors", "bin"])
@pytest.mark.parametrize("labels", [MNLI, AZ], ids=["entailment-first", "contradiction-first"])
def test_three_classes_score_entailment_and_half_of_neutral_in_whichever_order(
    tmp_path: Path, labels: dict[int, str], pickled: bool
) -> None:
    folder = pair_folder(tmp_path / "pair", labels, pickled=pickled)
    expected = softmax(plain_logits(folder, PAIRS))
    columns = {label: column for column, label in labels.items()}

    pairs = sp.load_reranker(folder)
    probabilities, scores = pairs.probabilities(PAIRS), pairs.score(PAIRS)

    assert pairs.labels == tuple(labels.values())
    assert probabilities.dtype == scores.dtype == np.float32
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    by_hand = expected[:, columns["entailment"]] + expected[:, columns["neutral"]] / 2
    np.testing.assert_allclose(scores, by_hand, atol=1e-5)
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert np.ptp(scores) > 0.1


@pytest.mark.parametrize("pickled", [False, True], ids=["safetensors", "bin"])
def test_one_column_scores_its_sigmoid(tmp_path: Path, pickled: bool) -> None:
    folder = pair_folder(tmp_path / "pair", columns=1, pickled=pickled)

    pairs = sp.load_reranker(folder)

    expected = 1 / (1 + np.exp(-plain_logits(folder, PAIRS)))
    np.testing.assert_allclose(pairs.probabilities(PAIRS), expected, atol=1e-5)
    np.testing.assert_allclose(pairs.score(PAIRS), expected[:, 0], atol=1e-5)
    assert len(pairs.labels) == 1


def test_long_pairs_are_cut_at_the_longer_text_and_never_crash(mnli: Path) -> None:
    long = [("kitab " * 500, "ev"), ("ev", "su " * 500), ("yol " * 100, "gün " * 100), ("", ""), ("🙂", "🙂" * 9000)]
    pairs = sp.load_reranker(mnli)

    np.testing.assert_allclose(pairs.probabilities(long), softmax(plain_logits(mnli, long)), atol=1e-5)
    assert pairs.max_tokens == pairs.card.max_tokens == 48


def test_positions_fewer_than_the_tokenizer_says_are_respected(tmp_path: Path) -> None:
    folder = pair_folder(tmp_path / "pair", MNLI)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": 512}))

    pairs = sp.load_reranker(folder)

    assert pairs.max_tokens == 48
    assert pairs.score([("kitab " * 500, "ev " * 500)]).shape == (1,)


def test_roberta_begins_to_count_after_its_padding(tmp_path: Path) -> None:
    from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification

    folder = pair_folder(tmp_path / "pair", MNLI)
    sizes: dict[str, Any] = {"vocab_size": 16, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = XLMRobertaConfig(
        **sizes, intermediate_size=16, max_position_embeddings=34, pad_token_id=1, type_vocab_size=2, id2label=MNLI
    )
    XLMRobertaForSequenceClassification(config).save_pretrained(folder)

    pairs = sp.load_reranker(folder)

    assert pairs.max_tokens == 32
    assert pairs.score([("kitab " * 500, "ev " * 500)]).shape == (1,)


def test_any_iterable_is_taken_and_comes_back_in_order(mnli: Path) -> None:
    many = sentences(1100, seed=3, longest=6)
    pairs = sp.load_reranker(mnli)

    scores = pairs.score(pair for pair in many)

    alone = [float(pairs.score([many[place]])[0]) for place in (0, 7, 1023, 1024, 1099)]
    np.testing.assert_allclose(scores[[0, 7, 1023, 1024, 1099]], alone, atol=1e-5)
    assert pairs.score([]).shape == (0,)
    assert pairs.probabilities([]).shape == (0, 3)


def test_a_symmetric_reranker_gives_the_mean_of_both_directions(mnli: Path) -> None:
    swapped = [(second, first) for first, second in PAIRS]
    plain, symmetric = sp.load_reranker(mnli), sp.load_reranker(mnli, symmetric=True)

    np.testing.assert_allclose(symmetric.score(PAIRS), (plain.score(PAIRS) + plain.score(swapped)) / 2, atol=1e-5)
    np.testing.assert_allclose(symmetric.score(PAIRS), symmetric.score(swapped), atol=1e-5)
    assert np.abs(plain.score(PAIRS) - plain.score(swapped)).max() > 1e-3


@pytest.mark.filterwarnings("ignore:This processor has no bf16:UserWarning")
def test_bf16_is_near_and_does_not_tie(mnli: Path) -> None:
    exact, near = sp.load_reranker(mnli).score(PAIRS), sp.load_reranker(mnli, precision="bf16").score(PAIRS)

    np.testing.assert_allclose(near, exact, atol=0.05)
    assert len(set(near.tolist())) == len(set(exact.tolist()))


def test_another_precision_is_refused(mnli: Path) -> None:
    with pytest.raises(sp.ModelError, match="Known: fp32, bf16, fp16"):
        sp.load_reranker(mnli, precision="int8")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_hits_are_ordered_and_keep_everything_but_the_score(mnli: Path) -> None:
    pairs = sp.load_reranker(mnli)
    hits = [
        Hit(str(n), f"d{n}", 0.5, second, source="s", probability=0.1, grade=2.0) for n, (_, second) in enumerate(PAIRS)
    ]

    ranked = pairs.rerank("kitab ev", hits, top_n=5)

    scores = pairs.score([("kitab ev", hit.text) for hit in hits])
    assert [hit.id for hit in ranked] == [str(n) for n in np.argsort(-scores, kind="stable")[:5]]
    assert all(hit.source == "s" and hit.probability is None and hit.grade is None for hit in ranked)
    assert [hit.score for hit in ranked] == pytest.approx(sorted(scores.tolist(), reverse=True)[:5], abs=1e-5)
    assert [hit.id for hit in pairs.rerank("su", ["ev", "ev", "ev"])] == ["0", "1", "2"]
    assert pairs.rerank("su", []) == []
    with pytest.raises(ValueError, match="at least 1"):
        pairs.rerank("su", ["ev"], top_n=0)


def test_classes_without_a_meaning_ask_for_labels(nameless: Path) -> None:
    with pytest.raises(sp.CheckpointError, match=r"'LABEL_0'.*labels="):
        sp.load_reranker(nameless)

    pairs = sp.load_reranker(nameless, labels=["Contradiction", "ENTAILMENT", "neutral"])

    expected = softmax(plain_logits(nameless, PAIRS))
    assert pairs.labels == ("Contradiction", "ENTAILMENT", "neutral")
    np.testing.assert_allclose(pairs.score(PAIRS), expected[:, 1] + expected[:, 2] / 2, atol=1e-5)


@pytest.mark.parametrize(
    "labels",
    [["entailment", "neutral"], ["entailment", "neutral", "neutral"], ["no", "entailment", "yes"]],
    ids=["too-few", "twice", "unknown"],
)
def test_labels_that_do_not_fit_are_refused(nameless: Path, labels: list[str]) -> None:
    with pytest.raises(sp.CheckpointError, match="labels"):
        sp.load_reranker(nameless, labels=labels)


def test_an_embedding_checkpoint_is_refused_since_its_head_would_be_random(tmp_path: Path) -> None:
    with pytest.raises(sp.NotAPairModelError, match="makes vectors"):
        sp.load_reranker(embedder_folder(tmp_path / "embedder"))


def test_a_pipeline_that_pools_is_refused(tmp_path: Path, mnli: Path) -> None:
    folder = Path(shutil.copytree(mnli, tmp_path / "pools"))
    modules = [{"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]
    (folder / "modules.json").write_text(json.dumps(modules))

    assert not is_pair_model(folder)
    with pytest.raises(sp.NotAPairModelError, match="makes vectors"):
        sp.load_reranker(folder)


@pytest.mark.parametrize("name", ["starter", "bge-m3-ml-tr"])
def test_an_embedding_model_of_the_catalog_is_refused_before_anything_is_fetched(name: str) -> None:
    with pytest.raises(sp.NotAPairModelError, match="SimilarityReranker"):
        sp.load_reranker(name)


def test_an_unknown_name_lists_those_that_exist() -> None:
    with pytest.raises(sp.UnknownModelError, match="az-mbert-pair"):
        sp.load_reranker("nobody")


@pytest.mark.parametrize("name", ["tf_model.h5", "model_checkpoint_epoch_20.h5", "saved_model.pb", "model.keras"])
def test_weights_of_tensorflow_name_the_conversion(tmp_path: Path, name: str) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / name).write_bytes(b"anything")

    with pytest.raises(sp.CheckpointError, match=f"simplugin models convert {name}"):
        sp.load_reranker(tmp_path)


def test_a_file_of_keras_names_the_conversion(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"anything")

    with pytest.raises(sp.CheckpointError, match="simplugin models convert"):
        sp.load_reranker(tmp_path / "model.h5")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["cut", "garbage", "gone"])
def test_damaged_files_are_told_in_one_sentence(tmp_path: Path, mnli: Path, name: str, damage: str) -> None:
    folder = Path(shutil.copytree(mnli, tmp_path / "damaged"))
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"\x00garbage")

    with pytest.raises(sp.SimpluginError) as raised:
        sp.load_reranker(folder)

    assert "\n" not in str(raised.value)


def test_code_in_a_pickle_is_never_run(tmp_path: Path, mnli: Path) -> None:
    import torch

    folder = Path(shutil.copytree(mnli, tmp_path / "pickle"))
    (folder / "model.safetensors").unlink()
    torch.save({"classifier.weight": Trap(tmp_path / "ran")}, folder / "pytorch_model.bin")

    with pytest.raises(sp.CheckpointError):
        sp.load_reranker(folder)

    assert not (tmp_path / "ran").exists()


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_half_of_a_surrogate_pair_is_read_as_the_character_for_none(mnli: Path) -> None:
    reranker = sp.load_reranker(mnli)

    halves, read = [("half \ud83d", "a cat")], [("half \ufffd", "a cat")]
    np.testing.assert_array_equal(reranker.score(halves), reranker.score(read))


@pytest.mark.parametrize("given", ["text", [("only",)], [("a", 3)], [["a", "b", "c"]]], ids=str)
def test_anything_but_pairs_of_texts_is_refused(mnli: Path, given: object) -> None:
    with pytest.raises(TypeError, match="pairs of texts"):
        sp.load_reranker(mnli).score(given)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_importing_the_rerankers_loads_no_torch() -> None:
    heavy = "[name for name in ('torch', 'transformers', 'h5py', 'huggingface_hub') if name in sys.modules]"
    code = f"import sys, simplugin.reranking; print({heavy})"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
