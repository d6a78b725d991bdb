"""A starter of an earlier version of simplugin, which is shipped no more: its vectors stay, and none are added."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn

from simplugin.catalog import NEWEST_STARTER, ModelCard
from simplugin.encoders.fingerprint import Fingerprint
from simplugin.errors import RetiredModelError
from simplugin.measures import FloatArray

__all__ = ["RetiredEncoder"]


class RetiredEncoder:
    """Stands for a model that a collection records, until the collection is brought over to another.

    Every method that would need the model raises ``RetiredModelError``, which names the command.
    """

    def __init__(self, fingerprint: Fingerprint, *, collection: str) -> None:
        """Take what is recorded, and the collection's name for the command."""
        self._fingerprint = fingerprint
        self._collection = collection

    @property
    def card(self) -> ModelCard:
        """The card as recorded."""
        return self._fingerprint.card

    @property
    def dimension(self) -> int:
        """The width of the vectors that are there."""
        assert self.card.dimension is not None  # a fingerprint is read with its vectors beside it
        return self.card.dimension

    @property
    def fingerprint(self) -> Fingerprint:
        """The fingerprint as recorded."""
        return self._fingerprint

    def encode_query(self, texts: Iterable[str]) -> FloatArray:
        """Raise ``RetiredModelError``."""
        del texts
        self._refuse()

    def encode_document(self, texts: Iterable[str]) -> FloatArray:
        """Raise ``RetiredModelError``."""
        del texts
        self._refuse()

    async def aencode_query(self, texts: Iterable[str]) -> FloatArray:
        """Raise ``RetiredModelError``."""
        del texts
        self._refuse()

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Raise ``RetiredModelError``."""
        del texts
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise RetiredModelError(self.card.name, NEWEST_STARTER, collection=self._collection)
