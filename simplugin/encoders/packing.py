"""Linear layers whose weights oneDNN has laid out for the processor. Importing this module loads torch.

torch multiplies float32 matrices by MKL, which leaves AVX-512 unused on processors that are not Intel's. oneDNN, which
torch brings along (https://uxlfoundation.github.io/oneDNN/), uses it, is handed its weights in blocks as it wants them,
and applies an activation to a result that is still in the cache. The sums are the same but for the order of adding.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from simplugin.encoders.batching import CPU

__all__ = ["pack"]

_ACTIVATED = (("dense", "intermediate_act_fn"), ("lin1", "activation"))  # BERT and what descends from it; DistilBERT
_ONEDNN: Any = torch.ops.mkldnn


def pack(network: nn.Module, dtype: torch.dtype | None = None) -> None:
    """Replace every linear layer of a network by one that computes the same: in ``dtype``, None in its weights' own.

    For inference on a processor: what is packed can be neither trained, saved nor moved. It takes a second for 300
    million weights. A network of which this torch or this processor can pack no layer stays as it is.
    """
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) is nn.Linear and (packed := _pack(layer, dtype or layer.weight.dtype)) is not None:
                setattr(parent, name, packed)
        for linear, activation in _ACTIVATED:
            _fuse(parent, linear, activation)


class _PackedLinear(nn.Module):
    """``nn.Linear``, and GELU after it where it is fused."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        # Laid out for full batches; others are multiplied as well, if not at the peak.
        self.weight: Tensor = _ONEDNN._reorder_linear_weight(weight, CPU.tokens)
        self.bias = bias
        self.activation, self.algorithm = "none", ""

    def forward(self, rows: Tensor) -> Tensor:
        given = rows.to(self.weight.dtype)
        product: Tensor = _ONEDNN._linear_pointwise(given, self.weight, self.bias, self.activation, [], self.algorithm)
        return product


def _pack(layer: nn.Linear, dtype: torch.dtype) -> _PackedLinear | None:
    bias = cast("Tensor | None", layer.bias)  # declared without the None of a layer that has none
    try:
        packed = _PackedLinear(layer.weight.detach().to(dtype), None if bias is None else bias.detach().to(dtype))
        packed(torch.zeros(1, layer.in_features))
    except (AttributeError, RuntimeError, TypeError):  # another torch, which has no such operation, or not this one
        return None
    return packed


def _fuse(parent: nn.Module, linear: str, activation: str) -> None:
    layer, applied = getattr(parent, linear, None), getattr(parent, activation, None)
    if isinstance(layer, _PackedLinear) and isinstance(applied, nn.Module) and _is_gelu(applied):
        layer.activation, layer.algorithm = "gelu", "none"  # by the error function, not by tanh
        setattr(parent, activation, nn.Identity())


def _is_gelu(activation: nn.Module) -> bool:
    sample = torch.linspace(-4, 4, 33)
    return torch.equal(activation(sample), nn.functional.gelu(sample))
