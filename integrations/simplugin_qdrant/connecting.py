"""A ``QdrantClient`` that embeds ``Document(text=…, model=…)`` by simplugin's models.

The client's own inference shares its accumulators between threads, batches by eight, and knows the models of one
library. Here every call walks its own copy of what it was given, and all texts of a call are encoded together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from pydantic import BaseModel
from qdrant_client import AsyncQdrantClient, QdrantClient, models

from simplugin.encoders import Encoder, as_encoder
from simplugin.errors import ModelError, StoreError
from simplugin_qdrant import points

__all__ = ["aconnect", "connect"]

M = TypeVar("M", bound=BaseModel)

_WINDOW = 1024  # points whose texts are encoded together


def connect(location: str | None = None, *, encoders: Iterable[Encoder | str], **options: Any) -> QdrantClient:
    """Return a client, made with the options of ``QdrantClient``, that embeds documents by these models.

    A document names its model as in the catalog (``"starter"``) or as its card does (``"starter-3"``); in a query it
    is encoded as one. Threads may share the client. Raises ``ModelError`` at a document of another model.
    """
    return _Client(_checked(location), **options).knowing(encoders)


def aconnect(location: str | None = None, *, encoders: Iterable[Encoder | str], **options: Any) -> AsyncQdrantClient:
    """Return an ``AsyncQdrantClient`` like the client of ``connect``. It encodes in the event loop's own thread."""
    return _AsyncClient(_checked(location), **options).knowing(encoders)


def _checked(location: str | None) -> str | None:
    """Refuse a folder, which the client would take for the name of a host."""
    if location is not None and location != ":memory:" and (Path(location).exists() or location.startswith((".", "/"))):
        message = f"{location!r} is a folder: give it as path=… (the client's emulator), or open it with open_store."
        raise StoreError(message)
    return location


class _Embedding:
    """Embeds in place of the client's mixin, whose hooks it overrides."""

    _encoders: Mapping[str, Encoder]

    def knowing(self, encoders: Iterable[Encoder | str]) -> Self:
        """Embed by these models, each under its card's name and the name it was given by."""
        if isinstance(encoders, str):
            message = f"Expected a list of models, got the single name {encoders!r}: write [{encoders!r}]."
            raise TypeError(message)
        known: dict[str, Encoder] = {}
        for given in encoders:
            encoder = as_encoder(given)
            if known.get(encoder.card.name, encoder).dimension != encoder.dimension:
                message = f"Two models are named {encoder.card.name!r}, and a document could not tell them apart."
                raise ModelError(message)
            known[encoder.card.name] = encoder
            if isinstance(given, str):
                known[given] = encoder
        self._encoders = known
        return self

    def get_embedding_size(self, model_name: str) -> int:
        """Return the width of a model's vectors."""
        return self._encoder(model_name).dimension

    def _embed_models(
        self, raw_models: M | Iterable[M], is_query: bool = False, batch_size: int | None = None
    ) -> Iterator[M]:
        rest = iter([raw_models] if isinstance(raw_models, BaseModel) else raw_models)
        while window := list(islice(rest, _WINDOW)):
            yield from self._embed_window(window, is_query)

    def _embed_models_strict(
        self, raw_models: Iterable[Any], batch_size: int | None = None, parallel: int | None = None
    ) -> Iterator[Any]:
        rest = iter(raw_models)
        while window := list(islice(rest, _WINDOW)):
            yield from self._embed_window(window, is_query=False)

    def _embed_window(self, window: list[Any], is_query: bool) -> list[Any]:
        found: dict[str, list[str]] = {}
        for item in window:
            for document in _documents(item):
                found.setdefault(document.model, []).append(document.text)
        rows = {model: iter(self._encode(model, texts, is_query)) for model, texts in found.items()}
        return [_replace(item, rows) for item in window]

    def _encode(self, model: str, texts: list[str], is_query: bool) -> list[list[float]]:
        encoder = self._encoder(model)
        encoded = encoder.encode_query(texts) if is_query else encoder.encode_document(texts)
        points.check_vectors(encoded, texts, encoder.dimension)
        return cast("list[list[float]]", encoded.tolist())

    def _encoder(self, model: str) -> Encoder:
        if model not in self._encoders:
            known = ", ".join(map(repr, sorted(self._encoders)))
            message = f"A document names the model {model!r}, and this client knows {known}; add it to encoders=[…]."
            raise ModelError(message)
        return self._encoders[model]


class _Client(_Embedding, QdrantClient):
    pass


class _AsyncClient(_Embedding, AsyncQdrantClient):
    pass


def _documents(value: Any) -> Iterator[models.Document]:
    """Go through the documents in a model, a list or a table, in the order in which ``_replace`` meets them."""
    if isinstance(value, models.Document):
        yield value
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from _documents(getattr(value, field))
    elif isinstance(value, dict):
        for inner in cast("dict[object, object]", value).values():
            yield from _documents(inner)
    elif isinstance(value, list) and not _is_vector(cast("list[object]", value)):
        for inner in cast("list[object]", value):
            yield from _documents(inner)


def _replace(value: Any, rows: Mapping[str, Iterator[list[float]]]) -> Any:
    """Return a copy with a vector in place of each document; what has none is returned as it is."""
    if isinstance(value, models.Document):
        return next(rows[value.model])
    if isinstance(value, BaseModel):
        changed = {
            field: new
            for field in type(value).model_fields
            if (new := _replace(old := getattr(value, field), rows)) is not old
        }
        return value.model_copy(update=changed) if changed else value
    if isinstance(value, dict):
        table = cast("dict[object, object]", value)
        new = {key: _replace(inner, rows) for key, inner in table.items()}
        return new if any(new[key] is not table[key] for key in table) else table
    if isinstance(value, list) and not _is_vector(cast("list[object]", value)):
        listed = cast("list[object]", value)
        copied = [_replace(inner, rows) for inner in listed]
        return copied if any(a is not b for a, b in zip(copied, listed, strict=True)) else listed
    return cast(object, value)


def _is_vector(value: list[object]) -> bool:
    return bool(value) and isinstance(value[0], int | float)
