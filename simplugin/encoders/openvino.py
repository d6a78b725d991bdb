"""The modules of a checkpoint, run by OpenVINO (https://docs.openvino.ai): faster than torch on a processor.

The whole pipeline, pooling and what follows included, is traced into one graph, whatever the layout of the checkpoint.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from simplugin.catalog import Precision
from simplugin.encoders.batching import CPU, Budget
from simplugin.encoders.network import Batch
from simplugin.errors import MissingExtraError, ModelError
from simplugin.measures import FloatArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["OpenVinoNetwork"]

_HINTS = {"fp32": "f32", "bf16": "bf16"}


class OpenVinoNetwork:
    """A checkpoint as a graph that OpenVINO compiled for the processor. Safe to share between threads."""

    def __init__(self, model: SentenceTransformer, example: Batch, precision: Precision | None) -> None:
        """Trace the model with an example of its inputs, at least two rows of different lengths, and compile it.

        Raises ``MissingExtraError`` without OpenVINO, ``ModelError`` for a precision that the processor has not.
        """
        try:
            import openvino
        except ModuleNotFoundError as error:
            raise MissingExtraError("openvino", "The backend 'openvino'") from error
        import torch

        core: Any = openvino.Core()
        self._precision: Precision = _choose_precision(precision, core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
        settings = {
            # Left alone, OpenVINO computes in bf16 where it can, and says nothing.
            "INFERENCE_PRECISION_HINT": _HINTS[self._precision],
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "NUM_STREAMS": 1,
        }
        self._inputs = tuple(example)
        self._compiled: Any = core.compile_model(_trace(model, example), "CPU", settings)
        self._lock = threading.Lock()

    @property
    def precision(self) -> Precision:
        """What it computes in."""
        return self._precision

    @property
    def budget(self) -> Budget:
        """How much it is good at taking at once."""
        return CPU

    def run(self, batches: Iterable[Batch], prompt_length: int | None) -> list[FloatArray]:
        """Embed every batch: float32 (rows, width) each. The graph pools every token, the prompt's too."""
        return [self._forward(batch) for batch in batches]

    def _forward(self, batch: Batch) -> FloatArray:
        with self._lock:  # a compiled model has one set of buffers
            return np.array(self._compiled([batch[name] for name in self._inputs])[0], dtype=np.float32)


def _choose_precision(precision: Precision | None, capabilities: list[str]) -> Precision:
    if precision is None:
        return "fp32"
    if precision not in _HINTS:
        message = f"The backend 'openvino' has no precision {precision!r}. Known: {', '.join(_HINTS)}."
        raise ModelError(message)
    if precision == "bf16" and "BF16" not in capabilities:
        message = "This processor has no bf16 instructions; leave precision out for 'fp32'."
        raise ModelError(message)
    return precision


def _trace(model: SentenceTransformer, example: Batch) -> Any:
    """Return the graph of the whole model, for any rows and lengths; its inputs come in the order of the example."""
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    class Pipeline(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            features: Any = dict(zip(example, inputs, strict=True))
            return cast("dict[str, torch.Tensor]", self.model(features))["sentence_embedding"]

    # Not openvino.convert_model, which does the same and reports its use over the network, unasked.
    frontend = cast(Any, FrontEndManager()).load_by_framework("pytorch")
    with _quiet(), torch.no_grad():
        inputs = tuple(torch.from_numpy(rows) for rows in example.values())
        traced = TorchScriptPythonDecoder(Pipeline().eval(), example_input=inputs)  # must outlive the conversion
        return frontend.convert(frontend.load(traced))


@contextmanager
def _quiet() -> Generator[None, None, None]:
    """Keep back what tracing says of code that it follows along one path: the lengths do not depend on that path."""
    loggers = [logging.getLogger(name) for name in ("transformers", "sentence_transformers")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
