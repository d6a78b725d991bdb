"""Which language a text is in: the identifier behind ingests and routers.

py3langid, of 4.5 MB: on short texts it is about as sure as lingua, of 96 MB, which is better in Azerbaijani and worse
in Turkish and Spanish. ``python -m tests.benchmarks routing`` prints its figures, and lingua's where it is installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, cast

from simplugin.errors import MissingExtraError

__all__ = ["as_code", "identifier_for", "known_languages", "nearest", "primary"]

_LETTERS = 600  # of a text that are looked at: more are no surer
_CODE = re.compile(r"[a-z]{2,3}")
_NONE = "zxx"  # what the identifier calls a text in no language


def nearest(texts: Sequence[str], languages: Iterable[str]) -> list[str | None]:
    """Return which of these languages each text is closest to, however short it is; None for one without letters.

    Raises ``MissingExtraError`` without the extra ``languages``.
    """
    identifier = identifier_for(tuple(sorted(languages)))
    if identifier is None:
        raise MissingExtraError("languages", "Telling the languages of texts apart")
    return [str(identifier.classify(text[:_LETTERS])[0]) if any(map(str.isalpha, text)) else None for text in texts]


def known_languages() -> frozenset[str]:
    """Return the codes of the languages that can be told apart.

    Raises ``MissingExtraError`` without the extra ``languages``.
    """
    identifier = identifier_for(())
    if identifier is None:
        raise MissingExtraError("languages", "Telling the languages of texts apart")
    return frozenset(map(str, identifier.labels)) - {_NONE}


def primary(language: str) -> str:
    """Return the language of a tag, without what follows: ``"pt"`` for ``"pt-BR"``."""
    return language.strip().lower().replace("_", "-").partition("-")[0]


def as_code(language: str) -> str:
    """Return the code of a tag: ``"pt"`` for ``"pt-BR"``. Raises ``ValueError`` for what is none, such as a name."""
    code = primary(language) if isinstance(cast("object", language), str) else ""  # callers may be untyped
    if not _CODE.fullmatch(code):
        message = f"{language!r} is no code of a language; give one of ISO 639-1, such as 'tr' or 'he'."
        raise ValueError(message)
    return code


@lru_cache(maxsize=8)
def identifier_for(languages: tuple[str, ...]) -> Any:
    """Return py3langid's identifier for some languages, all it knows where none is named; None where it is missing."""
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        return None
    identifier: Any = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    if known := set(languages).intersection(identifier.labels):
        identifier.set_languages(known)
    return identifier
