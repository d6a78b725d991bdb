"""What the scores of a model show."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simplugin.evaluation.bootstrap import Interval
from simplugin.evaluation.findings import Finding

__all__ = ["inverted_scores", "random_head"]

_STILL = 0.05  # standard deviation of scores in [0, 1] that say nothing
_AROUND = 0.15  # from 0.5, where a head of small random numbers has its scores
_UNRELATED = 0.2


def inverted_scores(rho: float | None, ci95: Interval | None) -> Finding | None:
    """Find scores that fall where the labels rise: a correlation whose 95 % interval is below 0.

    The figure itself is never turned round; ``rho_aligned`` of the evidence is what it would be.
    """
    if rho is None or ci95 is None or ci95[1] >= 0:
        return None
    return Finding(
        code="inverted_polarity",
        severity="error",
        message=(
            f"The scores fall where the labels rise ({rho:.2f}, 95 % {ci95[0]:.2f} to {ci95[1]:.2f}): the labels, or "
            f"the model, have likeness upside down. Turned round, it would be {-rho:.2f}."
        ),
        evidence={"of": "scores", "rho": rho, "ci95": list(ci95), "rho_aligned": -rho},
    )


def random_head(scores: npt.ArrayLike, rho: float | None) -> Finding | None:
    """Find a pair model that never learned: its scores (n,) hardly vary around 0.5, and do not follow the labels.

    That is what sentence-transformers gives where it fills a missing head with random numbers.
    """
    values = np.asarray(scores, dtype=np.float64)
    mean, spread = float(values.mean()), float(values.std())
    if spread >= _STILL or abs(mean - 0.5) > _AROUND or (rho is not None and rho > _UNRELATED):
        return None
    return Finding(
        code="random_head",
        severity="error",
        message=(
            f"The scores hardly vary (mean {mean:.3f}, standard deviation {spread:.3f}) and do not follow the labels: "
            "the head of this model seems to be random. Open a checkpoint that was trained on pairs."
        ),
        evidence={"mean": mean, "sd": spread, "rho": rho},
    )
