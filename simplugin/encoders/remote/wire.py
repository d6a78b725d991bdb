"""What goes over the wire: requests as bytes, answers as numbers. Nothing here sends or waits.

Two protocols: text-embeddings-inference (https://huggingface.github.io/text-embeddings-inference: ``/info``,
``/embed``, ``/rerank``, ``/tokenize``) and OpenAI's (https://platform.openai.com/docs/api-reference/embeddings).
Answers come from a stranger: their count, order, width and numbers are checked, never assumed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from simplugin.measures import FloatArray
from simplugin.parsing import parse_json

__all__ = [
    "Call",
    "Info",
    "Lost",
    "Reply",
    "UnreadableAnswer",
    "openai_embed",
    "read_info",
    "read_models",
    "read_openai_vectors",
    "read_ranks",
    "read_token_counts",
    "read_vectors",
    "tei_embed",
    "tei_rerank",
    "tei_tokenize",
]


class UnreadableAnswer(ValueError):  # noqa: N818 - never leaves the package: callers see RemoteError
    """An answer that is not what the protocol says, in words that continue "The server …"."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request: a POST where it has a body. ``path`` continues the server's URL."""

    path: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whatever its status. The names in ``headers`` are lower-case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer, for a reason in words that continue "The server …". ``passing`` reasons are worth another attempt."""

    reason: str
    passing: bool
    error: Exception


@dataclass(frozen=True, slots=True)
class Info:
    """What a text-embeddings-inference server says of its model. ``kind`` is embedding, reranker or classifier."""

    model: str
    kind: str
    pooling: str | None
    revision: str | None
    max_tokens: int | None
    max_texts: int | None


def tei_embed(texts: Sequence[str], *, normalize: bool) -> Call:
    """Ask for vectors; what is too long is cut by the server, at the model's length."""
    return _post("/embed", {"inputs": list(texts), "normalize": normalize, "truncate": True})


def tei_rerank(query: str, texts: Sequence[str]) -> Call:
    """Ask for the score of each text under the query, in [0, 1]."""
    return _post("/rerank", {"query": query, "texts": list(texts), "raw_scores": False, "truncate": True})


def tei_tokenize(texts: Sequence[str]) -> Call:
    """Ask for the tokens of each text, special ones included."""
    return _post("/tokenize", {"inputs": list(texts), "add_special_tokens": True})


def openai_embed(texts: Sequence[str], *, model: str) -> Call:
    """Ask for vectors; ``path`` continues a URL that ends in ``/v1``."""
    return _post("/embeddings", {"model": model, "input": list(texts), "encoding_format": "float"})


def read_info(body: bytes) -> Info | None:
    """Return what ``/info`` says, or None where another kind of server answered."""
    try:
        said = _table(_parse(body))
        # {"embedding": {"pooling": "cls"}}: text-generation-inference has /info as well, without this entry.
        ((kind, details),) = _table(said.get("model_type")).items()
    except ValueError:
        return None
    pooling = _text(cast("dict[str, object]", details).get("pooling")) if isinstance(details, dict) else None
    return Info(
        model=_text(said.get("model_id")) or "",
        kind=kind.lower(),
        pooling=pooling,
        revision=_text(said.get("model_sha")),
        max_tokens=_positive(said.get("max_input_length")),
        max_texts=_positive(said.get("max_client_batch_size")),
    )


def read_models(body: bytes) -> list[str]:
    """Return the names of the models that an OpenAI-style server lists."""
    listed = _list(_table(_parse(body)).get("data"))
    return [name for entry in listed if (name := _text(_table(entry).get("id")))]


def read_vectors(body: bytes, count: int, *, dimension: int | None) -> list[FloatArray]:
    """Return the vectors of ``/embed``, float32, one a text; ``dimension`` None accepts any one width."""
    return _vectors(_list(_parse(body)), count, dimension)


def read_openai_vectors(body: bytes, count: int, *, dimension: int | None) -> list[FloatArray]:
    """Return the vectors of ``/v1/embeddings`` in the order of the texts, whatever the order of the answer."""
    entries = [_table(entry) for entry in _list(_table(_parse(body)).get("data"))]
    _check_count(len(entries), count, "vectors")
    return _vectors([entry.get("embedding") for entry in _in_order(entries)], count, dimension)


def read_ranks(body: bytes, count: int) -> list[float]:
    """Return the scores of ``/rerank``, each in [0, 1], in the order of the texts."""
    entries = [_table(entry) for entry in _list(_parse(body))]
    _check_count(len(entries), count, "scores")
    scores: list[float] = []
    for entry in _in_order(entries):
        score = entry.get("score")
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
            raise UnreadableAnswer(f"gave the score {str(score)[:40]}, which is not a number from 0 to 1")
        scores.append(float(score))
    return scores


def read_token_counts(body: bytes, count: int) -> list[int]:
    """Return how many tokens ``/tokenize`` found in each text."""
    counts = [len(_list(tokens)) for tokens in _list(_parse(body))]
    _check_count(len(counts), count, "lists of tokens")
    return counts


def _post(path: str, body: Mapping[str, object]) -> Call:
    # A lone surrogate is no character and has no UTF-8: it goes as a question mark, as tokenizers would see it.
    return Call(path, json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))


def _parse(body: bytes) -> object:
    try:
        return parse_json(body)
    except ValueError:
        raise UnreadableAnswer("gave an answer that is not JSON") from None


def _vectors(rows: Sequence[object], count: int, dimension: int | None) -> list[FloatArray]:
    _check_count(len(rows), count, "vectors")
    widths = {len(_list(row)) for row in rows}
    expected = {dimension} if dimension is not None else widths
    if widths != expected or len(widths) != 1 or 0 in widths:
        wanted = "one width" if dimension is None else f"width {dimension}"
        raise UnreadableAnswer(f"gave vectors of width {', '.join(map(str, sorted(widths)))} instead of {wanted}")
    try:
        wide = np.asarray(rows)
    except ValueError:  # a list where a number should be
        wide = np.asarray([None])
    if wide.dtype.kind not in "fiu":
        raise UnreadableAnswer("gave vectors that do not consist of numbers")
    with np.errstate(over="ignore"):
        vectors = wide.astype(np.float32)
    if not np.isfinite(vectors).all():
        raise UnreadableAnswer("gave vectors with numbers that are not finite")
    return list(vectors)


def _in_order(entries: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    places = {place: entry for entry in entries if type(place := entry.get("index")) is int}
    if sorted(places) != list(range(len(entries))):
        raise UnreadableAnswer(f"gave answers whose indexes are not 0 to {len(entries) - 1}, once each")
    return [places[place] for place in range(len(entries))]


def _check_count(given: int, asked: int, what: str) -> None:
    if given != asked:
        raise UnreadableAnswer(f"gave {given} {what} for {asked} text{'' if asked == 1 else 's'}")


def _table(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise UnreadableAnswer("gave JSON of another shape than its protocol has")
    return cast("dict[str, object]", value)


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise UnreadableAnswer("gave JSON of another shape than its protocol has")
    return cast("list[object]", value)


def _text(value: object) -> str | None:
    if not isinstance(value, str) or any("\ud800" <= letter <= "\udfff" for letter in value):
        return None  # half a surrogate pair is in no name, and in no URL
    return value or None


def _positive(value: object) -> int | None:
    return value if type(value) is int and value > 0 else None
