"""Pairs to judge by, from wherever they come: files, pairs at hand, several by language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, cast

from simplugin.errors import DataError
from simplugin.evaluation.datasets.sts import SCALE, LabelledPair, Pairs, check_scale, read_sts, rescaled

__all__ = ["Labelled", "PairSource", "as_pair", "read_pair_sources"]

Labelled: TypeAlias = str | Path | Iterable[LabelledPair | tuple[str, str, float]]
PairSource: TypeAlias = Labelled | Mapping[str, Labelled] | Sequence[Pairs]
"""A file of labelled pairs, or the pairs; several by language; or files that were read before."""


def read_pair_sources(
    data: PairSource, *, scale: tuple[float, float] | None = None, strict: bool = True
) -> tuple[Pairs, ...]:
    """Read labelled pairs; of a file whose pairs name languages of their own, those of each become a set.

    ``scale`` is that of the labels; where it is None it is found in files, and labels at hand stay as they are. Not
    ``strict``, files are read whose scale cannot be found: see ``read_sts``. Raises ``DataError`` for a broken file,
    for labels outside the scale, and where there are no pairs; ``TypeError`` for what is no pair; ``ValueError`` for
    what is no scale.
    """
    check_scale(scale)
    sets = [each for language, source in _by_name(data) for each in _sets(source, language, scale, strict)]
    if not sets or not all(each.pairs for each in sets):
        raise DataError("There are no pairs to judge by.")
    return tuple(part for each in sets for part in _by_language(each))


def _by_name(data: PairSource) -> Iterator[tuple[str | None, Labelled | Sequence[Pairs]]]:
    if isinstance(data, Mapping):
        yield from cast("Mapping[str, Labelled]", data).items()
    else:
        yield None, data


def _sets(
    source: Labelled | Sequence[Pairs], language: str | None, scale: tuple[float, float] | None, strict: bool
) -> list[Pairs]:
    if isinstance(source, str | Path):
        return [read_sts(source, scale=scale, language=language, strict=strict)]
    listed = list(source)
    files = [each for each in listed if isinstance(each, Pairs)]
    loose = [each for each in listed if not isinstance(each, Pairs)]
    pairs = tuple(as_pair(each, scale) for each in loose)
    found = Pairs(language or "pairs", language, pairs, scale or SCALE, scale_given=scale is not None)
    return [*files, found] if pairs else files


def as_pair(given: LabelledPair | tuple[str, str, float], scale: tuple[float, float] | None = None) -> LabelledPair:
    """Return a pair at hand, its label brought from the scale to 0 to 5; without one it stays as it is.

    Raises ``TypeError`` for what is no pair, ``DataError`` for a label outside the scale.
    """
    pair = given if isinstance(given, LabelledPair) else _pair(given)
    if scale is None:
        return pair
    low, high = scale
    if not low <= pair.label <= high:
        raise DataError(f"The label {pair.label:g} is outside {low:g} to {high:g}; give the scale of the labels.")
    return pair if scale == SCALE else rescaled(pair, low, high)


def _pair(given: tuple[str, str, float]) -> LabelledPair:
    try:
        first, second, label = given
        return LabelledPair(first, second, float(label))
    except (TypeError, ValueError) as error:
        message = f"A labelled pair is two texts and a number, such as ('a cat', 'a kitten', 4.5); got {given!r}."
        raise TypeError(message) from error


def _by_language(given: Pairs) -> list[Pairs]:
    languages = dict.fromkeys(pair.language for pair in given.pairs)
    if len(languages) < 2:
        return [replace(given, language=next(iter(languages)) or given.language)]
    return [_only(given, language) for language in languages]


def _only(given: Pairs, language: str | None) -> Pairs:
    """Return the pairs in one language."""
    places = [place for place, pair in enumerate(given.pairs) if pair.language == language]
    return replace(
        given,
        name=f"{given.name}-{language}" if language else given.name,
        language=language,
        pairs=tuple(given.pairs[place] for place in places),
        lines=tuple(given.lines[place] for place in places) if given.lines else (),
    )
