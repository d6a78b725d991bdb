"""Networks whose linear layers oneDNN computes, against the same networks as torch computes them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel, XLMRobertaConfig, XLMRobertaModel

from simplugin.encoders import packing
from simplugin.encoders.network import processor_has
from simplugin.encoders.packing import pack

pytestmark = pytest.mark.model

IDS = torch.arange(36).reshape(3, 12) % 20 + 5
only_with_avx512 = pytest.mark.skipif(
    not processor_has("avx512_f"), reason="this processor has no AVX-512, so nothing is packed"
)


def bert(activation: str = "gelu") -> nn.Module:
    torch.manual_seed(0)
    shape: dict[str, Any] = {"vocab_size": 40, "num_hidden_layers": 2, "num_attention_heads": 2}
    return BertModel(BertConfig(hidden_size=32, intermediate_size=64, hidden_act=activation, **shape))


def distilbert() -> nn.Module:
    torch.manual_seed(0)
    return DistilBertModel(DistilBertConfig(vocab_size=40, dim=32, hidden_dim=64, n_layers=2, n_heads=2))


def xlm_roberta() -> nn.Module:
    torch.manual_seed(0)
    shape: dict[str, Any] = {"vocab_size": 40, "num_hidden_layers": 2, "num_attention_heads": 2}
    return XLMRobertaModel(XLMRobertaConfig(hidden_size=32, intermediate_size=64, **shape))


def packed(network: nn.Module, dtype: torch.dtype | None = None) -> nn.Module:
    other = copy.deepcopy(network.eval())
    pack(other, dtype)
    return other


def outputs(network: nn.Module, *, half: bool = False) -> torch.Tensor:
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
        found: torch.Tensor = network(input_ids=IDS, attention_mask=torch.ones_like(IDS)).last_hidden_state
    return found


@pytest.mark.parametrize("make", [bert, distilbert, xlm_roberta])
def test_a_packed_network_computes_the_same(make: Any) -> None:
    network = make()

    assert (outputs(packed(network)) - outputs(network)).abs().max() < 1e-5


@pytest.mark.parametrize("activation", ["gelu_new", "gelu_10", "relu"])
def test_other_activations_than_gelu_are_applied_as_they_are(activation: str) -> None:
    network = bert(activation)

    assert (outputs(packed(network)) - outputs(network)).abs().max() < 1e-5


def test_layers_packed_in_sixteen_bits_are_as_near_as_autocast() -> None:
    network = bert()
    exact = outputs(network)

    error = (outputs(packed(network, torch.bfloat16), half=True) - exact).abs().max()

    assert error < 2 * (outputs(network, half=True) - exact).abs().max()


@only_with_avx512
@pytest.mark.parametrize("make", [bert, distilbert, xlm_roberta])
def test_no_linear_layer_and_no_gelu_is_left_as_it_was(make: Any) -> None:
    kinds = {type(module).__name__ for module in packed(make()).modules()}

    assert "_PackedLinear" in kinds
    assert not kinds & {"Linear", "GELUActivation"}


def test_a_layer_without_bias_for_any_number_of_rows_and_dimensions() -> None:
    layer = nn.Sequential(nn.Linear(32, 8, bias=False))
    other = packed(layer)

    for shape in ((1, 32), (700, 32), (2, 3, 32), (2, 5, 3, 32), (0, 32)):
        rows = torch.randn(shape)
        assert torch.allclose(other(rows), layer(rows), atol=1e-5), shape


def test_a_torch_without_the_operation_keeps_its_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_ONEDNN", object())
    network = bert()

    assert torch.equal(outputs(packed(network)), outputs(network))


def test_layers_derived_from_linear_ones_are_left_alone() -> None:
    class Doubled(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002, the name it has in torch
            return 2 * super().forward(input)

    layer = nn.Sequential(Doubled(32, 8))

    assert [type(module) for module in packed(layer).children()] == [Doubled]
