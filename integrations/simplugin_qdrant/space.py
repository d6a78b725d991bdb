"""One model's vectors in a collection."""

from __future__ import annotations

from dataclasses import dataclass

from simplugin.encoders import Encoder
from simplugin.measures import FloatArray, unit_rows
from simplugin_qdrant.stores.protocol import Quantization, Store, VectorSpace

__all__ = ["Space", "first_stage_name", "is_first_stage"]

_FIRST_STAGE = "simplugin-first-"


@dataclass(frozen=True, slots=True)
class Space:
    """Where a model's vectors are: a collection of a store and a name in it, and what lies beside them there.

    ``has_words`` says that the collection holds weighted words too. ``quantization`` is what the engine keeps small
    copies in, and ``first_stage`` how many numbers of each vector lie apart, for a first look.
    """

    store: Store
    collection: str
    vector: str
    encoder: Encoder
    has_words: bool
    quantization: Quantization | None = None
    first_stage: int | None = None

    def vector_spaces(self) -> dict[str, VectorSpace]:
        """Return the named vectors that a collection needs for this one."""
        similarity = self.encoder.card.similarity
        spaces = {self.vector: VectorSpace(self.encoder.dimension, similarity, self.quantization)}
        if self.first_stage is not None:
            spaces[first_stage_name(self.vector)] = VectorSpace(self.first_stage, similarity)
        return spaces

    def named(self, row: FloatArray) -> dict[str, FloatArray]:
        """Return what is stored for a vector (dimension,), under each name."""
        if self.first_stage is None:
            return {self.vector: row}
        return {self.vector: row, first_stage_name(self.vector): self.shorten(row)}

    def shorten(self, row: FloatArray) -> FloatArray:
        """Return the first numbers of a vector (dimension,), at length 1 if the whole was."""
        short = row[: self.first_stage]
        return unit_rows(short[None])[0] if self.encoder.card.normalize else short


def first_stage_name(vector: str) -> str:
    """Return the name under which the first numbers of a vector lie."""
    return _FIRST_STAGE + vector


def is_first_stage(vector: str) -> bool:
    """Say whether this is the name of such first numbers."""
    return vector.startswith(_FIRST_STAGE)
