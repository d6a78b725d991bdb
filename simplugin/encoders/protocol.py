"""What every encoder offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, cast

from simplugin.catalog import ModelCard
from simplugin.encoders.fingerprint import Fingerprint
from simplugin.measures import FloatArray
from simplugin.texts import whole

__all__ = ["Encoder", "as_texts", "check_listed", "check_query"]


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
    """Return the texts as a list, each ``whole``.

    ``first`` is the number of the first one, for the message of an error.

    Raises ``TypeError`` for what ``check_listed`` refuses, and for anything in the list that is not a string.
    """
    check_listed(texts)
    listed = list(texts)
    for number, text in enumerate(cast("list[object]", listed), first):  # callers may be untyped
        if not isinstance(text, str):
            message = f"Text {number} is {type(text).__name__}, not a string."
            raise TypeError(message)
    return [text if text.isascii() else whole(text) for text in listed]


def check_listed(given: object, what: str = "texts") -> None:
    """Refuse what can be gone through, and would be read as something else than was meant.

    Raises ``TypeError`` for a bare string, which would be read letter by letter; for a dictionary and a table, of
    which it would be the keys and the names of the columns; for a set, which has no order; and for what is no iterable.
    """
    if isinstance(given, str):
        one = what.split()[-1].removesuffix("s")
        message = f"Expected a list of {what}, got the single text {given[:40]!r}: write [{one}]."
        raise TypeError(message)
    if isinstance(given, Mapping | set | frozenset) or hasattr(given, "columns"):
        kind = type(given).__name__  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        message = f"Expected a list of {what}, got a {kind}: say which of it they are, as a list."
        raise TypeError(message)
    if not isinstance(given, Iterable):
        message = f"Expected a list of {what}, got {given!r}."
        raise TypeError(message)
