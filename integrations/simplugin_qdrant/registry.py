"""Which models made a collection, written in the collection itself.

The metadata of a collection::

    simplugin:VECTOR          the model behind a vector: its fingerprint, how the vector is kept and searched, and what
                              its scores stand for
    simplugin-serves:ROLE     which vector answers for the name ROLE, and which did before, once a migration moved it
    simplugin-removing:VECTOR a vector that is being taken away
    simplugin-tenants         the documents belong to tenants
    simplugin-indexes         the payload keys that a user had indexed, with what they hold
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast, get_args

from simplugin.calibration import Calibration
from simplugin.catalog import RETIRED_STARTERS
from simplugin.collection import Mode, as_mode
from simplugin.encoders import Encoder, Fingerprint
from simplugin.encoders.fingerprint import VERSION, refuse_other
from simplugin.errors import RetiredModelError, StoreError, UnregisteredCollectionError
from simplugin_qdrant.space import Space, first_stage_name
from simplugin_qdrant.stores.protocol import IndexKind, Quantization, Store

__all__ = [
    "TENANTS",
    "Registration",
    "Serving",
    "add_indexes",
    "add_space",
    "check_indexes",
    "default_mode",
    "finish_removals",
    "language_vectors",
    "mark_calibrated",
    "mark_filled",
    "metadata_key",
    "read_indexes",
    "read_quantization",
    "read_registration",
    "read_serving",
    "registered_vectors",
    "remove_space",
    "replaced_vectors",
    "serve",
    "to_index_metadata",
    "to_serving_metadata",
    "verify",
    "warn_of_model",
    "without_calibrations",
]

TENANTS = "simplugin-tenants"
_VECTOR = "simplugin:"
_SERVES = "simplugin-serves:"
_REMOVING = "simplugin-removing:"
_INDEXES = "simplugin-indexes"


@dataclass(frozen=True, slots=True)
class Registration:
    """What a collection knows of the model behind one of its vectors.

    ``filled`` says that every point with a text has the vector. ``calibration`` belongs to the fingerprint: another
    model is another registration, which has none. ``language`` is there in a collection that is routed by language: the
    vector holds the texts in this one alone, or under ``"*"`` those in no other.
    """

    fingerprint: Fingerprint
    text_key: str = "text"
    mode: Mode = "dense"
    filled: bool = True
    quantization: Quantization | None = None
    first_stage: int | None = None
    calibration: Calibration | None = None
    language: str | None = None

    def to_metadata(self, vector: str) -> dict[str, Any]:
        """Return the collection metadata that records it."""
        calibration = {} if self.calibration is None else {"calibration": self.calibration.to_json()}
        language = {} if self.language is None else {"language": self.language}
        return {
            metadata_key(vector): {
                "text_key": self.text_key,
                "mode": self.mode,
                "filled": self.filled,
                "quantization": self.quantization,
                "first_stage": self.first_stage,
                "fingerprint": self.fingerprint.to_json(),
                **calibration,
                **language,
            }
        }


@dataclass(frozen=True, slots=True)
class Serving:
    """The vector that answers for a name.

    ``before`` is the one that did before a cutover, and ``spare`` the one that a rollback went back from, if they are
    still there.
    """

    vector: str
    before: str | None = None
    spare: str | None = None


def metadata_key(vector: str) -> str:
    """Return the metadata key of a vector: one key each, since the engine merges metadata key by key."""
    return _VECTOR + vector


def registered_vectors(metadata: Mapping[str, Any]) -> list[str]:
    """Return the names of the vectors whose models are recorded."""
    return [key.removeprefix(_VECTOR) for key in metadata if key.startswith(_VECTOR)]


def language_vectors(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return the vectors of a collection that is routed by language, by the language whose texts they hold."""
    found: dict[str, str] = {}
    for vector in registered_vectors(metadata):
        recorded = metadata[metadata_key(vector)]
        if isinstance(recorded, Mapping) and "language" in recorded:  # a damaged record is told of elsewhere
            found[str(cast("Mapping[str, Any]", recorded)["language"])] = vector
    return found


