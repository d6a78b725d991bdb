"""Taking over a collection that another program filled: believed after a look at its vectors, not before."""

from __future__ import annotations

import warnings
from itertools import islice

import numpy as np

from simplugin.encoders import Encoder
from simplugin.encoders.fingerprint import CLOSE, SAME
from simplugin.errors import ModelMismatchError, StoreError
from simplugin.measures import unit_rows
from simplugin_qdrant.registry import Registration
from simplugin_qdrant.stores.protocol import Description, Store

__all__ = ["adopt"]

SAMPLE = 16
"""Texts that are embedded again and compared with their stored vectors."""

_UNKNOWN = "an unknown model"


def adopt(
    store: Store, name: str, described: Description, *, vector: str, encoder: Encoder, text_key: str
) -> Registration:
    """Compare a sample of the stored vectors with the model's own, and record the model in the collection.

    Raises ``ModelMismatchError`` for vectors of another width, compared by another function, or too far from what
    the model makes of their texts; ``StoreError`` where there is no such vector, or no text to compare by. Warns where
    they differ a little more than rounding explains.
    """
    _check_space(name, described, vector, encoder)
    lowest = _lowest_cosine(store, name, vector=vector, encoder=encoder, text_key=text_key)
    measured = f"the stored vectors have at the lowest a cosine of {lowest:.4f} with what it makes of their texts"
    if lowest < CLOSE:
        raise ModelMismatchError(name, _UNKNOWN, encoder.card.name, [measured])
    if lowest < SAME:
        message = f"Collection {name!r} was made with a model close to {encoder.card.name!r}, not equal: {measured}."
        warnings.warn(message, UserWarning, stacklevel=4)
    registration = Registration(fingerprint=encoder.fingerprint, text_key=text_key)
    store.annotate(name, registration.to_metadata(vector))
    return registration


def _check_space(name: str, described: Description, vector: str, encoder: Encoder) -> None:
    space = described.vectors.get(vector)
    if space is None:
        known = ", ".join(repr(each) for each in described.vectors) or "none"
        message = f"Collection {name!r} has no vector {vector!r}; it has {known}. Name one with vector=…"
        raise StoreError(message)
    card, differences = encoder.card, list[str]()
    if space.dimension != encoder.dimension:
        differences.append(f"its vectors have {space.dimension} numbers, those of the model {encoder.dimension}")
    # Vectors of length 1 rank alike by cosine and by dot product.
    alike = {card.similarity, *(("cosine", "dot") if card.normalize else ())}
    if space.similarity not in alike:
        differences.append(f"it compares by {space.similarity!r}, the model by {card.similarity!r}")
    if differences:
        raise ModelMismatchError(name, _UNKNOWN, card.name, differences)


def _lowest_cosine(store: Store, name: str, *, vector: str, encoder: Encoder, text_key: str) -> float:
    """Embed the texts of some points again; return the lowest cosine with their vectors, 1 for an empty collection."""
    records = list(islice(store.scroll(name, with_vectors=True), SAMPLE))
    pairs = [
        (text, row)
        for record in records
        if isinstance(text := record.payload.get(text_key), str)
        and text.strip()
        and isinstance(row := record.vectors.get(vector), np.ndarray)
    ]
    if records and not pairs:
        message = (
            f"Collection {name!r} has no text under {text_key!r} in its payloads to compare the model by; "
            "name the key of the text with text_key=…"
        )
        raise StoreError(message)
    if not pairs:
        return 1.0
    stored = unit_rows(np.stack([row for _, row in pairs]))
    ours = unit_rows(encoder.encode_document([text for text, _ in pairs]))
    return float(np.sum(stored * ours, axis=1).min())
