"""An encoder in which ``!word`` is the opposite of ``word``: what should be close can be made the furthest."""

from __future__ import annotations

from simplugin.measures import FloatArray
from tests.hashing import HashEncoder

__all__ = ["OppositeEncoder", "turned"]


class OppositeEncoder(HashEncoder):
    """A ``HashEncoder`` that knows a sign of negation."""

    def _direction(self, word: str) -> FloatArray:
        return -super()._direction(word[1:]) if word.startswith("!") else super()._direction(word)


def turned(text: str) -> str:
    """Return the opposite of a text."""
    return " ".join(f"!{word}" for word in text.split())
