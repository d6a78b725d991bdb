"""Which model made a collection, written in the collection itself."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from simplugin.collection import Mode, as_mode
from simplugin.encoders import Encoder, Fingerprint
from simplugin.encoders.fingerprint import VERSION
from simplugin.errors import ModelMismatchError, StoreError, UnregisteredCollectionError
from simplugin_qdrant.stores.protocol import Description

__all__ = ["Registration", "metadata_key", "read_registration", "verify"]


@dataclass(frozen=True, slots=True)
class Registration:
    """What a collection knows of the model behind one of its vectors."""

    fingerprint: Fingerprint
    text_key: str = "text"
    mode: Mode = "dense"

    def to_metadata(self, vector: str) -> dict[str, Any]:
        """Return the collection metadata that records it."""
        return {
            metadata_key(vector): {
                "text_key": self.text_key,
                "mode": self.mode,
                "fingerprint": self.fingerprint.to_json(),
            }
        }


def metadata_key(vector: str) -> str:
    """Return the metadata key of a vector: one key each, since the engine merges metadata key by key."""
    return f"simplugin:{vector}"


def read_registration(name: str, described: Description, vector: str) -> Registration:
    """Read what the collection records.

    Raises ``UnregisteredCollectionError`` where it records nothing for this vector, ``StoreError`` where the record
    is damaged or newer than this version.
    """
    recorded = described.metadata.get(metadata_key(vector))
    if recorded is None:
        raise UnregisteredCollectionError(name, vector)
    try:
        newer = recorded["fingerprint"]["version"] > VERSION
        mode = as_mode(recorded.get("mode", "dense"))
        registration = (
            None
            if newer
            else Registration(Fingerprint.from_json(recorded["fingerprint"]), str(recorded["text_key"]), mode)
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"Collection {name!r} has a record of its model that cannot be read ({error})."
        raise StoreError(message) from error
    if registration is None:
        message = f"Collection {name!r} was written by a newer simplugin; upgrade to open it."
        raise StoreError(message)
    return registration


def verify(name: str, registration: Registration, encoder: Encoder) -> None:
    """Let the model in, warn, or refuse it.

    Raises ``ModelMismatchError`` with every difference. Warns where the vectors differ a little more than rounding
    explains.
    """
    stored = registration.fingerprint
    comparison = stored.compare(encoder.fingerprint)
    given, made_with = encoder.card.name, stored.card.name
    if comparison.refusals:
        if given == made_with and encoder.card.id != stored.card.id:
            # Two models of one name: the places they are opened from tell them apart.
            given, made_with = f"{given} ({encoder.card.id})", f"{made_with} ({stored.card.id})"
        raise ModelMismatchError(name, made_with, given, comparison.refusals)
    for reason in comparison.warnings:
        message = f"Collection {name!r} was made with {made_with!r}; {given!r} is close, not equal: {reason}."
        warnings.warn(message, UserWarning, stacklevel=3)
