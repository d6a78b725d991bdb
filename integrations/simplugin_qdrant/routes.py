"""From a router to a collection with one model a language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from simplugin.collection import Mode
from simplugin.encoders import Encoder
from simplugin.errors import StoreError
from simplugin.routing import REST, Router
from simplugin_qdrant import points
from simplugin_qdrant.registry import (
    Registration,
    default_mode,
    language_vectors,
    read_registration,
    verify,
    warn_of_model,
)
from simplugin_qdrant.routed import RoutedCollection
from simplugin_qdrant.searching import check_mode
from simplugin_qdrant.space import Space
from simplugin_qdrant.stores.protocol import Description, IndexKind, VectorSpace
from simplugin_qdrant.terms import Terms, admit, check_unchanged, create
from simplugin_qdrant.writing import recorded_model

__all__ = ["create_routed", "open_routed"]


def create_routed(terms: Terms, router: Router, keys: Mapping[str, IndexKind]) -> RoutedCollection | None:
    """Make a collection with a vector for each key of the router; None where another thread was quicker."""
    _check_whole(terms)
    has_words = terms.mode != "dense"
    models: dict[str, tuple[Space, Registration]] = {}
    for key, encoder in router.models.items():
        space = replace(terms, vector=_vector_of(key)).space(encoder, has_words=has_words)
        models[key] = space, replace(terms.registration(space), language=key)
    spaces: dict[str, VectorSpace] = {}
    metadata: dict[str, Any] = {}
    mode = _common_mode(terms, models)
    for space, registration in models.values():
        check_mode(space, mode)
        spaces |= space.vector_spaces()
        metadata |= replace(registration, mode=mode).to_metadata(space.vector)
    if not create(terms, spaces, metadata, keys, has_words=has_words):
        return None
    for encoder in dict.fromkeys(router.models.values()):
        warn_of_model(encoder)
    return RoutedCollection(router, models, mode=mode, tenant=terms.tenant)


def open_routed(
    terms: Terms, described: Description, router: Router | None, others: Sequence[Encoder]
) -> RoutedCollection:
    """Open a collection that is routed by language, and check each of its models."""
    _check_whole(terms)
    name, vectors = terms.name, language_vectors(described.metadata)
    recorded = {key: read_registration(name, described.metadata, vector) for key, vector in vectors.items()}
    if terms.encoder is not None or not vectors or (router is not None and set(router.models) != set(vectors)):
        raise StoreError(_other_models(terms, router, recorded))
    admit(terms, described)
    has_words = points.WORDS in described.words
    models: dict[str, tuple[Space, Registration]] = {}
    for key, registration in recorded.items():
        encoder = router.encoder(key) if router else recorded_model(name, registration, others)
        verify(name, registration, encoder)
        check_unchanged(terms, registration)
        kept = (registration.quantization, registration.first_stage)
        models[key] = Space(terms.store, name, vectors[key], encoder, has_words, *kept), registration
        check_mode(models[key][0], terms.mode or "dense")
    opened = router or Router({key: space.encoder for key, (space, _) in models.items()})
    return RoutedCollection(opened, models, mode=terms.mode or recorded[REST].mode, tenant=terms.tenant)


def _other_models(terms: Terms, router: Router | None, recorded: Mapping[str, Registration]) -> str:
    """Return what to tell one who comes with a router for one model, with one model for a router, or another router."""
    if not recorded:
        return (
            f"Collection {terms.name!r} has one model for all languages, and a router was given; make a new collection "
            "with the router, or open this one without a model."
        )
    models = ", ".join(f"{key}: {each.fingerprint.card.name}" for key, each in recorded.items())
    given = "one model" if router is None else f"a router for {', '.join(router.models)}"
    return (
        f"Collection {terms.name!r} has one model a language ({models}), and {given} was given; open it with a router "
        "of these, or without a model."
    )


def _check_whole(terms: Terms) -> None:
    if terms.vector != "default":
        message = (
            f"Collection {terms.name!r} has one model a language, each with a vector of its own; vector="
            f"{terms.vector!r} has no place in it."
        )
        raise StoreError(message)


def _common_mode(terms: Terms, models: Mapping[str, tuple[Space, Registration]]) -> Mode:
    """Return what searches compare: words too where each model is one that is helped by them."""
    defaults: set[Mode] = {default_mode(space.encoder, has_words=space.has_words) for space, _ in models.values()}
    return terms.mode or (defaults.pop() if len(defaults) == 1 else "dense")


def _vector_of(key: str) -> str:
    return "default" if key == REST else key
