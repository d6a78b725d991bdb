"""What vectors show, and what is known of the model that made them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simplugin.catalog import ModelCard
from simplugin.encoders import Encoder
from simplugin.encoders.inspector import BODIES
from simplugin.evaluation.findings import Finding
from simplugin.measures import FloatArray

__all__ = ["Translated", "collapsed_space", "dropped_head", "matched", "not_multilingual", "truncated"]

_STILL = 0.05  # standard deviation of the cosines of labelled pairs, unlike and alike ones among them
_SAID = 20  # labelled pairs from which on their spread says something
_NARROW = 0.8  # mean cosine of any two texts
_SAMPLE = 5000  # random pairs of texts
# Between all-MiniLM-L6-v2, English alone (share matched .02 to .65, ratio at most .67), and the starter (.86 to .99,
# .73 to .91), over the crossings of twelve languages of the STS benchmark.
_LOST = 0.7  # share of translations that are each other's nearest, among 500
_FAR = 0.7  # of the lower of both languages' correlation
_CHANCE = 0.3  # a share so small that the correlations, which may be low within languages too, need not be asked
_FEW = 0.02  # share of texts that may be cut without a warning


@dataclass(frozen=True, slots=True)
class Translated:
    """What two languages have with each other: ``matched`` is the share of translations that are each other's nearest.

    ``rho`` is the correlation of the crossing, None where it was not scored; ``lower`` the lower of both languages'.
    """

    name: str
    matched: float
    rho: float | None = None
    lower: float | None = None


def dropped_head(card: ModelCard) -> Finding | None:
    """Find vectors that are made from the body of a network that was trained for something else."""
    notes = [note for note in card.warnings if note in BODIES]
    if not notes:
        return None
    return Finding(
        code="dropped_head",
        severity="warning",
        message=f"{card.name}: {notes[0]} Take a model that was trained for similarity.",
        evidence={"warnings": notes},
    )


def collapsed_space(units: FloatArray, cosines: npt.ArrayLike, *, seed: int = 0) -> Finding | None:
    """Find a space in which all texts are near each other.

    ``units`` (n, dimension) are the vectors of different texts, at length 1; ``cosines`` (m,) those of labelled pairs,
    which in a sound space differ by .1 to .25. Any two texts are near each other where the mean cosine of random pairs
    is above .8, or those of the labelled ones, from 20 pairs on, differ by less than .05.
    """
    left, right = np.random.default_rng(seed).integers(0, len(units), (2, _SAMPLE))
    apart = left != right
    if not apart.any():
        return None
    random = np.einsum("nd,nd->n", units[left[apart]], units[right[apart]], dtype=np.float64)
    labelled = np.asarray(cosines, dtype=np.float64)
    mean, spread = float(random.mean()), float(np.std(labelled))
    if mean <= _NARROW and (spread >= _STILL or labelled.size < _SAID):
        return None
    return Finding(
        code="collapsed_space",
        severity="warning",
        message=(
            f"All texts are near each other (mean cosine of random pairs {mean:.3f}, standard deviation of the "
            f"labelled ones {spread:.3f}): a threshold on such scores says little, and small errors change the order."
        ),
        evidence={"mean_random": mean, "sd": spread},
    )


def matched(first: FloatArray, second: FloatArray) -> float:
    """Return the share of texts whose translation, the same row (n, dimension) of the other, is the nearest of all.

    It is the mean of both directions; the vectors have length 1.
    """
    closeness = first @ second.T
    rows = np.arange(len(closeness))
    return float(((closeness.argmax(axis=1) == rows).mean() + (closeness.argmax(axis=0) == rows).mean()) / 2)


def not_multilingual(translated: Sequence[Translated]) -> Finding | None:
    """Find languages that a model keeps apart: it does not see that a text and its translation say the same.

    Two languages are kept apart where less than 70 % of the translations are found among 500, and, where their crossing
    was scored, its correlation is under 70 % of the lower of both languages' own; or where less than 30 % are found.
    """
    apart = [each for each in translated if _are_apart(each)]
    if not apart:
        return None
    named = ", ".join(each.name for each in apart[:6]) + (", …" if len(apart) > 6 else "")
    worst = min(apart, key=lambda each: each.matched)
    return Finding(
        code="not_multilingual",
        severity="warning",
        message=(
            f"The model keeps languages apart ({named}): of {worst.name}, {worst.matched:.0%} of the translations are "
            "found. Search within one language, or take a multilingual model."
        ),
        evidence={each.name: {"matched": each.matched, "rho": each.rho, "lower_of_both": each.lower} for each in apart},
    )


def _are_apart(each: Translated) -> bool:
    if each.matched >= _LOST:
        return False
    return each.matched < _CHANCE or each.rho is None or each.lower is None or each.rho < _FAR * each.lower


def truncated(model: Encoder, texts: Sequence[str]) -> Finding | None:
    """Find texts that are longer than the model reads, and say their share: a warning from 2 % on, a note below."""
    limit = model.card.max_tokens
    if limit is None or not texts:
        return None
    prompt = model.card.prompts.query  # both sides of a pair are read as questions
    # A token is a byte or more of the text, so that most texts need no counting; twice as many for odd letters.
    long = [prompt + text for text in texts if 2 * len((prompt + text).encode()) > limit]
    cut = sum(count > limit for count in model.count_tokens(long)) if long else 0
    if not cut:
        return None
    share = cut / len(texts)
    return Finding(
        code="truncated",
        severity="warning" if share >= _FEW else "note",
        message=(
            f"{share:.1%} of the texts ({cut} of {len(texts)}) are longer than the {limit} tokens that the model "
            "reads; their ends were not seen."
        ),
        evidence={"share": share, "texts": cut, "of": len(texts), "max_tokens": limit},
    )
