"""What is wrong with labelled data and with models, looked for with every detector that fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from simplugin.encoders import Encoder
from simplugin.evaluation.bootstrap import Floats, Ints
from simplugin.evaluation.datasets import Pairs
from simplugin.evaluation.datasets.pair_sources import PairSource, read_pair_sources
from simplugin.evaluation.detectors import (
    Translated,
    class_labels,
    collapsed_space,
    dropped_head,
    inverted_overlap,
    labels_out_of_range,
    matched,
    not_multilingual,
    random_head,
    truncated,
)
from simplugin.evaluation.findings import Finding
from simplugin.evaluation.judged import Embeddings, is_encoder
from simplugin.evaluation.plans import Plan, Planned, aligned
from simplugin.measures import FloatArray

__all__ = ["Space", "inspect_labels", "inspect_pairs", "inspect_scores", "inspect_space"]

_TRANSLATIONS = 500  # texts among which a translation is looked for
_TOO_FEW = 20
_DIGITS = 9  # that a label keeps when it is brought back to its own scale


@dataclass(frozen=True, slots=True)
class Space:
    """The vectors (n, dimension) of different texts, at length 1, and the place of each text."""

    places: Mapping[str, int]
    units: FloatArray

    def at(self, texts: Sequence[str]) -> Ints:
        """Return the places (n,) of texts."""
        return np.array([self.places[text] for text in texts], dtype=np.int64)


def inspect_pairs(data: PairSource, *, scale: tuple[float, float] | None = None) -> tuple[Finding, ...]:
    """Say what is wrong with labelled pairs, without any model: labels out of range, classes, labels upside down.

    ``data`` and ``scale`` are as in ``evaluate_similarity``. Raises ``DataError`` for a broken file, with its line.
    """
    sets = read_pair_sources(data, scale=scale, strict=False)
    return tuple(finding for each in sets for finding in inspect_labels(each))


def inspect_labels(pairs: Pairs) -> tuple[Finding, ...]:
    """Say what is wrong with the labels of one file, in the file's own scale."""
    name = pairs.file.name if pairs.file is not None else pairs.language or pairs.name
    low, high = pairs.scale
    labels = np.array([pair.label for pair in pairs.pairs])
    own = np.round(low + labels * (high - low) / 5, _DIGITS)
    found = (
        None if pairs.scale_given else labels_out_of_range(name, own, lines=pairs.lines),
        class_labels(name, own, scale_given=pairs.scale_given),
        inverted_overlap(name, [pair.first for pair in pairs.pairs], [pair.second for pair in pairs.pairs], own),
    )
    return _given(found)


def inspect_scores(scores: Sequence[Floats], rhos: Mapping[str, float | None]) -> tuple[Finding, ...]:
    """Say what is wrong with a pair model, from its scores of each file and what correlates best of them."""
    best = max((rho for rho in rhos.values() if rho is not None), default=None)
    return _given([random_head(np.concatenate(scores), best)])


def inspect_space(
    model: Encoder | Embeddings, plan: Plan, space: Space, cosines: Floats, rhos: Mapping[str, float | None]
) -> tuple[Finding, ...]:
    """Say what is wrong with a model, from its card, its vectors and how long the texts are.

    ``cosines`` are those of the labelled pairs in one language, ``rhos`` the correlations by part.
    """
    with_card = (dropped_head(model.card), truncated(model, list(space.places))) if is_encoder(model) else ()
    return _given(
        [
            *with_card,
            collapsed_space(space.units, cosines),
            not_multilingual(list(_translated(plan, space, rhos))),
        ]
    )


def _given(found: Sequence[Finding | None]) -> tuple[Finding, ...]:
    return tuple(finding for finding in found if finding is not None)


def _translated(plan: Plan, space: Space, rhos: Mapping[str, float | None]) -> Iterator[Translated]:
    """Look at the first files of every two languages that hold the same pairs."""
    first: dict[str, Planned] = {}
    for part in plan.straight:
        first.setdefault(part.languages[0], part)
    for left, right in combinations(first.values(), 2):
        rows = _different(left, right) if aligned(left, right) else []
        if len(rows) < _TOO_FEW:
            continue
        sides = (space.units[space.at([part.first[row] for row in rows])] for part in (left, right))
        one, other = left.languages[0], right.languages[0]
        across = [rho for name in (f"{one}-{other}", f"{other}-{one}") if (rho := rhos.get(name)) is not None]
        alone = [rho for part in (left, right) if (rho := rhos[part.name]) is not None]
        yield Translated(
            f"{one}-{other}", matched(*sides), float(np.mean(across)) if across else None, min(alone, default=None)
        )


def _different(left: Planned, right: Planned) -> list[int]:
    """Return rows whose first texts are different ones in both languages, as many as are looked at."""
    rows: list[int] = []
    seen: set[str] = set()
    order: list[int] = np.random.default_rng(0).permutation(len(left.labels)).tolist()
    for row in order:
        texts = {left.first[row], right.first[row]}
        if seen.isdisjoint(texts):
            rows.append(row)
            seen |= texts
        if len(rows) == _TRANSLATIONS:
            break
    return rows
