from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simplugin as sp
from simplugin.reranking import convert_keras, is_pair_model, open_reranker
from simplugin.reranking.keras import open_keras
from tests.reranking.checkpoints import tokenizer_folder

pytestmark = pytest.mark.model

h5py: Any = pytest.importorskip("h5py")
FILE = "model_checkpoint_epoch_20.h5"
PIECES = 600
WORDS = [f"w{number}" for number in range(4, PIECES)]  # the word w7 is piece 7: texts can spell any ids


@pytest.fixture(scope="session")
def miniature(data: Path) -> Path:
    """Return the folder with the miniature that Keras saved, and what Keras computed with it."""
    folder = data / "checkpoints" / "az-keras-miniature"
    if not folder.is_dir():
        pytest.skip("the data folder has no Keras miniature")
    return folder


@pytest.fixture(scope="session")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tokenizer_folder(tmp_path_factory.mktemp("pieces"), WORDS, length=512)


@pytest.fixture(scope="session")
def converted(miniature: Path, pieces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converted") / "az-pair"
    convert_keras(miniature / FILE, folder, tokenizer=pieces)
    return folder


def as_texts(ids: np.ndarray, types: np.ndarray) -> tuple[str, str]:
    """Spell the pair of texts that these pieces are, without BERT's marks."""
    inside = ids >= 4
    return tuple(" ".join(f"w{piece}" for piece in ids[inside & (types == side)]) for side in (0, 1))  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


def test_the_converted_file_gives_the_probabilities_that_keras_computed(miniature: Path, converted: Path) -> None:
    expected = np.load(miniature / "expected.npz")
    texts = [as_texts(ids, types) for ids, types in zip(expected["input_ids"], expected["token_type_ids"], strict=True)]

    pairs = sp.load_reranker(converted)

    assert pairs.labels == ("contradiction", "entailment", "neutral")
    assert (pairs.max_tokens, pairs.card.kind) == (128, "pair")
    np.testing.assert_allclose(pairs.probabilities(texts), expected["probabilities"], atol=1e-4)
    by_hand = expected["probabilities"][:, 1] + expected["probabilities"][:, 2] / 2
    np.testing.assert_allclose(pairs.score(texts), by_hand, atol=1e-4)


def test_padding_is_part_of_the_network(miniature: Path, converted: Path) -> None:
    import torch
    from safetensors.torch import load_file

    from simplugin.reranking.network import LstmPairNetwork

    config = json.loads((converted / "config.json").read_text(encoding="utf-8"))
    network = LstmPairNetwork(config["body"], units=config["lstm_units"], classes=3).eval()
    network.load_state_dict(load_file(converted / "model.safetensors"))
    expected = np.load(miniature / "expected.npz")
    longest = int(expected["attention_mask"].sum(axis=1).max())

    def probabilities(width: int) -> np.ndarray:
        names = ("input_ids", "attention_mask", "token_type_ids")
        rows = {name: torch.from_numpy(expected[name][:, :width].astype(np.int64)) for name in names}
        with torch.inference_mode():
            return np.asarray(network(**rows).softmax(1).numpy())

    assert np.abs(probabilities(128) - expected["probabilities"]).max() < 1e-6
    assert np.abs(probabilities(longest) - expected["probabilities"]).max() > 1e-3


@pytest.mark.filterwarnings("ignore:This processor has no bf16:UserWarning")
def test_bf16_leaves_the_lstm_exact_enough(converted: Path) -> None:
    pairs = [("w10 w20 w30", "w40 w50"), ("w599", "w4 w5 w6 w7"), ("w100 " * 300, "w9")]
    exact = sp.load_reranker(converted).probabilities(pairs)
    near = sp.load_reranker(converted, precision="bf16").probabilities(pairs)

    np.testing.assert_allclose(near, exact, atol=0.02)


def test_numbers_in_layer_names_say_nothing(miniature: Path, converted: Path, pieces: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "renamed.h5"
    words = {"bidirectional": "bidirectional_4", "dense": "dense_737", "tf_bert_model": "tf_bert_model_5"}
    words |= {"forward_lstm": "forward_lstm_4", "backward_lstm": "backward_lstm_4", "lstm_cell": "lstm_cell_13"}

    def rename(path: str) -> str:
        if "/bert/" in path:
            return path.replace("tf_bert_model", "tf_bert_model_5")
        return "/".join(words.get(part, part) for part in path.split("/"))

    with h5py.File(miniature / FILE) as old, h5py.File(renamed, "w") as new:
        datasets: list[str] = []
        old["model_weights"].visit(lambda path: datasets.append(path) if path.endswith(":0") else None)
        for path in datasets:
            new[f"model_weights/{rename(path)}"] = old[f"model_weights/{path}"][()]
        config = json.loads(old.attrs["model_config"])
        for layer in config["config"]["layers"]:
            layer["name"] = words.get(layer["name"], layer["name"])
        new.attrs["model_config"] = json.dumps(config)

    convert_keras(renamed, tmp_path / "out", tokenizer=pieces)

    assert (tmp_path / "out" / "model.safetensors").read_bytes() == (converted / "model.safetensors").read_bytes()


def test_weights_alone_are_enough_where_heads_are_64_wide(miniature: Path, tmp_path: Path) -> None:
    with h5py.File(miniature / FILE) as old, h5py.File(tmp_path / "weights.h5", "w") as new:
        for name in old["model_weights"]:
            old.copy(f"model_weights/{name}", new)

    with open_keras(tmp_path / "weights.h5") as network:
        assert (network.body["num_attention_heads"], network.places, network.units, network.classes) == (1, 128, 64, 3)
        assert network.body["num_hidden_layers"] == 2


def change_config(change: Callable[[dict[str, Any]], None]) -> Callable[[Any], None]:
    def spoil(file: Any) -> None:
        config = json.loads(file.attrs["model_config"])
        change({layer["class_name"]: layer["config"] for layer in config["config"]["layers"]})
        file.attrs["model_config"] = json.dumps(config)

    return spoil


def replace(path: str, value: object) -> Callable[[Any], None]:
    def spoil(file: Any) -> None:
        del file[f"model_weights/{path}"]
        if value is not None:
            file[f"model_weights/{path}"] = value

    return spoil


BERT = "tf_bert_model/tf_bert_model/bert"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (replace("dense/dense/bias:0", None), "head.bias"),
        (
            replace(f"{BERT}/encoder/layer_._0/output/dense/kernel:0", None),
            "no 'body.encoder.layer.0.output.dense.weight'",
        ),
        (replace(f"{BERT}/encoder/layer_._1/output/dense/bias:0", np.zeros(7, "f4")), "shape"),
        (replace(f"{BERT}/embeddings/LayerNorm/beta:0", np.full(32, np.nan, "f4")), "not finite"),
        (replace(f"{BERT}/embeddings/LayerNorm/beta:0", np.zeros(32, "i4")), "plain numbers"),
        (replace(f"{BERT}/embeddings/LayerNorm/beta:0", h5py.ExternalLink("/etc/hostname", "/x")), "elsewhere"),
        (replace(f"{BERT}/embeddings/LayerNorm/beta:0", h5py.SoftLink("/model_weights/dense")), "elsewhere"),
        (replace("dense/dense/kernel:0", np.zeros((256, 5), "f4")), r"\(3,\), not \(5,\)"),
        (lambda file: file.create_dataset("model_weights/conv/extra:0", data=np.zeros(3, "f4")), "conv/extra"),
        (lambda file: file.create_dataset("model_weights/d/kernel:0", data=np.zeros((3, 3), "f4")), "twice"),
        (lambda file: file.create_dataset("model_weights/vast", (1 << 40,), "f4", chunks=(1 << 20,)), "plain numbers"),
        (lambda file: file["model_weights"].__setitem__("loop", file["model_weights/dense"]), "twice"),
        (lambda file: file.attrs.__setitem__("model_config", "{no json"), "no sound HDF5"),
        (lambda file: file.attrs.__setitem__("model_config", "[1]"), "another network"),
        (lambda file: file.__delitem__("model_weights"), "plain numbers"),
        (change_config(lambda of: of["Bidirectional"].update(merge_mode="sum")), "'sum', not 'concat'"),
        (change_config(lambda of: of["Dense"].update(activation="sigmoid")), "'sigmoid', not 'softmax'"),
        (change_config(lambda of: of["TFBertModel"].update(num_attention_heads=5)), "5 heads"),
        (change_config(lambda of: of["TFBertModel"].update(hidden_act="odd")), "'odd'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_of_another_network_is_refused_in_a_sentence(
    miniature: Path, tmp_path: Path, spoil: Callable[[Any], None], reason: str
) -> None:
    path = Path(shutil.copyfile(miniature / FILE, tmp_path / "spoilt.h5"))
    path.chmod(0o600)
    with h5py.File(path, "r+") as file:
        spoil(file)

    with pytest.raises(sp.CheckpointError, match=reason) as raised:
        convert_keras(path, tmp_path / "out")

    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith(".")
    assert not (tmp_path / "out" / "config.json").exists()


@pytest.mark.parametrize(
    "content", [b"", b"no HDF5 at all", b"\x89HDF\r\n\x1a\n" + bytes(100)], ids=["empty", "text", "head"]
)
def test_a_file_that_is_no_hdf5_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.h5").write_bytes(content)

    with pytest.raises(sp.CheckpointError, match="no sound HDF5"):
        convert_keras(tmp_path / "model.h5", tmp_path / "out")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(sp.CheckpointError, match="no such file"):
        convert_keras(tmp_path / "model.h5", tmp_path / "out")


@pytest.mark.parametrize("kept", [0.05, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_refused(miniature: Path, tmp_path: Path, kept: float) -> None:
    content = (miniature / FILE).read_bytes()
    (tmp_path / "cut.h5").write_bytes(content[: int(len(content) * kept)])

    with pytest.raises(sp.CheckpointError, match="no sound HDF5"):
        convert_keras(tmp_path / "cut.h5", tmp_path / "out")


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bytes_convert_or_are_told_as_a_damaged_model(miniature: Path, tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    content = bytearray((miniature / FILE).read_bytes())
    for place in random.integers(0, 60_000, 40):
        content[place] = int(random.integers(0, 256))
    (tmp_path / "flipped.h5").write_bytes(content)

    with suppress(sp.CheckpointError):
        convert_keras(tmp_path / "flipped.h5", tmp_path / "out")


def test_an_output_that_holds_something_is_left_alone(miniature: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(sp.CheckpointError, match="not empty"):
        convert_keras(miniature / FILE, tmp_path)
    with pytest.raises(sp.CheckpointError, match="a file"):
        convert_keras(miniature / FILE, tmp_path / "mine.txt")

    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_conversion_that_was_cut_short_is_done_again(miniature: Path, pieces: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / ".part").mkdir(parents=True)
    (tmp_path / "out" / ".part" / "model.safetensors").write_bytes(b"half")

    convert_keras(miniature / FILE, tmp_path / "out", tokenizer=pieces)

    assert not (tmp_path / "out" / ".part").exists()
    assert isinstance(open_reranker(tmp_path / "out"), sp.PairReranker)


def test_a_tokenizer_of_another_model_is_refused(miniature: Path, tmp_path: Path) -> None:
    other = tokenizer_folder(tmp_path / "other", [f"w{number}" for number in range(PIECES)])

    with pytest.raises(sp.CheckpointError, match="604 pieces"):
        convert_keras(miniature / FILE, tmp_path / "out", tokenizer=other)
    with pytest.raises(sp.CheckpointError, match="no tokenizer"):
        convert_keras(miniature / FILE, tmp_path / "out", tokenizer=tmp_path / "nowhere")


def test_a_bare_vocabulary_is_an_uncased_bert(miniature: Path, tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ev", "böyük", "kitab", "##lar"]
    (tmp_path / "words" / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")

    convert_keras(miniature / FILE, tmp_path / "out", tokenizer=tmp_path / "words")

    pairs = sp.load_reranker(tmp_path / "out")
    assert pairs.score([("KITABLAR", "ev")]) == pairs.score([("kitablar", "Ev")])
    assert pairs.score([("kitablar", "ev")]) != pairs.score([("kitab", "ev")])


def test_without_a_tokenizer_the_folder_names_the_one_of_the_source_model(miniature: Path, tmp_path: Path) -> None:
    made = convert_keras(miniature / FILE, tmp_path / "out")

    assert made.tokenizer == "bert-base-multilingual-uncased"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"config.json", "model.safetensors"}
    assert is_pair_model(tmp_path / "out")
    code = "import sys, simplugin as sp; sp.load_reranker(sys.argv[1])"
    places = {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", code, str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | places)
    assert "its tokenizer 'bert-base-multilingual-uncased' is neither here" in done.stderr
    assert "--tokenizer" in done.stderr


def test_a_repository_of_one_keras_file_is_converted_once(miniature: Path, pieces: Path, tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--alasdevcenter--az-sentence-similarity"
    snapshot, blobs = repository / "snapshots" / ("0" * 40), repository / "blobs"
    cache_tokenizer(tmp_path / "hub", pieces)
    for folder in (snapshot, blobs, repository / "refs"):
        folder.mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40, encoding="utf-8")
    shutil.copyfile(miniature / FILE, blobs / ("ab" * 32))
    (snapshot / FILE).symlink_to(blobs / ("ab" * 32))
    code = (
        "import simplugin as sp\n"
        "pairs = sp.load_reranker('az-mbert-pair')\n"
        "print(pairs.card.name, pairs.card.languages, pairs.score([('w7 w8', 'w9')]).shape)"
    )
    places = {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1", "SIMPLUGIN_CACHE": str(tmp_path / "cache")}
    written: list[int] = []

    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | places)
        assert done.stdout == "az-mbert-pair ('az',) (1,)\n", done.stderr
        (weights,) = (tmp_path / "cache").rglob("model.safetensors")
        written.append(weights.stat().st_mtime_ns)

    assert written[0] == written[1]


def cache_tokenizer(hub: Path, pieces: Path) -> None:
    """Put a tokenizer where the Hub's cache would have the one that converted folders name."""
    repository = hub / "models--bert-base-multilingual-uncased"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("1" * 40, encoding="utf-8")
    snapshot = Path(shutil.copytree(pieces, repository / "snapshots" / ("1" * 40)))
    (snapshot / "config.json").write_text(json.dumps({"model_type": "bert"}), encoding="utf-8")


def test_the_converted_folder_makes_no_vectors(converted: Path) -> None:
    with pytest.raises(sp.ModelError):
        sp.load(converted)


def test_without_h5py_the_extra_is_named(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['h5py'] = None; from simplugin.reranking import convert_keras; convert_keras('a', 'b')"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)

    assert "MissingExtraError" in done.stderr
    assert "pip install 'simplugin[keras]'" in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak of memory as Linux tells it")
@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    write_large(tmp_path / "large.h5", vocabulary=60_000)
    size = (tmp_path / "large.h5").stat().st_size
    code = (
        "import sys; from pathlib import Path; from simplugin.reranking import convert_keras; import h5py\n"
        "def peak(): return int(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')))\n"
        "before = peak(); convert_keras(sys.argv[1], sys.argv[2]); print((peak() - before) * 1024)"
    )
    arguments = [str(tmp_path / "large.h5"), str(tmp_path / "out")]

    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)

    assert size > 190_000_000
    assert (tmp_path / "out" / "model.safetensors").stat().st_size > 190_000_000
    assert int(done.stdout) < 80_000_000, f"{int(done.stdout):,} bytes for {size:,}"


def write_large(path: Path, *, vocabulary: int, hidden: int = 768) -> None:
    """Write weights as Keras lays them out, one layer deep: most of the size is the table of pieces."""
    random = np.random.default_rng(0)

    def numbers(*shape: int) -> np.ndarray:
        return random.standard_normal(shape, dtype=np.float32) * np.float32(0.02)

    bert, layer = "tf_bert_model_1/bert/", "tf_bert_model_1/bert/encoder/layer_._0/"
    with h5py.File(path, "w") as file:
        table = file.create_dataset(
            f"model_weights/{bert}embeddings/word_embeddings/weight:0", (vocabulary, hidden), "f4"
        )
        for start in range(0, vocabulary, 4096):
            rows = min(4096, vocabulary - start)
            table[start : start + rows] = numbers(rows, hidden)
        shapes: dict[str, tuple[int, ...]] = {
            f"{bert}embeddings/position_embeddings/embeddings": (512, hidden),
            f"{bert}embeddings/token_type_embeddings/embeddings": (2, hidden),
        }
        for name in ("attention/self/query", "attention/self/key", "attention/self/value", "attention/output/dense"):
            shapes |= {f"{layer}{name}/kernel": (hidden, hidden), f"{layer}{name}/bias": (hidden,)}
        shapes |= {
            f"{layer}intermediate/dense/kernel": (hidden, 4 * hidden),
            f"{layer}intermediate/dense/bias": (4 * hidden,),
        }
        shapes |= {f"{layer}output/dense/kernel": (4 * hidden, hidden), f"{layer}output/dense/bias": (hidden,)}
        for name in (f"{bert}embeddings", f"{layer}attention/output", f"{layer}output"):
            shapes |= {f"{name}/LayerNorm/gamma": (hidden,), f"{name}/LayerNorm/beta": (hidden,)}
        for way in ("forward", "backward"):
            cell = f"bidirectional_9/{way}_lstm_9/lstm_cell_28/"
            shapes |= {f"{cell}kernel": (hidden, 256), f"{cell}recurrent_kernel": (64, 256), f"{cell}bias": (256,)}
        shapes |= {"dense_737/kernel": (256, 3), "dense_737/bias": (3,)}
        for name, shape in shapes.items():
            file[f"model_weights/{name}:0"] = numbers(*shape)