def read_registration(name: str, metadata: Mapping[str, Any], vector: str) -> Registration:
    """Read what the collection records.

    Raises ``UnregisteredCollectionError`` where it records nothing for this vector, ``StoreError`` where the record
    is damaged or newer than this version.
    """
    recorded = metadata.get(metadata_key(vector))
    if recorded is None:
        raise UnregisteredCollectionError(name, vector)
    try:
        newer = recorded["fingerprint"]["version"] > VERSION
        registration = None if newer else _from_metadata(recorded)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        message = f"Collection {name!r} has a record of its model that cannot be read ({error})."
        raise StoreError(message) from error
    if registration is None:
        message = f"Collection {name!r} was written by a newer simplugin; upgrade to open it."
        raise StoreError(message)
    return registration


def _from_metadata(recorded: Mapping[str, Any]) -> Registration:
    first_stage = recorded.get("first_stage")
    quantization = recorded.get("quantization")
    calibration = recorded.get("calibration")
    language = recorded.get("language")
    if quantization not in {None, "int8"}:
        message = f"quantization is {quantization!r}"
        raise ValueError(message)
    return Registration(
        fingerprint=Fingerprint.from_json(recorded["fingerprint"]),
        text_key=str(recorded["text_key"]),
        mode=as_mode(recorded.get("mode", "dense")),
        filled=bool(recorded.get("filled", True)),
        quantization=quantization,
        first_stage=None if first_stage is None else int(first_stage),
        calibration=None if calibration is None else Calibration.from_json(calibration),
        language=None if language is None else str(language),
    )


def verify(name: str, registration: Registration, encoder: Encoder) -> None:
    """Let the model in, warn, or refuse it.

    Raises ``ModelMismatchError`` with every difference. Warns where the vectors differ a little more than rounding
    explains.
    """
    recorded = registration.fingerprint
    retired = recorded.card.id in RETIRED_STARTERS
    remedy = RetiredModelError.remedy(name) if retired else None
    refuse_other(recorded, encoder.fingerprint, name=name, remedy=remedy, stacklevel=3)


def read_quantization(metadata: Mapping[str, Any], vector: str) -> Quantization | None:
    """Return what small copies a vector has, None for none and where its model is not recorded."""
    known = vector in registered_vectors(metadata)
    return read_registration("", metadata, vector).quantization if known else None


def read_indexes(metadata: Mapping[str, Any]) -> dict[str, IndexKind]:
    """Return the payload keys that a user had indexed. Raises ``StoreError`` for a damaged record of them."""
    recorded = _table(metadata, _INDEXES)
    if not all(kind in get_args(IndexKind) for kind in recorded.values()):
        message = f"The collection's record {_INDEXES!r} names kinds of indexes that there are not."
        raise StoreError(message)
    return recorded


def to_index_metadata(indexes: Mapping[str, IndexKind]) -> dict[str, Any]:
    """Return the collection metadata that records them; no entry for none."""
    return {_INDEXES: dict(indexes)} if indexes else {}


def check_indexes(indexes: object) -> None:
    """Raise ``TypeError`` for what is no table, and ``StoreError`` for a kind of index that there is not."""
    if not isinstance(indexes, Mapping):
        message = f"indexes is a table such as {{'lang': 'keyword'}}; got {indexes!r}."
        raise TypeError(message)
    known = get_args(IndexKind)
    for key, kind in cast("Mapping[object, object]", indexes).items():
        if kind not in known:
            message = f"There is no index of the kind {kind!r}, as for {key!r}. Known: {', '.join(known)}."
            raise StoreError(message)


def add_indexes(store: Store, name: str, indexes: Mapping[str, IndexKind]) -> None:
    """Index payload keys of a live collection, and record it. Raises ``StoreError`` for an unknown kind."""
    check_indexes(indexes)
    known = read_indexes(store.metadata(name))
    for key, kind in indexes.items():
        store.index(name, key, kind)
    together: dict[str, IndexKind] = {**known, **indexes}
    if together != known:
        store.annotate(name, to_index_metadata(together))


def warn_of_model(encoder: Encoder) -> None:
    """Say what the model's card warns of; the record of the collection keeps it."""
    for reason in encoder.card.warnings:
        warnings.warn(f"{encoder.card.name!r}: {reason}", UserWarning, stacklevel=3)


def default_mode(encoder: Encoder, *, has_words: bool) -> Mode:
    """Return what a search compares unless told otherwise: words too with the starter, which is small."""
    return "hybrid" if has_words and encoder.card.name.startswith("starter-") else "dense"


def add_space(space: Space, registration: Registration) -> None:
    """Make room for a model's vectors beside those that are there, and record the model; nothing is embedded yet."""
    for vector, kept in space.vector_spaces().items():
        space.store.add_vector(space.collection, vector, kept)
    empty = space.store.describe(space.collection).points == 0
    space.store.annotate(space.collection, replace(registration, filled=empty).to_metadata(space.vector))


