"""Reads the pair network of the keras.io example from the HDF5 file that Keras 2 wrote, without TensorFlow."""

from __future__ import annotations

import importlib
import json
import math
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np

from simplugin.errors import CheckpointError, MissingExtraError
from simplugin.measures import FloatArray
from simplugin.messages import first_line

__all__ = ["KerasNetwork", "Weight", "open_keras"]

Dataset: TypeAlias = Any
"""A dataset of h5py, which has no types."""

_BLOCK = 1 << 22  # numbers read at once: 16 MB
_PLACES = 128  # what the source model's authors padded pairs to, where the file does not say
_DEPTH = 20  # groups within groups; Keras makes about eight
_HEAD_WIDTH = 64  # of every BERT that was published; the weights do not show the number of heads
_ACTIVATIONS = ("gelu", "gelu_new", "relu", "silu", "swish", "tanh")

_LAYER = r"encoder/layer_\._(?P<layer>\d+)/"
_PLACES_OF_BODY = (
    (r"embeddings/word_embeddings/(weight|embeddings)", "body.embeddings.word_embeddings.weight"),
    (r"embeddings/position_embeddings/(weight|embeddings)", "body.embeddings.position_embeddings.weight"),
    (r"embeddings/token_type_embeddings/(weight|embeddings)", "body.embeddings.token_type_embeddings.weight"),
    (r"embeddings/LayerNorm/(?P<kind>gamma|beta)", "body.embeddings.LayerNorm.{kind}"),
    (
        _LAYER + r"attention/self/(?P<part>query|key|value)/(?P<kind>kernel|bias)",
        "body.encoder.layer.{layer}.attention.self.{part}.{kind}",
    ),
    (
        _LAYER + r"(?P<part>attention/output|output)/LayerNorm/(?P<kind>gamma|beta)",
        "body.encoder.layer.{layer}.{part}.LayerNorm.{kind}",
    ),
    (
        _LAYER + r"(?P<part>attention/output|intermediate|output)/dense/(?P<kind>kernel|bias)",
        "body.encoder.layer.{layer}.{part}.dense.{kind}",
    ),
)
# BERT's own pooler, for which this network has no use.
_UNUSED = re.compile(r"(^|/)pooler/dense/(kernel|bias)$")
_BODY = tuple((re.compile("(^|/)" + pattern + "$"), name) for pattern, name in _PLACES_OF_BODY)
_LSTM = re.compile(r"(^|/)(?P<way>forward|backward)_[^/]+/([^/]+/)?(?P<kind>kernel|recurrent_kernel|bias)$")
_DENSE = re.compile(r"(^|/)(?P<layer>[^/]+)/(?P<kind>kernel|bias)$")
_KINDS = {"gamma": "weight", "beta": "bias", "kernel": "weight", "bias": "bias"}
_LSTM_KINDS = {"kernel": "weight_ih_l0", "recurrent_kernel": "weight_hh_l0", "bias": "bias_ih_l0"}


