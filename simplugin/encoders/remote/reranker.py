"""A pair model behind a URL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from simplugin.encoders.protocol import as_texts
from simplugin.encoders.remote.address import read_address
from simplugin.encoders.remote.exchange import Exchange, Steps, Task, batched
from simplugin.encoders.remote.server import ask_info
from simplugin.encoders.remote.transport import Connected, Transport
from simplugin.encoders.remote.wire import read_ranks, tei_rerank
from simplugin.measures import FloatArray
from simplugin.records import Hit
from simplugin.retrying import Retry

__all__ = ["RemoteReranker"]

_DEFAULT_RETRY = Retry()


class RemoteReranker(Connected):
    """A pair model on a text-embeddings-inference server: scores in [0, 1], higher is closer.

    Calls are repeated, and batches halved, as ``RemoteEncoder`` says.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 60.0,
        batch_size: int = 32,
        concurrency: int = 4,
        retry: Retry = _DEFAULT_RETRY,
    ) -> None:
        """Ask the server what it is; the parameters are those of ``RemoteEncoder``.

        Raises ``RemoteError`` where it does not serve a reranker.
        """
        if batch_size < 1:
            message = f"batch_size is {batch_size}; it must be at least 1."
            raise ValueError(message)
        address = read_address(url)
        self._exchange = Exchange(address, retry)
        self._transport = Transport(address.authorization, timeout=timeout, concurrency=concurrency)
        info = self._transport.run(ask_info(self._exchange))
        if info is None:
            raise self._exchange.error("is not one of text-embeddings-inference, the only kind that reranks here", None)
        if info.kind != "reranker":
            raise self._exchange.error(f"serves {info.model!r}, which is no reranker but of the kind {info.kind}", None)
        self.name = info.model
        self._batch_size = min(batch_size, info.max_texts or batch_size)

    def score(self, pairs: Iterable[tuple[str, str]]) -> FloatArray:
        """Score pairs of texts. Returns float32 (n,), in [0, 1], in order."""
        jobs, owners = self._jobs(pairs)
        return _in_order(self._transport.run_all(jobs), owners)

    async def ascore(self, pairs: Iterable[tuple[str, str]]) -> FloatArray:
        """Score pairs of texts without blocking the event loop. Returns float32 (n,), in [0, 1], in order."""
        jobs, owners = self._jobs(pairs)
        return _in_order(await self._transport.arun_all(jobs), owners)

    def rerank(self, query: str, hits: Sequence[Hit | str], top_n: int | None = None) -> list[Hit]:
        """Return the hits, best first, with the model's score as ``score``.

        Plain texts are taken too and come back as hits whose ids are their places, from 0. Equal scores keep their
        order. ``top_n`` keeps that many; None keeps all. Raises ``ValueError`` for a ``top_n`` below 1.
        """
        given = _as_hits(hits, top_n)
        return _ranked(given, self.score([(query, hit.text) for hit in given]), top_n)

    async def arerank(self, query: str, hits: Sequence[Hit | str], top_n: int | None = None) -> list[Hit]:
        """Return the hits, best first, as ``rerank`` does, without blocking the event loop."""
        given = _as_hits(hits, top_n)
        return _ranked(given, await self.ascore([(query, hit.text) for hit in given]), top_n)

    def __repr__(self) -> str:
        return f"RemoteReranker({self._exchange.address.url!r})"

    def _jobs(self, pairs: Iterable[tuple[str, str]]) -> tuple[list[Steps[list[float]]], list[int]]:
        """Return exchanges, and the pair that each of their scores belongs to: one call has one query only."""
        listed = list(pairs)
        queries, texts = as_texts(query for query, _ in listed), as_texts(text for _, text in listed)
        numbers: defaultdict[str, list[int]] = defaultdict(list)
        for number, query in enumerate(queries):
            numbers[query].append(number)
        jobs = [
            self._exchange.batch(Task(partial(tei_rerank, query), read_ranks), batch)
            for query, theirs in numbers.items()
            for batch in batched([texts[number] for number in theirs], self._batch_size, theirs)
        ]
        return jobs, [number for theirs in numbers.values() for number in theirs]


def _in_order(parts: Sequence[Sequence[float]], owners: Sequence[int]) -> FloatArray:
    scores = np.empty(len(owners), dtype=np.float32)
    scores[list(owners)] = [score for part in parts for score in part]
    return scores


def _as_hits(hits: Sequence[Hit | str], top_n: int | None) -> list[Hit]:
    if top_n is not None and top_n < 1:
        message = f"top_n is {top_n}; it must be at least 1, or None for all."
        raise ValueError(message)
    return [
        hit if isinstance(hit, Hit) else Hit(id=str(number), document_id=str(number), score=0.0, text=hit)
        for number, hit in enumerate(hits)
    ]


def _ranked(hits: Sequence[Hit], scores: FloatArray, top_n: int | None) -> list[Hit]:
    order: list[int] = np.argsort(-scores, kind="stable").tolist()
    # The first stage's probability and grade belong to the first stage's score.
    return [replace(hits[i], score=float(scores[i]), probability=None, grade=None) for i in order[:top_n]]
