"""What tells one model from another: declared facts, and the vectors of a few fixed sentences.

Names and hashes cannot decide whether two models give the same vectors: a renamed model is the same one, and the
same weights with another pooling are not. So a collection keeps the vectors that its model gave for the sentences
in ``PROBES``, and a model that opens it is asked for them again. What those short sentences cannot see, such as a
shorter length, is compared as declared.
"""

from __future__ import annotations

import base64
import hashlib
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from simplugin.catalog import ModelCard, Prompts
from simplugin.errors import ModelMismatchError
from simplugin.measures import FloatArray, unit_rows

__all__ = ["PROBES", "Comparison", "Fingerprint", "hash_files", "refuse_other", "take_fingerprint"]

PROBES = (
    "Where can I renew my library card?",
    "Kütüphane kartımı nerede yenileyebilirim?",
    "Kitabxana kartımı harada yeniləyə bilərəm?",
    "היכן אפשר לחדש את כרטיס הספרייה שלי?",
    "El gato duerme sobre la alfombra roja mientras llueve.",
    "Die Rechnung Nr. 4711 über 38,50 € ist noch offen.",
    "Скорость света в вакууме постоянна.",
    "水在一百度时沸腾。",
)
"""Changing one of these makes every stored fingerprint unreadable."""

VERSION = 1
"""Of the form in which fingerprints are stored."""

SAME = 0.9995
"""At or above this cosine on every probe the models are the same one: half precision passes, int8 does not."""
CLOSE = 0.99
"""Between this and ``SAME`` a model is let through with a warning."""

_DECLARED = ("dimension", "pooling", "normalize", "prompts", "max_tokens", "similarity", "truncate_dim")
_DESCRIPTIVE = {"description", "claims", "languages", "licence"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a model stands to the one a fingerprint was taken of.

    ``refusals`` are the reasons against it, in words; ``warnings`` what to know when there are none. ``cosine``
    is the lowest over the probes, None where the widths differ.
    """

    refusals: tuple[str, ...]
    warnings: tuple[str, ...]
    cosine: float | None


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A model's card, a hash of its weights, and its vectors for ``PROBES`` (float16, base64)."""

    card: ModelCard
    probe_queries: str
    probe_documents: str
    weights: str | None = None
    version: int = VERSION

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read a fingerprint from the JSON values that ``to_json`` gave.

        Raises ``TypeError`` or ``ValueError`` for values that are none.
        """
        rest = {key: value for key, value in values.items() if key != "card"}
        read = cls(ModelCard.from_json(values["card"]), **rest)
        for packed in (read.probe_queries, read.probe_documents):
            if not np.isfinite(_flat(packed)).all():
                raise ValueError("the probe vectors are not finite")
            if _unpack(packed).shape[1] != read.card.dimension:
                raise ValueError("the probe vectors are not as wide as the model")
        return read

    def compare(self, other: Fingerprint) -> Comparison:
        """Judge whether ``other`` may read and write what the model of this fingerprint made."""
        declared = tuple(
            f"{name} is {_words(theirs)} instead of {_words(ours)}"
            for name in _DECLARED
            if (ours := getattr(self.card, name)) != (theirs := getattr(other.card, name))
        )
        if self.card.dimension != other.card.dimension:
            return Comparison(refusals=declared, warnings=(), cosine=None)
        cosine = min(
            _lowest_cosine(self.probe_queries, other.probe_queries),
            _lowest_cosine(self.probe_documents, other.probe_documents),
        )
        measured = f"its vectors for the probe sentences have a cosine of {cosine:.4f} with the stored ones"
        if not cosine >= CLOSE:  # nor is it where a vector is no number
            return Comparison(refusals=(*declared, measured), warnings=(), cosine=cosine)
        warnings = (measured,) if cosine < SAME else ()
        return Comparison(refusals=declared, warnings=warnings, cosine=cosine)

    def is_same(self, other: Fingerprint) -> bool:
        """Say whether ``other`` is of the same model: as ``compare``, but a close one with other weights is another."""
        found = self.compare(other)
        has_other_weights = None not in {self.weights, other.weights} and self.weights != other.weights
        return not found.refusals and not (found.warnings and has_other_weights)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, without what only describes the model to people."""
        card = {key: value for key, value in self.card.to_json().items() if key not in _DESCRIPTIVE}
        return {**asdict(self), "card": card}


def take_fingerprint(
    card: ModelCard,
    encode_query: Callable[[Iterable[str]], FloatArray],
    encode_document: Callable[[Iterable[str]], FloatArray],
    weights: str | None = None,
) -> Fingerprint:
    """Ask a model for its probe vectors and return its fingerprint."""
    return Fingerprint(
        card=card,
        weights=weights,
        probe_queries=_pack(encode_query(PROBES)),
        probe_documents=_pack(encode_document(PROBES)),
    )


def refuse_other(
    stored: Fingerprint,
    given: Fingerprint,
    *,
    name: str,
    kind: str = "Collection",
    remedy: str | None = None,
    stacklevel: int = 2,
) -> None:
    """Let the given model in to what was made with the stored one, warn, or refuse it.

    ``kind`` and ``name`` say what was made, ``remedy`` what to do instead, ``stacklevel`` whom a warning is for, as in
    ``warnings.warn``. Raises ``ModelMismatchError`` with every difference. Warns where the vectors differ a little more
    than rounding explains.
    """
    comparison = stored.compare(given)
    card = given.card
    now, before = card.name, stored.card.name
    if comparison.refusals:
        if now == before and card.dimension != stored.card.dimension:
            now, before = f"{now} ({card.dimension} numbers)", f"{before} ({stored.card.dimension} numbers)"
        elif now == before and card.id != stored.card.id:
            # Two models of one name: the places they are opened from tell them apart.
            now, before = f"{now} ({card.id})", f"{before} ({stored.card.id})"
        raise ModelMismatchError(name, before, now, comparison.refusals, kind=kind, remedy=remedy)
    for reason in comparison.warnings:
        message = f"{kind} {name!r} was made with {before!r}; {now!r} is close, not equal: {reason}."
        warnings.warn(message, UserWarning, stacklevel=stacklevel + 1)


def hash_files(paths: Iterable[Path]) -> str:
    """Return the SHA-256 over the contents of these files, in the order given, as hexadecimal digits."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _pack(vectors: FloatArray) -> str:
    # Unit length first: float16 ends at 65,504, which raw vectors may pass.
    return base64.b64encode(unit_rows(vectors).astype("<f2").tobytes()).decode("ascii")


def _unpack(packed: str) -> FloatArray:
    return unit_rows(_flat(packed).reshape(len(PROBES), -1))


def _flat(packed: str) -> FloatArray:
    return np.frombuffer(base64.b64decode(packed), dtype="<f2").astype(np.float32)


def _lowest_cosine(ours: str, theirs: str) -> float:
    left, right = _unpack(ours), _unpack(theirs)
    cosines = np.sum(left * right, axis=1)
    # A sentence without a single known piece has a zero vector: alike if both are zero.
    cosines[~left.any(axis=1) & ~right.any(axis=1)] = 1.0
    return float(cosines.min())


def _words(value: object) -> str:
    return "not said" if value is None else repr(asdict(value)) if isinstance(value, Prompts) else repr(value)
