"""Which questions are asked: of each set, and across languages, beside the documents of other sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import TypeAlias

from simplugin.errors import DataError
from simplugin.evaluation.bootstrap import Ints, cluster
from simplugin.evaluation.datasets.retrieval import RetrievalSet, merge, read_retrieval, translate, widen
from simplugin.evaluation.sections import part_names

__all__ = ["Asked", "RetrievalSource", "plan", "read_sources"]

RetrievalSource: TypeAlias = (
    str | Path | RetrievalSet | Mapping[str, str | Path | RetrievalSet] | Sequence[RetrievalSet]
)
"""A set, or what ``read_retrieval`` reads; several by language, or that were read before."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A set under its section's name, and that by which its threshold is fitted; ``shown`` texts go into the items."""

    questions: RetrievalSet
    dev: RetrievalSet | None
    clusters: Ints
    shown: bool

    @classmethod
    def of(cls, questions: RetrievalSet, dev: RetrievalSet | None, *, shown: bool) -> Asked:
        """Return what is asked, queries that share a text or a document in one cluster."""
        groups: dict[str, list[int]] = {}
        for number, (query, text) in enumerate(questions.queries.items()):
            for each in (text, *(questions.documents[document] for document in questions.judgements[query])):
                groups.setdefault(each, []).append(number)
        return cls(questions, dev, cluster(list(groups.values()), len(questions.queries)), shown)


def read_sources(source: RetrievalSource | None) -> tuple[RetrievalSet, ...]:
    """Read sets for retrieval; None are none. Raises ``DataError``; see ``read_retrieval``."""
    if source is None:
        return ()
    if isinstance(source, RetrievalSet):
        return (source,)
    if isinstance(source, str | Path):
        return (read_retrieval(source),)
    if isinstance(source, Mapping):
        return tuple(
            each if isinstance(each, RetrievalSet) else read_retrieval(each, language=language)
            for language, each in source.items()
        )
    return tuple(source)


def plan(
    sets: Sequence[RetrievalSet], dev: Sequence[RetrievalSet], corpus: Sequence[RetrievalSet], *, cross: bool
) -> Iterator[Asked]:
    """Give what is asked of each language, and of each direction.

    Raises ``DataError`` for sets that do not go together.
    """
    _check(sets, dev, corpus, cross=cross)
    fitted = {each.language: each for each in dev}
    more = {each.language: [one for one in corpus if one.language == each.language] for each in sets}
    names = part_names([each.language or each.name for each in sets], [each.name for each in sets], what="sets")
    for name, each in zip(names, sets, strict=True):
        tuned = fitted.get(each.language)
        questions = replace(merge(widen(each, more[each.language])), name=name)
        yield Asked.of(questions, None if tuned is None else merge(tuned), shown=True)
    for one, other in permutations(sets, 2) if cross else ():
        name = f"{one.language}-{other.language}"
        both = fitted.get(one.language), fitted.get(other.language)
        tuned = None if both[0] is None or both[1] is None else translate(both[0], both[1], name)
        questions = translate(one, other, name, more=(more[one.language], more[other.language]))
        yield Asked.of(merge(questions), None if tuned is None else merge(tuned), shown=False)


def _check(
    sets: Sequence[RetrievalSet], dev: Sequence[RetrievalSet], corpus: Sequence[RetrievalSet], *, cross: bool
) -> None:
    """Raise ``DataError`` for sets that do not go together."""
    if not sets:
        raise DataError("There is nothing to judge by.")
    if len({each.graded for each in sets}) > 1:
        raise DataError("STS files and other sets have different main scores; judge each kind by itself.")
    if not all(each.graded for each in (*sets, *dev)) and dev:
        raise DataError("A dev set fits a threshold, and only the labels of STS files, in data and dev, give one.")
    languages = [each.language for each in sets]
    for word, given in (("dev", dev), ("corpus", corpus)):
        for each in given:
            if each.language not in languages:
                language = "no language" if each.language is None else repr(each.language)
                raise DataError(f"The {word} set {each.name!r} is in {language}, and none of the data is.")
    if len({each.language for each in dev}) < len(dev):
        raise DataError("Two dev sets are in one language; give one for each.")
    if cross and (len(set(languages)) < max(2, len(sets)) or None in languages):
        raise DataError("A crossing needs one set in each of two or more languages, such as en=en.csv de=de.csv.")
