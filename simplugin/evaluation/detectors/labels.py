"""What labels and texts show before any model has seen them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from simplugin.evaluation import bootstrap
from simplugin.evaluation.bootstrap import Floats
from simplugin.evaluation.datasets.sts import SCALES
from simplugin.evaluation.findings import Finding
from simplugin.evaluation.metrics.correlation import resampled_spearman, spearman
from simplugin.evaluation.pooling import clusters_of_texts

__all__ = ["class_labels", "inverted_overlap", "labels_out_of_range", "overlap"]

_FEW = 3  # different whole numbers that are names of classes rather than degrees
_SAID = 10  # labels from which on it can be told that there are no others
_LINES = 5  # lines that are named
_SAMPLE = 2000  # pairs whose texts are compared: the interval is then some .04 to either side
_DRAWS = 500
_INVERTED = -0.1  # shuffled labels give -.02, those of classes in the wrong order -.47, sound ones .5


def labels_out_of_range(name: str, labels: npt.ArrayLike, *, lines: Sequence[int] = ()) -> Finding | None:
    """Find labels that are on none of the usual scales, 0 to 1, -1 to 1 and 0 to 5.

    ``name`` is that of the data, for the message; ``lines`` (n,) are those of the file, and the first whose label is
    outside 0 to 5 are named.
    """
    values = np.asarray(labels, dtype=np.float64)
    low, high = float(values.min()), float(values.max())
    if any(bottom <= low and high <= top for bottom, top in SCALES):
        return None
    bottom, top = SCALES[-1]
    outside = np.flatnonzero((values < bottom) | (values > top))
    evidence = {"low": low, "high": high, "expected": [bottom, top], "outside": len(outside)}
    where = ""
    if lines:
        evidence["lines"] = [lines[place] for place in outside[:_LINES]]
        where = f", first on line {lines[outside[0]]}"
    return Finding(
        code="labels_out_of_range",
        severity="warning",
        message=(
            f"{name}: the labels go from {low:g} to {high:g}, and {len(outside)} of {len(values)} are outside "
            f"{bottom:g} to {top:g}{where}; correct them, or give their scale, --scale {low:g}-{high:g}."
        ),
        evidence=evidence,
    )


def class_labels(name: str, labels: npt.ArrayLike, *, scale_given: bool = False) -> Finding | None:
    """Find numbers of classes that were taken for degrees: at most three different labels, all of them whole.

    Where the scale was given, people said that they are degrees, and the finding is a note.
    """
    values, counts = np.unique(np.asarray(labels, dtype=np.float64), return_counts=True)
    whole = bool((values == np.round(values)).all())
    if not whole or len(values) > _FEW or counts.sum() < _SAID:
        return None
    named = [f"{value:g}" for value in values]
    return Finding(
        code="class_labels",
        severity="note" if scale_given else "error",
        message=(
            f"{name}: the labels {', '.join(named)} look like numbers of classes, which are no degrees of likeness. "
            "Say by name which similarity each class stands for, such as entailment 1, neutral 0.5, contradiction 0, "
            "and write those as labels."
        ),
        evidence={"classes": dict(zip(named, counts.tolist(), strict=True))},
    )


def inverted_overlap(
    name: str, first: Sequence[str], second: Sequence[str], labels: npt.ArrayLike, *, seed: int = 0
) -> Finding | None:
    """Find labels that fall where the wording of the two texts is closer.

    People's labels of similarity rise with the letters that two texts share, in each of the languages of the STS
    benchmark (Spearman .5 to .65). Labels below -.1, with a 95 % interval below 0, say how unlike texts are.
    """
    values = np.asarray(labels, dtype=np.float64)
    places = list(range(len(values)))
    if len(values) > _SAMPLE:
        places = sorted(np.random.default_rng(seed).permutation(len(values))[:_SAMPLE].tolist())
    left, right, chosen = [first[place] for place in places], [second[place] for place in places], values[places]
    shared = np.array([overlap(a, b) for a, b in zip(left, right, strict=True)])
    if len(chosen) < 2 or np.ptp(shared) == 0 or np.ptp(chosen) == 0:
        return None
    rho = spearman(shared, chosen)
    if rho >= _INVERTED:
        return None
    found = _interval(shared, chosen, left, right, seed)
    if found is None or found[1] >= 0:
        return None
    return Finding(
        code="inverted_polarity",
        severity="error",
        message=(
            f"{name}: the closer the wording of two texts, the lower their label (Spearman {rho:.2f}, 95 % "
            f"{found[0]:.2f} to {found[1]:.2f}): the labels seem to say how unlike the texts are. Turn them round."
        ),
        evidence={"of": "overlap", "rho": rho, "ci95": list(found), "rho_aligned": -rho, "pairs": len(chosen)},
    )


def overlap(first: str, second: str) -> float:
    """Return the share of pairs of neighbouring letters that two texts have in common, in [0, 1] (Jaccard's index).

    Capital letters count as small ones; two texts without such a pair share nothing.
    """
    left, right = _bigrams(first), _bigrams(second)
    together = len(left | right)
    return len(left & right) / together if together else 0.0


def _bigrams(text: str) -> set[str]:
    letters = text.casefold()
    return {letters[place : place + 2] for place in range(len(letters) - 1)}


def _interval(
    shared: Floats, labels: Floats, first: Sequence[str], second: Sequence[str], seed: int
) -> bootstrap.Interval | None:
    drawn = bootstrap.resample(
        lambda taken: {"rho": resampled_spearman(shared, labels, taken)},
        clusters_of_texts(first, second),
        draws=_DRAWS,
        seed=seed,
    )
    return bootstrap.interval(drawn["rho"])
