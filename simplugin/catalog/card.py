"""What is known of a model."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from simplugin.measures import SimilarityFunction

__all__ = ["Claim", "ModelCard", "Precision", "Prompts"]

Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]


class Prompts(BaseModel):
    """What a checkpoint puts before a query and before a document."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str = ""
    document: str = ""


class Claim(BaseModel):
    """A figure that a model's authors published, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    metric: str
    value: float
    source: str


class ModelCard(BaseModel):
    """One record of a model, whoever fills it: the catalog, the reader of its files, or a stored collection.

    ``id`` opens the model again: a catalog name, a Hub id, or the absolute path of a folder. ``max_tokens`` is
    None where the model has no limit. ``normalize`` says that vectors leave the encoder with length 1. ``precision``
    is what the network computes in; vectors are float32 always. ``truncate_dim`` says that vectors are the first
    numbers of longer ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    id: str
    kind: Literal["embedder", "pair"] = "embedder"
    revision: str | None = None
    dimension: int | None = None
    max_tokens: int | None = None
    pooling: str | None = None
    normalize: bool | None = None
    similarity: SimilarityFunction = "cosine"
    prompts: Prompts = Field(default_factory=Prompts)
    precision: Precision = "fp32"
    truncate_dim: int | None = None
    languages: tuple[str, ...] = ()
    licence: str | None = None
    description: str = ""
    warnings: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
