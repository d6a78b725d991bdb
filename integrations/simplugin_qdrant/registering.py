"""From a store, a name and a model to a collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast, get_args

from simplugin.collection import Mode, as_mode
from simplugin.encoders import Encoder, as_encoder
from simplugin.errors import StoreError, UnknownCollectionError
from simplugin.routing import Router
from simplugin_qdrant import points
from simplugin_qdrant.collection import Collection
from simplugin_qdrant.filters import payload_key
from simplugin_qdrant.registry import (
    TENANTS,
    Registration,
    Serving,
    add_indexes,
    add_space,
    check_indexes,
    finish_removals,
    language_vectors,
    read_indexes,
    read_registration,
    read_serving,
    registered_vectors,
    to_index_metadata,
    to_serving_metadata,
    verify,
    warn_of_model,
)
from simplugin_qdrant.routes import create_routed, open_routed
from simplugin_qdrant.searching import check_mode
from simplugin_qdrant.space import Space
from simplugin_qdrant.stores.protocol import Cluster, Description, IndexKind, Quantization, Store
from simplugin_qdrant.terms import INDEXES, Terms, admit, check_unchanged, create, find
from simplugin_qdrant.writing import load_recorded, turn

__all__ = ["INDEXES", "open_beside", "register"]


def register(
    store: Store,
    name: str,
    model: Encoder | Router | str | None = None,
    *,
    vector: str = "default",
    text_key: str = "text",
    tenant: str | None = None,
    mode: Mode | None = None,
    adopt: bool = False,
    indexes: Mapping[str, IndexKind] | None = None,
    quantization: Quantization | None = None,
    first_stage: int | None = None,
    cluster: Cluster | None = None,
    others: Sequence[Encoder] = (),
) -> Collection:
    """Create a collection for a model, or open one and check that this model made it.

    ``model`` is an encoder or what ``simplugin.load`` takes; None opens with the model that the collection records. A
    router gives each language a model and a vector of its own: see ``simplugin_qdrant.routed``.
    ``vector`` names the vector: with another name a collection gets a second model beside the first, whose vectors
    ``Collection.fill`` makes for what is there already. ``text_key`` is the payload key of the text in a new
    collection.

    With ``tenant`` the collection shows, writes and deletes that tenant's documents alone; a collection made so is
    not searched and not written without one. ``mode`` is what a search compares unless told otherwise, and is recorded
    with a new collection: None is ``"hybrid"`` with the starter, which is small, and ``"dense"`` with other models.
    Words are kept beside the vectors, except where a new collection is made with ``mode="dense"``.

    ``indexes`` names metadata that is filtered by, with what it holds: ``{"year": "integer", "kind": "keyword"}``;
    without an index a filter looks at every point. ``lang``, ``source`` and ``document_id`` have one anyway.
    ``quantization="int8"`` lets the engine search in copies a quarter the size, and compare the best in full;
    ``first_stage=64`` keeps the first 64 numbers of each vector apart, for models whose vectors may be cut, and finds
    candidates by them. ``cluster`` spreads a new collection over a server's nodes. ``others`` are encoders of the
    collection's other models, where they cannot be opened by name.

    With ``adopt`` a collection that records no model, made by another program, is taken over: a sample of its texts,
    under ``text_key``, is embedded again and compared, and the model recorded if it made them; ``vector=""`` is the
    unnamed vector. Its points keep their ids, and their payloads as they are.

    Raises ``ModelMismatchError`` for another model, whatever its width; ``UnregisteredCollectionError`` for a
    collection that records none; ``UnknownCollectionError`` where there is no collection and ``model`` is None;
    ``StoreError`` for a tenant of a collection without tenants, and for what only a new collection can be given.
    """
    if not hasattr(store, "describe"):  # a client has "upsert" too
        message = f"store is a {type(store).__name__}; open it first: register(open_store(location), name, model)."
        raise TypeError(message)
    if not isinstance(cast("object", name), str):  # callers may be untyped
        message = f"A collection's name is a text; got {name!r}."
        raise TypeError(message)
    if text_key in {"document_id", "metadata", "source", points.RECORD}:
        message = f"text_key is {text_key!r}, which has another meaning in a payload; choose another key."
        raise StoreError(message)
    if quantization not in {None, *get_args(Quantization)}:
        message = f"quantization is {quantization!r}; known: {', '.join(map(repr, get_args(Quantization)))}."
        raise StoreError(message)
    if tenant is not None and not (isinstance(tenant, str) and tenant.strip()):  # pyright: ignore[reportUnnecessaryIsInstance]
        message = f"tenant is {tenant!r}; a tenant's name is a text that is not blank."
        raise StoreError(message)
    check_indexes(indexes or {})
    router = model if isinstance(model, Router) else None
    encoder = None if model is None or isinstance(model, Router) else as_encoder(model)
    if encoder is not None and not hasattr(encoder, "card"):
        message = f"model is {model!r}; give an encoder, a model's name, folder or URL, or a router."
        raise TypeError(message)
    wanted = None if mode is None else as_mode(mode)
    asked = Terms(store, name, vector, encoder, text_key, tenant, wanted, quantization, first_stage, cluster)
    keys: dict[str, IndexKind] = {payload_key(key): kind for key, kind in (indexes or {}).items()}
    described = store.describe(name) if model is None else find(store, name)
    if described is None and router is not None and (routed := create_routed(asked, router, keys)) is not None:
        return routed
    opened = None if described is not None or encoder is None else _create(asked, encoder, keys)
    if opened is None:
        described = described or store.describe(name)  # another thread may have made it meanwhile
        if router is not None or language_vectors(described.metadata):
            docs = open_routed(asked, described, router, others)
            add_indexes(store, name, keys)
            return docs
        opened = _open(asked, described, adopt=adopt)
        add_indexes(store, name, keys)
    space, registration = opened
    return Collection(space, registration, role=vector, mode=wanted, tenant=tenant, others=others)


def _create(asked: Terms, encoder: Encoder, keys: Mapping[str, IndexKind]) -> tuple[Space, Registration] | None:
    """Make the collection; None where another thread has made it meanwhile."""
    space = asked.space(encoder, has_words=asked.mode != "dense")
    registration = asked.registration(space)
    check_mode(space, registration.mode)
    metadata = registration.to_metadata(asked.vector)
    if not create(asked, space.vector_spaces(), metadata, keys, has_words=space.has_words):
        return None
    warn_of_model(encoder)
    return space, registration


def _open(asked: Terms, described: Description, *, adopt: bool) -> tuple[Space, Registration]:
    store, name, metadata = asked.store, asked.name, described.metadata
    admit(asked, described)
    vector = read_serving(metadata, asked.vector).vector
    has_words = points.WORDS in described.words
    known = registered_vectors(metadata)
    if vector not in known and adopt and asked.encoder is not None:
        from simplugin_qdrant.adoption import adopt as prove  # once in the life of a collection

        registration = prove(store, name, described, vector=vector, encoder=asked.encoder, text_key=asked.text_key)
    elif vector not in known and known and vector not in described.vectors and asked.encoder is not None:
        return _add(asked, described, asked.encoder)
    elif vector not in known and known and asked.encoder is None:
        message = f"Collection {name!r} has no vector {vector!r}; it has {', '.join(map(repr, known))}."
        raise StoreError(message)
    else:
        registration = read_registration(name, metadata, vector)
    encoder = asked.encoder or load_recorded(name, registration.fingerprint)
    verify(name, registration, encoder)
    check_unchanged(asked, registration)
    space = Space(store, name, vector, encoder, has_words, registration.quantization, registration.first_stage)
    check_mode(space, asked.mode or "dense")
    return space, registration


def _add(asked: Terms, described: Description, encoder: Encoder) -> tuple[Space, Registration]:
    """Give the collection a second model, with a vector of its own."""
    first = read_registration(asked.name, described.metadata, registered_vectors(described.metadata)[0])
    space = asked.space(encoder, has_words=points.WORDS in described.words)
    registration = replace(asked.registration(space), text_key=first.text_key)
    check_mode(space, registration.mode)
    with turn(asked.store).alone():
        finish_removals(asked.store, asked.name)
        add_space(space, registration)
    warn_of_model(encoder)
    return space, replace(registration, filled=described.points == 0)


def open_beside(
    space: Space, registration: Registration, encoder: Encoder, into: str, *, vector: str, role: str, mode: Mode
) -> tuple[Space, Registration]:
    """Open or make another collection for a new model, kept and indexed like this one."""
    store, metadata = space.store, space.store.metadata(space.collection)
    asked = Terms(
        store, into, vector, encoder, registration.text_key, None, mode, space.quantization, space.first_stage, None
    )
    try:
        described = store.describe(into)
    except UnknownCollectionError:
        new = asked.space(encoder, has_words=space.has_words)
        recorded = asked.registration(new)
        kept = {key: value for key, value in metadata.items() if key == TENANTS}
        kept |= to_index_metadata(read_indexes(metadata)) | to_serving_metadata(role, Serving(vector))
        words = [points.WORDS] if new.has_words else []
        indexes: dict[str, IndexKind] = {**INDEXES, **read_indexes(metadata)}
        store.create(into, new.vector_spaces(), recorded.to_metadata(vector) | kept, indexes, words)
        warn_of_model(encoder)
        return new, recorded
    return _open(asked, described, adopt=False)
