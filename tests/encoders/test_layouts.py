"""A miniature of every layout: what is read from its files, and its vectors against a reference from its weights."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simplugin.catalog import Backend, Prompts
from simplugin.encoders import LocalEncoder, load
from simplugin.encoders.configurations import Dense
from simplugin.encoders.inspector import read_layout
from simplugin.errors import CheckpointError, NotAnEmbedderError
from tests.encoders.checkpoints import layout_folder, static_folder

pytestmark = pytest.mark.model

BGE = {"network": "xlm-roberta", "modules": ("Transformer", "Pooling", "Normalize"), "pooling": "cls"}
LAYOUTS: dict[str, dict[str, Any]] = {
    "bge-m3, old files": BGE,
    "bge-m3, new files": BGE | {"style": "new"},
    "distiluse": {"network": "distilbert", "modules": ("Transformer", "Pooling", "Dense"), "weights": "bin"},
    "distiluse, new files": {"network": "distilbert", "modules": ("Transformer", "Pooling", "Dense"), "style": "new"},
    "Spanish distiluse without its Dense": {"network": "distilbert", "weights": "bin"},
    "sentence-transformers 1.x": {"network": "distilbert", "inner": "0_Transformer"},
    "Hebrew mBERT": {"stated_length": 512},
    "Hebrew mBERT, new files": {"style": "new"},
    "T-Systems": {"network": "xlm-roberta", "modules": ()},
    "maximum": {"pooling": "max"},
}
TEXTS = [
    "the cat sat on the mat",
    "kediler evde uyuyor",
    "חתול",
    "",
    " ",
    "🐈‍⬛ 😀 the",
    "hund " * 128,
    "ev\nev\tev",
    "e\u0301",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the maker of a layout's folder, each made once."""
    folders: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in folders:
            folders[name] = layout_folder(tmp_path_factory.mktemp("layouts") / "miniature", **LAYOUTS[name])
        return folders[name]

    return make


def reference(folder: Path, texts: list[str]) -> np.ndarray:
    """Text by text through the bare network, then pooling, Dense and length 1 by hand."""
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModel, AutoTokenizer

    inner = folder / "0_Transformer" if (folder / "0_Transformer").exists() else folder
    network, tokenizer = AutoModel.from_pretrained(inner).eval(), AutoTokenizer.from_pretrained(inner)
    rows = []
    for text in texts:
        encoded = tokenizer(text, truncation=True, max_length=64, return_tensors="pt")
        with torch.no_grad():
            tokens = network(**encoded).last_hidden_state[0]
        pooling = json.loads(path.read_text()) if (path := folder / "1_Pooling" / "config.json").exists() else {}
        if pooling.get("pooling_mode") == "cls" or pooling.get("pooling_mode_cls_token"):
            row = tokens[0]
        else:
            row = tokens.amax(0) if pooling.get("pooling_mode_max_tokens") else tokens.mean(0)
        if (dense := folder / "2_Dense").exists():
            binary = dense / "pytorch_model.bin"
            numbers = torch.load(binary) if binary.exists() else load_file(dense / "model.safetensors")
            row = torch.tanh(numbers["linear.weight"] @ row + numbers["linear.bias"])
        rows.append((row / row.norm()).numpy())
    return np.stack(rows)


@pytest.mark.parametrize("backend", ["torch", "openvino"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_vectors_are_those_of_the_weights(made: Callable[[str], Path], name: str, backend: Backend) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino")

    encoder = load(made(name), device="cpu", backend=backend)

    assert isinstance(encoder, LocalEncoder)
    assert np.abs(encoder.encode_document(TEXTS) - reference(made(name), TEXTS)).max() < 1e-5
    assert encoder.truncated == 1
    assert encoder.card.max_tokens == 64
    assert encoder.dimension == (24 if "Dense" in encoder.layout.modules else 32)


def test_a_layout_says_what_the_files_hold(made: Callable[[str], Path]) -> None:
    bge, distiluse = read_layout(made("bge-m3, old files")), read_layout(made("distiluse"))

    assert (bge.kind, bge.modules) == ("sentence-transformers", ("Transformer", "Pooling", "Normalize"))
    assert (bge.pooling, bge.normalize, bge.weights_format) == ("cls", True, "safetensors")
    assert (distiluse.dense, distiluse.dimension, distiluse.normalize) == ((Dense(24, "Tanh"),), 24, False)
    assert [path.relative_to(distiluse.folder).as_posix() for path in distiluse.weights] == [
        "pytorch_model.bin",
        "2_Dense/pytorch_model.bin",
    ]
    assert read_layout(made("Spanish distiluse without its Dense")).dense == ()
    assert read_layout(made("bge-m3, new files")).modules == bge.modules
    assert read_layout(static_folder(made("distiluse").parent / "static")).kind == "static"


def test_xlm_roberta_reads_two_tokens_fewer_than_it_has_positions(made: Callable[[str], Path]) -> None:
    layout = read_layout(made("T-Systems"))

    assert json.loads((layout.folder / "config.json").read_text())["max_position_embeddings"] == 66
    assert layout.max_tokens == 64
    assert [path.name for path in layout.tokenizer] == ["sentencepiece.bpe.model"]
    assert (layout.kind, layout.pooling) == ("transformers", "mean")


def test_a_length_beyond_the_positions_is_cut_to_them_and_noted(made: Callable[[str], Path]) -> None:
    card = load(made("Hebrew mBERT")).card

    assert card.max_tokens == 64
    assert any("512" in note and "64" in note for note in card.warnings)


def test_pickled_weights_are_noted_and_cannot_run_code(made: Callable[[str], Path], tmp_path: Path) -> None:
    assert any("pickle" in note for note in load(made("distiluse")).card.warnings)
    folder, ran = tmp_path / "evil", tmp_path / "ran"
    shutil.copytree(made("Spanish distiluse without its Dense"), folder)

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (ran,)

    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"embeddings": Evil()}, protocol=2))

    with pytest.raises(CheckpointError, match="damaged"):
        load(folder)
    assert not ran.exists()


