"""What the columns of a head mean, and the one score they add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from simplugin.measures import FloatArray, logistic

__all__ = ["Head", "LabelError"]

_ONE = "similar"  # the name of a single column
_WORTH = {
    "entailment": 1.0,
    "neutral": 0.5,
    "contradiction": 0.0,
    "notentailment": 0.0,  # heads of two classes, which fold neutral into it
}


class LabelError(ValueError):
    """The names of a head's classes do not say what they are worth."""


class Head:
    """The classes of a pair model, in the order of its columns.

    One column is a logit of similarity: its sigmoid is the score. Several are the classes of natural language
    inference, told apart by name, since their order differs from model to model: the score is the expected grade,
    P(entailment) + ½ P(neutral).
    """

    def __init__(self, labels: Sequence[str]) -> None:
        """Take the names of the columns. Raises ``LabelError`` for several that are not those of inference."""
        self.labels = tuple(labels)
        if len(self.labels) == 1:
            self._worth = np.ones(1, dtype=np.float32)
            return
        plain = [_plain(label) for label in self.labels]
        if "entailment" not in plain or not set(plain) <= set(_WORTH) or len(set(plain)) < len(plain):
            message = (
                f"its {len(plain)} classes are named {', '.join(map(repr, self.labels))}, which does not say what they "
                "mean; give their names in the order of the columns, for example "
                "labels=('contradiction', 'entailment', 'neutral')"
            )
            raise LabelError(message)
        self._worth = np.array([_WORTH[label] for label in plain], dtype=np.float32)

    @classmethod
    def from_config(cls, names: Mapping[int, str], given: Sequence[str] | None) -> Head:
        """Take the names a checkpoint's ``id2label`` has, or those that the caller gave.

        Raises ``LabelError`` for another number of given names than there are columns.
        """
        if given is not None and len(given) != len(names):
            message = f"its head has {len(names)} columns, and {len(given)} labels were given"
            raise LabelError(message)
        if len(names) == 1:
            return cls(given or (_ONE,))
        return cls(given or [names[column] for column in sorted(names)])

    def probabilities(self, logits: FloatArray) -> FloatArray:
        """Turn logits (n, classes) into probabilities: a sigmoid of one column, a softmax over several."""
        if len(self.labels) == 1:
            return np.asarray(logistic(logits), dtype=np.float32)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)

    def score(self, probabilities: FloatArray) -> FloatArray:
        """Turn probabilities (n, classes) into scores (n,) in [0, 1]."""
        # Sums of rounded numbers may end a hair above 1.
        return np.asarray(np.clip(probabilities @ self._worth, 0, 1), dtype=np.float32)


def _plain(label: str) -> str:
    return "".join(letter for letter in label.casefold() if letter.isalpha())
