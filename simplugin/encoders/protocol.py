"""What every encoder offers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, cast

from simplugin.catalog import ModelCard
from simplugin.encoders.fingerprint import Fingerprint
from simplugin.measures import FloatArray

__all__ = ["Encoder", "as_texts", "check_query"]


class Encoder(Protocol):
    """Texts to vectors. Queries and documents are different inputs: each gets the checkpoint's own prompt."""

    @property
    def card(self) -> ModelCard:
        """What is known of the model, completed by what its files say."""
        ...

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        ...

    @property
    def fingerprint(self) -> Fingerprint:
        """What tells this model from every other, the vectors of a few fixed sentences included."""
        ...

    def encode_query(self, texts: Iterable[str]) -> FloatArray:
        """Encode questions. Returns float32 (n, dimension), in order; no texts give (0, dimension)."""
        ...

    def encode_document(self, texts: Iterable[str]) -> FloatArray:
        """Encode texts to be found. Returns float32 (n, dimension), in order; no texts give (0, dimension)."""
        ...

    async def aencode_query(self, texts: Iterable[str]) -> FloatArray:
        """Encode questions without holding up the event loop; models that gain by it put concurrent calls together."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens each text takes up of the model's length, special tokens included, untruncated."""
        ...


def check_query(query: str) -> None:
    """Raise ``TypeError`` for a query that is no text."""
    if not isinstance(cast("object", query), str):  # callers may be untyped
        message = f"A query is a text; got a {type(query).__name__}."
        raise TypeError(message)


def as_texts(texts: Iterable[str], *, first: int = 0) -> list[str]:
    """Return the texts as a list; a bare string is refused, since it would be read letter by letter.

    ``first`` is the number of the first one, for the message of an error.

    Raises ``TypeError`` for a bare string and for anything in the list that is not a string.
    """
    if isinstance(texts, str):
        message = f"Expected a list of texts, got the single text {texts[:40]!r}: write [text]."
        raise TypeError(message)
    given = cast("object", texts)  # callers may be untyped
    if not isinstance(given, Iterable):
        message = f"Expected a list of texts, got {given!r}."
        raise TypeError(message)
    listed = list(cast("Iterable[object]", given))
    for number, text in enumerate(listed, first):
        if not isinstance(text, str):
            message = f"Text {number} is {type(text).__name__}, not a string."
            raise TypeError(message)
    return cast("list[str]", listed)
