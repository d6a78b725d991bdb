"""What is known of a model.

Plain records rather than pydantic ones: a search from a cold start would wait a quarter longer for its first answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self, TypeAlias, cast

from simplugin.measures import SimilarityFunction

__all__ = ["Backend", "Claim", "ModelCard", "Precision", "Prompts"]

Backend: TypeAlias = Literal["torch", "openvino"]
Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True, slots=True)
class Prompts:
    """What a checkpoint puts before a query and before a document."""

    query: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A figure that a model's authors published, and where."""

    data: str
    metric: str
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One record of a model, whoever fills it: the catalog, the reader of its files, or a stored collection.

    ``id`` opens the model again: a catalog name, a Hub id, or the absolute path of a folder. ``max_tokens`` is
    None where the model has no limit. ``normalize`` says that vectors leave the encoder with length 1. ``precision``
    is what the network computes in, and ``backend`` what runs a transformer; vectors are float32 always.
    ``truncate_dim`` says that vectors are the first numbers of longer ones.
    """

    name: str
    id: str
    kind: Literal["embedder", "pair"] = "embedder"
    revision: str | None = None
    dimension: int | None = None
    max_tokens: int | None = None
    pooling: str | None = None
    normalize: bool | None = None
    similarity: SimilarityFunction = "cosine"
    prompts: Prompts = field(default_factory=Prompts)
    precision: Precision = "fp32"
    backend: Backend | None = None
    truncate_dim: int | None = None
    languages: tuple[str, ...] = ()
    licence: str | None = None
    description: str = ""
    warnings: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()

    @property
    def full_name(self) -> str:
        """The name, with how many numbers of its vectors are kept where that is not all: ``starter-3@64``."""
        return self.name if self.truncate_dim is None else f"{self.name}@{self.truncate_dim}"

    @property
    def scores_by_cosine(self) -> bool:
        """Whether the score of two vectors is their cosine, which has a fixed range."""
        return self.similarity == "cosine" or (self.similarity == "dot" and bool(self.normalize))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read a card from JSON or TOML values. Raises ``TypeError`` for keys it has no place for, and missing ones."""
        read = dict(values)
        read["prompts"] = Prompts(**read.get("prompts", {}))
        read["claims"] = tuple(Claim(**claim) for claim in read.get("claims", ()))
        for key in ("languages", "warnings"):
            read[key] = tuple(read.get(key, ()))
        return cls(**read)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values: lists for tuples."""
        return cast("dict[str, Any]", json.loads(json.dumps(asdict(self))))
