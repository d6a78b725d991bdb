"""A model behind a URL."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np

from simplugin.catalog import ModelCard, find
from simplugin.encoders.fingerprint import PROBES, Fingerprint, take_fingerprint
from simplugin.encoders.protocol import as_texts
from simplugin.encoders.remote.address import read_address
from simplugin.encoders.remote.exchange import Exchange, Steps, Task, batched
from simplugin.encoders.remote.server import Server, discover
from simplugin.encoders.remote.transport import Connected, Transport
from simplugin.encoders.remote.wire import (
    openai_embed,
    read_openai_vectors,
    read_token_counts,
    read_vectors,
    tei_embed,
    tei_tokenize,
)
from simplugin.errors import NotAnEmbedderError, RemoteError, UnknownModelError
from simplugin.measures import FloatArray, unit_rows
from simplugin.retrying import Retry

__all__ = ["RemoteEncoder", "estimate_tokens"]

_DEFAULT_RETRY = Retry()


class RemoteEncoder(Connected):
    """A model on a text-embeddings-inference or OpenAI-style server. Threads and tasks may share it.

    A call that is answered with 429, 500, 502, 503 or 504, runs into the time-out, or loses its connection is made
    again, at most 5 times in all (``retry``), with the waits that ``Retry`` describes; no other answer is asked for
    twice. A batch refused for its size (413, or 422 with words on the batch) goes out again in halves, down to one
    text, and the attempts count anew for a half.
    """

    def __init__(
        self,
        url: str,
        card: ModelCard | None = None,
        *,
        timeout: float = 60.0,
        batch_size: int = 32,
        concurrency: int = 4,
        retry: Retry = _DEFAULT_RETRY,
    ) -> None:
        """Ask the server what it is. ``http://host:8080`` is found out, ``http://host/v1`` is OpenAI-style.

        An OpenAI-style server is asked for the model after ``#`` in the URL, else for the one in
        ``SIMPLUGIN_REMOTE_MODEL``, else for the only one it lists. Which key it gets is said at ``read_address``.
        ``card`` says what is known beyond that, prompts above all; left out, a model that the catalog knows by the
        served name has the catalog's. ``timeout`` is in seconds without a byte from the server; at most
        ``concurrency`` requests of at most ``batch_size`` texts are under way at a time.

        Raises ``RemoteError`` where the server cannot be used, ``NotAnEmbedderError`` where it serves a reranker.
        """
        if batch_size < 1:
            message = f"batch_size is {batch_size}; it must be at least 1."
            raise ValueError(message)
        address = read_address(url)
        self._transport = Transport(address.authorization, timeout=timeout, concurrency=concurrency)
        self._exchange = Exchange(address, retry)
        self._server = self._transport.run(discover(self._exchange, os.environ.get("SIMPLUGIN_REMOTE_MODEL")))
        if self._server.info.kind != "embedding":
            raise NotAnEmbedderError(self._server.info.model or self._server.id)
        self._exchange = Exchange(self._server.address, retry)
        self._batch_size = min(batch_size, self._server.info.max_texts or batch_size)
        self._counts_tokens = self._server.protocol == "tei"
        self._fingerprint: Fingerprint | None = None
        self._card = _complete(card or _known(self._server), self._server)
        (probe,) = self._transport.run_all(self._jobs(PROBES[:1], ""))
        width = probe[0].size
        if card is not None and card.dimension not in {None, width}:
            raise self._exchange.error(f"gives vectors of width {width}; the card says {card.dimension}", None)
        self._card = replace(self._card, dimension=width)

    @property
    def card(self) -> ModelCard:
        """What is known of the model; ``id`` is the URL, without credentials."""
        return self._card

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        return cast(int, self._card.dimension)

    @property
    def fingerprint(self) -> Fingerprint:
        """What tells this model from every other: its vectors, since nobody sees the weights behind a URL."""
        if self._fingerprint is None:
            self._fingerprint = take_fingerprint(self._card, self.encode_query, self.encode_document)
        return self._fingerprint

    def encode_query(self, texts: Iterable[str]) -> FloatArray:
        """Encode questions, with the card's prompt for them. Returns float32 (n, dimension).

        Raises ``RemoteError`` for a call that failed for good, and for an answer that does not hold one finite
        vector of the right width a text.
        """
        return self._stack(self._transport.run_all(self._jobs(texts, self._card.prompts.query)))

    def encode_document(self, texts: Iterable[str]) -> FloatArray:
        """Encode texts to be found, with the card's prompt for them. Returns float32 (n, dimension); raises alike."""
        return self._stack(self._transport.run_all(self._jobs(texts, self._card.prompts.document)))

    async def aencode_query(self, texts: Iterable[str]) -> FloatArray:
        """Encode questions without blocking the event loop. Returns float32 (n, dimension)."""
        return self._stack(await self._transport.arun_all(self._jobs(texts, self._card.prompts.query)))

    async def aencode_document(self, texts: Iterable[str]) -> FloatArray:
        """Encode texts to be found without blocking the event loop. Returns float32 (n, dimension)."""
        return self._stack(await self._transport.arun_all(self._jobs(texts, self._card.prompts.document)))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text, untruncated: the server's count, or ``estimate_tokens``.

        text-embeddings-inference counts itself (``/tokenize``); an OpenAI-style server has no way to ask.
        """
        listed = as_texts(texts)
        if self._counts_tokens:
            task = Task(tei_tokenize, read_token_counts)
            jobs = [self._exchange.batch(task, batch) for batch in batched(listed, self._batch_size)]
            try:
                return [tokens for part in self._transport.run_all(jobs) for tokens in part]
            except RemoteError as error:
                if error.status not in {404, 405}:
                    raise
                self._counts_tokens = False  # a server from before /tokenize
        return [estimate_tokens(text) for text in listed]

    def __repr__(self) -> str:
        return f"RemoteEncoder({self._card.id!r})"

    def _jobs(self, texts: Iterable[str], prompt: str) -> list[Steps[list[FloatArray]]]:
        width, normalize, model = self._card.dimension, bool(self._card.normalize), self._server.info.model
        if self._server.protocol == "tei":
            task = Task(
                lambda batch: tei_embed([prompt + text for text in batch], normalize=normalize),
                partial(read_vectors, dimension=width),
            )
        else:
            task = Task(
                lambda batch: openai_embed([prompt + text for text in batch], model=model),
                partial(read_openai_vectors, dimension=width),
            )
        return [self._exchange.batch(task, batch) for batch in batched(as_texts(texts), self._batch_size)]

    def _stack(self, parts: Sequence[Sequence[FloatArray]]) -> FloatArray:
        rows = [row for part in parts for row in part]
        if not rows:
            return np.zeros((0, self.dimension), dtype=np.float32)
        vectors = np.stack(rows)
        return unit_rows(vectors) if self._card.normalize else vectors


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text without its tokenizer: 2 special ones, and one for every 3 bytes of UTF-8.

    Meant to be too many rather than too few, so that a chunk made to measure is seldom cut: on sentences of twelve
    languages it is 1.35 (zh) to 2.3 (ru) times the count of a multilingual Unigram tokenizer, the starter's, and
    below it for one sentence in twenty at most (tr).
    """
    return 2 + -(-len(text.encode("utf-8", "replace")) // 3)


def _known(server: Server) -> ModelCard | None:
    """Return the catalog's card of the served model, under the name it is served by."""
    try:
        card = find(server.info.model)
    except UnknownModelError:
        return None
    return card if card.kind == "embedder" else None


def _complete(card: ModelCard | None, server: Server) -> ModelCard:
    """Fill in what the server says of its model; where it differs from the card, the server is right."""
    info = server.info
    known = card or ModelCard(name=info.model or server.id, id=server.id)
    return replace(
        known,
        id=server.id,
        dimension=None,  # measured by the first vector
        revision=info.revision or known.revision,
        max_tokens=info.max_tokens or known.max_tokens,
        pooling=info.pooling or known.pooling,
        # Where closeness is the angle, length carries nothing: unit vectors make every engine agree.
        normalize=known.similarity == "cosine" or known.normalize,
    )
