"""The modules of a checkpoint, run over batches of tokens by torch."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast, get_args

import numpy as np

from simplugin.catalog import Precision
from simplugin.encoders.batching import CPU, GPU, Budget
from simplugin.errors import ModelError
from simplugin.measures import FloatArray

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer
    from torch import nn

__all__ = [
    "Batch",
    "Network",
    "TorchNetwork",
    "choose_device",
    "choose_precision",
    "half_type",
    "inference",
    "pack_for",
    "processor_has",
]

Batch: TypeAlias = Mapping[str, np.ndarray[tuple[int, int], np.dtype[np.int64]]]
"""What a tokenizer gives for some texts, each input as a matrix (rows, longest)."""

_MULTIPLY_BF16 = ("avx512_bf16", "amx_bf16", "bf16")  # the last is Arm's


class Network(Protocol):
    """Batches of tokens to vectors."""

    @property
    def precision(self) -> Precision:
        """What it computes in."""
        ...

    @property
    def budget(self) -> Budget:
        """How much it is good at taking at once."""
        ...

    def run(self, batches: Iterable[Batch], prompt_length: int | None) -> list[FloatArray]:
        """Embed every batch: float32 (rows, width) each, as the last module gives them.

        ``prompt_length`` is the number of leading tokens that pooling leaves out, None for none.
        """
        ...


class TorchNetwork:
    """A checkpoint run by torch, on any device."""

    def __init__(self, model: SentenceTransformer, device: torch.device, precision: Precision | None) -> None:
        """Take over the model; raises ``ModelError`` for a precision that does not exist or that the device lacks."""
        self._model = model
        self._device = device
        self._precision: Precision = choose_precision(precision, device)
        pack_for(device, model, half_type(self._precision) if self._precision != "fp32" else None)
        self._lock = threading.Lock()  # two forward passes at once only share the cores

    @property
    def precision(self) -> Precision:
        """What it computes in."""
        return self._precision

    @property
    def budget(self) -> Budget:
        """How much it is good at taking at once."""
        return CPU if self._device.type == "cpu" else GPU

    def run(self, batches: Iterable[Batch], prompt_length: int | None) -> list[FloatArray]:
        """Embed every batch: float32 (rows, width) each."""
        with inference(self._device, self._precision):
            return [self._forward(batch, prompt_length) for batch in batches]

    def _forward(self, batch: Batch, prompt_length: int | None) -> FloatArray:
        import torch

        features: dict[str, Any] = {key: torch.from_numpy(rows).to(self._device) for key, rows in batch.items()}
        if prompt_length is not None:
            features["prompt_length"] = prompt_length
        with self._lock:
            embedded: torch.Tensor = self._model(features)["sentence_embedding"]
            return cast(FloatArray, embedded.float().cpu().numpy())


def pack_for(device: torch.device, network: nn.Module, dtype: torch.dtype | None = None) -> None:
    """Lay out the weights of a network for a processor that will only run it, where that makes it faster.

    Linear layers then compute in ``dtype``, None in their own weights'. With AVX2 alone they would take as long.
    """
    if device.type == "cpu" and processor_has("avx512_f"):
        from simplugin.encoders.packing import pack

        pack(network, dtype)


def choose_device(name: str | None) -> torch.device:
    """Return the device of torch's name, or the best there is; raises ``ModelError`` where this machine has it not."""
    import torch

    if name is None:
        best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(best)
    try:
        device = torch.device(name)
    except RuntimeError as error:
        message = f"There is no device {name!r}; torch calls them 'cpu', 'cuda', 'cuda:1', 'mps'."
        raise ModelError(message) from error
    if (device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()) or (
        device.type == "mps" and not torch.backends.mps.is_available()
    ):
        message = f"This machine has no device {name!r}; leave device out for the best there is."
        raise ModelError(message)
    return device


@contextmanager
def inference(device: torch.device, precision: Precision) -> Generator[None, None, None]:
    """Compute without gradients and in this precision; within one context, weights that were converted are kept."""
    import torch

    with torch.inference_mode(), torch.autocast(device.type, half_type(precision), enabled=precision != "fp32"):
        yield


def half_type(precision: Precision) -> torch.dtype:
    """Return torch's type of the 16-bit numbers that a precision computes in."""
    import torch

    return torch.float16 if precision == "fp16" else torch.bfloat16


def choose_precision(precision: Precision | None, device: torch.device) -> Precision:
    """Return the precision, ``"fp32"`` for None; raises ``ModelError`` for one that does not exist or the device lacks.

    Warns where a processor computes it in software.
    """
    if precision is None:
        return "fp32"
    if precision not in get_args(Precision):
        message = f"There is no precision {precision!r}. Known: {', '.join(get_args(Precision))}."
        raise ModelError(message)
    if precision == "fp16" and device.type == "cpu":
        message = "Precision 'fp16' needs a GPU; on a processor use 'bf16' or 'fp32'."
        raise ModelError(message)
    # A warning that may be wrong is none: an older torch does not say what the processor has.
    if precision == "bf16" and device.type == "cpu" and processor_has(*_MULTIPLY_BF16) is False:
        message = "This processor has no bf16 instructions: precision 'bf16' runs, and takes longer than 'fp32'."
        warnings.warn(message, UserWarning, stacklevel=5)
    return precision


def processor_has(*features: str) -> bool | None:
    """Say whether the processor has one of the features, by torch's names; None where an older torch does not say."""
    import torch

    if not hasattr(torch.cpu, "get_capabilities"):
        return None
    capabilities: Mapping[str, object] = torch.cpu.get_capabilities()
    return any(bool(capabilities.get(feature)) for feature in features)