def mark_filled(store: Store, name: str, vector: str, *, filled: bool) -> None:
    """Record whether every point with a text has this vector."""
    recorded = cast("Mapping[str, Any]", store.metadata(name)[metadata_key(vector)])
    if recorded.get("filled", True) is not filled:
        store.annotate(name, {metadata_key(vector): {**recorded, "filled": filled}})


def mark_calibrated(store: Store, name: str, vector: str, made_for: Registration, calibration: Calibration) -> None:
    """Record what the scores of a vector stand for, in place of what was recorded before.

    Raises ``StoreError`` where the vector is not that of the model any more for which the calibration was made.
    """
    metadata = store.metadata(name)
    kept = read_registration(name, metadata, vector) if vector in registered_vectors(metadata) else None
    if kept is None or not kept.fingerprint.is_same(made_for.fingerprint):
        message = f"Collection {name!r} went over to another model meanwhile; open it again, and calibrate that."
        raise StoreError(message)
    recorded = cast("Mapping[str, Any]", metadata[metadata_key(vector)])
    store.annotate(name, {metadata_key(vector): {**recorded, "calibration": calibration.to_json()}})


def without_calibrations(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata with no calibration of any vector."""
    models = {metadata_key(vector): metadata[metadata_key(vector)] for vector in registered_vectors(metadata)}
    return {**metadata, **{key: {**recorded, "calibration": None} for key, recorded in models.items()}}


def read_serving(metadata: Mapping[str, Any], role: str) -> Serving:
    """Return which vector answers for a name: the one of this name, unless a migration moved it.

    Raises ``StoreError`` for a damaged record of it.
    """
    recorded = _table(metadata, _SERVES + role)
    names = [recorded.get(key) for key in ("vector", "before", "spare")]
    if not all(isinstance(name, str | None) for name in names):
        message = f"The collection's record {_SERVES + role!r} names vectors by what are no names."
        raise StoreError(message)
    return Serving(role if names[0] is None else names[0], names[1], names[2])


def replaced_vectors(metadata: Mapping[str, Any]) -> set[str]:
    """Return the vectors that do not answer, or not yet: those before a cutover, and those that are being filled."""
    roles = [key.removeprefix(_SERVES) for key in metadata if key.startswith(_SERVES)]
    serving = {role: read_serving(metadata, role) for role in roles}
    before = {name for each in serving.values() for name in (each.before, each.spare) if name}
    keys = {vector: metadata_key(vector) for vector in registered_vectors(metadata)}
    pending = {vector for vector, key in keys.items() if _table(metadata, key).get("filled") is False}
    return (before | pending | set(serving)) - {each.vector for each in serving.values()}


def serve(store: Store, name: str, role: str, serving: Serving) -> None:
    """Let a vector answer for a name from now on, in one step."""
    store.annotate(name, to_serving_metadata(role, serving))


def to_serving_metadata(role: str, serving: Serving) -> dict[str, Any]:
    """Return the collection metadata that says so."""
    return {_SERVES + role: {"vector": serving.vector, "before": serving.before, "spare": serving.spare}}


def remove_space(store: Store, name: str, role: str, vector: str) -> None:
    """Take a vector away that does not answer for a name. Cut short, the next migration finishes it."""
    serving = read_serving(store.metadata(name), role)
    kept = Serving(
        serving.vector,
        None if serving.before == vector else serving.before,
        None if serving.spare == vector else serving.spare,
    )
    store.annotate(name, {metadata_key(vector): None, _REMOVING + vector: True, **to_serving_metadata(role, kept)})
    finish_removals(store, name)


def finish_removals(store: Store, name: str) -> None:
    """Take away the vectors that are marked for it."""
    marked = [key.removeprefix(_REMOVING) for key in store.metadata(name) if key.startswith(_REMOVING)]
    for vector in marked:
        for each in (vector, first_stage_name(vector)):
            store.remove_vector(name, each)
        store.annotate(name, {_REMOVING + vector: None})


def _table(metadata: Mapping[str, Any], key: str) -> dict[str, Any]:
    recorded: object = metadata.get(key) or {}
    if not isinstance(recorded, Mapping):
        message = f"The collection's record {key!r} is damaged: it is no table."
        raise StoreError(message)
    return dict(cast("Mapping[str, Any]", recorded))