@pytest.mark.parametrize("prefix", ["sentence_transformers.models.", "sentence_transformers.models.Other."])
def test_modules_of_the_first_versions_are_refused_with_what_to_write(
    made: Callable[[str], Path], tmp_path: Path, prefix: str
) -> None:
    folder = changed(
        made("Hebrew mBERT"), tmp_path / "old", "modules.json", lambda m: m[0].update(type=f"{prefix}DistilBERT")
    )

    with pytest.raises(CheckpointError, match=r"0\.x; write 'sentence_transformers\.models\.Transformer'"):
        load(folder)


def test_a_classifier_is_refused_and_told_what_opens_it(tmp_path: Path) -> None:
    from transformers import BertConfig, BertForSequenceClassification

    folder = layout_folder(tmp_path / "pair", modules=())
    shape: dict[str, Any] = {
        "num_labels": 3,
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    BertForSequenceClassification(BertConfig(vocab_size=19, **shape)).save_pretrained(folder)

    with pytest.raises(NotAnEmbedderError, match="load_reranker"):
        load(folder)
    # Its weights give it away where its configuration does not.
    changed(folder, tmp_path / "quiet", "config.json", lambda config: config.pop("architectures"))
    with pytest.raises(NotAnEmbedderError, match="'quiet'"):
        load(tmp_path / "quiet")


@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        ("tf_model.h5", "convert it once with 'simplugin models convert tf_model.h5"),
        ("model_checkpoint_epoch_20.h5", "simplugin models convert model_checkpoint_epoch_20.h5"),
        ("saved_model.pb", "TensorFlow file, which transformers 5 does not read; ask its author"),
        ("flax_model.msgpack", "Flax"),
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_weights_of_another_library_are_refused_with_the_way_out(
    made: Callable[[str], Path], tmp_path: Path, name: str, way_out: str, alone: bool
) -> None:
    folder = tmp_path / "tensorflow"
    if alone:
        folder.mkdir()
    else:
        shutil.copytree(made("T-Systems"), folder)
        (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(b"\x89HDF\r\n\x1a\n")

    with pytest.raises(CheckpointError) as raised:
        load(folder)

    assert way_out in str(raised.value)


REFUSED: dict[str, tuple[str, str, Callable[[Any], Any], str]] = {
    "code in modules": ("", "modules.json", lambda m: m[0].update(type="custom.Transformer"), "never run"),
    "code in config": ("", "config.json", lambda c: c.update(auto_map={"AutoModel": "x.Y"}), "never run"),
    "code as activation": (
        "distiluse",
        "2_Dense/config.json",
        lambda c: c.update(activation_function="os.system"),
        "never",
    ),
    "unknown module": ("", "modules.json", lambda m: m[1].update(type="sentence_transformers.models.CNN"), "CNN"),
    "no pooling": ("", "modules.json", lambda m: m.pop(), "not a transformer and its pooling"),
    "no modules": ("", "modules.json", lambda m: m.clear(), "lists no modules"),
    "module without path": ("", "modules.json", lambda m: m[0].pop("path"), "without a type or a path"),
    "module outside": ("", "modules.json", lambda m: m[1].update(path="../other"), "leads out of the folder"),
    "module at a place": ("", "modules.json", lambda m: m[1].update(path="/etc"), "leads out of the folder"),
    "pooling of another width": ("", "1_Pooling/config.json", lambda c: c.update(word_embedding_dimension=512), "512"),
    "dense of another width": ("distiluse", "2_Dense/config.json", lambda c: c.update(in_features=64), "takes 64"),
    "dense without width": ("distiluse", "2_Dense/config.json", lambda c: c.pop("out_features"), "out_features"),
    "no model type": ("", "config.json", lambda c: c.pop("model_type"), "model_type"),
    "no width": ("", "config.json", lambda c: c.pop("hidden_size"), "hidden_size"),
    "another task": (
        "T-Systems",
        "config.json",
        lambda c: c.update(architectures=["BertForTokenClassification"]),
        "never",
    ),
    "unknown similarity": (
        "",
        "config_sentence_transformers.json",
        lambda c: c.update(similarity_fn_name="soft"),
        "soft",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_run_is_one_sentence(made: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    layout, file, change, reason = REFUSED[name]
    folder = changed(made(layout or "Hebrew mBERT"), tmp_path / "changed", file, change)

    with pytest.raises(CheckpointError) as raised:
        load(folder)

    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("layout", "file", "reason"),
    [
        ("Hebrew mBERT", "vocab.txt", "tokenizer is missing: there is neither tokenizer.json nor vocab.txt"),
        ("T-Systems", "sentencepiece.bpe.model", "nor sentencepiece.bpe.model"),
        ("Hebrew mBERT", "model.safetensors", "there are no weights"),
        ("distiluse", "2_Dense/pytorch_model.bin", "there are no weights in 2_Dense"),
        ("Hebrew mBERT", "1_Pooling/config.json", "1_Pooling/config.json is missing"),
        ("sentence-transformers 1.x", "0_Transformer/config.json", "no config.json in 0_Transformer"),
        ("T-Systems", "config.json", "neither modules.json nor config.json"),
    ],
)
def test_a_missing_file_is_named(
    made: Callable[[str], Path], tmp_path: Path, layout: str, file: str, reason: str
) -> None:
    folder = tmp_path / "incomplete"
    shutil.copytree(made(layout), folder)
    (folder / file).unlink()

    with pytest.raises(CheckpointError) as raised:
        load(folder)

    assert reason in str(raised.value)


def test_a_tokenizer_of_another_model_is_refused(made: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(made("Hebrew mBERT"), folder)
    with (folder / "vocab.txt").open("a", encoding="utf-8") as file:
        file.write("\none\ntwo")

    with pytest.raises(CheckpointError, match="network only"):
        load(folder)


def test_prompts_go_before_the_texts_and_out_of_the_pooling_where_it_says_so(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    prompts = {"query": "query : ", "passage": "the "}
    for number, pooled in enumerate([True, False]):
        folder = layout_folder(tmp_path / str(number), style="new", include_prompt=pooled, prompts=prompts)
        encoder, theirs = load(folder), SentenceTransformer(str(folder))

        assert encoder.card.prompts == Prompts(query="query : ", document="the ")
        for ours, expected in (
            (encoder.encode_query(TEXTS), theirs.encode_query(TEXTS)),
            (encoder.encode_document(TEXTS), theirs.encode(TEXTS, prompt_name="passage")),
        ):
            assert np.abs(ours - expected / np.linalg.norm(expected, axis=1, keepdims=True)).max() < 1e-6


def test_a_model_for_the_dot_product_keeps_the_length_of_its_vectors(tmp_path: Path) -> None:
    encoder = load(layout_folder(tmp_path / "dot", style="new", similarity="dot"))

    assert (encoder.card.similarity, encoder.card.normalize) == ("dot", False)
    assert not np.allclose(np.linalg.norm(encoder.encode_document(TEXTS), axis=1), 1)


def test_weights_in_parts_are_one_model(made: Callable[[str], Path], tmp_path: Path) -> None:
    from transformers import BertModel

    folder = tmp_path / "parts"
    shutil.copytree(made("Hebrew mBERT"), folder)
    BertModel.from_pretrained(folder).save_pretrained(folder, max_shard_size="20KB")
    (folder / "model.safetensors").unlink(missing_ok=True)

    layout = read_layout(folder)

    assert len(layout.weights) > 1
    assert np.allclose(load(folder).encode_query(TEXTS), load(made("Hebrew mBERT")).encode_query(TEXTS), atol=1e-6)
    layout.weights[1].unlink()
    with pytest.raises(CheckpointError, match="one part of its weights"):
        load(folder)


def changed(folder: Path, target: Path, file: str, change: Callable[[Any], Any]) -> Path:
    """Copy a checkpoint with one of its JSON files changed."""
    shutil.copytree(folder, target)
    value = json.loads((target / file).read_text(encoding="utf-8"))
    change(value)
    (target / file).write_text(json.dumps(value), encoding="utf-8")
    return target


@pytest.mark.parametrize("part", ["../elsewhere.safetensors", "/etc/passwd", 3, ".."])
def test_an_index_of_weights_that_leads_out_of_the_folder_is_refused(
    made: Callable[[str], Path], tmp_path: Path, part: object
) -> None:
    folder = tmp_path / "parts"
    shutil.copytree(made("Hebrew mBERT"), folder)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": part}}))

    with pytest.raises(CheckpointError, match="no file beside it"):
        read_layout(folder)
