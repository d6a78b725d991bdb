"""The pair network of the keras.io example, in PyTorch. Importing this module loads torch.

https://keras.io/examples/nlp/semantic_similarity_with_bert/: BERT reads both texts, a bidirectional LSTM reads BERT's
output, and a dense layer reads the average and the maximum of the LSTM's over all places.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

__all__ = ["LstmPairNetwork", "halve"]


class LstmPairNetwork(nn.Module):
    """BERT, a bidirectional LSTM, average and maximum over places, a dense layer."""

    def __init__(self, body: dict[str, Any], *, units: int, classes: int) -> None:
        super().__init__()
        config = BertConfig(**body)
        self.body = BertModel(config, add_pooling_layer=False)
        self.lstm = nn.LSTM(config.hidden_size, units, batch_first=True, bidirectional=True)
        self.head = nn.Linear(4 * units, classes)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Return logits (n, classes) of rows (n, places), padded to the places the network was trained with.

        Keras gave the mask to BERT alone: LSTM and pooling read the padding too, so its number is part of the model.
        """
        output: Any = self.body(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids, return_dict=True
        )
        # An LSTM carries its rounding from place to place: full precision, whatever the body runs in.
        with torch.autocast(input_ids.device.type, enabled=False):
            places: Tensor = self.lstm(output.last_hidden_state.float())[0]
            logits: Tensor = self.head(torch.cat((places.mean(dim=1), places.amax(dim=1)), dim=1))
        return logits


class _FullPrecision(nn.Module):
    """A layer that computes in float32 whatever surrounds it."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, rows: Tensor) -> Tensor:
        with torch.autocast(rows.device.type, enabled=False):
            return cast(Tensor, self.layer(rows.float()))


def halve(network: nn.Module, classes: int, half: torch.dtype) -> None:
    """Keep the weights of linear layers in 16 bits, so that autocast need not convert them for every batch.

    The last layer, the one with as many outputs as classes, stays in float32: logits of eight bits would tie.
    """
    layers: list[tuple[str, nn.Module]] = list(network.named_modules())  # pyright: ignore[reportUnknownArgumentType]
    for name, layer in layers:
        if isinstance(layer, nn.Linear):
            if layer.out_features == classes:
                parent, _, own = name.rpartition(".")
                setattr(network.get_submodule(parent), own, _FullPrecision(layer))
            else:
                layer.to(half)
