"""One model a language: each text to the model that was made for its language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from simplugin.encoders import Encoder, load
from simplugin.encoders.protocol import as_texts
from simplugin.errors import ModelError
from simplugin.languages import known_languages, nearest, primary

__all__ = ["EXPECTED", "REST", "Router", "load_router"]

REST = "*"
"""The key of the model for every language that has none of its own."""

EXPECTED = ("az", "de", "en", "es", "fr", "he", "it", "ja", "nl", "pl", "pt", "ru", "tr", "zh")
"""The languages that a text may be in, beside those with a model.

Short texts are told apart better the fewer there are: among all 140 that the identifier knows it takes 58 of 1000 short
Russian sentences for another language, among these none (``python -m tests.benchmarks routing``).
"""


@dataclass(frozen=True, slots=True)
class Router:
    """Models by language, ``"*"`` for the rest. Made by ``load_router``.

    It is no encoder: its models have several widths, so their vectors are kept apart.
    """

    models: Mapping[str, Encoder]

    def __post_init__(self) -> None:
        if REST not in self.models:
            given = ", ".join(map(repr, self.models)) or "none"
            message = f"A router needs a model under '*', for texts in every other language; it has {given}."
            raise ModelError(message)
        object.__setattr__(self, "models", MappingProxyType(dict(self.models)))

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have a model of their own, in the order they were given."""
        return tuple(key for key in self.models if key != REST)

    def encoder(self, key: str) -> Encoder:
        """Return the model of a key, as ``route`` gives it. Raises ``KeyError`` for another one."""
        return self.models[key]

    def key(self, language: str) -> str:
        """Return the key under which a language's model is: its code, that of ``"pt"`` for ``"pt-BR"``, or ``"*"``."""
        code = primary(language)
        return code if code in self.models else REST

    def detect(self, texts: Sequence[str]) -> list[str | None]:
        """Return the language of each text, of those with a model and ``EXPECTED``; None for one without letters.

        Every text is taken for the closest of them: a few words are seldom sure, and go somewhere all the same.
        """
        return nearest(as_texts(texts), {*self.languages, *EXPECTED})

    def route(self, texts: Sequence[str], language: str | None = None) -> list[str]:
        """Return the key of the model for each text, in order; ``language`` says which one they are in, and wins."""
        if language is not None:
            return [self.key(language)] * len(as_texts(texts))
        return [REST if found is None else self.key(found) for found in self.detect(texts)]


def load_router(models: Mapping[str, Encoder | str]) -> Router:
    """Open one model a language: ``{"tr": "bge-m3-ml-tr", "es": "stsb-es-distiluse", "*": "starter"}``.

    Keys are ISO 639 codes, and ``"*"`` for the rest; values are encoders, or what ``load`` takes, each opened once.

    Raises ``ModelError`` without ``"*"`` and for a code that no language has, ``TypeError`` for what is no embedding
    model, ``MissingExtraError`` without the extra ``languages``, and what ``load`` raises: ``NotAnEmbedderError`` for
    the name of a pair model.
    """
    if unknown := [key for key in models if key != REST and key not in known_languages()]:
        message = (
            f"A router's keys are codes of languages, such as 'tr', and '*' for the rest; {unknown[0]!r} is none that "
            "can be told apart."
        )
        raise ModelError(message)
    opened: dict[str, Encoder] = {}
    for key, model in models.items():
        if not isinstance(model, str) and not callable(getattr(model, "encode_document", None)):
            message = f"The model of {key!r} is a {type(model).__name__}; give an embedding model, or its name."
            raise TypeError(message)
        if isinstance(model, str) and model not in opened:
            opened[model] = load(model)
    return Router({key: opened[model] if isinstance(model, str) else model for key, model in models.items()})
