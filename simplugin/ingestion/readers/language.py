"""Which language a text is in."""

from __future__ import annotations

import re
from collections.abc import Sequence

from simplugin.languages import identifier_for

__all__ = ["identify"]

_LETTERS = 600  # of a text that are looked at: 1,500 are no surer and take twice the time
_FEW = 60  # with fewer it could be many languages
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # letters that say as much as …
_WEIGHT = 3  # … so many of an alphabet
_SURE = 0.9
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|<[^>\n]*>|https?://\S+|\{[^}\n]*\}|[#*_|/\\=~-]{2,}", re.DOTALL)


def identify(text: str, languages: Sequence[str] = ()) -> str | None:
    """Return the ISO 639-1 code of a text's language, None where that is not plain.

    ``languages`` are those expected: of one alone it is taken without looking. Needs the extra ``documents``; None
    without it.
    """
    if len(languages) == 1:
        return languages[0]
    words = _CODE.sub(" ", text[: 8 * _LETTERS])[:_LETTERS]
    if sum(map(str.isalpha, words)) + (_WEIGHT - 1) * len(_DENSE.findall(words)) < _FEW:
        return None
    identifier = identifier_for(tuple(sorted(languages)))
    if identifier is None:
        return None
    code, confidence = identifier.classify(words)
    return str(code) if confidence >= _SURE else None