@dataclass(frozen=True, slots=True)
class Weight:
    """A tensor of the network, and how to read it from the file in pieces that follow each other.

    Keras keeps a kernel as (inputs, outputs), PyTorch as (outputs, inputs); ``source`` is None where Keras has no
    such weight and PyTorch wants zeros.
    """

    file: Path
    name: str
    shape: tuple[int, ...]
    source: Dataset
    transposed: bool

    def blocks(self) -> Iterator[FloatArray]:
        """Yield the numbers as float32, in PyTorch's order.

        Raises ``CheckpointError`` for numbers that are not finite or cannot be read.
        """
        if self.source is None:
            yield np.zeros(self.shape, dtype=np.float32)
        elif self.transposed:
            yield self._numbers(slice(None)).T.copy()
        else:
            rows = max(1, _BLOCK // math.prod(self.shape[1:]))
            for start in range(0, self.shape[0], rows):
                yield self._numbers(slice(start, start + rows))

    def _numbers(self, rows: slice) -> FloatArray:
        with _reading(self.file):
            numbers = np.asarray(self.source[rows], dtype=np.float32)
        if not np.isfinite(numbers).all():
            raise CheckpointError(self.file, f"{self.name!r} holds numbers that are not finite.")
        return numbers


@dataclass(frozen=True, slots=True)
class KerasNetwork:
    """What a file holds: the shape of the network, and its weights while the file is open.

    ``body`` is a BERT configuration in the words of transformers. ``places`` is the length every pair is padded to.
    """

    body: Mapping[str, Any]
    units: int
    classes: int
    places: int
    weights: tuple[Weight, ...]


@contextmanager
def open_keras(file: Path) -> Generator[KerasNetwork, None, None]:
    """Open a file that Keras 2 saved, whole or weights alone, and match its weights by structure.

    The numbers in layer names differ from file to file, so a weight is known by its place in the network and its
    shape. Raises ``CheckpointError`` for a file that is missing, damaged or of another network; ``MissingExtraError``
    where h5py is not installed.
    """
    library = _h5py()
    if not file.is_file():
        raise CheckpointError(file, "there is no such file.")
    with _reading(file):
        opened = library.File(file, "r")
    with opened:
        with _reading(file):
            network = _read(file, opened)
        yield network


def _h5py() -> Any:
    try:
        return importlib.import_module("h5py")
    except ImportError as error:
        raise MissingExtraError("keras", "Reading a Keras file") from error


@contextmanager
def _reading(file: Path) -> Generator[None, None, None]:
    try:
        yield
    except (OSError, RuntimeError, KeyError, IndexError, ValueError, TypeError) as error:
        # What h5py raises for files that are cut short, altered, or nothing of the kind.
        raise CheckpointError(file, f"it is no sound HDF5 file ({first_line(error)}).") from error


def _read(file: Path, opened: Any) -> KerasNetwork:
    group = opened.get("model_weights", opened)
    found: dict[str, Dataset] = {}
    if isinstance(group, _h5py().Group):
        _collect(file, group, "", found, set())
    if not found:
        raise CheckpointError(file, "it holds no weights.")
    sources = _match(file, found)
    graph = _graph(file, opened)
    body, units, classes = _measure(file, sources, graph)
    weights = tuple(_weights(file, sources, body, units, classes))
    return KerasNetwork(body, units, classes, graph.places or min(_PLACES, body["max_position_embeddings"]), weights)


def _collect(file: Path, group: Any, path: str, found: dict[str, Dataset], seen: set[int]) -> None:
    library = _h5py()
    for name in group:
        here = f"{path}/{name}" if path else str(name)
        # Links out of the file, and data kept outside it, would read whatever else lies on this machine.
        if not isinstance(group.get(name, getlink=True), library.HardLink) or here.count("/") > _DEPTH:
            raise CheckpointError(file, f"{here!r} leads elsewhere, which Keras never writes.")
        item = group[name]
        address = int(library.h5o.get_info(item.id).addr)
        if address in seen:
            raise CheckpointError(file, f"{here!r} is there twice, which Keras never writes.")
        seen.add(address)
        if isinstance(item, library.Group):
            _collect(file, item, here, found, seen)
        elif isinstance(item, library.Dataset):
            kept = int(item.id.get_storage_size())
            if item.dtype.kind != "f" or item.external or item.is_virtual or kept < item.size * item.dtype.itemsize:
                raise CheckpointError(file, f"{here!r} is not kept as plain numbers, which Keras always does.")
            found[here.removesuffix(":0")] = item


def _match(file: Path, found: Mapping[str, Dataset]) -> dict[str, Dataset]:
    """Give every weight the name it has in PyTorch."""
    sources: dict[str, Dataset] = {}
    dense: set[str] = set()
    for path, dataset in found.items():
        if _UNUSED.search(path):
            continue
        name = _name_in_body(path) or _name_in_lstm(path)
        if name is None and (match := _DENSE.search(path)):
            dense.add(path.rpartition("/")[0])
            name = f"head.{_KINDS[match['kind']]}"
        if name is None:
            raise CheckpointError(file, f"it is of another network: there is no place for {path!r}. {_EXPECTED}")
        if name in sources:
            raise CheckpointError(file, f"it is of another network: it has {name!r} twice. {_EXPECTED}")
        sources[name] = dataset
    if len(dense) > 1:
        raise CheckpointError(file, f"it is of another network: it has {len(dense)} dense layers. {_EXPECTED}")
    return sources


_EXPECTED = "This reads BERT, a bidirectional LSTM, average and maximum pooling, and one dense layer."


def _name_in_body(path: str) -> str | None:
    for pattern, name in _BODY:
        if match := pattern.search(path):
            parts = match.groupdict()
            if "kind" in parts:
                parts["kind"] = _KINDS[parts["kind"]]
            return name.format(**parts).replace("/", ".")
    return None


def _name_in_lstm(path: str) -> str | None:
    if match := _LSTM.search(path):
        return f"lstm.{_LSTM_KINDS[match['kind']]}{'_reverse' if match['way'] == 'backward' else ''}"
    return None


@dataclass(frozen=True, slots=True)
class _Graph:
    """What the file says of the network beside its weights; nothing, where only weights were saved."""

    bert: Mapping[str, Any]
    places: int | None


def _graph(file: Path, opened: Any) -> _Graph:
    text: Any = opened.attrs.get("model_config")
    if text is None:
        return _Graph({}, None)
    layers = [_dict(layer) for layer in _list(_dict(_dict(json.loads(text)).get("config")).get("layers"))]
    of_kind = {str(layer.get("class_name")): _dict(layer.get("config")) for layer in layers}
    _check_graph(file, layers, of_kind)
    bert = next((part for kind, part in of_kind.items() if kind.rpartition(">")[2].startswith("TFBert")), _dict(None))
    bert = _dict(bert.get("config", bert))
    inputs = _dict(of_kind.get("InputLayer"))
    places = (_list(inputs.get("batch_input_shape") or inputs.get("batch_shape")) or [None])[-1]
    return _Graph(bert, places if isinstance(places, int) and places > 0 else None)


def _check_graph(file: Path, layers: list[dict[str, Any]], of_kind: Mapping[str, dict[str, Any]]) -> None:
    """Refuse a network whose weights fit but which computes something else with them."""
    both_ways = _dict(of_kind.get("Bidirectional"))
    lstm = _dict(_dict(both_ways.get("layer")).get("config"))
    names = {str(layer.get("name")): str(layer.get("class_name")) for layer in layers}
    joined = next((layer for layer in layers if layer.get("class_name") == "Concatenate"), _dict(None))
    inputs = _list(next(iter(_list(joined.get("inbound_nodes"))), None))
    asked: tuple[tuple[str, object, object], ...] = (
        ("the layer read both ways", _dict(both_ways.get("layer")).get("class_name"), "LSTM"),
        ("the merging of both ways", both_ways.get("merge_mode"), "concat"),
        ("the LSTM's activation", lstm.get("activation"), "tanh"),
        ("the LSTM's gate", lstm.get("recurrent_activation"), "sigmoid"),
        ("the LSTM's output of every place", lstm.get("return_sequences"), True),
        ("the LSTM's first direction backwards", lstm.get("go_backwards", False), False),
        ("the dense layer's activation", _dict(of_kind.get("Dense")).get("activation"), "softmax"),
        (
            "what is pooled, in order",
            [names.get(str(node)) for given in inputs for node in _list(given)[:1]],
            ["GlobalAveragePooling1D", "GlobalMaxPooling1D"],
        ),
    )
    for what, is_, expected in asked:
        if is_ != expected:
            raise CheckpointError(file, f"it is of another network: {what} is {is_!r}, not {expected!r}. {_EXPECTED}")


def _measure(file: Path, sources: Mapping[str, Dataset], graph: _Graph) -> tuple[dict[str, Any], int, int]:
    """Read the sizes from the weights; what weights do not show, from the file's own description."""

    def shape(name: str) -> tuple[int, int]:
        if name not in sources:
            raise CheckpointError(file, f"it is of another network: it has no {name!r}. {_EXPECTED}")
        found = cast("tuple[int, ...]", sources[name].shape)
        if len(found) != 2 or 0 in found:
            raise CheckpointError(file, f"{name!r} has the shape {found}.")
        return found[0], found[1]

    vocabulary, hidden = shape("body.embeddings.word_embeddings.weight")
    layers = 1 + max((int(name.split(".")[3]) for name in sources if ".layer." in name), default=-1)
    heads = graph.bert.get("num_attention_heads", max(1, hidden // _HEAD_WIDTH))
    activation = graph.bert.get("hidden_act", "gelu")
    if not isinstance(heads, int) or heads < 1 or hidden % heads:
        raise CheckpointError(file, f"{heads!r} heads cannot share a width of {hidden}.")
    if activation not in _ACTIVATIONS:
        raise CheckpointError(file, f"its activation {activation!r} is none of {', '.join(_ACTIVATIONS)}.")
    if graph.bert.get("position_embedding_type", "absolute") != "absolute":
        raise CheckpointError(file, f"its positions are {graph.bert['position_embedding_type']!r}, not 'absolute'.")
    body = {
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": shape("body.encoder.layer.0.intermediate.dense.weight")[1],
        "hidden_act": activation,
        "max_position_embeddings": shape("body.embeddings.position_embeddings.weight")[0],
        "type_vocab_size": shape("body.embeddings.token_type_embeddings.weight")[0],
        "layer_norm_eps": float(graph.bert.get("layer_norm_eps", 1e-12)),
        "pad_token_id": 0,
    }
    return body, shape("lstm.weight_hh_l0")[0], shape("head.weight")[1]


def _weights(
    file: Path, sources: Mapping[str, Dataset], body: Mapping[str, Any], units: int, classes: int
) -> Iterator[Weight]:
    """Yield every weight of the network, in order, with the shape PyTorch gives it."""
    shapes = _shapes(body, units, classes)
    if strange := sorted(set(sources) - set(shapes)):
        raise CheckpointError(file, f"it is of another network: there is no place for {strange[0]!r}. {_EXPECTED}")
    for name, shape in shapes.items():
        if "bias_hh" in name:
            yield Weight(file, name, shape, None, transposed=False)  # Keras has one bias where PyTorch adds two
            continue
        if name not in sources:
            raise CheckpointError(file, f"it is of another network: it has no {name!r}. {_EXPECTED}")
        transposed = len(shape) == 2 and ".embeddings." not in name
        expected = shape[::-1] if transposed else shape
        if sources[name].shape != expected:
            raise CheckpointError(file, f"{name!r} has the shape {sources[name].shape}, not {expected}.")
        yield Weight(file, name, shape, sources[name], transposed)


def _shapes(body: Mapping[str, Any], units: int, classes: int) -> dict[str, tuple[int, ...]]:
    hidden, inner = int(body["hidden_size"]), int(body["intermediate_size"])
    shapes: dict[str, tuple[int, ...]] = {
        "body.embeddings.word_embeddings.weight": (int(body["vocab_size"]), hidden),
        "body.embeddings.position_embeddings.weight": (int(body["max_position_embeddings"]), hidden),
        "body.embeddings.token_type_embeddings.weight": (int(body["type_vocab_size"]), hidden),
        "body.embeddings.LayerNorm.weight": (hidden,),
        "body.embeddings.LayerNorm.bias": (hidden,),
    }
    for number in range(int(body["num_hidden_layers"])):
        layer = f"body.encoder.layer.{number}."
        for part, inputs, outputs in (
            ("attention.self.query", hidden, hidden),
            ("attention.self.key", hidden, hidden),
            ("attention.self.value", hidden, hidden),
            ("attention.output.dense", hidden, hidden),
            ("intermediate.dense", hidden, inner),
            ("output.dense", inner, hidden),
        ):
            shapes |= {f"{layer}{part}.weight": (outputs, inputs), f"{layer}{part}.bias": (outputs,)}
        for part in ("attention.output", "output"):
            shapes |= {f"{layer}{part}.LayerNorm.weight": (hidden,), f"{layer}{part}.LayerNorm.bias": (hidden,)}
    for way in ("", "_reverse"):
        shapes |= {
            f"lstm.weight_ih_l0{way}": (4 * units, hidden),
            f"lstm.weight_hh_l0{way}": (4 * units, units),
            f"lstm.bias_ih_l0{way}": (4 * units,),
            f"lstm.bias_hh_l0{way}": (4 * units,),
        }
    return shapes | {"head.weight": (classes, 4 * units), "head.bias": (classes,)}


def _dict(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]
